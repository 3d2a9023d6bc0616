internal import CCurl
import ChainIO
import ChainProgram

/// One declared web server on one reactor: a pool of transfers, and the calls that wait for one.
final class HTTPDriver: ConnectionDriver, TransferOwner, TimerOwner {
  private let target: HTTPTarget
  private let reactor: Reactor
  /// By the program's operation index; nil for those of other connections.
  private let plans: ContiguousArray<RequestPlan?>
  private let acquireTimeoutNanoseconds: UInt64
  private var loop: CurlLoop!
  private var transfers: ContiguousArray<Transfer> = []
  /// The last one put back is the first one taken: its memory is still in the processor's cache.
  private var free: ContiguousArray<Int> = []
  private var waiting = CallQueue()
  private var waitTimer: ReactorTimer!
  private var probe: ReachabilityProbe?
  private var isClosed = false
  private var meter = PoolMeter()
  private var reconnectsTold = 0

  init(
    target: HTTPTarget, plans: ContiguousArray<RequestPlan?>, pool: Int, acquireTimeoutNanoseconds: UInt64,
    connectTimeoutNanoseconds: UInt64, keepsHeaders: Bool, reactor: Reactor
  ) throws(OperationError) {
    self.target = target
    self.plans = plans
    self.acquireTimeoutNanoseconds = acquireTimeoutNanoseconds
    self.reactor = reactor
    let loop = try CurlLoop(owner: self, connections: pool, resolution: target.resolution, reactor: reactor)
    self.loop = loop
    let dynamicHeadersMax = plans.reduce(0) { max($0, $1.map { $0.dynamicHeaders.count + ($0.carriesTrace ? 1 : 0) } ?? 0) }
    for index in 0..<pool {
      transfers.append(
        try Transfer(
          index: index, target: target, connectTimeoutNanoseconds: connectTimeoutNanoseconds, keepsHeaders: keepsHeaders,
          dynamicHeadersMax: dynamicHeadersMax, loop: loop))
    }
    free.append(contentsOf: (0..<pool).reversed())
    waitTimer = ReactorTimer(owner: self)
  }

  deinit { tearDown() }

  // One connection is tried, so that a server that is not there is reported before the load; libcurl opens its own when they are needed.
  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    let probe = ReachabilityProbe(reactor: reactor) { [weak self] error in
      self?.probe = nil
      completion(error)
    }
    self.probe = probe
    probe.start(target, deadline: deadline)
  }

  func submit(_ call: OperationCall) {
    defer { note() }
    if let index = free.popLast() {
      start(call, on: transfers[index])
      return
    }
    call.place = waiting.append(call)
    if !waitTimer.isArmed { armWaitTimer() }
  }

  private func start(_ call: OperationCall, on transfer: Transfer) {
    guard let plan = plans[call.operation] else { preconditionFailure("an operation was submitted to a connection that is not its own") }
    if let refusal = transfer.prepare(call, plan) {
      free.append(transfer.index)
      call.fail(refusal, at: MonotonicClock.now)
      return
    }
    call.place = transfer.index
    call.started(at: MonotonicClock.now)
    loop.start(transfer)
  }

  /// Gives the transfer to the next call in line.
  private func release(_ transfer: Transfer) {
    transfer.finish()
    free.append(transfer.index)
    while !free.isEmpty, let call = waiting.popFirst() { start(call, on: transfers[free.removeLast()]) }
    note()
  }

  func transferEnded(_ transfer: Transfer, _ code: CURLcode, now: UInt64) {
    guard let call = transfer.call, let plan = transfer.plan else { preconditionFailure("a transfer without a call has ended") }
    if code == CURLE_OK {
      var status = 0
      ccurl_getinfo_long(transfer.easy, CURLINFO_RESPONSE_CODE, &status)
      call.result.status = Int64(status)
      call.succeed(at: now)
    } else {
      end(call, plan, transfer, code, now)
    }
    release(transfer)
  }

  private func end(_ call: OperationCall, _ plan: RequestPlan, _ transfer: Transfer, _ code: CURLcode, _ now: UInt64) {
    if transfer.isTooLarge || code == CURLE_FILESIZE_EXCEEDED {
      let limit = OperationResult.bytesMax >> 20
      return call.fail(OperationError(.protocol, code: "too-large", "the answer is larger than \(limit) MiB"), at: now)
    }
    var systemError = 0
    if code == CURLE_COULDNT_CONNECT { meter.connectFailed() }
    if code == CURLE_COULDNT_CONNECT { ccurl_getinfo_long(transfer.easy, CURLINFO_OS_ERRNO, &systemError) }
    // Whatever became of the repetition that was refused: the connection was lost without an answer.
    let error = CurlError.error(
      transfer.wasRefused ? CURLE_GOT_NOTHING : code, wasSent: transfer.wasSent, systemError: Int32(truncatingIfNeeded: systemError),
      detail: transfer.errorDetail, address: target.displayAddress)
    if plan.writes, transfer.wasSent { call.endUnknown(error, at: now) } else { call.fail(error, at: now) }
  }

  func abandon(_ call: OperationCall, now: UInt64) {
    switch call.state {
    case .idle, .ended: return
    case .waiting:
      waiting.remove(call.place)
      meter.refused()
      note()
      call.fail(OperationError(.timeout, code: "deadline", "no connection to \(target.displayAddress) was free by the deadline"), at: now)
    case .inFlight:
      let transfer = transfers[call.place]
      precondition(transfer.call === call, "a call that is under way has its transfer")
      loop.cancel(transfer)
      let error = OperationError(.timeout, code: "deadline", "no answer from \(target.displayAddress) by the deadline")
      if transfer.wasSent, transfer.plan?.writes ?? true { call.endUnknown(error, at: now) } else { call.fail(error, at: now) }
      release(transfer)
    }
  }

  /// Requests stand alone: nothing is ever leased.
  func endLease(_ call: OperationCall) {}

  func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver {
    throw OperationError(.protocol, code: "unsupported", "hops cannot be observed over HTTP")
  }

  // Waiting calls have the same patience, so the first in line is the first to lose it.

  private func armWaitTimer() {
    guard let first = waiting.first else { return }
    reactor.arm(waitTimer, at: first.submittedNanoseconds &+ acquireTimeoutNanoseconds)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    while let first = waiting.first, first.submittedNanoseconds &+ acquireTimeoutNanoseconds <= now {
      _ = waiting.popFirst()
      meter.refused()
      note()
      first.fail(
        OperationError(.timeout, code: "pool", "all \(transfers.count) connections to \(target.displayAddress) were in use"), at: now)
    }
    armWaitTimer()
  }

  func close() { tearDown() }

  private func tearDown() {
    guard !isClosed else { return }
    isClosed = true
    probe?.cancel()
    probe = nil
    waitTimer?.invalidate()
    for transfer in transfers where transfer.call != nil { loop.cancel(transfer) }
    transfers.removeAll()
    free.removeAll()
    loop?.close()
  }

  private func note() { meter.changed(busy: transfers.count - free.count, waiting: waiting.count, now: reactor.now) }

  func takePoolReading(now: UInt64) -> PoolReading {
    var reading = meter.take(now: now)
    reading.size = transfers.count
    reading.reconnects = UInt64(max(0, loop.replacedSockets - reconnectsTold))
    reconnectsTold = loop.replacedSockets
    return reading
  }

  var statistics: DriverStatistics {
    var statistics = DriverStatistics()
    statistics.connections = loop.openSockets
    statistics.busy = transfers.count - free.count
    statistics.waiting = waiting.count
    statistics.reconnects = loop.replacedSockets
    return statistics
  }
}
