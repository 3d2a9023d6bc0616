import ChainProgram
import ChainRuntime
import Glibc
import LiveOutputs
import Metrics

extension AlertWatch: AlertJudge {}

/// What a run's alerts are to do, with the addresses that a chain only names.
enum AlertPlan {
  /// What is missing: names the alert and the source, never a value.
  struct Missing: Error {
    let message: String
  }

  /// - Parameter secretValues: As ``Secrets`` has read them.
  static func targets(_ program: Program, secretValues: [(slot: SlotIndex, value: Value)]) throws(Missing) -> [AlertRunner.Target] {
    var targets: [AlertRunner.Target] = []
    for alert in program.alerts {
      var target = AlertRunner.Target(command: alert.command, timeoutNanoseconds: alert.timeoutNanoseconds)
      if let webhook = alert.webhook { target.webhook = try address(webhook, of: alert.name, secretValues) }
      targets.append(target)
    }
    return targets
  }

  private static func address(
    _ webhook: AlertDeclaration.Webhook, of name: String, _ secretValues: [(slot: SlotIndex, value: Value)]
  ) throws(Missing) -> String {
    let text: String
    switch webhook {
    case .literal(let literal): return literal
    case .environment(let variable):
      guard let found = Terminal.environment(variable), !found.isEmpty else {
        throw Missing(message: "alert '\(name)' takes its webhook from the environment variable \(variable), which is not set; '--no-alerts' runs without")
      }
      text = found
    case .secret(let slot):
      guard case .string(let found)? = secretValues.first(where: { $0.slot == slot })?.value else {
        throw Missing(message: "alert '\(name)' has no webhook: its secret was not read")
      }
      text = found
    }
    guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw Missing(message: "the webhook of alert '\(name)' is no address that starts with http:// or https://")
    }
    return text
  }

  /// The start record's table.
  static func table(_ program: Program, isQuiet: Bool) -> [AlertInfo] {
    program.alerts.map { alert in
      let actions = [alert.command == nil ? nil : "command", alert.webhook == nil ? nil : "webhook"].compactMap(\.self)
      return AlertInfo(
        name: alert.name, condition: alert.condition.text, overNanoseconds: alert.overNanoseconds, firesAfter: alert.firesAfter,
        actions: isQuiet ? [] : actions)
    }
  }

  /// The folder of the chain's file.
  static func folder(ofChain path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// How long actions are given after the run's end.
  static func patience(_ program: Program, isInterrupted: Bool) -> UInt64 {
    let longest = program.alerts.map(\.timeoutNanoseconds).max() ?? 0
    return min(longest, isInterrupted ? 3_000_000_000 : 15_000_000_000)
  }

  /// Why a command cannot be run; nil if it can. A name without a `/` is looked for on the `PATH`. Nothing is run.
  static func commandProblem(_ path: String) -> String? {
    if path.contains("/") { return problem(ofFile: path) }
    let folders = (Terminal.environment("PATH") ?? "/bin:/usr/bin").split(separator: ":", omittingEmptySubsequences: false)
    let isThere = folders.contains { problem(ofFile: ($0.isEmpty ? "." : String($0)) + "/" + path) == nil }
    return isThere ? nil : "it is not on the PATH"
  }

  private static func problem(ofFile path: String) -> String? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return String(cString: strerror(errno)).lowercased() }
    guard facts.st_mode & S_IFMT == S_IFREG else { return "it is no file" }
    return access(path, X_OK) == 0 ? nil : "it is not executable"
  }
}
