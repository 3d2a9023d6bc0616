import ChainIO
import ChainProgram

/// A system whose every operation takes the same time on one of so many connections.
struct PooledConnector: Connector {
  let size: Int
  let serviceNanoseconds: UInt64
  let schema = ScriptedConnector(script: Script()).schema

  func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget {
    ScriptedConnector.Target()
  }

  func makeDriver(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor)
    throws(OperationError) -> any ConnectionDriver
  {
    PooledDriver(size: size, serviceNanoseconds: serviceNanoseconds, reactor: reactor)
  }
}

final class PooledDriver: ConnectionDriver, TimerOwner {
  private let reactor: Reactor
  private let serviceNanoseconds: UInt64
  private var pool: ExclusivePool
  private var running: [OperationCall?]
  private var timers: [ReactorTimer] = []
  let statistics = DriverStatistics()

  init(size: Int, serviceNanoseconds: UInt64, reactor: Reactor) {
    self.reactor = reactor
    self.serviceNanoseconds = serviceNanoseconds
    pool = ExclusivePool(size: size, acquireTimeoutNanoseconds: 3_600_000_000_000)
    running = Array(repeating: nil, count: size)
    for connection in 0..<size { timers.append(ReactorTimer(owner: self, tag: connection)) }
  }

  func open(deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    for connection in running.indices {
      pool.connectionAttempted(connection)
      perform(pool.connectionOpened(connection))
    }
    completion(nil)
  }

  func submit(_ call: OperationCall) { perform(pool.callArrived(call, now: reactor.now)) }

  private func perform(_ action: ExclusivePool.Action) {
    guard case .run(let call, let connection) = action else { return }
    let now = MonotonicClock.now
    call.started(at: now)
    running[connection] = call
    reactor.arm(timers[connection], at: now + serviceNanoseconds)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    running[timer.tag]?.succeed(at: now)
    running[timer.tag] = nil
    perform(pool.connectionFreed(timer.tag))
  }

  func abandon(_ call: OperationCall, now: UInt64) { preconditionFailure("nobody has a deadline here") }
  func endLease(_ call: OperationCall) {}

  func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver {
    throw OperationError(.protocol, "there is nothing to observe here")
  }

  func close() { for timer in timers { timer.invalidate() } }
}
