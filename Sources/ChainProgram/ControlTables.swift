package import Diagnostics

/// A weighted `branch:` step.
package struct BranchDescription: Sendable {
  package let step: StepIndex
  /// One weight for each branch, 0 or more, not all 0.
  package let weights: [Int]
  package let names: [String]

  package init(step: StepIndex, weights: [Int], names: [String]) {
    self.step = step
    self.weights = weights
    self.names = names
  }
}

/// The alternatives of a control step, for people and reports; the runtime does not read it.
package struct ArmsDescription: Sendable {
  package let step: StepIndex
  package let names: [String]
  /// For each alternative the steps inside it, at any depth.
  package let steps: [[StepIndex]]
  /// Of a weighted choice: its place in `Program.branches`.
  package let branch: Int?

  package init(step: StepIndex, names: [String], steps: [[StepIndex]], branch: Int?) {
    self.step = step
    self.names = names
    self.steps = steps
    self.branch = branch
  }
}

/// A `parallel:` step.
package struct LanesDescription: Sendable {
  package enum Join: UInt8, Sendable {
    /// Goes on when every lane has ended; the first error ends the others.
    case all
    /// Goes on when the first lane has ended well, and ends the others; fails if none did.
    case any
  }
  package let step: StepIndex
  package let join: Join
  package let names: [String]
  /// Where each lane's block begins; each ends with `end`.
  package let entries: [Int]

  package init(step: StepIndex, join: Join, names: [String], entries: [Int]) {
    self.step = step
    self.join = join
    self.names = names
    self.entries = entries
  }
}

/// An entry of a `measure:` step: a metric of its own, never counted as a request.
package struct MeasureDescription: Sendable {
  package let name: String
  package let range: SourceRange

  package init(name: String, range: SourceRange) {
    self.name = name
    self.range = range
  }
}

/// A step's `retry:`.
package struct RetryDescription: Sendable {
  /// Names of error classes and codes: a class of `OperationError.Class`, a SQLSTATE or its condition name, an AMQP reply code, a Redis
  /// error word. An error matches if its class or its code is listed.
  package let errors: [String]
  /// Attempts after the first.
  package let attemptsMax: Int
  /// Nanoseconds before the first further attempt; grows by `factor` up to `pauseMaxNanoseconds`, each jittered by a half.
  package let pauseNanoseconds: UInt64
  package let factor: Double
  package let pauseMaxNanoseconds: UInt64

  package init(errors: [String], attemptsMax: Int, pauseNanoseconds: UInt64, factor: Double, pauseMaxNanoseconds: UInt64) {
    self.errors = errors
    self.attemptsMax = attemptsMax
    self.pauseNanoseconds = pauseNanoseconds
    self.factor = factor
    self.pauseMaxNanoseconds = pauseMaxNanoseconds
  }
}

/// An entry of `scenarios:`. A chain with plain `steps:` has one, named after the chain.
package struct ScenarioDescription: Sendable {
  package let name: String
  /// Where its iteration begins.
  package let entry: Int
  /// Its share when the profile gives no mix of its own.
  package let weight: Int

  package init(name: String, entry: Int, weight: Int) {
    self.name = name
    self.entry = entry
    self.weight = weight
  }
}

/// An entry of `secrets:`: read when the run begins, never part of the program.
package struct SecretDeclaration: Sendable {
  package enum Source: Sendable {
    case environment(String)
    case file(String)
  }
  package let name: String
  package let slot: SlotIndex
  package let source: Source
  package let range: SourceRange

  package init(name: String, slot: SlotIndex, source: Source, range: SourceRange) {
    self.name = name
    self.slot = slot
    self.source = source
    self.range = range
  }
}
