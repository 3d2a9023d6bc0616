import ChainIO
import ChainProgram
import Metrics

/// Asks the chain's servers, each second, in the middle of the load's seconds. Lives on the view's own thread.
///
/// A probe that does not answer in time, or whose server is gone, leaves a gap; then it is asked again, after 1, 2, 4 and at most 8 seconds.
final class ServerSampler: TimerOwner {
  private final class Lane {
    let probe: any ServerProbe
    var figures: ServerFigures
    /// Each lane knows its own part of it.
    var facts: JournalServerFacts
    var timer: ReactorTimer!
    var asked: UInt64 = 0
    var isAsking = false
    var isOver = false
    /// Answers that failed in a row, and when it is asked again.
    var failures = 0
    var retryAt: UInt64 = 0
    var lastError = ""

    init(probe: any ServerProbe, figures: ServerFigures) {
      self.probe = probe
      self.figures = figures
      facts = JournalServerFacts(connection: figures.connection.index)
    }
  }

  /// What is told to the load's session.
  enum News: Sendable {
    case sample(JournalServer)
    case facts(JournalServerFacts)
    /// The statements are there, or will never be; the closing look was taken.
    case concluded
    /// Every connection is closed.
    case closed
  }

  private enum Question { case first, level, counted, statements }

  private var lanes: [Lane] = []
  private let reactor: Reactor
  private let tell: (News) -> Void
  private var ticker: ReactorTimer!
  private var goodbye: ReactorTimer!
  private var nextTick: UInt64 = 0
  private var seconds: UInt64 = 0
  private var loadStart: UInt64 = 0
  private var warmUpEnd: UInt64 = 0
  /// Nanoseconds: when the load ended; `UInt64.max` before.
  private var loadEnd = UInt64.max
  private var toConclude = 0
  private var isClosing = false

  private enum Tag: Int { case tick, goodbye, deadline }
  private static let second: UInt64 = 1_000_000_000
  /// How long an answer may take: the next look comes after it.
  static let answerNanoseconds: UInt64 = 900_000_000
  /// How long connections are given to close politely.
  private static let goodbyeNanoseconds: UInt64 = 200_000_000

  init(plan: RunPlan, reactor: Reactor, tell: @escaping (News) -> Void) {
    self.reactor = reactor
    self.tell = tell
    for (index, connector) in plan.connectors.enumerated() {
      guard let viewing = connector as? any ServerViewing, plan.program.connections.indices.contains(index) else { continue }
      let connection = ConnectionIndex(index)
      guard !plan.program.serverFigures(of: connection).isEmpty else { continue }
      let probes = viewing.makeServerProbes(connection: connection, target: plan.targets[index], program: plan.program, reactor: reactor)
      lanes += probes.map { Lane(probe: $0, figures: ServerFigures(connection, plan.program)) }
    }
    ticker = ReactorTimer(owner: self, tag: Tag.tick.rawValue)
    goodbye = ReactorTimer(owner: self, tag: Tag.goodbye.rawValue)
    for (index, lane) in lanes.enumerated() { lane.timer = ReactorTimer(owner: self, tag: Tag.deadline.rawValue + index) }
  }

  /// Opens the connections, so that the load's first second finds them open.
  func open() {
    for lane in lanes { ask(lane, .first) }
  }

  /// - Parameters: nanoseconds of CLOCK_MONOTONIC. Looks are taken half a second into each of the load's seconds.
  func begin(loadStart: UInt64, warmUpEnd: UInt64) {
    self.loadStart = loadStart
    self.warmUpEnd = warmUpEnd
    // What was counted before is not the load's.
    for lane in lanes where !lane.isAsking { ask(lane, .first) }
    nextTick = loadStart &+ ServerSampler.second / 2
    reactor.arm(ticker, at: nextTick)
  }

  /// What was counted since the last look is still the load's; levels are not any more. Looking goes on while events settle.
  func endLoad(at now: UInt64) {
    guard loadEnd == .max else { return }
    loadEnd = now
    toConclude = lanes.count
    if lanes.isEmpty { tell(.concluded) }
    for lane in lanes {
      if lane.isAsking || lane.isOver || lane.failures > 0 { conclude(lane) } else { ask(lane, .counted) }
    }
  }

  func close() {
    guard !isClosing else { return }
    isClosing = true
    ticker.invalidate()
    for lane in lanes {
      lane.timer.invalidate()
      lane.probe.close()
    }
    reactor.arm(goodbye, at: MonotonicClock.now &+ ServerSampler.goodbyeNanoseconds)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    switch timer.tag {
    case Tag.tick.rawValue: tick(now: now)
    case Tag.goodbye.rawValue:
      goodbye.invalidate()
      tell(.closed)
    default: if !isClosing { timedOut(lanes[timer.tag - Tag.deadline.rawValue], now: now) }
    }
  }

