internal import CCurl
import ChainIO
import ChainProgram

/// One declared web server on one reactor: a pool of transfers, and the calls that wait for one.
///
/// Under `pool: per_vu`, user *n* has a transfer and a connection of its own, made at its first request. Its calls wait for one another and
/// for nobody else's.
final class HTTPDriver: ConnectionDriver, TransferOwner, TimerOwner {
  private let target: HTTPTarget
  private let reactor: Reactor
  /// By the program's operation index; nil for those of other connections.
  private let plans: ContiguousArray<RequestPlan?>
  private let acquireTimeoutNanoseconds: UInt64
  private let connectTimeoutNanoseconds: UInt64
  private let keepsHeaders: Bool
  private let dynamicHeadersMax: Int
  /// Transfers that there may be.
  private let size: Int
  private let isPerUser: Bool
  /// One for all, or one for each `usersPerLoop` transfers.
  private var loops: ContiguousArray<CurlLoop> = []
  private var transfers: ContiguousArray<Transfer> = []
  /// Of each user: the place of its own transfer, -1 before its first request.
  private var ownPlaces: ContiguousArray<Int32> = []
  private var ownBusyCount = 0
  /// Nobody's own. The last one put back is the first one taken: its memory is still in the processor's cache.
  private var free: ContiguousArray<Int> = []
  private var waiting = CallQueue()
  private var waitTimer: ReactorTimer!
  private var probe: ReachabilityProbe?
  private var isClosed = false
  private var meter = PoolMeter()
  private var reconnectsTold = 0

  /// libcurl looks once a second whether the idle connections of a loop are alive, in the midst of a request, and finds them by a table of
  /// 97 places: that must not grow with the users. A loop for each user would cost two descriptors and 11 kB more
  /// (docs/decisions/shared-connections.md).
  static let usersPerLoop = 128

  init(
    target: HTTPTarget, plans: ContiguousArray<RequestPlan?>, pool: Int, isPerUser: Bool, acquireTimeoutNanoseconds: UInt64,
    connectTimeoutNanoseconds: UInt64, keepsHeaders: Bool, reactor: Reactor
  ) throws(OperationError) {
    self.target = target
    self.plans = plans
    self.acquireTimeoutNanoseconds = acquireTimeoutNanoseconds
    self.reactor = reactor
    self.connectTimeoutNanoseconds = connectTimeoutNanoseconds
    self.keepsHeaders = keepsHeaders
    self.isPerUser = isPerUser
    size = pool
    dynamicHeadersMax = plans.reduce(0) { max($0, $1.map { $0.dynamicHeaders.count + ($0.carriesTrace ? 1 : 0) } ?? 0) }
    waitTimer = ReactorTimer(owner: self)
    if isPerUser {
      ownPlaces = ContiguousArray(repeating: -1, count: size)
    } else {
      loops.append(try CurlLoop(owner: self, connections: size, isPerUser: false, resolution: target.resolution, reactor: reactor))
      for _ in 0..<size { try addTransfer(ownName: nil) }
      free.append(contentsOf: (0..<size).reversed())
    }
  }

  private func addTransfer(ownName: HTTPTarget.OwnName?) throws(OperationError) {
    let index = transfers.count
    transfers.append(
      try Transfer(
        index: index, target: target, connectTimeoutNanoseconds: connectTimeoutNanoseconds, keepsHeaders: keepsHeaders,
        dynamicHeadersMax: dynamicHeadersMax, ownName: ownName, loop: loop(ofTransfer: index)))
  }

