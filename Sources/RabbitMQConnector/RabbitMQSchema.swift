import ChainProgram

extension RabbitMQConnector {
  static let rabbitMQSchema = ConnectorSchema(
    kind: "amqp", title: "RabbitMQ", addressSchemes: ["amqp"], accessLevels: ["inspect", "publish", "consume"], connectionKeys: [],
    defaultPool: 1, verbs: [publish], observers: [tap])

  private static let publish = VerbSchema(
    name: "publish", operand: .text,
    summary: "Publishes one message to the exchange named ('' is the default exchange) and waits for the broker's confirm.",
    keys: [
      KeySchema("routing_key", .text, summary: "The routing key; empty if not given."),
      KeySchema("json", .json, summary: "The body as a JSON value; give either this or 'text'."),
      KeySchema("text", .text, summary: "The body as text; give either this or 'json'."),
      KeySchema("headers", .textMap, summary: "Headers of the message, all of them text."),
      KeySchema(
        "confirm", .flag,
        summary: "Whether the step ends with the broker's confirm (the default) or as soon as the message was handed to the network."),
      KeySchema(
        "mandatory", .flag,
        summary: "Whether the step fails with code 312 when the exchange routes the message to no queue; false by default."),
      KeySchema("persistent", .flag, summary: "Whether durable queues keep the message on disk; true by default."),
      KeySchema("message_id", .text, summary: "The message's 'message_id' property, at most 255 bytes."),
      KeySchema(
        "content_type", .text, summary: "The message's 'content_type' property; 'application/json' or 'text/plain' if not given."),
    ],
    result: [
      ResultMember(
        "routed", .bool, .routed, summary: "False when a mandatory message was returned because no queue would have got it; else true.")
    ],
    effect: { _ in .writes }, method: { _ in "PUBLISH" })

  private static let tap = ObserverSchema(
    name: "tap", operand: .text,
    summary: "Sees every message that the exchange routes, through a temporary queue of its own that takes nothing from others.",
    keys: [
      KeySchema(
        "routing_key", .text,
        summary:
          "Which messages: a routing key, or for a topic exchange a pattern with '*' for one word and '#' for any number; '#' if not given."
      )
    ],
    result: [
      ResultMember("key", .string, .key, summary: "The message's routing key."),
      ResultMember("json", .json, .json, summary: "The body read as JSON; an error if it is not JSON."),
      ResultMember("text", .string, .text, summary: "The body as text."),
      ResultMember("headers", .map(.untyped), .headers, summary: "The message's headers by name; nested tables and lists are left out."),
    ])
}
