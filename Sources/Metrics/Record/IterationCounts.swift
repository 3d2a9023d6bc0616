package import LosslessJSON

/// How many iterations there were, and how they ended.
package struct IterationCounts: Hashable, Sendable {
  /// Became due. In the closed model every start is an arrival.
  package var arrivals: UInt64 = 0
  package var started: UInt64 = 0
  package var completed: UInt64 = 0
  package var failed: UInt64 = 0
  /// Ended with an outcome that nobody knows, such as a commit in flight when its connection was lost.
  package var unknown: UInt64 = 0
  /// Still running, or waiting for a user, when the run ended.
  package var interrupted: UInt64 = 0
  /// Never started: no user was free, and the profile says to drop.
  package var dropped: UInt64 = 0

  package init() {}

  /// Every arrival ended in exactly one way. At the end of a run a false answer is a bug of ours.
  package var areConserved: Bool { arrivals == completed &+ failed &+ unknown &+ interrupted &+ dropped }

  /// Arrivals that nothing says the end of; what a crashed run had under way.
  package var openEnded: UInt64 {
    let ended = completed &+ failed &+ unknown &+ interrupted &+ dropped
    return arrivals > ended ? arrivals &- ended : 0
  }

  package static func += (left: inout IterationCounts, right: IterationCounts) {
    left.arrivals &+= right.arrivals
    left.started &+= right.started
    left.completed &+= right.completed
    left.failed &+= right.failed
    left.unknown &+= right.unknown
    left.interrupted &+= right.interrupted
    left.dropped &+= right.dropped
  }

  /// Every count, always, in the order and under the names of `summary.json`.
  package func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("arrivals", arrivals)
    json.member("started", started)
    json.member("completed", completed)
    json.member("failed", failed)
    json.member("unknown", unknown)
    json.member("interrupted", interrupted)
    json.member("dropped", dropped)
    json.endObject()
  }

  package init(_ json: JSONValue) {
    arrivals = json.unsigned("arrivals")
    started = json.unsigned("started")
    completed = json.unsigned("completed")
    failed = json.unsigned("failed")
    unknown = json.unsigned("unknown")
    interrupted = json.unsigned("interrupted")
    dropped = json.unsigned("dropped")
  }
}
