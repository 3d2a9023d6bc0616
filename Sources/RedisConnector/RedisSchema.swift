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
              "how", .choice(["auto", "tracking", "keyspace", "poll"]),
              summary: """
                How changes are noticed: 'auto', if not given, is the first of the others that the server and its permissions allow. \
                'tracking' needs no configuration of the server; 'keyspace' counts repeated writes, and only works where the server has \
                keyspace events on; 'poll' looks at the key that 'at' says.
                """),
            KeySchema("every", .duration, summary: "Polls with this pause, which is else 5 % of an event's age within 1 ms and 250 ms."),
            KeySchema(
              "at", .place,
              summary: """
                The key of one event, such as 'order:${id}': what polling looks at, and what is looked at once after the connection was lost.
                """),
          ],
          result: [
            ResultMember("key", .string, .key, summary: "The key that changed."),
            ResultMember("text", .string, .text, summary: "Its value, as text."),
            ResultMember("json", .json, .json, summary: "Its value, read as JSON."),
          ],
          blindness: { operands in
            (try? WatchedKeys(operands, readsContent: true).way) == .poll ? "looks for each event until it has seen it, and not again" : nil
          },
          refusal: { operands in
            do throws(ObserverRefusal) {
              _ = try WatchedKeys(operands, readsContent: true)
              return nil
            } catch {
              return error
            }
          })
      ])
  }
}
