/// Where a run stands: what a reactor hands over, by value, at each change of phase, each second, and about four times a second in between.
package struct RunProgress: Sendable {
  package enum Phase: String, Sendable {
    case connecting, setup, arming, load, stopping, settling, teardown
  }

  package var phase: Phase
  /// Nanoseconds of CLOCK_MONOTONIC.
  package var atNanoseconds: UInt64 = 0
  /// Nanoseconds since the load began; 0 before.
  package var elapsedNanoseconds: UInt64 = 0
  /// Totals since the load began, warm-up included.
  package var iterations = IterationCounts()
  package var busyUsers = 0
  package var totalUsers = 0
  package var queuedArrivals = 0
  /// In the order of the start record's events.
  package var events: [EventProgress] = []
  /// In the order of the program's connections; empty before they were opened.
  package var pools: [PoolProgress] = []
  /// How often somebody asked for the end: once lets things finish, twice does not.
  package var interruptions = 0
  /// How much longer running iterations are given, and events after them; nil where nothing waits for them.
  package var iterationsLeftNanoseconds: UInt64?
  package var eventsLeftNanoseconds: UInt64?
  /// The interval that has just ended and its failures; nil in between.
  package var interval: JournalInterval?
  package var failures: [JournalFailure] = []
  /// What servers said since the last interval; only together with one.
  package var servers: [JournalServer] = []

  package init(phase: Phase) { self.phase = phase }

  /// Events that may still be seen: those that wait at their slowest hop, summed over the kinds.
  package var awaitedEvents: UInt64 { events.reduce(0) { $0 + ($1.hops.map(\.awaited).max() ?? 0) } }
}

/// An event kind's account so far.
package struct EventProgress: Sendable, Hashable {
  package var counts: EventCounts
  /// In the order of the start record's hops.
  package var hops: [HopProgress]

  package init(counts: EventCounts, hops: [HopProgress]) {
    self.counts = counts
    self.hops = hops
  }
}

package struct HopProgress: Sendable, Hashable {
  /// Committed events that were seen here, whether in time or not.
  package var seen: UInt64
  /// Events under way that may still be seen here.
  package var awaited: UInt64
  /// What was decided so far. An event is decided when its settle time has passed, so `ok` runs behind `seen`.
  package var counts: HopCounts

  package init(seen: UInt64, awaited: UInt64, counts: HopCounts) {
    self.seen = seen
    self.awaited = awaited
    self.counts = counts
  }
}

/// One connection's pool at a moment.
package struct PoolProgress: Sendable, Hashable {
  package var name: String
  package var connections: Int
  package var busy: Int
  /// Calls that wait for a connection.
  package var waiting: Int
  /// Since the run began.
  package var reconnects: Int
  /// Connections that the server has told to send nothing for the time being.
  package var blocked: Int

  package init(name: String, connections: Int, busy: Int, waiting: Int, reconnects: Int, blocked: Int) {
    self.name = name
    self.connections = connections
    self.busy = busy
    self.waiting = waiting
    self.reconnects = reconnects
    self.blocked = blocked
  }
}
