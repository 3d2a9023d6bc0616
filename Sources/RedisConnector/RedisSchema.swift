import ChainIO
import ChainProgram

extension ConnectorSchema {
  /// How chains speak to Redis.
  static var redis: ConnectorSchema {
    ConnectorSchema(
      kind: "redis", title: "Redis", addressSchemes: ["redis", "rediss"], accessLevels: ["read", "write"],
      connectionKeys: [ReconnectLimiter.key],
      defaultPool: 1,
      verbs: [
        VerbSchema(
          name: "redis", operand: .words,
          summary: "Sends one command; every word, and every '${…}' whatever it holds, is one argument.",
          keys: [],
          result: [
            ResultMember("reply", .untyped, .reply, summary: "The server's reply: text, an integer, null, or a list of these.")
          ],
          effect: RedisCommandTable.effect(ofCommandIn:), method: RedisCommandTable.method(ofCommandIn:),
          refusal: RedisCommandTable.refusal(ofCommandIn:))
      ],
      observers: [
        ObserverSchema(
          name: "watch", operand: .text,
          summary: "Sees every change of the keys that match a pattern such as 'order:*', pushed by the server.",
          keys: [
            KeySchema(
              "how", .choice(["tracking", "keyspace", "poll"]),
              summary:
                "How changes are noticed; 'tracking' needs no configuration of the server and is what is used when this is not given."),
            KeySchema("every", .duration, summary: "Polls with this interval instead of being told of changes."),
          ],
          result: [
            ResultMember("key", .string, .key, summary: "The key that changed."),
            ResultMember("text", .string, .text, summary: "Its value, as text."),
            ResultMember("json", .json, .json, summary: "Its value, read as JSON."),
          ])
      ])
  }
}
