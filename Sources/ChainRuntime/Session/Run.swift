package import ChainIO
import Glibc
import Metrics
import Synchronization

/// A run on a reactor thread of its own. Sendable: the main thread starts it, may interrupt it, and waits for its end.
package final class Run: Sendable {
  private struct State {
    var result: RunResult?
    var mailbox: ReactorMailbox?
    var interruptions = 0
  }
  private let state = Mutex(State())
  private let plan: RunPlan
  /// Becomes readable when the run has ended (a pipe's end, for `poll`).
  package let endDescriptor: Int32
  private let endWriter: Int32

  package init(plan: RunPlan) throws(OperationError) {
    self.plan = plan
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw OperationError.system("pipe", errno) }
    endDescriptor = ends[0]
    endWriter = ends[1]
  }

  deinit {
    close(endDescriptor)
    close(endWriter)
  }

  /// Starts the reactor's thread.
  package func start() throws(OperationError) {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // librabbitmq decodes nested tables recursively: 21 000 levels overflowed 512 KiB.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let me = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        let run = Unmanaged<Run>.fromOpaque(argument!).takeRetainedValue()
        run.runOnThisThread()
        return nil
      }, me.toOpaque())
    pthread_attr_destroy(&attributes)
    guard status == 0 else {
      me.release()
      throw OperationError.system("pthread_create", status)
    }
    pthread_detach(thread)
  }

  private func runOnThisThread() {
    ThreadSignals.leaveToMainThread()
    let reactor: Reactor
    do throws(OperationError) {
      reactor = try Reactor()
    } catch {
      return end(RunResult(failure: .init(phase: .connecting, place: "reactor", error: error)))
    }
    let session = LoadSession(plan: plan, reactor: reactor) { result in
      self.end(result)
      reactor.stop()
    }
    reactor.attachment = session
    let pending = state.withLock { state in
      state.mailbox = reactor.mailbox
      return state.interruptions
    }
    session.begin()
    for _ in 0..<pending { session.interrupt() }
    // It may have ended already: a connection that cannot even be tried.
    if result == nil {
      let hasSetTimes = if case .open = plan.profile.model { true } else { false }
      reactor.run(takesShortSlices: hasSetTimes)
    }
    reactor.attachment = nil
  }

  private func end(_ result: RunResult) {
    state.withLock { $0.result = result }
    var byte: UInt8 = 1
    _ = write(endWriter, &byte, 1)
  }

  /// Once: lets what runs finish. Twice: at once.
  package func interrupt() {
    let mailbox = state.withLock { state in
      state.interruptions += 1
      return state.mailbox
    }
    mailbox?.post { reactor in (reactor.attachment as? LoadSession)?.interrupt() }
  }

  /// The result once the run has ended; nil before.
  package var result: RunResult? { state.withLock { $0.result } }

  /// Waits for the end.
  ///
  /// - Returns: nil if it did not come within the time.
  package func wait(milliseconds: Int32) -> RunResult? {
    var descriptor = pollfd(fd: endDescriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&descriptor, 1, milliseconds)
    return result
  }
}
