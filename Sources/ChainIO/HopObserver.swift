package import ChainProgram

/// Watches one hop. Lives on the reactor's thread.
package protocol HopObserver: AnyObject {
  /// Puts the observation in place. Whatever happens at the hop after the completion was called without an error will be seen.
  ///
  /// - Parameter deadline: Nanoseconds of CLOCK_MONOTONIC.
  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void)

  /// While true, fences run (a marker or ping in flight, the next one about `fencePauseNanoseconds` after the last came back), so that
  /// sightings have a tight lower bound. The runtime clears it while no event is outstanding.
  var isFencing: Bool { get set }

  /// Nanoseconds between two fences while they run; 1 ms unless the runtime knows that events take much longer.
  var fencePauseNanoseconds: UInt64 { get set }

  /// Takes the observation down; leaves nothing behind in the observed system.
  func close()

  /// How the hop is observed, for the report: `tap`, `tracking`.
  var mode: String { get }
  /// Why in this mode, for the report: a phrase; empty where there is only one.
  var reason: String { get }
  /// Requests sent to the observed system so far (fences, value reads, looks), to be reported as the observer's own share.
  var operationsSent: UInt64 { get }
  /// Those of `operationsSent` that touch no data of the system: pings, and markers that go to the observer's own queue.
  var fencesSent: UInt64 { get }
  /// Whether it tells of each delivery or write of the same content, so that a second one can be counted.
  var countsRepeats: Bool { get }
  /// Whether it goes on telling of changes to what it has shown. One that looks for single events stops when it has seen them.
  var followsChanges: Bool { get }
}

extension HopObserver {
  package var fencePauseNanoseconds: UInt64 {
    get { 1_000_000 }
    set {}
  }
  package var reason: String { "" }
  package var fencesSent: UInt64 { 0 }
  package var countsRepeats: Bool { mode == "tap" }
  package var followsChanges: Bool { true }
}

/// An observer that can look for single events, and so is told which ones are on their way.
///
/// A poller sees nothing else. After a gap, what is outstanding is read by the ledger, whatever the observer.
package protocol SeekingObserver: HopObserver {
  /// Whether it wants to be told; the same from its arming on.
  var isSeeking: Bool { get }

  /// The event may show up from now on, or may have already: it is looked for until `forget`. Told again for the same number, what was said
  /// before is replaced.
  ///
  /// - Parameters:
  ///   - number: The ledger's number for the event.
  ///   - id: The event's id.
  ///   - place: Where it will be found, as the hop's `at` says; empty if the hop has none.
  func seek(_ number: Int, id: Value, place: [UInt8])

  /// The event was seen, or given up. Also called for numbers that are not looked for.
  func forget(_ number: Int)

  /// Nanoseconds: when the last look was sent that did not show the event; 0 if there was none, or if sightings tell it themselves.
  func absentSince(_ number: Int) -> UInt64
}

/// Where an observer tells what it saw. Called on the reactor's thread.
package protocol SightingSink: AnyObject {
  func sighted(_ sighting: borrowing Sighting)
  /// From `start` on, sightings may have been missed (nanoseconds).
  ///
  /// - Parameter cause: Why, as a phrase for the report.
  func gapBegan(at start: UInt64, cause: String)
  /// The observation is in place again since `end` (nanoseconds).
  func gapEnded(at end: UInt64)
}

extension SightingSink {
  package func gapBegan(at start: UInt64) { gapBegan(at: start, cause: "the observer could not see") }
}

/// An effect that became visible somewhere in (`notBefore`, `seen`].
package struct Sighting: ~Copyable {
  /// Nanoseconds: the latest moment at which it is proved not to have been visible yet; 0 if nothing proves any.
  package let notBefore: UInt64
  /// Nanoseconds: the bytes that show it were read.
  package let seen: UInt64
  /// Key, body and headers, as the observer's result members name them. Valid during the call only.
  package let content: OperationResult

  package init(notBefore: UInt64, seen: UInt64, content: OperationResult) {
    self.notBefore = notBefore
    self.seen = seen
    self.content = content
  }
}
