package import LosslessJSON

/// Whether the run's numbers can be trusted.
package enum ValidityVerdict: String, Hashable, Sendable, Comparable {
  case valid, degraded, invalid

  private var severity: Int {
    switch self {
    case .valid: 0
    case .degraded: 1
    case .invalid: 2
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.severity < right.severity }
}

/// One reason to doubt the run; the run's verdict is the worst of its reasons, and `valid` without any.
package struct JournalValidity: JournalRecord, Hashable {
  package static let kind = JournalKind.validity

  package var verdict: ValidityVerdict
  /// A kebab-case name that is never reused: `loop-late`, `start-delay`, `cpu`, `steal`, `offered-rate`.
  package var name: String
  /// CLOCK_MONOTONIC nanoseconds; nil where the whole run is meant.
  package var fromNanoseconds: UInt64?
  package var toNanoseconds: UInt64?
  package var detail: String

  package init(verdict: ValidityVerdict, name: String, fromNanoseconds: UInt64? = nil, toNanoseconds: UInt64? = nil, detail: String) {
    self.verdict = verdict
    self.name = name
    self.fromNanoseconds = fromNanoseconds
    self.toNanoseconds = toNanoseconds
    self.detail = detail
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("verdict", verdict.rawValue)
    json.member("name", name)
    json.optional("from_ns", fromNanoseconds)
    json.optional("to_ns", toNanoseconds)
    json.member("detail", detail)
  }

  package init(_ json: JSONValue) {
    self.init(
      verdict: ValidityVerdict(rawValue: json.text("verdict")) ?? .degraded, name: json.text("name"),
      fromNanoseconds: json.optionalUnsigned("from_ns"), toNanoseconds: json.optionalUnsigned("to_ns"), detail: json.text("detail"))
  }
}

package enum ThresholdVerdict: String, Hashable, Sendable {
  case pass, fail
  /// The bounds lie on both sides of the limit; counts as not passed.
  case inconclusive
}

package struct JournalThreshold: JournalRecord, Hashable {
  package static let kind = JournalKind.threshold

  package var text: String
  package var verdict: ThresholdVerdict
  /// What was measured, for people: `12.4 ms`, `480–530 ms`, `not estimable (41 of 368 samples)`.
  package var observed: String
  /// What would decide it, or why it failed; one phrase.
  package var detail: String?

  package init(text: String, verdict: ThresholdVerdict, observed: String, detail: String? = nil) {
    self.text = text
    self.verdict = verdict
    self.observed = observed
    self.detail = detail
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("text", text)
    json.member("verdict", verdict.rawValue)
    json.member("observed", observed)
    json.optional("detail", detail)
  }

  package init(_ json: JSONValue) {
    self.init(
      text: json.text("text"), verdict: ThresholdVerdict(rawValue: json.text("verdict")) ?? .inconclusive, observed: json.text("observed"),
      detail: json.optionalText("detail"))
  }
}

/// The journal's last record. A journal without it belongs to a run that crashed.
package struct JournalEnd: JournalRecord, Hashable {
  package static let kind = JournalKind.end

  /// CLOCK_MONOTONIC nanoseconds.
  package var atNanoseconds: UInt64
  package var exitCode: Int
  /// Why the run stopped before its profile ended: a signal's name, a threshold; nil for a full run.
  package var interruptedBy: String?

  package init(atNanoseconds: UInt64, exitCode: Int, interruptedBy: String? = nil) {
    self.atNanoseconds = atNanoseconds
    self.exitCode = exitCode
    self.interruptedBy = interruptedBy
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("at_ns", atNanoseconds)
    json.member("exit_code", exitCode)
    json.optional("interrupted_by", interruptedBy)
  }

  package init(_ json: JSONValue) {
    self.init(atNanoseconds: json.unsigned("at_ns"), exitCode: json.int("exit_code"), interruptedBy: json.optionalText("interrupted_by"))
  }
}
