/// What the process ends with, ordered by severity: a scheduler may return the largest of its tasks'.
enum ExitCode: Int32, Comparable {
  /// The run or the lint found nothing wrong.
  case ok = 0
  /// The test says no: a threshold, a check, a lint error.
  case failed = 1
  /// The command line is wrong, or the chain cannot be read.
  case usage = 2
  /// The environment is not there: a connection or the setup failed.
  case environment = 3
  /// Data came out wrong: lost, duplicated, unexpected, different.
  case inconsistent = 4
  /// The figures cannot be trusted: the journal is incomplete, or the generator was invalid.
  case untrusted = 5
  /// A bug of ours: the program's own accounts do not agree.
  case internalError = 70
  /// Interrupted (SIGINT), after the partial report was written.
  case interrupted = 130
  /// Terminated (SIGTERM), after the partial report was written.
  case terminated = 143

  static func < (left: ExitCode, right: ExitCode) -> Bool { left.rawValue < right.rawValue }
}