  private func loop(ofTransfer index: Int) -> CurlLoop { loops[isPerUser ? index / HTTPDriver.usersPerLoop : 0] }

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
    if isPerUser {
      if startedOnOwn(call) { return }
    } else if let index = free.popLast() {
      start(call, on: transfers[index])
      return
    }
    call.place = waiting.append(call)
    if !waitTimer.isArmed { armWaitTimer() }
  }

  /// Starts the call on its user's transfer, or lets it stand in line there.
  ///
  /// - Returns: false if it waits.
  private func startedOnOwn(_ call: OperationCall) -> Bool {
    let transfer: Transfer
    do {
      transfer = try ownTransfer(ofUser: call.user % size)
    } catch {
      call.fail(error, at: MonotonicClock.now)
      return true
    }
    guard transfer.call == nil else {
      transfer.queue(call)
      return false
    }
    ownBusyCount += 1
    start(call, on: transfer)
    return true
  }

  private func ownTransfer(ofUser user: Int) throws(OperationError) -> Transfer {
    let place = Int(ownPlaces[user])
    if place >= 0 { return transfers[place] }
    let index = transfers.count
    if index / HTTPDriver.usersPerLoop == loops.count {
      loops.append(
        try CurlLoop(owner: self, connections: HTTPDriver.usersPerLoop, isPerUser: true, resolution: nil, reactor: reactor))
    }
    try addTransfer(ownName: target.ownName(ofUser: user))
    ownPlaces[user] = Int32(index)
    return transfers[index]
  }

  private func start(_ call: OperationCall, on transfer: Transfer) {
    guard let plan = plans[call.operation] else { preconditionFailure("an operation was submitted to a connection that is not its own") }
    if let refusal = transfer.prepare(call, plan) {
      putBack(transfer)
      call.fail(refusal, at: MonotonicClock.now)
      return
    }
    call.place = transfer.index
    call.started(at: MonotonicClock.now)
    loop(ofTransfer: transfer.index).start(transfer)
  }

  private func putBack(_ transfer: Transfer) {
    if isPerUser { ownBusyCount -= 1 } else { free.append(transfer.index) }
  }

  /// Gives the transfer to the next call in line.
  private func release(_ transfer: Transfer) {
    transfer.finish()
    putBack(transfer)
    if isPerUser {
      while transfer.call == nil, let call = transfer.lanes.first {
        leaveQueue(call)
        ownBusyCount += 1
        start(call, on: transfer)
      }
    } else {
      while !free.isEmpty, let call = waiting.popFirst() { start(call, on: transfers[free.removeLast()]) }
    }
    note()
  }

  private func leaveQueue(_ call: OperationCall) {
    waiting.remove(call.place)
    if isPerUser { transfers[Int(ownPlaces[call.user % size])].unqueue(call) }
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
      leaveQueue(call)
      meter.refused()
      note()
      call.fail(OperationError(.timeout, code: "deadline", "no connection to \(target.displayAddress) was free by the deadline"), at: now)
    case .inFlight:
      let transfer = transfers[call.place]
      precondition(transfer.call === call, "a call that is under way has its transfer")
      loop(ofTransfer: transfer.index).cancel(transfer)
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
      leaveQueue(first)
      meter.refused()
      note()
      let address = target.displayAddress
      let reason = isPerUser ? "the user's connection to \(address) was in use" : "all \(size) connections to \(address) were in use"
      first.fail(OperationError(.timeout, code: "pool", reason), at: now)
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
    for transfer in transfers where transfer.call != nil { loop(ofTransfer: transfer.index).cancel(transfer) }
    transfers.removeAll()
    free.removeAll()
    ownBusyCount = 0
    for loop in loops { loop.close() }
  }

  private var busyCount: Int { isPerUser ? ownBusyCount : transfers.count - free.count }
  var inFlight: Int { busyCount }

  private func note() { meter.changed(busy: busyCount, waiting: waiting.count, now: reactor.now) }

  func takePoolReading(now: UInt64) -> PoolReading {
    var reading = meter.take(now: now)
    let reconnects = replacedSockets
    reading.size = size
    reading.reconnects = UInt64(max(0, reconnects - reconnectsTold))
    reconnectsTold = reconnects
    return reading
  }

  private var replacedSockets: Int { loops.reduce(0) { $0 + $1.replacedSockets } }

  var statistics: DriverStatistics {
    var statistics = DriverStatistics()
    statistics.connections = loops.reduce(0) { $0 + $1.openSockets }
    statistics.busy = busyCount
    statistics.waiting = waiting.count
    statistics.reconnects = replacedSockets
    return statistics
  }
}
