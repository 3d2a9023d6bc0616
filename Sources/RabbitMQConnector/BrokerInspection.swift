internal import CRabbitMQ
package import ChainIO
package import ChainProgram

extension RabbitMQConnector: OnlineInspection {
  /// Passive declarations for what must exist, and for permissions, removals of bindings that cannot be there: the broker looks at the
  /// permission first and then finds nothing to remove. Each question that is refused closes its channel, so channels are throw-away.
  package func inspect(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, deadline: UInt64) -> InspectionReport {
    guard let address = target as? BrokerAddress else { preconditionFailure("the target was resolved by another connector") }
    do throws(OperationError) {
      let reactor = try Reactor()
      let inspection = BrokerInspection(reactor: reactor, address: address, questions: BrokerQuestions(program, connection))
      inspection.start(deadline: deadline)
      while !inspection.isOver, MonotonicClock.now < deadline { reactor.turn(waitingAtMost: 50_000_000) }
      inspection.end()
      // A moment for the goodbye.
      let goodbye = MonotonicClock.now + 200_000_000
      while !inspection.isClosed, MonotonicClock.now < goodbye { reactor.turn(waitingAtMost: 20_000_000) }
      return inspection.report
    } catch {
      var report = InspectionReport()
      report.add(.unreachable, .connection, error.message)
      return report
    }
  }
}

/// What the broker is asked.
struct BrokerQuestion {
  enum Kind: Equatable {
    case exchangeExists
    case queueExists
    /// `exchange.unbind` from an exchange that cannot exist: write permission on the destination is looked at before that is found.
    case mayPublish
    /// `queue.unbind` of a queue that cannot exist, named as a tap's: write permission on it, then read permission on the exchange.
    case mayBind
    /// `queue.delete` of a queue that cannot exist, named as a tap's: configure permission.
    case mayDeclareOwnQueue
  }

  let kind: Kind
  /// The exchange's or queue's name.
  let name: String
  let subject: InspectionProblem.Subject
  /// What cannot be asked about it if it is there.
  var reservation: String?
}

/// The questions that one connection's operations and hops raise, and what cannot be asked.
struct BrokerQuestions {
  private(set) var questions: [BrokerQuestion] = []
  private(set) var report = InspectionReport()

  init(_ program: Program, _ connection: ConnectionIndex) {
    report.server = "RabbitMQ"
    var seen: Set<String> = []
    for (index, operation) in program.operations.enumerated() where operation.connection == connection {
      let subject = InspectionProblem.Subject.operation(index, position: nil)
      guard case .text(let template)? = operation.operands.first?.value else { continue }
      guard seen.insert("\(program.steps[operation.step.index].range.start) \(template.literal ?? "${…}")").inserted else { continue }
      guard let name = template.literal else {
        report.add(.unchecked, subject, "what '\(operation.verb)' names is known only when it runs, so the broker was not asked")
        continue
      }
      if operation.verb == "publish" { publish(to: name, operation, subject) } else { read(queue: name, operation, subject) }
    }
    for (event, declaration) in program.events.enumerated() {
      for (number, hop) in declaration.hops.enumerated() where hop.connection == connection {
        if hop.observer == "tap" { tap(hop, .hop(event: event, hop: number)) } else { stream(hop, .hop(event: event, hop: number)) }
      }
    }
  }

  private mutating func publish(to exchange: String, _ operation: Operation, _ subject: InspectionProblem.Subject) {
    guard exchange.isEmpty else {
      questions.append(BrokerQuestion(kind: .exchangeExists, name: exchange, subject: subject))
      questions.append(BrokerQuestion(kind: .mayPublish, name: exchange, subject: subject))
      return
    }
    // The default exchange routes by the queue's name.
    if case .text(let template)? = operation.operand("routing_key"), let queue = template.literal, !queue.isEmpty {
      questions.append(BrokerQuestion(kind: .queueExists, name: queue, subject: subject))
    }
    report.add(.unchecked, subject, "whether the user may publish to the default exchange cannot be asked without publishing")
  }

