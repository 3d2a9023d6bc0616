import ChainIO
import ChainProgram
import Metrics

/// One run on one reactor, from connecting to teardown. Lives on the reactor's thread.
///
/// A chain of phases, each of which ends in a call-back that begins the next: open the connections, run the chain's setup, arm the observers,
/// apply the load, let running iterations finish, let events settle, run the teardown, close.
final class LoadSession: LoadOwner, IterationOwner, TimerOwner {
  private enum TimerTag: Int { case heartbeat, interval, graceful, concluding, serverView }

  private let plan: RunPlan
  private let program: Program
  private let reactor: Reactor
  private let recorder: Recorder
  private let ledger: Ledger
  private let context: UserContext
  private var observers: [(observer: any HopObserver, event: Int, hop: Int)] = []
  private var executor: (any Executor)?
  private var blockUser: VirtualUser?
  private var afterBlock: (() -> Void)?
  private let completion: (RunResult) -> Void
  private(set) var result = RunResult()
  private var phase = RunProgress.Phase.connecting
  private var heartbeat: ReactorTimer!
  private var intervalTimer: ReactorTimer!
  private var gracefulTimer: ReactorTimer!
  private var concluding: ReactorTimer!
  private var serverViewTimer: ReactorTimer!
  /// All events are settled; what is left are their rows.
  private var isConcluding = false
  private var heartbeatDue: UInt64 = 0
  private var heartbeatLast: UInt64 = 0
  private var intervalStart: UInt64 = 0
  private var intervalDue: UInt64 = 0
  private var loadStart: UInt64 = 0
  /// When the load was cut short, if it was: nothing was asked for from then on.
  private var loadStop = UInt64.max
  private var asked: AskedLoad?
  private var totals = IterationCounts()
  private var settledSince: UInt64 = 0
  private var isStoppingAtOnce = false
  private var health = ProcessHealth()
  private var observerOperations: (operations: UInt64, fences: UInt64) = (0, 0)
  private var postedBefore: UInt64 = 0
  /// By connection, since the last interval.
  private var poolLooks: [PoolLooks] = []
  private var isFinished = false
  private var interruptions = 0
  private var progressDue: UInt64 = 0
  /// When running iterations are cut short; 0 while they are not asked to end.
  private var gracefulEnd: UInt64 = 0
  private let thresholdWatch: ThresholdWatch
  /// Virtual users whose `teardown_vu` still runs.
  private var usersToTearDown = 0
  /// Every event is decided: what remains is to look at the entries once more.
  private var isSweeping = false
  private var finalSweep: FinalSweep?
  private var gapSweeps: [GapSweep] = []
  private var readerOperations: UInt64 = 0
  /// What the servers say meanwhile; nil where nobody asks them.
  private var serverView: ServerView?
  private var serverMessages: UInt64 = 0
  /// What waits for the view's last words.
  private var afterServerView: (() -> Void)?
  private var hasServerViewConcluded = false
  /// Since the last interval.
  private var latestServerSamples: [JournalServer] = []

  private static let heartbeatNanoseconds: UInt64 = 10_000_000
  private static let intervalNanoseconds: UInt64 = 1_000_000_000
  /// After every event was seen, how long the observers stay for second deliveries.
  private static let lingerNanoseconds: UInt64 = 200_000_000
  private static let rowsPerHeartbeat = 500
  /// A screen is drawn four times a second, and no figure on it is older than that.
  private static let progressNanoseconds: UInt64 = 250_000_000
  private static let rowsPerConclusion = 2000
  /// How long the servers' last answers may keep the run from ending.
  private static let serverViewNanoseconds: UInt64 = 1_500_000_000

