enum GraphCommand {
  static func run(_ invocation: Invocation) -> ExitCode { .usage }
}
