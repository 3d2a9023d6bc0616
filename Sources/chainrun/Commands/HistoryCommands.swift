import Glibc
import History
import Reports

/// `chainrun compare A… -- B…`: two sets of runs, figure by figure. With one set it is held against the baseline.
enum CompareCommand {
  private enum Format: String { case text, md, json, junit, html }

  static func run(_ invocation: Invocation) -> ExitCode {
    guard let format = Format(rawValue: invocation.value("--format") ?? "text") else {
      Terminal.talk("chainrun: '--format \(invocation.value("--format") ?? "")' is not known; write text, md, json, junit or html\n")
      return .usage
    }
    let before: [RunFigures]
    let after: [RunFigures]
    switch sides(invocation) {
    case .refused(let code, let message):
      Terminal.talk("chainrun: \(message)\n")
      return code
    case .runs(let first, let second): (before, after) = (first, second)
    }
    switch RunComparison.compare(before: before, after: after, force: invocation.value("--force") != nil) {
    case .refused(let refusals):
      for refusal in refusals { Terminal.talk("chainrun: cannot compare: \(refusal.text)\n") }
      if refusals.contains(where: { $0.reason == .different }) { return .usage }
      Terminal.talk("chainrun: '--force' compares them all the same\n")
      return .untrusted
    case .compared(let comparison):
      switch format {
      case .text: Terminal.out(ComparisonReport.text(comparison, width: Terminal.width, style: Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain))
      case .md: Terminal.out(ComparisonReport.markdown(comparison))
      case .json: Terminal.out(ComparisonReport.json(comparison))
      case .junit: Terminal.out(ComparisonReport.junit(comparison))
      case .html: Terminal.out(ComparisonReport.html(comparison))
      }
      return comparison.verdict == .regressed ? .failed : .ok
    }
  }

  private enum Sides {
    case runs([RunFigures], [RunFigures])
    case refused(ExitCode, String)
  }

  private static func sides(_ invocation: Invocation) -> Sides {
    let split = invocation.operandsBeforeDashes
    let first = Array(invocation.operands.prefix(split ?? 0))
    let second = Array(invocation.operands.dropFirst(split ?? 0))
    if split != nil, first.isEmpty || second.isEmpty {
      return .refused(.usage, "runs are missing on one side of '--'; see 'chainrun compare --help'")
    }
    let after: [RunFigures]
    switch RunSelection.read(second) {
    case .refused(let code, let message): return .refused(code, message)
    case .runs(let runs): after = runs
    }
    if split != nil {
      switch RunSelection.read(first) {
      case .refused(let code, let message): return .refused(code, message)
      case .runs(let before): return .runs(before, after)
      }
    }
    let path = RunSelection.baselinesPath(invocation)
    do throws(RunStoreError) {
      guard let conditions = after.first?.conditions, let entry = try Baselines(path: path).entry(chain: conditions.chain, profile: conditions.profile) else {
        return .refused(.usage, "there is no baseline for this chain and profile in '\(path)'; write the runs to compare with before '--', or make one with 'chainrun baseline set'")
      }
      return .runs(entry.runs, after)
    } catch {
      return .refused(.usage, error.description)
    }
  }
}

/// `chainrun history [DIR]`: the runs that were made.
enum HistoryCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    switch RunSelection.history(root: invocation.operands.first ?? RunSelection.root, database: invocation.value("--db")) {
    case .refused(let code, let message):
      Terminal.talk("chainrun: \(message)\n")
      return code
    case .runs(let all):
      guard let runs = RunSelection.last(RunSelection.matching(all, invocation), invocation) else {
        Terminal.talk("chainrun: '--last' needs a number of runs\n")
        return .usage
      }
      switch invocation.value("--format") ?? "text" {
      case "text": Terminal.out(HistoryReport.text(runs, width: Terminal.width, style: Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain))
      case "json": Terminal.out(HistoryReport.json(runs))
      default:
        Terminal.talk("chainrun: '--format' is text or json\n")
        return .usage
      }
      return .ok
    }
  }
}

/// `chainrun trend [DIR]`: whether a figure has changed its level.
enum TrendCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    switch RunSelection.history(root: invocation.operands.first ?? RunSelection.root, database: invocation.value("--db")) {
    case .refused(let code, let message):
      Terminal.talk("chainrun: \(message)\n")
      return code
    case .runs(let all):
      guard let runs = RunSelection.last(RunSelection.matching(all, invocation), invocation) else {
        Terminal.talk("chainrun: '--last' needs a number of runs\n")
        return .usage
      }
      let trend = RunTrend(runs, includesUntrusted: invocation.value("--force") != nil, anyChainText: invocation.value("--any-version") != nil)
      switch invocation.value("--format") ?? "text" {
      case "text": Terminal.out(TrendReport.text(trend, width: Terminal.width, style: Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain))
      case "md": Terminal.out(TrendReport.markdown(trend))
      case "json": Terminal.out(TrendReport.json(trend))
      case "junit": Terminal.out(TrendReport.junit(trend))
      case "html": Terminal.out(TrendReport.html(trend))
      default:
        Terminal.talk("chainrun: '--format' is text, md, json, junit or html\n")
        return .usage
      }
      return trend.hasRegression ? .failed : .ok
    }
  }
}

/// `chainrun baseline set RUN…`, `chainrun baseline show`: what later runs are held against.
enum BaselineCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    let path = RunSelection.baselinesPath(invocation)
    do throws(RunStoreError) {
      switch invocation.operands[0] {
      case "set": return try set(Array(invocation.operands.dropFirst()), path: path)
      case "show":
        let baselines = try Baselines(path: path)
        if baselines.entries.isEmpty {
          Terminal.talk("chainrun: '\(path)' has no baselines; 'chainrun baseline set latest' makes one\n")
        }
        for entry in baselines.entries {
          Terminal.out("\(entry.chain), \(entry.profile): \(entry.runs.count) run\(entry.runs.count == 1 ? "" : "s")\n")
          Terminal.out(HistoryReport.text(entry.runs, width: Terminal.width, style: Terminal.hasColour(STDOUT_FILENO) ? .ansi : .plain))
        }
        return .ok
      default:
        Terminal.talk("chainrun: 'baseline' is followed by 'set' or 'show'; see 'chainrun baseline --help'\n")
        return .usage
      }
    } catch {
      Terminal.talk("chainrun: \(error.description)\n")
      return .environment
    }
  }

  private static func set(_ operands: [String], path: String) throws(RunStoreError) -> ExitCode {
    guard !operands.isEmpty else {
      Terminal.talk("chainrun: 'baseline set' needs at least one run; five or more make a baseline that can tell a regression\n")
      return .usage
    }
    switch RunSelection.read(operands) {
    case .refused(let code, let message):
      Terminal.talk("chainrun: \(message)\n")
      return code
    case .runs(let runs):
      // The runs must be comparable with one another.
      if case .refused(let refusals) = RunComparison.compare(before: runs, after: runs) {
        for refusal in refusals { Terminal.talk("chainrun: no baseline: \(refusal.text)\n") }
        return refusals.contains { $0.reason == .different } ? .usage : .untrusted
      }
      var baselines = try Baselines(path: path)
      baselines.set(runs, at: Double(time(nil)))
      try baselines.write(to: path)
      let conditions = runs[0].conditions
      Terminal.talk("chainrun: \(runs.count) run\(runs.count == 1 ? "" : "s") are the baseline of \(conditions.chain), \(conditions.profile) in '\(path)'\n")
      return .ok
    }
  }
}