  init(plan: RunPlan, reactor: Reactor, completion: @escaping (RunResult) -> Void) {
    self.plan = plan
    self.reactor = reactor
    self.completion = completion
    program = plan.program
    let evaluator = Evaluator(program: plan.program)
    recorder = Recorder(program: plan.program)
    thresholdWatch = ThresholdWatch(program: plan.program, baseline: plan.baseline)
    ledger = Ledger(program: plan.program, evaluator: evaluator, runID: plan.runID)
    context = UserContext(
      program: plan.program, reactor: reactor, evaluator: evaluator, recorder: recorder, ledger: ledger, seed: plan.seed, runID: plan.runID,
      secretValues: plan.secretValues)
    if let report = plan.onTrace {
      context.tracer = Tracer(program: plan.program, report: report)
      ledger.trace(with: context.tracer)
    }
    heartbeat = ReactorTimer(owner: self, tag: TimerTag.heartbeat.rawValue)
    intervalTimer = ReactorTimer(owner: self, tag: TimerTag.interval.rawValue)
    gracefulTimer = ReactorTimer(owner: self, tag: TimerTag.graceful.rawValue)
    concluding = ReactorTimer(owner: self, tag: TimerTag.concluding.rawValue)
    serverViewTimer = ReactorTimer(owner: self, tag: TimerTag.serverView.rawValue)
  }

  // Connecting

  func begin() {
    report(nil)
    for (index, declaration) in program.connections.enumerated() {
      do throws(OperationError) {
        context.drivers.append(
          try plan.connectors[index].makeDriver(
            connection: ConnectionIndex(index), target: plan.targets[index], program: program, users: plan.usersMax, reactor: reactor))
      } catch {
        return fail(place: declaration.name, error)
      }
    }
    open(0)
  }

  private func open(_ index: Int) {
    guard index < program.connections.count else { return runSetup() }
    let declaration = program.connections[index]
    context.drivers[index].open(deadline: reactor.now &+ declaration.connectTimeoutNanoseconds) { error in
      guard !self.result.isInterrupted else { return }
      if let error { return self.fail(place: declaration.name, error) }
      self.open(index + 1)
    }
  }

  // Setup and teardown

  private func runSetup() {
    guard let entry = program.setupEntry else { return armObservers() }
    enter(.setup, journal: .setup)
    runBlock(entry: entry) {
      if let error = self.blockUser?.firstError {
        return self.fail(place: "setup, step \(self.program.steps[self.blockUser?.firstErrorStep ?? 0].name)", error)
      }
      self.armObservers()
    }
  }

  private func runBlock(entry: Int, then: @escaping () -> Void) {
    let user = blockUser ?? VirtualUser(index: -1, context: context, owner: self)
    blockUser = user
    afterBlock = then
    user.start(entry: entry, iteration: 0, stream: 1, intendedStart: 0, isMeasured: false)
  }

