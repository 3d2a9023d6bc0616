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

package enum Comparability {
  /// What two runs must have in common, and why.
  private struct Aspect: Sendable {
    let what: String
    let help: String
    let value: @Sendable (RunConditions) -> String
  }

  private static let aspects = [
    Aspect(what: "chain", help: "only runs of one chain can be compared") { $0.chain },
    Aspect(what: "chain text", help: "the file or one that it reads has changed between them") { String($0.chainHash.prefix(12)) },
    Aspect(what: "variables", help: "another value of a variable ('--var') is another chain") { words($0.variables) },
    Aspect(what: "traces told to", help: "'--traceparent' changes what is sent") { words([$0.traceContext]) },
    Aspect(what: "profile", help: "another load is another question") { "\($0.profile): \($0.profileText)" },
  ]
  private static let observation = Aspect(what: "observation", help: "each way to observe has a resolution of its own") {
    $0.observation.joined(separator: ", ")
  }

  /// What a run that is about to begin asks otherwise than runs that were made; nil if it is the same question, as far as it is known before
  /// the observers are in place.
  package static func difference(of run: RunConditions, from earlier: RunConditions) -> String? {
    for aspect in aspects where aspect.value(run) != aspect.value(earlier) {
      return "it has \(aspect.what) '\(aspect.value(earlier))', this run '\(aspect.value(run))'"
    }
    return nil
  }

  /// What stands in the way, worst first; empty if the runs may be compared.
  static func refusals(_ runs: [RunFigures]) -> [ComparisonRefusal] {
    guard let first = runs.first else { return [] }
    var refusals: [ComparisonRefusal] = []
    for aspect in aspects + [observation] {
      let value = aspect.value
      guard let other = runs.first(where: { value($0.conditions) != value(first.conditions) }) else { continue }
      refusals.append(
        ComparisonRefusal(
          reason: .different,
          text: "\(name(first)) has \(aspect.what) '\(value(first.conditions))', \(name(other)) '\(value(other.conditions))'; "
            + aspect.help))
      // Of another chain all else is another one as well.
      if aspect.what == "chain" { break }
    }
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
