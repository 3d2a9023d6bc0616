import Glibc
internal import CLinux

/// `chainrun lint --watch`: lints again whenever a file that was read changes, until SIGINT or SIGTERM.
///
/// Looks at the files' times, sizes and numbers every 300 ms, which also works on network file systems and sees files that
/// did not exist before.
struct LintWatch {
  let command: LintCommand
  private static let pauseMilliseconds: Int32 = 300

  /// - Returns: What the last lint ended with.
  func run() -> ExitCode {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let signals = clinux_signal_descriptor()
    defer { if signals >= 0 { close(signals) } }

    while true {
      if Terminal.isTerminal(STDOUT_FILENO) { Terminal.out("\u{1B}[H\u{1B}[2J\u{1B}[3J") }
      let outcome = command.run()
      Terminal.talk("chainrun lint: watching \(outcome.paths.count == 1 ? "1 file" : "\(outcome.paths.count) files"), ^C ends\n")
      let seen = picture(outcome)
      repeat {
        var watched = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
        if poll(&watched, 1, Self.pauseMilliseconds) > 0, clinux_take_signal(signals) > 0 { return outcome.code }
      } while picture(outcome) == seen
    }
  }

  private struct Stamp: Hashable {
    let seconds: Int
    let nanoseconds: Int
    let size: Int
    let number: UInt
  }

  /// What the files look like from outside; a file that is not there has no stamp.
  private func picture(_ outcome: LintCommand.Outcome) -> [String: Stamp?] {
    var picture: [String: Stamp?] = [:]
    for path in outcome.paths.union(LintInputs.expand(command.operands)) {
      var status = stat()
      let isThere = stat(path, &status) == 0
      picture[path] =
        isThere
        ? .some(
          Stamp(
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, size: Int(status.st_size), number: UInt(status.st_ino)))
        : .some(nil)
    }
    return picture
  }
}