  func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    if usersToTearDown > 0, user !== blockUser {
      usersToTearDown -= 1
      if usersToTearDown == 0 { checkSettled(now: MonotonicClock.now) }
      return
    }
    let next = afterBlock
    afterBlock = nil
    next?()
  }

  func stopRequested() {}

  // Observers

  private func armObservers() {
    guard !result.isInterrupted else { return runTeardown() }
    enter(.arming, journal: .arming)
    openServerView()
    for (eventIndex, event) in program.events.enumerated() {
      for (hopIndex, hop) in event.hops.enumerated() {
        let place = "\(event.name).\(hop.name)"
        do throws(OperationError) {
          let observer = try context.drivers[hop.connection.index].makeObserver(hop: hop, sink: ledger.sink(event: eventIndex, hop: hopIndex))
          observers.append((observer, eventIndex, hopIndex))
          ledger.attach(observer, event: eventIndex, hop: hopIndex)
        } catch {
          return fail(place: place, error)
        }
      }
    }
    arm(observers[...])
  }

  private func arm(_ pending: ArraySlice<(observer: any HopObserver, event: Int, hop: Int)>) {
    guard let (observer, event, hop) = pending.first else { return beginLoad() }
    observer.arm(deadline: reactor.now &+ 10_000_000_000) { error in
      guard !self.result.isInterrupted else { return }
      if let error {
        let declaration = self.program.events[event]
        return self.fail(place: "\(declaration.name).\(declaration.hops[hop].name)", error)
      }
      self.ledger.armed(event: event, hop: hop)
      self.writeObserver(observer, event, hop)
      self.arm(pending.dropFirst())
    }
  }

  /// Once when it is in place, and once at the end with its counts.
  private func writeObserver(_ observer: any HopObserver, _ event: Int, _ hop: Int) {
    plan.journal.append(
      JournalObserver(
        event: event, hop: hop, how: observer.mode, reason: observer.reason, operations: observer.operationsSent, fences: observer.fencesSent))
  }

  // Load

  private func beginLoad() {
    guard !result.isInterrupted else { return runTeardown() }
    switch plan.profile.model {
    case .closed(let load): executor = ClosedExecutor(load: load, mix: plan.profile.mix, backoff: plan.profile.backoff, context: context)
    case .open(let load):
      executor = OpenExecutor(load: load, mix: plan.profile.mix, backoff: plan.profile.backoff, seed: plan.seed, context: context)
    }
    (executor as? UserPool)?.loadOwner = self
    if plan.firstIteration > 0 { (executor as? UserPool)?.skip(to: plan.firstIteration) }
    context.stopLoad = { [unowned self] in if self.phase == .load { self.stopLoad(now: MonotonicClock.now) } }
    // A schedule begins a moment ahead, so that its first arrival is not late already; users without one begin at once.
    for (event, book) in ledger.books.enumerated() {
      book.onGapEnded = { [unowned self] hop, start in self.sweepAfterGap(event: event, hop: hop, since: start) }
    }
    loadStart = MonotonicClock.now
    if case .open = plan.profile.model { loadStart &+= 20_000_000 }
    asked = AskedLoad(profile: plan.profile, start: loadStart)
    (executor as? UserPool)?.warmUpEnd = warmUpEnd
    recorder.isWarmUp = plan.profile.warmUpNanoseconds > 0
    phase = .load
    reactor.forgetTurns()
    plan.journal.append(
      JournalPhase(
        name: plan.profile.warmUpNanoseconds > 0 ? .warmUp : .load, atNanoseconds: loadStart, cpuNanoseconds: ProcessHealth.cpuUsed()))
    if plan.profile.warmUpNanoseconds > 0 {
      plan.journal.append(JournalPhase(name: .load, atNanoseconds: loadStart &+ plan.profile.warmUpNanoseconds))
    }
    thresholdWatch.begin(at: warmUpEnd)
    intervalStart = loadStart
    intervalDue = loadStart &+ nextIntervalLength(from: loadStart)
    reactor.arm(intervalTimer, at: intervalDue)
    heartbeatLast = reactor.now
    heartbeatDue = reactor.now &+ LoadSession.heartbeatNanoseconds
    reactor.arm(heartbeat, at: heartbeatDue)
    serverView?.begin(loadStart: loadStart, warmUpEnd: warmUpEnd)
    health.begin(now: MonotonicClock.now)
    reactor.observerReads = ObserverReads()
    // What the setup did to the pools is not the load's.
    for driver in context.drivers { _ = driver.takePoolReading(now: MonotonicClock.now) }
    poolLooks = context.drivers.map { _ in PoolLooks() }
    executor?.begin(at: loadStart)
    report(nil)
  }

  private var warmUpEnd: UInt64 { loadStart &+ plan.profile.warmUpNanoseconds }

  /// A second, or what is left of the warm-up: no interval lies on both sides of its end.
  private func nextIntervalLength(from start: UInt64) -> UInt64 {
    start < warmUpEnd ? min(LoadSession.intervalNanoseconds, warmUpEnd - start) : LoadSession.intervalNanoseconds
  }

  func loadEnded(now: UInt64) {
    guard phase == .load || phase == .stopping else { return }
    gracefulTimer.disarm()
    enter(.settling, journal: .settle)
    serverView?.endLoad(at: MonotonicClock.now)
    settledSince = 0
    tearDownUsers()
  }

  /// `teardown_vu`, for every user that began; events settle meanwhile.
  private func tearDownUsers() {
    guard let entry = program.userTeardownEntry, let pool = executor as? UserPool, !isStoppingAtOnce else {
      return checkSettled(now: MonotonicClock.now)
    }
    let users = pool.users.filter(\.hasBegun)
    usersToTearDown = users.count
    for user in users {
      user.handOver(to: self)
      user.start(entry: entry, iteration: UInt64(user.index), stream: 2, intendedStart: 0, isMeasured: false)
    }
    if users.isEmpty { checkSettled(now: MonotonicClock.now) }
  }

  /// The first call lets running iterations finish, the second cuts them short and waits for nothing.
  func interrupt() {
    let now = MonotonicClock.now
    interruptions += 1
    if result.isInterrupted { isStoppingAtOnce = true }
    result.isInterrupted = true
    defer { if !isFinished { report(nil) } }
    switch phase {
    // Nothing runs yet that could be lost.
    case .connecting: close()
    case .arming: runTeardown()
    case .setup, .teardown: if isStoppingAtOnce { blockUser?.interrupt(now: now) }
    case .load: stopLoad(now: now)
    case .stopping:
      executor?.stopStarting(now: now)
      if isStoppingAtOnce { executor?.interruptAll(now: now) }
    case .settling:
      if isStoppingAtOnce, usersToTearDown > 0 { executor?.interruptAll(now: now) } else { checkSettled(now: now) }
    }
  }

  private func stopLoad(now: UInt64) {
    loadStop = min(loadStop, now)
    beginStopping(now: now)
    gracefulEnd = now &+ plan.profile.gracefulStopNanoseconds
    report(nil)
    reactor.arm(gracefulTimer, at: gracefulEnd)
    executor?.stopStarting(now: now)
    if isStoppingAtOnce { executor?.interruptAll(now: now) }
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    guard let tag = TimerTag(rawValue: timer.tag) else { return }
    switch tag {
    case .heartbeat: beat(now: now)
    case .interval:
      takeInterval(now: intervalDue)
      intervalDue &+= nextIntervalLength(from: intervalDue)
      reactor.arm(intervalTimer, at: intervalDue)
    case .graceful:
      executor?.stopStarting(now: now)
      executor?.interruptAll(now: now)
    case .concluding: if isSweeping { writeRows(now: now) }
    case .serverView: serverViewEnded()
    }
  }

  private func beat(now: UInt64) {
    heartbeatDue = recorder.heartbeat(due: heartbeatDue, last: heartbeatLast, every: LoadSession.heartbeatNanoseconds, now: now)
    heartbeatLast = now
    reactor.arm(heartbeat, at: heartbeatDue)
    for index in poolLooks.indices { poolLooks[index].look(context.drivers[index].inFlight) }
    plan.journal.append(ledger.advance(now: now, limit: LoadSession.rowsPerHeartbeat))
    if now >= progressDue { report(nil) }
    if phase == .load, let length = plan.profile.loadNanoseconds, now >= loadStart &+ length { stopRunning(now: now) }
    if phase == .settling { checkSettled(now: now) }
  }

  /// The profile's time is over and iterations still run: they have their graceful stop.
  private func stopRunning(now: UInt64) {
    beginStopping(now: now)
    gracefulEnd = now &+ plan.profile.gracefulStopNanoseconds
    reactor.arm(gracefulTimer, at: gracefulEnd)
    report(nil)
  }

  private func beginStopping(now: UInt64) {
    phase = .stopping
    plan.journal.append(JournalPhase(name: .stopping, atNanoseconds: now))
  }

  private func takeInterval(now: UInt64) {
    var interval = recorder.takeInterval(from: intervalStart, to: now, isWarmUp: intervalStart < warmUpEnd)
    asked?.fill(&interval, stop: loadStop, isComplete: phase == .settling && executor?.hasRunItsCourse == true)
    interval.usersBusy = UInt64(executor?.busyUsers ?? 0)
    interval.usersTotal = UInt64(executor?.totalUsers ?? 0)
    interval.hops = ledger.takeHopIntervals()
    interval.pools = takePools()
    health.fill(&interval.generator, now: MonotonicClock.now)
    interval.generator.observerReads = reactor.observerReads.count
    interval.generator.observerLateReads = reactor.observerReads.late
    interval.generator.observerLagNanosecondsMax = reactor.observerReads.longestNanoseconds
    reactor.observerReads = ObserverReads()
    interval.generator.longestTurnNanoseconds = reactor.turnNanosecondsMax
    reactor.turnNanosecondsMax = 0
    // What the view of the servers tells does not count: it grows with time and not with iterations.
    let posted = reactor.mailbox.postedCount &- serverMessages
    interval.generator.foreignEnqueues = posted &- postedBefore
    postedBefore = posted
    let sent = observers.reduce(into: (operations: readerOperations, fences: UInt64(0))) {
      $0.operations &+= $1.observer.operationsSent &- $1.observer.fencesSent
      $0.fences &+= $1.observer.fencesSent
    }
    interval.probes.operations &+= sent.operations &- observerOperations.operations
    interval.probes.fences &+= sent.fences &- observerOperations.fences
    observerOperations = sent
    totals += interval.iterations
    totals += interval.early
    recorder.isWarmUp = now < warmUpEnd
    intervalStart = now
    let ledgers = program.events.isEmpty ? [] : ledger.counts()
    plan.journal.append(ledgers.map { $0.soFar(at: now) })
    plan.journal.append(interval)
    let failures = recorder.takeFailures()
    plan.journal.append(failures)
    plan.journal.append(ledger.takeGaps())
    checkThresholds(interval, ledgers)
    report(interval, failures)
  }

  private func checkThresholds(_ interval: JournalInterval, _ ledgers: [JournalLedger]) {
    guard !thresholdWatch.isEmpty, phase == .load else { return }
    guard let broken = thresholdWatch.note(interval, ledgers: ledgers), result.abortedBy == nil, !result.isInterrupted else { return }
    result.abortedBy = broken
    stopLoad(now: MonotonicClock.now)
  }

  private func takePools() -> [PoolInterval] {
    context.drivers.indices.compactMap { index in
      let reading = context.drivers[index].takePoolReading(now: MonotonicClock.now)
      defer { if poolLooks.indices.contains(index) { poolLooks[index] = PoolLooks() } }
      return reading.size == 0 ? nil : PoolInterval(connection: index, reading, poolLooks.indices.contains(index) ? poolLooks[index] : PoolLooks())
    }
  }

  // Settling

  private func checkSettled(now: UInt64) {
    guard phase == .settling, usersToTearDown == 0, !isConcluding else { return }
    if !isStoppingAtOnce {
      guard ledger.isSettled(now: now) else {
        settledSince = 0
        return
      }
      if settledSince == 0 { settledSince = now }
      guard program.events.isEmpty || now &- settledSince >= LoadSession.lingerNanoseconds else { return }
    }
    guard !isSweeping else {
      if isStoppingAtOnce { finalSweep?.cancel() }
      return
    }
    isSweeping = true
    stopGapSweeps()
    writeRows(now: now)
  }

  /// Writes the rows that are left, some in each turn: after a fast run there are as many as its events of one settle time, and the journal
  /// takes only so many at once. Then comes the final sweep, and after it the rows of what was seen meanwhile, which came late.
  private func writeRows(now: UInt64) {
    guard !plan.journal.isBehind else { return reactor.arm(concluding, at: now &+ 5_000_000) }
    plan.journal.append(ledger.finish(now: now, limit: LoadSession.rowsPerConclusion))
    // In a turn of its own: a timer that is due in this one would fire in it.
    guard ledger.isWritten else { return reactor.arm(concluding, at: now &+ 1) }
    if isConcluding { conclude(now: now) } else { beginSweep(now: now) }
  }

  private func beginSweep(now: UInt64) {
    let sweep = FinalSweep(ledger: ledger, drivers: context.drivers) { self.sweepEnded() }
    finalSweep = sweep
    if isStoppingAtOnce { return sweep.cancel() }
    if sweep.isNeeded { plan.journal.append(JournalPhase(name: .sweep, atNanoseconds: now)) }
    sweep.begin()
  }

  private func sweepEnded() {
    readerOperations &+= finalSweep?.operationsSent ?? 0
    finalSweep = nil
    heartbeat.disarm()
    intervalTimer.disarm()
    isConcluding = true
    writeRows(now: MonotonicClock.now)
  }

  private func conclude(now: UInt64) {
    takeInterval(now: max(now, intervalStart))
    plan.journal.append(ledger.unreadableSightings(at: now))
    plan.journal.append(ledger.sweepRecords())
    plan.journal.append(ledger.offenders())
    plan.journal.append(ledger.longestViolations())
    for (observer, event, hop) in observers { writeObserver(observer, event, hop) }
    for ledgerCounts in ledger.counts() { plan.journal.append(ledgerCounts) }
    result.windowVerdicts = thresholdWatch.verdicts()
    result.isConserved = totals.areConserved && ledger.isConserved
    awaitServerView { self.runTeardown() }
  }

  // What the servers say

  private func openServerView() {
    guard let view = ServerView.make(plan: plan, owner: reactor.mailbox), view.start() else { return }
    serverView = view
  }

  /// From the view's thread, by the mailbox.
  func serverSaid(_ news: ServerSampler.News) {
    serverMessages &+= 1
    guard !isFinished else { return }
    switch news {
    case .sample(var sample):
      noteBlocked(&sample)
      plan.journal.append(sample)
      thresholdWatch.note(sample)
      latestServerSamples.append(sample)
    case .facts(let facts): plan.journal.append(facts)
    case .concluded:
      hasServerViewConcluded = true
      if afterServerView != nil { serverView?.close() }
    case .closed: serverViewEnded()
    }
  }

  /// The broker tells those who publish, and nobody else, that they are to stop: the drivers know, and the view cannot.
  private func noteBlocked(_ sample: inout JournalServer) {
    guard sample.gap == nil, sample.connection < context.drivers.count else { return }
    let rows = program.serverFigures(of: ConnectionIndex(sample.connection))
    guard let row = rows.first(where: { program.serverFigures[$0].name == "blocked_connections" }), sample.values.indices.contains(row - rows.lowerBound)
    else { return }
    sample.values[row - rows.lowerBound] = Double(context.drivers[sample.connection].statistics.blocked)
  }

  /// The view's last words, which mostly came while events settled, and its goodbyes: bounded, and not at all for somebody who is in a hurry.
  private func awaitServerView(then: @escaping () -> Void) {
    guard serverView != nil, !isStoppingAtOnce else {
      closeServerView()
      return then()
    }
    afterServerView = then
    reactor.arm(serverViewTimer, at: MonotonicClock.now &+ LoadSession.serverViewNanoseconds)
    if hasServerViewConcluded { serverView?.close() }
  }

  private func serverViewEnded() {
    serverViewTimer.disarm()
    closeServerView()
    let next = afterServerView
    afterServerView = nil
    next?()
  }

  private func closeServerView() {
    serverView?.close()
    serverView = nil
  }

  /// An observer sees again: what is outstanding at its hop is looked for, so that the gap hides no more than it must.
  private func sweepAfterGap(event: Int, hop: Int, since start: UInt64) {
    guard !isSweeping, phase == .load || phase == .stopping || phase == .settling else { return }
    let declaration = program.events[event].hops[hop]
    guard let reader = context.drivers[declaration.connection.index].makeEntryReader(hop: declaration) else { return }
    let sweep = GapSweep(book: ledger.books[event], hop: hop, gapStart: start, reader: reader)
    gapSweeps.append(sweep)
    sweep.begin()
  }

  private func stopGapSweeps() {
    for sweep in gapSweeps {
      sweep.stop()
      readerOperations &+= sweep.operationsSent
    }
    gapSweeps = []
  }

  private func runTeardown() {
    for (observer, _, _) in observers { observer.close() }
    guard let entry = program.teardownEntry, context.drivers.count == program.connections.count else { return close() }
    enter(.teardown, journal: .teardown)
    runBlock(entry: entry) {
      if let error = self.blockUser?.firstError, self.result.failure == nil {
        let place = "teardown, step \(self.program.steps[self.blockUser?.firstErrorStep ?? 0].name)"
        self.result.failure = RunResult.Failure(phase: .teardown, place: place, error: error)
      }
      self.close()
    }
  }

  private func close() {
    guard !isFinished else { return }
    isFinished = true
    for (event, declaration) in program.events.enumerated() {
      for hop in declaration.hops.indices { ledger.attach(nil, event: event, hop: hop) }
    }
    for book in ledger.books { book.onGapEnded = nil }
    stopGapSweeps()
    for (observer, _, _) in observers { observer.close() }
    for driver in context.drivers { driver.close() }
    blockUser?.retire()
    (executor as? UserPool)?.retire()
    heartbeat.invalidate()
    intervalTimer.invalidate()
    gracefulTimer.invalidate()
    concluding.invalidate()
    serverViewTimer.invalidate()
    afterServerView = nil
    closeServerView()
    plan.journal.append(recorder.takeFailures())
    result.mailboxMessages = reactor.mailbox.postedCount &- serverMessages
    completion(result)
  }

  private func fail(place: String, _ error: OperationError) {
    guard result.failure == nil, !isFinished else { return }
    result.failure = RunResult.Failure(phase: phase, place: place, error: error)
    if phase == .setup || phase == .arming { runTeardown() } else { close() }
  }

  private func enter(_ phase: RunProgress.Phase, journal name: JournalPhase.Name) {
    self.phase = phase
    plan.journal.append(JournalPhase(name: name, atNanoseconds: MonotonicClock.now, cpuNanoseconds: ProcessHealth.cpuUsed()))
    report(nil)
  }

  /// A few hundred words, four times a second: the only thing that screens and exporters cost the reactor.
  private func report(_ interval: JournalInterval?, _ failures: [JournalFailure] = []) {
    let now = MonotonicClock.now
    progressDue = now &+ LoadSession.progressNanoseconds
    var progress = RunProgress(phase: phase)
    progress.atNanoseconds = now
    progress.elapsedNanoseconds = loadStart == 0 || now < loadStart ? 0 : now - loadStart
    progress.iterations = totals
    progress.iterations += recorder.iterations
    progress.busyUsers = executor?.busyUsers ?? 0
    progress.totalUsers = executor?.totalUsers ?? 0
    progress.queuedArrivals = executor?.queued ?? 0
    progress.events = ledger.progress
    progress.pools = zip(program.connections, context.drivers).map { connection, driver in
      let figures = driver.statistics
      return PoolProgress(
        name: connection.name, connections: figures.connections, busy: figures.busy, waiting: figures.waiting,
        reconnects: figures.reconnects, blocked: figures.blocked)
    }
    progress.interruptions = interruptions
    if phase == .stopping { progress.iterationsLeftNanoseconds = gracefulEnd > now ? gracefulEnd - now : 0 }
    if phase == .stopping || phase == .settling, !isStoppingAtOnce {
      progress.eventsLeftNanoseconds = ledger.settlesWithin(now: now)
    }
    progress.interval = interval
    if interval != nil {
      progress.servers = latestServerSamples
      latestServerSamples = []
    }
    progress.failures = failures
    plan.onProgress(progress)
  }
}