  private func tick(now: UInt64) {
    for lane in lanes where !lane.isAsking && !lane.isOver && seconds % lane.probe.periodSeconds == 0 {
      if now >= lane.retryAt { ask(lane, .level) } else { note(lane.figures.gap(lane.lastError, now: now, requests: 0), lane) }
    }
    seconds += 1
    nextTick &+= ServerSampler.second
    // Ticks that were slept through are not made up for.
    let now = MonotonicClock.now
    if nextTick <= now { nextTick &+= (now - nextTick) / ServerSampler.second * ServerSampler.second &+ ServerSampler.second }
    reactor.arm(ticker, at: nextTick)
  }

  private func ask(_ lane: Lane, _ question: Question) {
    guard !lane.isOver, !lane.isAsking, !isClosing else { return }
    lane.isAsking = true
    lane.asked = MonotonicClock.now
    let deadline = lane.asked &+ ServerSampler.answerNanoseconds
    reactor.arm(lane.timer, at: deadline)
    let completion: (ServerReading) -> Void = { [unowned self, unowned lane] reading in answered(lane, question, reading) }
    switch question {
    case .first, .level, .counted: lane.probe.look(deadline: deadline, completion: completion)
    case .statements: lane.probe.conclude(deadline: deadline, completion: completion)
    }
  }

  private func answered(_ lane: Lane, _ question: Question, _ reading: ServerReading) {
    guard lane.isAsking, !isClosing else { return }
    lane.isAsking = false
    lane.timer.disarm()
    let now = MonotonicClock.now
    learn(lane, reading)
    if reading.isOver {
      lane.isOver = true
    } else if let error = reading.error {
      failed(lane, error.message, now: now, requests: reading.requests)
    } else if question != .statements {
      lane.failures = 0
      lane.retryAt = 0
      var sample = lane.figures.take(reading, now: now, hasLevels: question == .level)
      sample.tookNanoseconds = now &- min(lane.asked, now)
      if question != .first { note(sample, lane, isClosing: question == .counted) }
    }
    switch question {
    case .first, .level: if loadEnd != .max, toConclude > 0, !hasConcluded(lane) { conclude(lane) }
    case .counted: conclude(lane)
    case .statements: concluded()
    }
  }

  private func timedOut(_ lane: Lane, now: UInt64) {
    guard lane.isAsking else { return }
    lane.isAsking = false
    lane.probe.drop()
    failed(lane, "no answer within \(ServerSampler.answerNanoseconds / 1_000_000) ms", now: now, requests: 1)
    if hasConcluded(lane) { concluded() } else if loadEnd != .max { conclude(lane) }
  }

  private func failed(_ lane: Lane, _ reason: String, now: UInt64, requests: UInt64) {
    lane.probe.drop()
    lane.failures += 1
    lane.lastError = reason
    lane.retryAt = now &+ (ServerSampler.second << UInt64(min(lane.failures - 1, 3))) &- ServerSampler.second / 2
    note(lane.figures.gap(reason, now: now, requests: requests), lane)
  }

  /// - Parameter isClosing: The look that was taken because the load had ended: what it counts is the load's.
  private func note(_ sample: JournalServer, _ lane: Lane, isClosing: Bool = false) {
    var sample = sample
    sample.isOfLoad = sample.atNanoseconds > warmUpEnd && (isClosing || sample.atNanoseconds <= loadEnd) && loadStart > 0
    tell(.sample(sample))
  }

  /// What is new about the server as a whole; lanes of one server know different things.
  private func learn(_ lane: Lane, _ reading: ServerReading) {
    guard !reading.server.isEmpty || reading.limits != nil || reading.statements != nil else { return }
    if !reading.server.isEmpty { lane.facts.server = reading.server }
    if let limits = reading.limits { lane.facts.limits = limits.map { .init(figures: $0.figures, reason: $0.reason) } }
    if let statements = reading.statements {
      lane.facts.statements = statements.map {
        .init(id: $0.id, text: $0.text, calls: $0.calls, totalNanoseconds: $0.totalNanoseconds, rows: $0.rows)
      }
    }
    var facts = JournalServerFacts(connection: lane.figures.connection.index)
    for other in lanes where other.figures.connection == lane.figures.connection {
      // `RabbitMQ 3.10.8` says more than `RabbitMQ`.
      if other.facts.server.utf8.count > facts.server.utf8.count { facts.server = other.facts.server }
      facts.limits += other.facts.limits
      facts.statements += other.facts.statements
    }
    tell(.facts(facts))
  }

  // The end

  private var concludedLanes: Set<ObjectIdentifier> = []

  private func hasConcluded(_ lane: Lane) -> Bool { concludedLanes.contains(ObjectIdentifier(lane)) }

  private func conclude(_ lane: Lane) {
    guard concludedLanes.insert(ObjectIdentifier(lane)).inserted else { return }
    if lane.isAsking {
      // Its answer comes first.
      concludedLanes.remove(ObjectIdentifier(lane))
      return
    }
    if lane.isOver || lane.failures > 0 { return concluded() }
    ask(lane, .statements)
  }

  private func concluded() {
    guard toConclude > 0 else { return }
    toConclude -= 1
    if toConclude == 0 { tell(.concluded) }
  }
}