  private mutating func read(queue: String, _ operation: Operation, _ subject: InspectionProblem.Subject) {
    guard !queue.isEmpty else { return }
    questions.append(BrokerQuestion(kind: .queueExists, name: queue, subject: subject))
    guard operation.verb != "queue" else { return }
    report.add(.unchecked, subject, "whether the user may read '\(queue)' cannot be asked without reading from it")
  }

  private mutating func stream(_ hop: HopDeclaration, _ subject: InspectionProblem.Subject) {
    guard case .text(let template)? = hop.operands.first?.value, let queue = template.literal, !queue.isEmpty else { return }
    questions.append(BrokerQuestion(kind: .queueExists, name: queue, subject: subject))
    report.add(.unchecked, subject, "whether '\(queue)' is a stream, and may be read, is asked when the run begins")
  }

  private mutating func tap(_ hop: HopDeclaration, _ subject: InspectionProblem.Subject) {
    guard case .text(let template)? = hop.operands.first?.value, let exchange = template.literal, !exchange.isEmpty else { return }
    var reservation: String?
    if case .text(let template)? = hop.operand("routing_key"), let key = template.literal {
      if key.contains("#") || key.contains("*") {
        reservation = "the routing key '\(key)' is a pattern in a topic exchange only; the type of '\(exchange)' is asked when the run begins"
      }
    } else if hop.operand("routing_keys") == nil, hop.operand("headers") == nil {
      reservation = "what gets everything from '\(exchange)' follows from its type, which is asked when the run begins"
    }
    questions.append(
      BrokerQuestion(kind: .exchangeExists, name: exchange, subject: subject, reservation: reservation))
    questions.append(BrokerQuestion(kind: .mayBind, name: exchange, subject: subject))
    questions.append(BrokerQuestion(kind: .mayDeclareOwnQueue, name: exchange, subject: subject))
  }
}

/// One session that asks the questions in order.
private final class BrokerInspection: BrokerSessionOwner {
  private(set) var report: InspectionReport
  private(set) var isOver = false
  private let questions: [BrokerQuestion]
  private lazy var session = BrokerSession(reactor: reactor, address: address, owner: self)
  private let reactor: Reactor
  private let address: BrokerAddress
  private var position = -1
  private var channel: UInt16 = 0
  private var isChannelOpen = false
  private var missing: Set<String> = []
  /// A name that nobody has: 128 random bits.
  private let nobody: String

  init(reactor: Reactor, address: BrokerAddress, questions: BrokerQuestions) {
    self.reactor = reactor
    self.address = address
    self.questions = questions.questions
    report = questions.report
    var generator = SystemRandomNumberGenerator()
    nobody = "amq.gen-chainrun-\(String(generator.next(), radix: 16))\(String(generator.next(), radix: 16))"
  }

  var isClosed: Bool { session.stage == .closed }

  func start(deadline: UInt64) { session.connect(deadline: deadline) }

  func end() {
    if !isOver { report.add(.unreachable, .connection, "\(address.displayAddress) did not answer by the deadline") }
    isOver = true
    session.close()
  }

  func sessionOpened(_ session: BrokerSession, now: UInt64) { askNext(now: now) }
  func sessionBlockedChanged(_ session: BrokerSession, now: UInt64) {}
  func sessionFlushed(_ session: BrokerSession, now: UInt64) {}

  func sessionClosed(_ session: BrokerSession, _ error: OperationError, now: UInt64) {
    if !isOver { report.add(.unreachable, .connection, error.message) }
    isOver = true
  }

  private func send(now: UInt64, _ body: () throws(OperationError) -> Void) {
    do throws(OperationError) { try body() } catch { session.lose(error, now: now) }
  }

  // Asking

  private func askNext(now: UInt64) {
    position += 1
    // Nobody's permissions on what is not there are worth a finding.
    while position < questions.count, questions[position].kind != .queueExists, missing.contains(questions[position].name) { position += 1 }
    guard position < questions.count else {
      isOver = true
      return
    }
    send(now: now) { () throws(OperationError) in
      if isChannelOpen { return try ask(questions[position]) }
      channel += 1
      try session.sendMethod(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t(out_of_band: .none), channel: channel)
    }
  }

