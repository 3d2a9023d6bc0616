package import LosslessJSON

/// An alert as the start record's table has it.
package struct AlertInfo: Hashable, Sendable {
  package var name: String
  /// The condition as its author wrote it.
  package var condition: String
  package var overNanoseconds: UInt64
  /// Judgements in a row before it fires.
  package var firesAfter: Int
  /// `command`, `webhook`: what is done about it. Empty where the command line has asked for quiet.
  package var actions: [String]

  package init(name: String, condition: String, overNanoseconds: UInt64, firesAfter: Int, actions: [String]) {
    self.name = name
    self.condition = condition
    self.overNanoseconds = overNanoseconds
    self.firesAfter = firesAfter
    self.actions = actions
  }

  func writeMembers(to json: inout JSONWriter) {
    json.member("name", name)
    json.member("when", condition)
    json.member("over_ns", overNanoseconds)
    json.member("for", firesAfter)
    json.list("actions", actions) { $1.string($0) }
  }

  init(_ json: JSONValue) {
    self.init(
      name: json.text("name"), condition: json.text("when"), overNanoseconds: json.unsigned("over_ns"), firesAfter: json.int("for"),
      actions: json.texts("actions"))
  }
}

/// What becomes of an alert.
package enum AlertState: String, Hashable, Sendable {
  case firing, resolved
  /// The load ended while it was firing: nothing judges it any more.
  case ended
}

/// An alert that fires, is resolved, or still fires when the load ends; and each repetition of one that goes on firing.
package struct JournalAlert: JournalRecord, Hashable {
  package static let kind = JournalKind.alert

  /// Row of the start record's table.
  package var alert: Int
  package var state: AlertState
  /// CLOCK_MONOTONIC nanoseconds: the end of the second that decided it.
  package var atNanoseconds: UInt64
  /// Times that it was told again since it fired; 0 for the first.
  package var repetition: Int
  /// What was observed, in seconds, a share or a number; the lower bound where there are two. Nil where nothing could be.
  package var value: Double?
  package var limit: Double
  /// The same for people: `612 ms`, `480–530 ms`.
  package var observed: String

  package init(
    alert: Int, state: AlertState, atNanoseconds: UInt64, repetition: Int = 0, value: Double? = nil, limit: Double = 0, observed: String = ""
  ) {
    self.alert = alert
    self.state = state
    self.atNanoseconds = atNanoseconds
    self.repetition = repetition
    self.value = value
    self.limit = limit
    self.observed = observed
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("alert", alert)
    json.member("state", state.rawValue)
    json.member("at_ns", atNanoseconds)
    json.nonZero("repetition", UInt64(max(0, repetition)))
    json.optional("value", value)
    json.member("limit", limit)
    json.member("observed", observed)
  }

  package init(_ json: JSONValue) {
    self.init(
      alert: json.int("alert"), state: AlertState(rawValue: json.text("state")) ?? .ended, atNanoseconds: json.unsigned("at_ns"),
      repetition: json.int("repetition"), value: json.optionalDouble("value"), limit: json.double("limit"), observed: json.text("observed"))
  }
}

/// What came of an action: a command that was run, a webhook that was posted to, or neither, because too much was waiting.
package struct JournalAlertAction: JournalRecord, Hashable {
  package static let kind = JournalKind.alertAction

  package enum Outcome: String, Hashable, Sendable {
    case ok
    /// It was tried: a status, a deadline, no connection.
    case failed
    /// It was not begun.
    case lost
  }

  package var alert: Int
  /// `command` or `webhook`.
  package var action: String
  /// What it was to tell.
  package var state: AlertState
  package var outcome: Outcome
  /// CLOCK_MONOTONIC nanoseconds of its end, and how long it took.
  package var atNanoseconds: UInt64
  package var tookNanoseconds: UInt64
  /// Why it did not succeed: a phrase without any output, address or argument. Nil for one that did.
  package var reason: String?

  package init(
    alert: Int, action: String, state: AlertState, outcome: Outcome, atNanoseconds: UInt64, tookNanoseconds: UInt64, reason: String? = nil
  ) {
    self.alert = alert
    self.action = action
    self.state = state
    self.outcome = outcome
    self.atNanoseconds = atNanoseconds
    self.tookNanoseconds = tookNanoseconds
    self.reason = reason
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("alert", alert)
    json.member("action", action)
    json.member("state", state.rawValue)
    json.member("outcome", outcome.rawValue)
    json.member("at_ns", atNanoseconds)
    json.member("took_ns", tookNanoseconds)
    json.optional("reason", reason)
  }

  package init(_ json: JSONValue) {
    self.init(
      alert: json.int("alert"), action: json.text("action"), state: AlertState(rawValue: json.text("state")) ?? .ended,
      outcome: Outcome(rawValue: json.text("outcome")) ?? .failed, atNanoseconds: json.unsigned("at_ns"),
      tookNanoseconds: json.unsigned("took_ns"), reason: json.optionalText("reason"))
  }
}

/// How often an alert was judged, written when the load has ended: an alert that nothing could decide was never quiet, it was blind.
package struct JournalAlertTally: JournalRecord, Hashable {
  package static let kind = JournalKind.alertTally

  package var alert: Int
  /// Seconds that decided it one way or the other.
  package var decided: UInt64
  package var undecided: UInt64
  /// Seconds that came too late to be judged: the judge stood still.
  package var missed: UInt64
  /// Why the last undecided one was: a phrase.
  package var reason: String?

  package init(alert: Int, decided: UInt64 = 0, undecided: UInt64 = 0, missed: UInt64 = 0, reason: String? = nil) {
    self.alert = alert
    self.decided = decided
    self.undecided = undecided
    self.missed = missed
    self.reason = reason
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("alert", alert)
    json.member("decided", decided)
    json.nonZero("undecided", undecided)
    json.nonZero("missed", missed)
    json.optional("reason", reason)
  }

  package init(_ json: JSONValue) {
    self.init(
      alert: json.int("alert"), decided: json.unsigned("decided"), undecided: json.unsigned("undecided"), missed: json.unsigned("missed"),
      reason: json.optionalText("reason"))
  }
}
