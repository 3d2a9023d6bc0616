import ChainIO
import ChainProgram
import Metrics

/// What became of every event: told of origins by the virtual users and of sightings by the observers, it owns each event's outcome.
///
/// Pure bookkeeping: no clock, no socket. Confined to the reactor's thread. A sighting may come before its origin is acknowledged, and before
/// anyone waits for it; nothing depends on the order.
final class Ledger {
  let books: [EventBook]
  /// The same, for what is asked for each event.
  private let pages: HeldObjects<EventBook>

  /// - Parameter runID: What a hop's `run` is compared with.
  init(program: Program, evaluator: Evaluator, runID: String = "") {
    books = program.events.indices.map {
      EventBook(event: program.events[$0], index: $0, program: program, evaluator: evaluator, runID: runID)
    }
    pages = HeldObjects(books)
  }

  /// A waiting virtual user's place.
  struct Join {
    let event: Int
    let hop: Int
    let record: Int
  }

  enum JoinResult {
    /// The hop was seen already, at this time (nanoseconds).
    case seen(at: UInt64)
    case pending(Join)
  }

  // The virtual users'

  /// An origin is about to be sent: its event may be seen before it is acknowledged. Answered by one `originEnded`, after the ledger was told
  /// what became of it.
  ///
  /// - Returns: the origin's number, for `originEnded`.
  func originSubmitted(event: Int) -> UInt64 { pages.with(event) { $0.originSubmitted() } }
  func originEnded(event: Int, _ number: UInt64) { pages.with(event) { $0.originEnded(number) } }

  /// The origin was acknowledged: the clock of the event runs.
  ///
  /// - Parameters:
  ///   - values: id, key, version, body fields.
  ///   - sent: Nanoseconds, the earliest moment at which it can have happened.
  ///   - acknowledged: Nanoseconds, the latest.
  func committed(event: Int, _ values: UnsafePointer<Value>, sent: UInt64, acknowledged: UInt64) {
    pages.with(event) { $0.attempt(.committed, values, sent: sent, acknowledged: acknowledged) }
  }

  /// - Parameter now: Nanoseconds: from here on the settle time runs in which a sighting would be `aborted`.
  func rolledBack(event: Int, _ values: UnsafePointer<Value>?, at now: UInt64) {
    books[event].attempt(.rolledBack, values, sent: 0, acknowledged: now)
  }

  /// - Parameter values: nil if the event's id never became known.
  func unknown(event: Int, _ values: UnsafePointer<Value>?, sent: UInt64, at now: UInt64) {
    books[event].attempt(.unknown, values, sent: sent, acknowledged: now)
  }

  func join(event: Int, hop: Int, id: Value, user: VirtualUser) -> JoinResult {
    pages.with(event) { $0.join(hop: hop, id: id, user: user) }
  }
  func leave(_ join: Join, user: VirtualUser) { books[join.event].leave(hop: join.hop, record: join.record, user: user) }

  // The observers'

  func sink(event: Int, hop: Int) -> any SightingSink { books[event].sink(hop: hop) }

  /// Lets the ledger turn the observer's fences on while events are on their way to the hop, and off otherwise. nil lets go of it.
  func attach(_ observer: (any HopObserver)?, event: Int, hop: Int) { books[event].attach(observer, hop: hop) }
  func armed(event: Int, hop: Int) { books[event].armed(hop: hop) }

  // The session's

  /// From now on the tracer is told of origins and sightings.
  func trace(with tracer: Tracer?) { for book in books { book.tracer = tracer } }

  /// Decides what has become decidable at `now`, at most `limit` rows of each event: called often, so that no call is long.
  ///
  /// - Returns: rows of events that are decided and old enough not to change.
  func advance(now: UInt64, limit: Int) -> EventRows {
    var rows = EventRows()
    for book in books { book.advance(now: now, isFinal: false, limit: limit, into: &rows) }
    return rows
  }

  /// Decides what is left, at most `limit` of each event: what was not seen and whose settle time has not passed is `unobserved`. Called until
  /// `isWritten`.
  func finish(now: UInt64, limit: Int = .max) -> EventRows {
    var rows = EventRows()
    for book in books { book.advance(now: now, isFinal: true, limit: limit, into: &rows) }
    return rows
  }

  /// Whether every event's rows are written.
  var isWritten: Bool { books.allSatisfy { $0.undecided.isEmpty && $0.unclaimed.isEmpty } }

  /// Whether every event that may still come was seen at every hop, or its time has passed.
  func isSettled(now: UInt64) -> Bool { books.allSatisfy { $0.isSettled(now: now) } }

  func takeHopIntervals() -> [HopInterval] { books.flatMap { $0.takeHopIntervals() } }
  func takeGaps() -> [JournalGap] { books.flatMap { $0.takeGaps() } }
  func unreadableSightings(at now: UInt64) -> [JournalFailure] { books.flatMap { $0.unreadableSightings(at: now) } }
  /// What no row tells of.
  func offenders() -> [JournalOffenders] { books.flatMap { $0.hops.flatMap { $0.offenders() } } }
  func longestViolations() -> [JournalGuarantee] { books.flatMap { book in book.hops.flatMap { $0.longestViolations(event: book.index) } } }
  func sweepRecords() -> [JournalSweep] { books.flatMap { $0.hops.compactMap { $0.sweepRecord() } } }
  func counts() -> [JournalLedger] { books.map { $0.counts() } }
  /// The equations of MEASUREMENT.md section 4; false is a bug of ours.
  var isConserved: Bool { books.allSatisfy(\.isConserved) }
  /// For screens and exporters: where each event kind stands.
  var progress: [EventProgress] { books.map(\.progress) }
  /// Nanoseconds until every event is decided, whatever is still seen; nil if none is awaited.
  func settlesWithin(now: UInt64) -> UInt64? { books.compactMap { $0.settlesWithin(now: now) }.max() }
}
