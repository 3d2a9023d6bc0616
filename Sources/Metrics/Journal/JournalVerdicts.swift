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

/// One reason to doubt the run; the run's verdict is the worst of its reasons, and `valid` without any. A reason of the verdict `valid` is a
/// note: worth knowing, and nothing to doubt the figures for.
package struct JournalValidity: JournalRecord, Hashable {
  package static let kind = JournalKind.validity

  package var verdict: ValidityVerdict
  /// A kebab-case name that is never reused: `loop-late`, `start-delay`, `cpu`, `steal`, `offered-rate`.
  package var name: String
  /// CLOCK_MONOTONIC nanoseconds; nil where the whole run is meant.
  package var fromNanoseconds: UInt64?
  package var toNanoseconds: UInt64?
  package var detail: String
  /// What was measured in this span; nil where the reason has no figure.
  package var measured: Measured?

  /// A reason's sentence with a gap for its figure, so that many spans of one reason can be told in one sentence.
  package struct Measured: Hashable, Sendable {
    package enum Unit: String, Hashable, Sendable {
      /// 0 to 1.
      case share
      case nanoseconds = "ns"
    }
    /// `#` stands for the figure.
    package var phrase: String
    package var value: Double
    package var unit: Unit

    package init(_ phrase: String, _ value: Double, _ unit: Unit) {
      self.phrase = phrase
      self.value = value
      self.unit = unit
    }
  }

  package init(
    verdict: ValidityVerdict, name: String, fromNanoseconds: UInt64? = nil, toNanoseconds: UInt64? = nil, detail: String, measured: Measured? = nil
  ) {
    self.verdict = verdict
    self.name = name
    self.fromNanoseconds = fromNanoseconds
    self.toNanoseconds = toNanoseconds
    self.detail = detail
    self.measured = measured
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("verdict", verdict.rawValue)
    json.member("name", name)
    json.optional("from_ns", fromNanoseconds)
    json.optional("to_ns", toNanoseconds)
    json.member("detail", detail)
    if let measured {
      json.member("phrase", measured.phrase)
      json.member(measured.unit.rawValue, measured.value)
    }
  }

  package init(_ json: JSONValue) {
    self.init(
      verdict: ValidityVerdict(rawValue: json.text("verdict")) ?? .degraded, name: json.text("name"),
      fromNanoseconds: json.optionalUnsigned("from_ns"), toNanoseconds: json.optionalUnsigned("to_ns"), detail: json.text("detail"))
    guard let phrase = json.optionalText("phrase") else { return }
    if let share = json.optionalDouble("share") { measured = Measured(phrase, share, .share) }
    if let nanoseconds = json.optionalDouble("ns") { measured = Measured(phrase, nanoseconds, .nanoseconds) }
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
