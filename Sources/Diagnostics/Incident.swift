/// What went wrong at a place of a chain while it ran: shown as a finding is, with the values that were seen.
package struct Incident: Hashable, Sendable {
  /// A class and a code: `check`, `server 23505`.
  package let name: String
  package let severity: Severity
  package let range: SourceRange
  /// One line, lower case, no full stop.
  package let message: String
  /// A few words under the carets.
  package let label: String?
  /// Lines under the picture: the values that were read.
  package let notes: [String]

  package init(_ name: String, severity: Severity = .error, at range: SourceRange, _ message: String, label: String? = nil, notes: [String] = []) {
    self.name = name
    self.severity = severity
    self.range = range
    self.message = message
    self.label = label
    self.notes = notes
  }
}
