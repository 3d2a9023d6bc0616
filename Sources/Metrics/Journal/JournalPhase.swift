package import LosslessJSON

/// Marks the instant at which the run entered a phase. The start of `load` is second 0 of everything in the reports.
package struct JournalPhase: JournalRecord, Hashable {
  package static let kind = JournalKind.phase

  package enum Name: String, Hashable, Sendable {
    case setup, arming
    case warmUp = "warm_up"
    case load
    /// No more iterations begin, and those under way may end. It is written when it happens, unlike the start of the load.
    case stopping
    case settle, sweep, teardown
  }

  package var name: Name
  /// CLOCK_MONOTONIC nanoseconds.
  package var atNanoseconds: UInt64
  /// What the process had used of processors until then, user and system time of all its threads; nil where the record was written ahead.
  package var cpuNanoseconds: UInt64?

  package init(name: Name, atNanoseconds: UInt64, cpuNanoseconds: UInt64? = nil) {
    self.name = name
    self.atNanoseconds = atNanoseconds
    self.cpuNanoseconds = cpuNanoseconds
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.member("name", name.rawValue)
    json.member("at_ns", atNanoseconds)
    if let cpuNanoseconds { json.member("cpu_ns", cpuNanoseconds) }
  }

  package init(_ json: JSONValue) {
    self.init(
      name: Name(rawValue: json.text("name")) ?? .setup, atNanoseconds: json.unsigned("at_ns"),
      cpuNanoseconds: json["cpu_ns"]?.integer(as: UInt64.self))
  }
}