  private func ask(_ question: BrokerQuestion) throws(OperationError) {
    var arena = MethodArena()
    let name = arena.bytes(question.name)
    let nobody = arena.bytes(nobody)
    defer { withExtendedLifetime(arena) {} }
    switch question.kind {
    case .exchangeExists:
      var method = amqp_exchange_declare_t()
      method.exchange = name
      method.type = arena.bytes("topic")
      method.passive = 1
      try session.sendMethod(AMQP_EXCHANGE_DECLARE_METHOD, method, channel: channel)
    case .queueExists:
      var method = amqp_queue_declare_t()
      method.queue = name
      method.passive = 1
      try session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, method, channel: channel)
    case .mayPublish:
      var method = amqp_exchange_unbind_t()
      method.destination = name
      method.source = nobody
      try session.sendMethod(AMQP_EXCHANGE_UNBIND_METHOD, method, channel: channel)
    case .mayBind:
      var method = amqp_queue_unbind_t()
      method.queue = nobody
      method.exchange = name
      try session.sendMethod(AMQP_QUEUE_UNBIND_METHOD, method, channel: channel)
    case .mayDeclareOwnQueue:
      var method = amqp_queue_delete_t()
      method.queue = nobody
      method.if_unused = 1
      method.if_empty = 1
      try session.sendMethod(AMQP_QUEUE_DELETE_METHOD, method, channel: channel)
    }
  }

  // Being answered

  func sessionReceived(_ session: BrokerSession, channel: UInt16, _ frame: IncomingFrame, now: UInt64) {
    guard case .method(let id, let decoded) = frame, channel == self.channel, !isOver else { return }
    switch id {
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      isChannelOpen = true
      send(now: now) { () throws(OperationError) in try ask(questions[position]) }
    case AMQP_CHANNEL_CLOSE_METHOD:
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      isChannelOpen = false
      send(now: now) { () throws(OperationError) in
        try session.sendMethod(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), channel: channel)
      }
      judge(questions[position], refusal: reply)
      askNext(now: now)
    // Whatever else comes is the answer that what was asked is done: nothing.
    default:
      if let reservation = questions[position].reservation { report.add(.unchecked, questions[position].subject, reservation) }
      askNext(now: now)
    }
  }

  private func judge(_ question: BrokerQuestion, refusal: ServerReply) {
    let name = question.name
    let subject = question.subject
    let isAboutUs = refusal.text.contains("'\(name)'")
    switch (question.kind, refusal.code) {
    case (.exchangeExists, "404"):
      missing.insert(name)
      report.add(.missingExchange, subject, "the broker has no exchange '\(name)'", help: "a publish to it, or a tap on it, closes its channel")
    case (.queueExists, "404"): report.add(.missingQueue, subject, "the broker has no queue '\(name)'")
    // Another connection's exclusive queue.
    case (.queueExists, "405"): report.add(.permission, subject, "the queue '\(name)' belongs to one connection alone")
    case (.exchangeExists, "403"), (.queueExists, "403"): report.add(.permission, subject, "the user may not look at '\(name)'")
    case (.mayPublish, "403") where isAboutUs:
      report.add(.permission, subject, "the user may not publish to '\(name)'", help: "grant write permission on it")
    // Past the permission: nobody's exchange is not there, or may not be read.
    case (.mayPublish, "403"), (.mayPublish, "404"): break
    case (.mayBind, "403") where isAboutUs:
      report.add(.permission, subject, "the user may not tap '\(name)'", help: "grant read permission on it")
    case (.mayBind, "403"), (.mayDeclareOwnQueue, "403"):
      let right = question.kind == .mayBind ? "write" : "configure"
      report.add(
        .permission, subject, "the user may not have a queue of its own, which tapping '\(name)' needs",
        help: "grant \(right) permission on '^amq\\.gen.*'")
    case (.mayBind, "404"), (.mayDeclareOwnQueue, "404"): break
    default: report.add(.unchecked, subject, "the broker answered \(refusal.code): \(refusal.text)")
    }
  }
}
