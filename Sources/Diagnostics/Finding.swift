/// How bad a finding is. Only errors keep a chain from running.
package enum Severity: String, Sendable, Comparable, CaseIterable {
  case note
  case warning
  case error

  package static func < (left: Severity, right: Severity) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .note: 0
    case .warning: 1
    case .error: 2
    }
  }
}

/// A second place that a finding needs to be understood, such as where a name was given first.
package struct Related: Hashable, Sendable {
  package let range: SourceRange
  /// A few words under the carets: "first given here".
  package let message: String

  package init(_ range: SourceRange, _ message: String) {
    self.range = range
    self.message = message
  }
}

/// One thing to tell the author of a file: what rule, where, and what to do.
package struct Finding: Hashable, Sendable {
  package let name: FindingName
  package let severity: Severity
  package let range: SourceRange
  /// One line that states the rule and names the thing: lower case, no full stop, single quotes around names.
  package let message: String
  /// A few words under the carets, or nothing: "captured as text at 24:9".
  package let label: String?
  /// One line on what to write instead.
  package let help: String?
  package let related: [Related]
  /// What `lint --fix` does about it; nil where a person has to decide.
  package let fix: Fix?

  /// - Parameter severity: Leave out for the name's own severity.
  package init(
    _ name: FindingName, at range: SourceRange, _ message: String, label: String? = nil, help: String? = nil,
    related: [Related] = [], severity: Severity? = nil, fix: Fix? = nil
  ) {
    self.name = name
    self.severity = severity ?? name.severity
    self.range = range
    self.message = message
    self.label = label
    self.help = help
    self.related = related
    self.fix = fix
  }
}
