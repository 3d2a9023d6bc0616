internal import LosslessJSON

/// What pacing and backoff did: iterations that the load did not ask for when it otherwise would have.
package struct PauseCounts: Hashable, Sendable {
  /// Iterations of a paced load that began late, because the user's last one took longer than the pace.
  package var pacesMissed: UInt64 = 0
  /// Rests of users after iterations that failed, and their lengths together as they were drawn.
  package var backoffs: UInt64 = 0
  package var backoffNanoseconds: UInt64 = 0

  package init() {}

  package static func += (sum: inout PauseCounts, other: PauseCounts) {
    sum.pacesMissed &+= other.pacesMissed
    sum.backoffs &+= other.backoffs
    sum.backoffNanoseconds &+= other.backoffNanoseconds
  }

  func write(to json: inout JSONWriter) {
    json.nonZero("paces_missed", pacesMissed)
    json.nonZero("backoffs", backoffs)
    json.nonZero("backoff_ns", backoffNanoseconds)
  }

  init(_ json: JSONValue) {
    pacesMissed = json.unsigned("paces_missed")
    backoffs = json.unsigned("backoffs")
    backoffNanoseconds = json.unsigned("backoff_ns")
  }
}
