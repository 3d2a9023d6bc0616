import ChainRuntime
import Glibc
import Metrics
internal import CLinux

/// Waits for a run's end on the main thread, and turns SIGINT and SIGTERM into interruptions of the run.
final class SignalWatch {
  private let descriptor: Int32
  /// The first signal that was caught.
  private(set) var caught: Int32?

  /// Blocks both signals in this thread, and so in all threads that it starts afterwards.
  init() {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    descriptor = clinux_signal_descriptor()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// - Parameter journal: A run that can keep nothing any more (a full disk) is stopped.
  func wait(for run: Run, progress: ProgressPrinter, journal: JournalWriter? = nil) -> RunResult {
    while true {
      var watched = [
        pollfd(fd: run.endDescriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&watched, nfds_t(watched.count), 250)
      progress.printNews()
      if let journal, let failure = journal.takeFailure() {
        Terminal.talk("\nchainrun: \(failure) ('\(journal.path)'); stopping, since nothing more can be kept\n")
        run.interrupt()
      }
      if let result = run.result { return result }
      if watched[1].revents != 0, let signal = takeSignal() { interrupt(run, signal) }
    }
  }

  private func interrupt(_ run: Run, _ signal: Int32) {
    let isFirst = caught == nil
    if isFirst { caught = signal }
    Terminal.talk(
      isFirst
        ? "\nchainrun: stopping; running iterations may finish and events may settle. Once more to stop at once.\n"
        : "\nchainrun: stopping at once\n")
    run.interrupt()
  }

  private func takeSignal() -> Int32? {
    let number = clinux_take_signal(descriptor)
    return number > 0 ? number : nil
  }
}
