package import Metrics

/// What the load is to do, as far as a screen can show it.
package struct LivePlan: Sendable {
  /// A piece of the load in which what is asked changes evenly.
  package struct Stage: Sendable, Hashable {
    /// Nanoseconds since the load began.
    package var fromNanoseconds: UInt64
    package var toNanoseconds: UInt64
    /// What is asked at both ends: arrivals per second of an open load, users of a closed one.
    package var askedFrom: Double
    package var askedTo: Double

    package init(fromNanoseconds: UInt64, toNanoseconds: UInt64, askedFrom: Double, askedTo: Double) {
      self.fromNanoseconds = fromNanoseconds
      self.toNanoseconds = toNanoseconds
      self.askedFrom = askedFrom
      self.askedTo = askedTo
    }
  }

  /// The journal's first record: names, tables, what was asked.
  package let start: JournalStart
  /// In order, without gaps; empty where the load has no duration.
  package let stages: [Stage]
  package let usersMax: Int

  package init(start: JournalStart, stages: [Stage], usersMax: Int) {
    self.start = start
    self.stages = stages
    self.usersMax = usersMax
  }

  /// How long the load lasts; nil if it ends after a number of iterations.
  package var loadNanoseconds: UInt64? { stages.last?.toNanoseconds ?? start.askedNanoseconds }

  /// A recorded curve has a piece for each row of its file: too many to be told one by one.
  package var hasNamedStages: Bool { (2...24).contains(stages.count) }

  package func stage(at elapsed: UInt64) -> Int? { stages.firstIndex { elapsed < $0.toNanoseconds } }

  /// What is asked at a moment, in the model's unit; nil after the load or where nothing is asked.
  package func asked(at elapsed: UInt64) -> Double? {
    guard let stage = stage(at: elapsed).map({ stages[$0] }) else { return nil }
    let length = Double(stage.toNanoseconds - stage.fromNanoseconds)
    guard length > 0, elapsed > stage.fromNanoseconds else { return stage.askedFrom }
    return stage.askedFrom + (stage.askedTo - stage.askedFrom) * Double(elapsed - stage.fromNanoseconds) / length
  }
}
