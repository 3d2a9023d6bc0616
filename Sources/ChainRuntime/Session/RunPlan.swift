package import ChainIO
package import ChainProgram
package import Metrics

/// Everything a run needs, resolved and checked: what the main thread hands to the reactor.
package struct RunPlan: Sendable {
  package let program: Program
  package let profile: LoadProfile
  package let seed: UInt64
  package let runID: String
  /// In the order of the program's connections.
  package let connectors: [any Connector]
  /// In the order of the program's connections.
  package let targets: [any ConnectionTarget]
  package let journal: JournalWriter
  /// Called on the reactor's thread at each change of phase and about four times a second; must not block.
  package let onProgress: @Sendable (RunProgress) -> Void
  /// Called on the reactor's thread with everything that happens, for `chainrun trace`; nil in every other run.
  package var onTrace: (@Sendable (TraceEntry) -> Void)?
  /// The number of the load's first iteration: which rows it draws and what its random values are.
  package var firstIteration: UInt64 = 0
  /// What the chain's `secrets:` hold. In the users' frames and nowhere else: no message, journal or report has them.
  package var secretValues: [(slot: SlotIndex, value: Value)] = []

  /// Figures of the baseline by name, seconds or shares; for thresholds that are held against it.
  package var baseline: [String: Double] = [:]

  /// Whether the chain's servers are asked how they are, each second.
  package var viewsServers = true

  package init(
    program: Program, profile: LoadProfile, seed: UInt64, runID: String, connectors: [any Connector], targets: [any ConnectionTarget],
    journal: JournalWriter, onProgress: @escaping @Sendable (RunProgress) -> Void
  ) {
    self.program = program
    self.profile = profile
    self.seed = seed
    self.runID = runID
    self.connectors = connectors
    self.targets = targets
    self.journal = journal
    self.onProgress = onProgress
  }

  /// Virtual users that the profile may need at once.
  package var usersMax: Int { profile.usersMax }
}

/// How a run ended, apart from its figures, which are in the journal.
package struct RunResult: Sendable {
  package struct Failure: Sendable {
    package let phase: RunProgress.Phase
    /// The connection or step that said no.
    package let place: String
    package let error: OperationError
  }
  package var failure: Failure?
  package var isInterrupted = false
  /// The text of the threshold that ended the load; nil if none did.
  package var abortedBy: String?
  /// Verdicts that windows have decided, by the threshold's place.
  package var windowVerdicts: [Int: JournalThreshold] = [:]
  /// Whether arrivals and events add up; false is a bug of ours.
  package var isConserved = true
  package var mailboxMessages: UInt64 = 0
}
