import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// Orderings, older versions and what became of them; `deadline` 100, `settle` 1000 nanoseconds.
@Suite struct VersionLedgerTests {
  private static let queue = [(name: "queue", observer: "tap")]
  private static let cache = [(name: "cache", observer: "watch")]

  private func versioned(_ hops: [(name: String, observer: String)], hopsReadVersion: Bool = false, perKey: Bool = false) -> Books {
    Books(
      mapping: .init(
        hasKey: true, hasVersion: true, hopsReadKey: false, hopsReadVersion: hopsReadVersion, cacheIsPerKey: perKey), hops: hops)
  }

  /// What a cache with one entry per key shows.
  private func entry(_ books: Books, key: Int64, id: Int64, version: Int64? = nil, seen: UInt64) {
    books.sight(0, key: "stock:\(key)", seen: seen, content: "{\"id\": \(id)\(version.map { ", \"version\": \($0)" } ?? "")}")
  }

  @Test(arguments: [
    // Order of arrival, how many are reordered, the largest extent.
    ([1, 2, 3, 4], 0, nil as UInt64?), ([1, 3, 2, 4], 1, 1), ([2, 3, 4, 1], 1, 3), ([4, 3, 2, 1], 3, 3), ([1, 2, 4, 5, 3, 6], 1, 2),
    // RFC 4737, 4.2.2: 7 and 8 come after 9 and 10.
    ([1, 2, 3, 4, 5, 6, 9, 10, 7, 8], 2, 3),
  ])
  func `a version lower than the highest seen for its key is reordered, with the extent of RFC 4737`(
    arrivals: [Int64], reordered: Int, extent: UInt64?
  ) {
    for hopsReadVersion in [false, true] {
      let books = versioned(Self.queue, hopsReadVersion: hopsReadVersion)
      for id in arrivals.sorted() { books.commit(id, key: 7, version: id, sent: 1000, acked: 1010) }
      // Another key's events lie between and change nothing.
      for id in 100...120 { books.commit(Int64(id), key: 8, version: Int64(id), sent: 1000, acked: 1010) }
      for (place, id) in arrivals.enumerated() {
        books.sight(0, id, seen: 1020 + UInt64(place), content: "{\"version\": \(id)}")
        books.sight(0, 100 + Int64(place), seen: 1020 + UInt64(place), content: "{\"version\": \(100 + place)}")
      }
      books.advance(to: 3000)
      #expect(books.counts.hops[0].reordered == UInt64(reordered) && books.counts.hops[0].reorderedExtentMax == extent)
      #expect(books.rows.count { $0.anomalies.contains(.reordered) } == reordered)
      #expect(books.counts.hops[0].regressed == nil && books.counts.hops[0].superseded == 0 && books.ledger.isConserved)
    }
  }

  @Test func `a second delivery of an old version is a duplicate, not a reordering`() {
    let books = versioned(Self.queue)
    for id in 1...3 as ClosedRange<Int64> {
      books.commit(id, key: 7, version: id, sent: 1000, acked: 1010)
      books.sight(0, id, seen: 1020 + UInt64(id))
    }
    books.sight(0, 1, seen: 1050)
    books.finish(at: 9000)
    #expect(books.counts.hops[0].reordered == 0 && books.counts.hops[0].duplicate == 1 && books.outcome(1) == "queue:ok+duplicate")
  }

  @Test func `without versions nothing is said of order`() {
    let books = Books(mapping: .init(hasKey: true), hops: Books.twoHops)
    books.commit(2, key: 7, version: nil, sent: 1000, acked: 1010)
    books.sight(0, 2, seen: 1020)
    books.finish(at: 5000)
    for hop in books.counts.hops { #expect(hop.reordered == nil && hop.regressed == nil && hop.staleFinal == nil) }
  }

  @Test func `what was seen before its acknowledgement keeps its place in the order`() {
    let books = versioned(Self.queue)
    books.commit(1, key: 7, version: 1, sent: 990, acked: 995)
    books.sight(0, 1, seen: 1000)
    let origins = (0..<2).map { _ in books.ledger.originSubmitted(event: 0) }
    // 3 comes first, and is known last.
    books.sight(0, 3, seen: 1003)
    books.sight(0, 2, seen: 1004)
    books.commit(2, key: 7, version: 2, sent: 1000, acked: 1010)
    books.ledger.originEnded(event: 0, origins[0])
    #expect(books.counts.hops[0].reordered == 0, "the version of what came before is not known yet")
    // Something nobody will claim stands in between and holds up nobody.
    books.sight(0, 50, seen: 1005)
    books.commit(3, key: 7, version: 3, sent: 1000, acked: 1020)
    books.ledger.originEnded(event: 0, origins[1])
    #expect(books.counts.hops[0].reordered == 1)
    books.commit(4, key: 7, version: 4, sent: 1010, acked: 1030)
    books.sight(0, 4, seen: 1040)
    books.finish(at: 9000)
    #expect((1...4).map { books.outcome(Int64($0)) } == ["queue:ok", "queue:ok+reordered", "queue:ok", "queue:ok"])
    #expect(books.counts.hops[0].reorderedExtentMax == 1 && books.ledger.isConserved)
  }

  @Test func `a row is not written before its place in the order is known`() {
    let books = versioned(Self.queue)
    let slow = books.ledger.originSubmitted(event: 0)
    books.sight(0, 2, seen: 1003)
    books.commit(1, key: 7, version: 1, sent: 1000, acked: 1010)
    books.sight(0, 1, seen: 1020)
    books.advance(to: 9000)
    #expect(books.outcome(1) == "")
    books.commit(2, key: 7, version: 2, sent: 1000, acked: 9000)
    books.ledger.originEnded(event: 0, slow)
    books.advance(to: 9001)
    #expect(books.outcome(1) == "queue:ok+reordered")
  }

  @Test(arguments: [false, true])
  func `at a cache with one entry per key a newer version supersedes, and an older one after it is a regression`(hopsReadVersion: Bool) {
    let books = versioned(Self.cache, hopsReadVersion: hopsReadVersion, perKey: true)
    // Key 7: 1, then 3 without 2, then back to 1, then 3 again; 4 is lost.
    for id in 71...74 as ClosedRange<Int64> { books.commit(id, key: 7, version: id - 70, sent: 1000, acked: 1010) }
    for (place, id) in ([71, 73, 71, 73] as [Int64]).enumerated() { entry(books, key: 7, id: id, version: id - 70, seen: 1020 + UInt64(place)) }
    // Key 8 is in order.
    for id in 81...82 as ClosedRange<Int64> {
      books.commit(id, key: 8, version: id - 80, sent: 1000, acked: 1010)
      entry(books, key: 8, id: id, version: id - 80, seen: 1030)
    }
    books.finish(at: 9000)
    #expect(
      [71, 72, 73, 74, 81, 82].map { books.outcome($0) } == [
        "cache:ok+regressed", "cache:superseded", "cache:ok", "cache:lost", "cache:ok", "cache:ok",
      ])
    let counts = books.counts.hops[0]
    #expect(counts.regressed == 1 && counts.reordered == nil && counts.superseded == 1 && counts.duplicate == nil && books.ledger.isConserved)
    // 3 was right at 1021, displaced at 1022 and right again at 1023; 1 is stable since it was first seen.
    let interval = books.ledger.takeHopIntervals()[0]
    #expect(interval.stableHigh.count == 4 && interval.stableHigh.max == 20 && interval.lagHigh.count == 4)
    #expect(interval.stableHigh.sum == 10 + 13 + 20 + 20 && interval.lagHigh.sum == 10 + 11 + 20 + 20)
  }

  @Test func `at a cache with one entry per event a newer version takes nobody's place`() {
    let books = versioned(Self.cache)
    for id in 71...73 as ClosedRange<Int64> { books.commit(id, key: 7, version: id - 70, sent: 1000, acked: 1010) }
    for id in [71, 73] as [Int64] { books.sight(0, id, seen: 1020) }
    books.finish(at: 9000)
    #expect([71, 72, 73].map { books.outcome($0) } == ["cache:ok", "cache:lost", "cache:ok"])
    #expect(books.counts.hops[0].regressed == nil && books.counts.hops[0].reordered == 0)
  }

  @Test func `a message that is missing is lost, whatever newer version came`() {
    let books = versioned(Self.queue)
    for id in 1...3 as ClosedRange<Int64> { books.commit(id, key: 7, version: id, sent: 1000, acked: 1010) }
    for id in [1, 3] as [Int64] { books.sight(0, id, seen: 1020) }
    books.finish(at: 9000)
    #expect(books.outcome(2) == "queue:lost" && books.counts.hops[0].superseded == 0)
  }

  @Test func `another version than the committed one is a mismatch`() {
    let books = versioned(Self.queue, hopsReadVersion: true)
    books.commit(1, key: 7, version: 1, sent: 1000, acked: 1010)
    books.sight(0, 1, seen: 1020, content: "{\"version\": 2}")
    books.finish(at: 9000)
    #expect(books.outcome(1) == "queue:ok+mismatch" && books.counts.hops[0].mismatch == 1)
  }

  @Test func `a wrong value that is put right is a mismatch, visible at first and stable since`() {
    let books = Books(body: [("total", .int)], hops: Self.cache)
    books.commit(1, sent: 1000, acked: 1010, body: [.int(5)])
    for (seen, total) in [(1020, 5), (1030, 6), (1040, 6), (1050, 5), (1060, 5)] as [(UInt64, Int)] {
      books.sight(0, 1, notBefore: seen - 2, seen: seen, content: "{\"total\": \(total)}")
    }
    books.commit(2, sent: 1000, acked: 1010, body: [.int(5)])
    books.sight(0, 2, seen: 1020, content: "{\"total\": 6}")
    // Before the acknowledgement, wrong and then right.
    books.sight(0, 3, seen: 1001, content: "{\"total\": 6}")
    books.sight(0, 3, seen: 1005, content: "{\"total\": 5}")
    books.commit(3, sent: 1000, acked: 1010, body: [.int(5)])
    books.finish(at: 9000)
    #expect((1...3).map { books.outcome(Int64($0)) } == ["cache:ok+mismatch", "cache:ok+mismatch", "cache:ok+mismatch"])
    let interval = books.ledger.takeHopIntervals()[0]
    #expect(interval.lagHigh.count == 3 && interval.stableHigh.count == 2 && interval.stableHigh.max == 40 && interval.stableLow.max == 38)
  }

  // Memory

  @Test(arguments: [false, true])
  func `records are let go once they are decided, and what comes late is still told apart`(isText: Bool) {
    let books = Books(idType: isText ? .string : .int)
    func value(_ id: Int) -> Value { isText ? .string("order-\(id)") : .int(Int64(id)) }
    func key(_ id: Int) -> String { isText ? "order-\(id)" : String(id) }
    let count = 60_000
    for id in 0..<count {
      let now = UInt64(10_000 + id * 10)
      books.commit(value(id), sent: now, acked: now + 1)
      books.sight(0, key: key(id), seen: now + 2)
      if id % 1000 != 0 { books.sight(1, key: key(id), seen: now + 3) }
      if id % 500 == 1 { [value(count + id), .null, .null].withUnsafeBufferPointer { books.ledger.rolledBack(event: 0, $0.baseAddress, at: now) } }
      if id % 100 == 0 { books.advance(to: now) }
    }
    let now = UInt64(10_000 + count * 10 + 2000)
    while books.rows.count < count * 2 { books.advance(to: now) }
    books.advance(to: now)
    #expect(books.ledger.books[0].records.count < 1000)
    #expect(books.counts.hops.map(\.lost) == [0, 60] && books.counts.hops[0].ok == UInt64(count))
    // Again at the queue: a duplicate. Again at the cache: nothing. One that was lost there: too late, and no duplicate.
    for hop in 0..<2 { for id in [7, 59_999, 1000] { books.sight(hop, key: key(id), seen: now) } }
    #expect(books.counts.hops[0].duplicate == 3 && books.counts.hops.map(\.lost) == [0, 60])
    // Rolled back: aborted, once at each hop. Never attempted: unexpected.
    for _ in 0..<2 { books.sight(0, key: key(count + 501), seen: now) }
    books.sight(1, key: key(count + 501), seen: now)
    books.sight(0, key: key(9_000_000), seen: now)
    books.finish(at: now + 5000)
    #expect(books.counts.hops.map(\.aborted) == [1, 1] && books.counts.hops.map(\.unexpected) == [1, 0])
    #expect(books.outcome(key(count + 501)) == "queue:aborted cache:aborted" && books.ledger.isConserved)
  }

  @Test func `a user may wait longer than the settle time`() {
    // The record of an event that somebody waits for is not used for another one: see `RunTests` for the waiting itself.
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.sight(0, 1, seen: 1020)
    books.sight(1, 1, seen: 1020)
    books.advance(to: 5000)
    guard case .seen = books.ledger.books[0].join(hop: 1, id: .int(1), user: user()) else {
      Issue.record("what was seen before is seen")
      return
    }
  }

  private func user() -> VirtualUser {
    let program = ProgramSketch().program
    let evaluator = Evaluator(program: program)
    final class Owner: IterationOwner {
      func iterationEnded(_ user: VirtualUser, _ ending: IterationEnding, now: UInt64) {}
      func stopRequested() {}
    }
    let context = UserContext(
      program: program, reactor: try! Reactor(), evaluator: evaluator, recorder: Recorder(program: program),
      ledger: Ledger(program: program, evaluator: evaluator), seed: 1, runID: "r", secretValues: [])
    let owner = Owner()
    return withExtendedLifetime(owner) { VirtualUser(index: 0, context: context, owner: owner) }
  }

  @Test func `two bits are kept for each whole number, dense or not, and forgotten by generations`() {
    var decided = DecidedEvents()
    var random = SplitMix(state: 3)
    var truth: [Int64: DecidedEvents.Trace] = [:]
    let traces: [DecidedEvents.Trace] = [.settled, .rolledBack, .exception]
    for number in 0..<100_000 {
      let id = number % 2 == 0 ? Int64(number) : Int64(truncatingIfNeeded: random.next())
      let trace = traces[Int(random.next() % 3)]
      decided.note(trace, of: id)
      truth[id] = trace
    }
    for id in [Int64.min, .max, -1, 0, 63, 64] {
      decided.note(.exception, of: id)
      truth[id] = .exception
    }
    var isRight = true
    for (id, trace) in truth where decided.trace(of: id) != trace { isRight = false }
    #expect(isRight && decided.trace(of: 1 << 62) == .none && decided.trace(of: -2) == .none)
  }

  // Against a recount

  /// A system that loses, repeats, swaps and delays; what the ledger says is compared with a recount from the plain list of what happened.
  @Test(arguments: 0..<30)
  func `whatever a random system does, every count is that of a plain recount`(round: Int) {
    let seed = UInt64(900 + round)
    var random = SplitMix(state: seed)
    func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }
    let perKey = round % 2 == 0
    let books = versioned(Books.twoHops, hopsReadVersion: round % 4 < 2, perKey: perKey)
    struct Event {
      let id: Int64
      let key: Int64
      let version: Int64
      let sent: UInt64
      let acked: UInt64
    }
    enum Happening {
      case submitted(Event)
      case acknowledged(Event)
      case seen(hop: Int, Event)
    }
    var happenings: [(at: UInt64, Happening)] = []
    var versions: [Int64: Int64] = [:]
    var now: UInt64 = 10_000
    for id in 1...1500 as ClosedRange<Int64> {
      now += random.next() % 30
      // Ids and keys lie apart, as they do where a customer has a number.
      let key = 5_000_000 + Int64(random.next() % 20)
      versions[key, default: 0] += 1
      let acked = now + 1 + random.next() % 40
      let event = Event(id: id, key: key, version: versions[key]!, sent: now, acked: acked)
      happenings.append((now, .submitted(event)))
      happenings.append((acked, .acknowledged(event)))
      if chance(4) { continue }
      let queued = now + 1 + random.next() % (chance(10) ? 300 : 30)
      happenings.append((queued, .seen(hop: 0, event)))
      if chance(5) { happenings.append((queued + random.next() % 400, .seen(hop: 0, event))) }
      if chance(4) { continue }
      let cached = queued + random.next() % (chance(10) ? 300 : 30)
      happenings.append((cached, .seen(hop: 1, event)))
      if chance(5) { happenings.append((cached + random.next() % 400, .seen(hop: 1, event))) }
    }
    let ordered = happenings.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    var origins: [Int64: UInt64] = [:]
    for (at, happening) in ordered {
      switch happening {
      case .submitted(let event): origins[event.id] = books.ledger.originSubmitted(event: 0)
      case .acknowledged(let event):
        books.commit(event.id, key: event.key, version: event.version, sent: event.sent, acked: event.acked)
        books.ledger.originEnded(event: 0, origins[event.id]!)
      case .seen(let hop, let event):
        let name = perKey && hop == 1 ? "stock:\(event.key)" : String(event.id)
        books.sight(hop, key: name, seen: at, content: "{\"id\": \(event.id), \"version\": \(event.version)}")
      }
      if chance(3) { books.advance(to: at) }
    }
    books.finish(at: now + 5000)
    #expect(books.ledger.books[0].records.count < 400)

    // The recount.
    for hop in 0..<2 {
      var firsts: [Int64: UInt64] = [:]
      var extra: UInt64 = 0
      var seenVersions: [Int64: [Int64]] = [:]
      var newest: [Int64: [(version: Int64, at: UInt64)]] = [:]
      var shown: [Int64: Int64] = [:]
      var (reordered, regressed): (UInt64, UInt64) = (0, 0)
      for (at, happening) in ordered {
        guard case .seen(hop, let event) = happening else { continue }
        if event.version < shown[event.key] ?? 0 { regressed += 1 }
        shown[event.key] = event.version
        newest[event.key, default: []].append((event.version, at))
        guard firsts[event.id] == nil else {
          extra += 1
          continue
        }
        firsts[event.id] = at
        if (seenVersions[event.key] ?? []).contains(where: { $0 > event.version }) { reordered += 1 }
        seenVersions[event.key, default: []].append(event.version)
      }
      var expected = HopCounts()
      for case (_, .submitted(let event)) in ordered {
        if let first = firsts[event.id] {
          if first > event.acked + 100 { expected.late += 1 } else { expected.ok += 1 }
        } else if hop == 1, !ordered.contains(where: { if case .seen(0, let other) = $0.1 { other.id == event.id } else { false } }) {
          expected.blocked += 1
        } else if hop == 1, perKey, (newest[event.key] ?? []).contains(where: { $0.version > event.version && $0.at <= event.acked + 1000 }) {
          expected.superseded += 1
        } else {
          expected.lost += 1
        }
      }
      if hop == 0 { expected.duplicate = extra }
      if hop == 0 || !perKey { expected.reordered = reordered }
      if hop == 1, perKey { expected.regressed = regressed }
      if round % 4 < 2 { expected.mismatch = 0 }
      var found = books.counts.hops[hop]
      found.reorderedExtentMax = nil
      #expect(found == expected, "seed \(seed), hop \(hop)")
    }
    #expect(books.ledger.isConserved, "seed \(seed)")
  }
}
