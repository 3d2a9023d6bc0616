import ChainIO
import ChainProgram
internal import LosslessJSON

/// Where the management plugin is asked.
enum ManagementPlan {
  /// The chain does not want it.
  case off
  case address(Endpoint, display: String)
  case impossible(String)

  static let portDefault: UInt16 = 15672

  /// - Parameter option: The connection's key; without it the broker's own host is tried. Resolves names, so it blocks.
  init(_ option: OperandTemplate?, address: BrokerAddress) {
    var text: String?
    if case .text(let template)? = option { text = template.literal }
    guard text != "off" else {
      self = .off
      return
    }
    do throws(OperationError) {
      guard let text else {
        let display = address.host.contains(":") ? "[\(address.host)]:\(ManagementPlan.portDefault)" : "\(address.host):\(ManagementPlan.portDefault)"
        self = .address(try Endpoint.resolve(host: address.host, port: ManagementPlan.portDefault), display: display)
        return
      }
      let url = try ServiceURL(text, defaultPorts: ["http": ManagementPlan.portDefault, "https": 15671])
      guard url.scheme == "http" else {
        self = .impossible("TLS to the management API is not supported yet")
        return
      }
      self = .address(try Endpoint.resolve(host: url.host, port: url.port), display: url.displayAddress)
    } catch {
      self = .impossible(error.message)
    }
  }
}

/// Asks the management plugin for what AMQP does not tell: alarms, unacknowledged messages, and what was counted.
///
/// The plugin's own figures are up to five seconds old, so it is asked every fifth second. The password goes only to what has said that it is
/// RabbitMQ's management (the realm that it asks for a login with).
final class ManagementProbe: ServerProbe {
  let periodSeconds: UInt64 = 5
  private let plan: ManagementPlan
  private let reactor: Reactor
  private let address: BrokerAddress
  private let queues: [ProbedQueue]
  private var request: PlainRequest?
  private var completion: ((ServerReading) -> Void)?
  private var reading = ServerReading()
  private var deadline: UInt64 = 0
  private var isRecognized = false
  private var paths: [Path] = []

  private enum Path {
    case overview
    case nodes
    case queue(ProbedQueue)
  }

  static let serverFigures = [
    "memory_alarm", "disk_alarm", "memory", "disk_free", "connections", "channels", "ready", "unacknowledged", "published", "delivered", "acknowledged",
    "redelivered",
  ]

  init(plan: ManagementPlan, address: BrokerAddress, queues: [ProbedQueue], reactor: Reactor) {
    self.plan = plan
    self.address = address
    self.queues = queues
    self.reactor = reactor
  }

  private var allFigures: [String] {
    ManagementProbe.serverFigures
      + queues.flatMap { queue in ["unacknowledged", "published", "delivered", "acknowledged", "redelivered"].map { queue.prefix + $0 } }
  }

  func look(deadline: UInt64, completion: @escaping (ServerReading) -> Void) {
    precondition(self.completion == nil, "a probe is asked one thing at a time")
    self.completion = completion
    self.deadline = deadline
    reading = ServerReading()
    switch plan {
    case .off: giveUp("the connection says 'management: off'")
    case .impossible(let reason): giveUp(reason)
    case .address(let endpoint, let display):
      if isRecognized { return askAll(endpoint, display) }
      ask(endpoint, display, "/api/overview", isAuthorized: false) { [unowned self] answer in
        guard answer.status == 401, answer.header.lowercased().contains("realm=\"rabbitmq management\"") else {
          return giveUp("what answers at \(display) does not say that it is RabbitMQ's management")
        }
        isRecognized = true
        askAll(endpoint, display)
      }
    }
  }

  func drop() {
    completion = nil
    request?.cancel()
    request = nil
  }

  func close() { drop() }

  /// Nothing can be asked here for the whole run.
  private func giveUp(_ reason: String) {
    reading.isOver = true
    reading.limits = [ServerReading.Limit(allFigures, reason)]
    end()
  }

  private func end() {
    request = nil
    let completion = completion
    self.completion = nil
    completion?(reading)
  }

  private func askAll(_ endpoint: Endpoint, _ display: String) {
    paths = [.overview, .nodes] + queues.map { .queue($0) }
    askNext(endpoint, display)
  }

