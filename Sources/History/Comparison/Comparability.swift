/// Why runs cannot be compared.
package struct ComparisonRefusal: Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    /// Runs of different things: nothing can be concluded, forced or not.
    case different
    /// Runs whose figures are not to be trusted: `--force` compares them all the same.
    case untrustworthy
  }

  package let reason: Reason
  /// A phrase: `'soak' and 'smoke' are different profiles`.
  package let text: String
}

enum Comparability {
  /// What stands in the way, worst first; empty if the runs may be compared.
  static func refusals(_ runs: [RunFigures]) -> [ComparisonRefusal] {
    guard let first = runs.first else { return [] }
    var refusals: [ComparisonRefusal] = []
    func differ(_ what: String, _ value: (RunConditions) -> String, help: String) {
      guard let other = runs.first(where: { value($0.conditions) != value(first.conditions) }) else { return }
      refusals.append(
        ComparisonRefusal(
          reason: .different,
          text: "\(name(first)) has \(what) '\(value(first.conditions))', \(name(other)) '\(value(other.conditions))'; \(help)"))
    }
    differ("chain", \.chain, help: "only runs of one chain can be compared")
    if refusals.isEmpty {
      differ("chain text", { String($0.chainHash.prefix(12)) }, help: "the file or one that it reads has changed between them")
    }
    differ("variables", { words($0.variables) }, help: "another value of a variable ('--var') is another chain")
    differ("traces told to", { words([$0.traceContext]) }, help: "'--traceparent' changes what is sent")
    differ("profile", { "\($0.profile): \($0.profileText)" }, help: "another load is another question")
    differ("observation", { $0.observation.joined(separator: ", ") }, help: "each way to observe has a resolution of its own")
    for run in runs {
      if run.isCrashed {
        refusals.append(ComparisonRefusal(reason: .untrustworthy, text: "\(name(run)) did not come to its end"))
      } else if run.validity != "valid" {
        refusals.append(ComparisonRefusal(reason: .untrustworthy, text: "\(name(run)) is \(run.validity.isEmpty ? "without a verdict on itself" : run.validity)"))
      }
    }
    return refusals
  }

  private static func words(_ texts: [String]) -> String {
    let given = texts.filter { !$0.isEmpty }
    return given.isEmpty ? "none" : given.joined(separator: " ")
  }

  private static func name(_ run: RunFigures) -> String {
    run.folder.split(separator: "/").last.map { "run '\($0)'" } ?? "run \(run.runID)"
  }
}
