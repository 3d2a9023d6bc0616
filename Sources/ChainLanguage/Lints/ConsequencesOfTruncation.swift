internal import Diagnostics

extension Findings {
  /// What is said about the rest of a text that ' #' cut short: it would be gone with the cause, and only distracts from it.
  var consequencesOfTruncation: Set<Finding> {
    let found = sorted
    let cut = found.filter { $0.name == .yamlCommentTruncation }.compactMap(\.related.first?.range)
    guard !cut.isEmpty else { return [] }
    let names: Set<FindingName> = [.badExpression, .badLiteral, .typeMismatch, .unknownName]
    return Set(
      found.filter { finding in
        names.contains(finding.name)
          && cut.contains { $0.file == finding.range.file && $0.start <= finding.range.start && finding.range.end <= $0.end }
      })
  }
}
