import ChainProgram

extension RabbitMQConnector {
  /// What RabbitMQ tells about itself. Depth and consumers of a queue come from a passive declaration; everything else only over the
  /// management plugin's HTTP API.
  static let serverView = ServerViewSchema(
    figures: [
      ServerFigure("blocked_connections", .count, .gauge, .pressure, "Connections of this chain that the broker has told to stop publishing."),
      ServerFigure("memory_alarm", .count, .gauge, .pressure, "Nodes that take no publishes for lack of memory (management API)."),
      ServerFigure("disk_alarm", .count, .gauge, .pressure, "Nodes that take no publishes for lack of disk (management API)."),
      ServerFigure("memory", .bytes, .gauge, .state, "Memory of all nodes (management API)."),
      ServerFigure("disk_free", .bytes, .gauge, .state, "The least free disk of a node (management API)."),
      ServerFigure("connections", .count, .gauge, .state, "Connections that the user may see (management API)."),
      ServerFigure("channels", .count, .gauge, .state, "Channels that the user may see (management API)."),
      ServerFigure("ready", .count, .gauge, .pressure, "Messages ready in all queues that the user may see (management API)."),
      ServerFigure("unacknowledged", .count, .gauge, .pressure, "Messages that consumers hold, in all these queues (management API)."),
      ServerFigure("published", .count, .counter, .work, plot: "messages", "Messages published (management API)."),
      ServerFigure("delivered", .count, .counter, .work, plot: "messages", "Messages delivered or got (management API)."),
      ServerFigure("acknowledged", .count, .counter, .work, plot: "messages", "Messages acknowledged by their consumers (management API)."),
      ServerFigure("redelivered", .count, .counter, .pressure, "Messages delivered again (management API)."),
    ],
    objects: ServerObjects(
      noun: "queue",
      figures: [
        ServerFigure("depth", .count, .gauge, .pressure, plot: "queue depth", "Messages ready to be taken; of quorum queues and streams the figure lags by seconds."),
        ServerFigure("consumers", .count, .gauge, .state, "Consumers of the queue."),
        ServerFigure("unacknowledged", .count, .gauge, .pressure, "Messages that consumers hold (management API)."),
        ServerFigure("published", .count, .counter, .work, "Messages that came into the queue (management API)."),
        ServerFigure("delivered", .count, .counter, .work, "Messages delivered or got (management API)."),
        ServerFigure("acknowledged", .count, .counter, .work, "Messages acknowledged (management API)."),
        ServerFigure("redelivered", .count, .counter, .pressure, "Messages delivered again (management API)."),
      ],
      names: queueNames))

  /// Queues to look at: of the connection's `queues`, of steps that look into queues or publish to one by the default exchange, and of hops
  /// that read one. Names that are made of expressions are not known before the run.
  @Sendable static func queueNames(_ verb: String, _ operands: [(name: String, value: OperandTemplate)]) -> [String] {
    func literal(_ name: String) -> String? {
      for operand in operands where operand.name == name {
        if case .text(let template) = operand.value { return template.literal }
      }
      return nil
    }
    switch verb {
    case "":
      for operand in operands where operand.name == "queues" {
        if case .wordList(let names) = operand.value { return names }
      }
      return []
    case "queue", "peek", "consume", "stream": return literal(verb).map { [$0] } ?? []
    case "publish": return literal("publish") == "" ? literal("routing_key").map { $0.isEmpty ? [] : [$0] } ?? [] : []
    default: return []
    }
  }

  /// Keys of a connection that say what to look at.
  static let serverViewKeys = [
    KeySchema(
      "queues", .wordList([]),
      summary: "Queues whose depth is looked at each second, beside those that steps and hops name."),
    KeySchema(
      "management", .text,
      summary: """
        Address of the management plugin's HTTP API, such as 'http://localhost:15672'; without it, port 15672 of the broker's host is tried. \
        'off' for neither.
        """),
  ]
}
