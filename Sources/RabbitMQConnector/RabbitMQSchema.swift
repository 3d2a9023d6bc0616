import ChainIO
import ChainProgram

extension RabbitMQConnector {
  static let rabbitMQSchema = ConnectorSchema(
    kind: "amqp", title: "RabbitMQ", addressSchemes: ["amqp"], accessLevels: ["inspect", "publish", "consume"], connectionKeys: [ReconnectLimiter.key] + serverViewKeys,
    defaultPool: 1, verbs: [publish, peek, consume, queue], observers: [tap, stream], serverView: serverView)

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
    alternatives: [KeyAlternatives(["json", "text"], isRequired: true)],
    result: [
      ResultMember(
        "routed", .bool, .routed, summary: "False when a mandatory message was returned because no queue would have got it; else true.")
    ],
    effect: { _ in .writes }, method: { _ in "PUBLISH" })

  private static let messages = ResultMember(
    "messages", .messages, .messages,
    summary: "The messages, oldest first: 'messages.size', and of 'messages[0]' its 'key', 'text', 'json' and 'headers[\"NAME\"]'.")

  private static let peek = VerbSchema(
    name: "peek", operand: .text,
    summary: """
      Looks at the oldest messages of the queue named: takes them and gives them all back to their places, which marks them redelivered. \
      Not for measuring: while they are held, nobody else sees them.
      """,
    keys: [
      KeySchema(
        "max", .integer, summary: "How many messages at most, from 1 to 10 000; 10 if not given. Fewer come if the queue has fewer."),
      KeySchema(
        "accept_redelivery", .flag,
        summary: """
          Looks even into a queue that has consumers or a delivery limit (quorum queues), and into one whose kind the broker does not tell; \
          without it, such a queue is refused. Telling the kind needs the permission to configure the queue.
          """),
    ],
    result: [messages], effect: { _ in .reads }, method: { _ in "PEEK" })

  private static let consume = VerbSchema(
    name: "consume", operand: .text,
    summary: """
      Takes the oldest messages of the queue named and acknowledges them together; needs 'access: consume'. No message is an ordinary result. \
      If the connection is lost during the acknowledgement, the outcome is unknown.
      """,
    keys: [
      KeySchema(
        "max", .integer, summary: "How many messages at most, from 1 to 10 000; 10 if not given. Fewer come if the queue has fewer."),
      KeySchema(
        "wait", .duration,
        summary: """
          How long to wait for the first message; 0 if not given. The queue is asked again and again, at most 20 ms apart. Shorter than the \
          step's timeout.
          """),
    ],
    result: [messages], effect: { _ in .consumes }, method: { _ in "CONSUME" })

  private static let queue = VerbSchema(
    name: "queue", operand: .text,
    summary:
      "Asks how many messages and consumers the queue named has; takes nothing. The step fails with code 404 if there is no such queue.",
    keys: [],
    result: [
      ResultMember(
        "depth", .int, .reply, prefix: [.index(0)],
        summary: "Messages ready to be taken, without those that consumers hold; of quorum queues and streams the figure lags by seconds."),
      ResultMember("consumers", .int, .reply, prefix: [.index(1)], summary: "Consumers of the queue."),
    ],
    effect: { _ in .reads }, method: { _ in "QUEUE" })

  private static let tap = ObserverSchema(
    name: "tap", operand: .text,
    summary: "Sees every message that the exchange routes, through a temporary queue of its own that takes nothing from others.",
    keys: [
      KeySchema(
        "routing_key", .text,
        summary:
          "Which messages: a routing key, or for a topic exchange a pattern with '*' for one word and '#' for any number; all if not given."
      ),
      KeySchema("routing_keys", .wordList([]), summary: "Several routing keys or patterns, one binding for each."),
      KeySchema("headers", .textMap, summary: "For a headers exchange: which messages, by their headers; all if not given."),
      KeySchema("match", .choice(["all", "any"]), summary: "Whether all of 'headers' must fit (the default) or any."),
    ],
    result: [
      ResultMember("key", .string, .key, summary: "The message's routing key."),
      ResultMember("json", .json, .json, summary: "The body read as JSON; an error if it is not JSON."),
      ResultMember("text", .string, .text, summary: "The body as text."),
      ResultMember("headers", .map(.untyped), .headers, summary: "The message's headers by name; nested tables and lists are left out."),
    ],
    showsMessages: true, refusal: ExchangeTap.refusal)

  private static let stream = ObserverSchema(
    name: "stream", operand: .text,
    summary: """
      Reads the stream queue named from its end on, by offset; takes nothing from others, and goes on where it was after a loss. Nothing \
      proves how late a message came in, so the lower bound is when it was sent.
      """,
    keys: [],
    result: [
      ResultMember("key", .string, .key, summary: "The message's routing key."),
      ResultMember("json", .json, .json, summary: "The body read as JSON; an error if it is not JSON."),
      ResultMember("text", .string, .text, summary: "The body as text."),
      ResultMember("headers", .map(.untyped), .headers, summary: "The message's headers by name; nested tables and lists are left out."),
    ],
    showsMessages: true)
}
