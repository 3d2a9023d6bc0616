import ChainIO
import ChainProgram
import Testing

private final class Nobody: CallOwner {
  func callEnded(_ call: OperationCall) {}
}

@Suite struct ExclusivePoolTests {
  private let owner = Nobody()
  private let reactor: Reactor

  init() throws { reactor = try Reactor() }

  private func calls(_ count: Int) -> [OperationCall] { (0..<count).map { begun(OperationCall(owner: owner, reactor: reactor, tag: $0)) } }

  /// Under way, so that it keeps itself: the pool does not.
  private func begun(_ call: OperationCall) -> OperationCall {
    call.begin(operation: 0, arguments: UnsafePointer(bitPattern: MemoryLayout<Value>.alignment)!, now: 0)
    return call
  }

  /// `run 3 on 1`, `wait`, `rest`: the call by its tag.
  private func text(_ action: ExclusivePool.Action) -> String {
    switch action {
    case .run(let call, let connection): "run \(call.tag) on \(connection)"
    case .wait: "wait"
    case .rest: "rest"
    }
  }

  private func pool(open count: Int, timeout: UInt64 = 100) -> ExclusivePool {
    var pool = ExclusivePool(size: count, acquireTimeoutNanoseconds: timeout)
    for connection in 0..<count {
      pool.connectionAttempted(connection)
      _ = pool.connectionOpened(connection)
    }
    return pool
  }

  @Test func `the most recently used connection goes first`() {
    var pool = pool(open: 3)
    let calls = calls(2)
    let first = text(pool.callArrived(calls[0], now: 0))
    let freed = text(pool.connectionFreed(2))
    let second = text(pool.callArrived(calls[1], now: 0))
    #expect([first, freed, second] == ["run 0 on 2", "rest", "run 1 on 2"])
  }

  @Test func `waiting calls are served in the order of their arrival`() {
    var pool = pool(open: 1)
    let calls = calls(4)
    var seen = calls.map { text(pool.callArrived($0, now: 0)) }
    for _ in 0..<4 { seen.append(text(pool.connectionFreed(0))) }
    #expect(seen == ["run 0 on 0", "wait", "wait", "wait", "run 1 on 0", "run 2 on 0", "run 3 on 0", "rest"])
  }

  @Test func `a call that left the queue is never run`() {
    var pool = pool(open: 1)
    let calls = calls(4)
    for call in calls { _ = pool.callArrived(call, now: 0) }
    pool.callLeft(calls[2])
    pool.callLeft(calls[1])
    let waiting = pool.waitingCount
    let next = text(pool.connectionFreed(0))
    let last = text(pool.connectionFreed(0))
    #expect(waiting == 1)
    #expect([next, last] == ["run 3 on 0", "rest"])
  }

  @Test func `calls expire at their acquire deadline and not before`() {
    var pool = pool(open: 0, timeout: 100)
    let calls = calls(2)
    _ = pool.callArrived(calls[0], now: 0)
    _ = pool.callArrived(calls[1], now: 50)
    let early = pool.takeExpired(now: 99)
    let due = pool.takeExpired(now: 100)
    let notYet = pool.takeExpired(now: 100)
    let next = pool.earliestDeadlineNanoseconds
    #expect(early == nil)
    #expect(due === calls[0])
    #expect(notYet == nil)
    #expect(next == 150)
  }

  @Test func `a transaction keeps its connection until it is freed`() {
    var pool = pool(open: 1)
    let calls = calls(2)
    _ = pool.callArrived(calls[0], now: 0)
    pool.transactionBegan(on: 0)
    let other = text(pool.callArrived(calls[1], now: 0))
    let state = pool.state(of: 0)
    let freed = text(pool.connectionFreed(0))
    #expect(other == "wait")
    #expect(state == .leasedToTransaction)
    #expect(freed == "run 1 on 0")
  }

  @Test func `a lost connection takes no calls and a new one serves those that wait`() {
    var pool = pool(open: 2)
    let calls = calls(2)
    pool.connectionLost(1)
    let first = text(pool.callArrived(calls[0], now: 0))
    pool.connectionLost(0)
    let second = text(pool.callArrived(calls[1], now: 0))
    pool.connectionAttempted(0)
    let opened = text(pool.connectionOpened(0))
    let (open, busy) = (pool.openCount, pool.busyCount)
    #expect([first, second, opened] == ["run 0 on 0", "wait", "run 1 on 0"])
    #expect(open == 1)
    #expect(busy == 1)
  }

  @Test func `two hundred thousand passes through a queue of ten thousand take less than two seconds`() {
    var pool = pool(open: 1)
    let calls = calls(10_000)
    _ = pool.callArrived(calls[0], now: 0)
    for call in calls[1...] { _ = pool.callArrived(call, now: 0) }
    let start = MonotonicClock.now
    var current = calls[0]
    var passes = 0
    while passes < 200_000 {
      guard case .run(let next, _) = pool.connectionFreed(0) else { break }
      _ = pool.callArrived(current, now: 0)
      current = next
      passes += 1
    }
    #expect(passes == 200_000)
    #expect(MonotonicClock.now - start < 2_000_000_000)
  }

  private func owned(_ users: [Int]) -> [OperationCall] {
    users.enumerated().map { begun(OperationCall(owner: owner, reactor: reactor, tag: $0, user: $1)) }
  }

  @Test func `with a connection for each user, everybody gets their own and waits for no other`() {
    var pool = ExclusivePool(size: 3, acquireTimeoutNanoseconds: 100, isPerUser: true)
    for connection in 0..<3 {
      pool.connectionAttempted(connection)
      _ = pool.connectionOpened(connection)
    }
    // Calls 0 and 1 are of user 2, call 2 of user 0, call 3 of user 2 again, call 4 of user 1.
    let calls = owned([2, 2, 0, 2, 1])
    var seen = calls.map { text(pool.callArrived($0, now: 0)) }
    #expect(seen == ["run 0 on 2", "wait", "run 2 on 0", "wait", "run 4 on 1"])
    #expect(pool.openCount == 3 && pool.busyCount == 3 && pool.waitingCount == 2)
    seen = [0, 2, 2, 2, 1].map { text(pool.connectionFreed($0)) }
    #expect(seen == ["rest", "run 1 on 2", "run 3 on 2", "rest", "rest"])
    #expect(pool.openCount == 3 && pool.busyCount == 0)
  }

  @Test func `with a connection for each user, a lost one keeps its user waiting and nobody else`() {
    var pool = ExclusivePool(size: 2, acquireTimeoutNanoseconds: 100, isPerUser: true)
    for connection in 0..<2 {
      pool.connectionAttempted(connection)
      _ = pool.connectionOpened(connection)
    }
    pool.connectionLost(0)
    let calls = owned([0, 1])
    let seen = calls.map { text(pool.callArrived($0, now: 0)) }
    #expect(seen == ["wait", "run 1 on 1"] && pool.openCount == 1)
    pool.connectionAttempted(0)
    #expect(text(pool.connectionOpened(0)) == "run 0 on 0")
    let early = pool.takeExpired(now: 1_000)
    #expect(early == nil && pool.openCount == 2)
  }
}
