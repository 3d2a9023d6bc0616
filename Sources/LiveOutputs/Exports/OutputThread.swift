internal import Glibc
internal import Metrics
internal import Synchronization

/// A thread of an output, which can be woken and told to end, and is never waited for without bound.
final class OutputThread: Sendable {
  private struct State {
    var isEnding = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  /// A pipe, so that the thread can wait for it and for sockets at once.
  let wakeDescriptor: Int32
  private let waker: Int32

  /// nil if the process is out of descriptors.
  init?() {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    wakeDescriptor = ends[0]
    waker = ends[1]
  }

  deinit {
    close(wakeDescriptor)
    close(waker)
  }

  private final class Body: Sendable {
    let thread: OutputThread
    let run: @Sendable (OutputThread) -> Void

    init(thread: OutputThread, run: @escaping @Sendable (OutputThread) -> Void) {
      self.thread = thread
      self.run = run
    }
  }

  /// - Returns: false if the system has no more threads.
  func start(_ run: @escaping @Sendable (OutputThread) -> Void) -> Bool {
    let body = Unmanaged.passRetained(Body(thread: self, run: run))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        ThreadSignals.leaveToMainThread()
        body.run(body.thread)
        body.thread.state.withLock { $0.hasEnded = true }
        return nil
      }, body.toOpaque())
    guard status == 0 else {
      body.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  func wake() {
    var byte: UInt8 = 1
    // A full pipe wakes as well.
    _ = write(waker, &byte, 1)
  }

  var isEnding: Bool { state.withLock { $0.isEnding } }

  func end() {
    state.withLock { $0.isEnding = true }
    wake()
  }

  /// - Returns: false if it still runs after the time; it is left to itself then.
  func hasEnded(withinNanoseconds limit: UInt64) -> Bool {
    for _ in 0...(limit / 2_000_000) {
      if state.withLock({ $0.hasEnded }) { return true }
      usleep(2_000)
    }
    return false
  }

  /// The thread's own: waits for a wake-up or for one of the descriptors, and swallows the wake-ups.
  func wait(milliseconds: Int32, alsoFor others: inout [pollfd]) {
    others.append(pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0))
    _ = poll(&others, nfds_t(others.count), milliseconds)
    if others.removeLast().revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 256)
      _ = read(wakeDescriptor, &bytes, bytes.count)
    }
  }

  func wait(milliseconds: Int32) {
    var none: [pollfd] = []
    wait(milliseconds: milliseconds, alsoFor: &none)
  }
}