  private func askNext(_ endpoint: Endpoint, _ display: String) {
    guard let path = paths.first else { return end() }
    paths.removeFirst()
    let text =
      switch path {
      case .overview: "/api/overview"
      case .nodes: "/api/nodes?columns=name,mem_used,mem_alarm,disk_free,disk_free_alarm"
      case .queue(let queue): "/api/queues/\(ManagementProbe.encoded(address.virtualHost))/\(ManagementProbe.encoded(queue.name))"
      }
    ask(endpoint, display, text, isAuthorized: true) { [unowned self] answer in
      switch (path, answer.status) {
      case (_, 200): read(path, answer.body)
      case (.overview, 401): return giveUp("the user may not use the management API: it needs the tag 'monitoring', or 'management' for queues alone")
      case (.nodes, _): limit(["memory_alarm", "disk_alarm", "memory", "disk_free"], "the management API answers \(answer.status): these need the tag 'monitoring'")
      case (.queue, 404): break
      case (.overview, _), (.queue, _): limit([text], "the management API answers \(answer.status)")
      }
      askNext(endpoint, display)
    }
  }

  private var said: Set<String> = []
  private var limits: [ServerReading.Limit] = []

  private func limit(_ figures: [String], _ reason: String) {
    guard said.insert(figures.joined()).inserted else { return }
    limits.append(ServerReading.Limit(figures, reason))
    reading.limits = limits
  }

  private func ask(_ endpoint: Endpoint, _ display: String, _ path: String, isAuthorized: Bool, _ answered: @escaping (PlainRequest.Answer) -> Void) {
    reading.requests &+= 1
    let authorization = isAuthorized ? "Authorization: Basic \(Base64.text(Array("\(address.user):\(address.password)".utf8)))\r\n" : ""
    let request = PlainRequest(reactor: reactor)
    self.request = request
    request.send(
      "GET \(path) HTTP/1.0\r\nHost: \(display)\r\n\(authorization)Connection: close\r\n\r\n", to: endpoint, address: display, deadline: deadline
    ) { [unowned self] answer, error in
      if let answer { return answered(answer) }
      let error = error ?? OperationError(.protocol, "no answer")
      // Where it never answered, there is none; later it may come back.
      if !isRecognized { return giveUp("the management API cannot be asked: \(error.message)") }
      reading.error = error
      end()
    }
  }

  /// Every byte but letters and digits, so that a virtual host '/' is one segment.
  private static func encoded(_ name: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
        UInt8(ascii: "_"), UInt8(ascii: "."):
        text.append(byte)
      default: text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private func read(_ path: Path, _ body: [UInt8]) {
    guard let document = body.withUnsafeBytes({ try? JSONDocument(parsing: $0, maximumBytes: PlainRequest.bytesMax) }) else { return }
    switch path {
    case .overview: ManagementReading.overview(document.root, into: &reading)
    case .nodes: ManagementReading.nodes(document.root, into: &reading.values)
    case .queue(let queue): ManagementReading.queue(document.root, prefix: queue.prefix, into: &reading.values)
    }
  }
}

/// Reads what the management plugin answers. Pure.
enum ManagementReading {
  static func overview(_ json: JSONValue, into reading: inout ServerReading) {
    if let version = json["rabbitmq_version"]?.string { reading.server = "RabbitMQ \(version)" }
    put("connections", json["object_totals"]?["connections"], into: &reading.values)
    put("channels", json["object_totals"]?["channels"], into: &reading.values)
    put("ready", json["queue_totals"]?["messages_ready"], into: &reading.values)
    put("unacknowledged", json["queue_totals"]?["messages_unacknowledged"], into: &reading.values)
    counts(json["message_stats"], prefix: "", into: &reading.values)
  }

  static func queue(_ json: JSONValue, prefix: String, into values: inout [String: Double]) {
    put(prefix + "unacknowledged", json["messages_unacknowledged"], into: &values)
    counts(json["message_stats"], prefix: prefix, into: &values)
  }

  /// A member that is missing counts nothing yet.
  private static func counts(_ json: JSONValue?, prefix: String, into values: inout [String: Double]) {
    values[prefix + "published"] = json?["publish"]?.double ?? 0
    values[prefix + "delivered"] = json?["deliver_get"]?.double ?? 0
    values[prefix + "acknowledged"] = json?["ack"]?.double ?? 0
    values[prefix + "redelivered"] = json?["redeliver"]?.double ?? 0
  }

  static func nodes(_ json: JSONValue, into values: inout [String: Double]) {
    let nodes = Array(json.elements)
    guard !nodes.isEmpty else { return }
    values["memory_alarm"] = Double(nodes.count { $0["mem_alarm"]?.bool == true })
    values["disk_alarm"] = Double(nodes.count { $0["disk_free_alarm"]?.bool == true })
    values["memory"] = nodes.reduce(0) { $0 + ($1["mem_used"]?.double ?? 0) }
    values["disk_free"] = nodes.compactMap { $0["disk_free"]?.double }.min()
  }

  private static func put(_ name: String, _ json: JSONValue?, into values: inout [String: Double]) {
    if let value = json?.double { values[name] = value }
  }
}
