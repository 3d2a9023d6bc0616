import ChainRuntime
import Glibc
import Metrics
internal import CLinux

/// Waits for a run's end on the main thread, shows its progress meanwhile, and turns SIGINT, SIGTERM and the key 'q' into interruptions of
/// the run.
final class SignalWatch {
  private let descriptor: Int32
  /// The first signal that was caught; the key counts as SIGINT.
  private(set) var caught: Int32?

  /// Blocks the signals in this thread, and so in all threads that it starts afterwards.
  init() {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in [SIGINT, SIGTERM, SIGWINCH, SIGTSTP] { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    descriptor = clinux_signal_descriptor()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// - Parameter journal: A run that can keep nothing any more (a full disk) is stopped.
  func wait(for run: Run, progress: ProgressPrinter, journal: JournalWriter? = nil) -> RunResult {
    while true {
      var watched = [run.endDescriptor, descriptor, progress.keyDescriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      _ = poll(&watched, nfds_t(watched.count), progress.millisecondsToNext)
      var isUrgent = false
      if watched[1].revents != 0, let signal = takeSignal() {
        switch signal {
        case SIGWINCH: isUrgent = true
        case SIGTSTP: stop(progress)
        default: interrupt(run, signal)
        }
      }
      if watched[2].revents != 0, isQuitPressed(watched[2].fd) { interrupt(run, SIGINT) }
      progress.show(isUrgent: isUrgent)
      if let journal, let failure = journal.takeFailure() {
        progress.say("\(failure) ('\(journal.path)'); stopping, since nothing more can be kept")
        run.interrupt()
      }
      if let result = run.result { return result }
    }
  }

  private func interrupt(_ run: Run, _ signal: Int32) {
    if caught == nil { caught = signal }
    run.interrupt()
  }

  /// ^Z stops this process as it would stop any other; the run is late afterwards, and its validity says so.
  private func stop(_ progress: ProgressPrinter) {
    progress.pause()
    kill(getpid(), SIGSTOP)
  }

  private func isQuitPressed(_ descriptor: Int32) -> Bool {
    var keys = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &keys, keys.count)
    return count > 0 && keys[..<count].contains { $0 == UInt8(ascii: "q") || $0 == UInt8(ascii: "Q") }
  }

  private func takeSignal() -> Int32? {
    let number = clinux_take_signal(descriptor)
    return number > 0 ? number : nil
  }
}
