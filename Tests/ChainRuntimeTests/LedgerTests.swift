import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite struct LedgerTests {
  @Test func `what a hop's mapping cannot read is counted and reported at that hop`() {
    let books = Books()
    #expect(books.ledger.unreadableSightings(at: 5).isEmpty)
    books.sight(1, key: "no number", seen: 1000)
    books.sight(1, key: "nor this", seen: 1001)
    let failures = books.ledger.unreadableSightings(at: 2000)
    #expect(failures.map(\.count) == [2] && failures.allSatisfy { $0.fingerprint.message.contains("made.cache") })
    books.finish(at: 3000)
    #expect(books.rows.isEmpty && books.ledger.isConserved)
  }

  @Test func `a commit that is seen in time everywhere is ok, after its deadline late`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.sight(0, 1, notBefore: 1005, seen: 1030)
    books.sight(1, 1, notBefore: 1100, seen: 1111)
    books.commit(2, sent: 1000, acked: 1010)
    books.sight(0, 2, seen: 1110)
    books.sight(1, 2, seen: 1500)
    #expect(books.ledger.isSettled(now: 1500))
    books.finish(at: 1600)
    #expect(books.outcome(1) == "queue:ok cache:late")
    #expect(books.outcome(2) == "queue:ok cache:late")
    #expect(books.ledger.isConserved)
  }

  @Test func `what is not seen by the end of settle is lost where it is first missing, and blocked after that`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.commit(2, sent: 1000, acked: 1010)
    books.sight(0, 2, seen: 1020)
    #expect(!books.ledger.isSettled(now: 2010))
    books.advance(to: 2010)
    #expect(books.rows.isEmpty)
    #expect(books.ledger.isSettled(now: 2011))
    books.advance(to: 2011)
    #expect(books.outcome(1) == "queue:lost cache:blocked" && books.outcome(2) == "queue:ok cache:lost")
    #expect(books.ledger.progress.flatMap(\.hops).reduce(0) { $0 + $1.counts.lost } == 2 && books.ledger.isConserved)
  }

  @Test func `what is seen at the second hop only is lost at the first alone`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.sight(1, 1, seen: 1020)
    books.finish(at: 3000)
    #expect(books.outcome(1) == "queue:lost cache:ok" && books.ledger.isConserved)
  }

  @Test func `a gap that may hide the event makes it unobserved, never lost`() {
    for (from, to, expected) in [
      (UInt64(500), UInt64(1000), "lost"), (500, 1001, "unobserved"), (1500, 1600, "unobserved"), (2009, 9000, "unobserved"), (2010, 9000, "lost"),
    ] {
      let books = Books()
      books.commit(1, sent: 1000, acked: 1010)
      books.sight(1, 1, seen: 1020)
      books.ledger.sink(event: 0, hop: 0).gapBegan(at: from)
      books.ledger.sink(event: 0, hop: 0).gapEnded(at: to)
      books.finish(at: 20_000)
      #expect(books.outcome(1) == "queue:\(expected) cache:ok", "gap \(from)–\(to)")
      #expect(books.ledger.isConserved)
    }
  }

  @Test func `what is told of after a gap may have been there since the gap began`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.commit(2, sent: 1350, acked: 1360)
    books.commit(3, sent: 1450, acked: 1460)
    books.ledger.sink(event: 0, hop: 1).gapBegan(at: 1100)
    books.ledger.sink(event: 0, hop: 1).gapEnded(at: 1400)
    for id in 1...3 {
      books.sight(0, Int64(id), notBefore: 1490, seen: 1500)
      books.sight(1, Int64(id), notBefore: 1490, seen: 1500)
    }
    books.finish(at: 9000)
    // The second one was sent in the gap, the third after it.
    #expect(books.rows.filter { $0.hop == 1 }.map(\.lowNanoseconds) == [1100, 1350, 1490])
    #expect(books.rows.filter { $0.hop == 0 }.map(\.lowNanoseconds) == [1490, 1490, 1490], "the other hop had no gap")
  }

  @Test func `a gap that has not ended hides events, and is told at the end`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.ledger.sink(event: 0, hop: 1).gapBegan(at: 1500)
    books.sight(0, 1, seen: 1020)
    books.finish(at: 5000)
    #expect(books.outcome(1) == "queue:ok cache:unobserved")
    let gaps = books.ledger.takeGaps()
    #expect(gaps.count == 1 && gaps[0].hop == 1 && gaps[0].fromNanoseconds == 1500 && gaps[0].toNanoseconds == 5000)
    #expect(books.ledger.takeGaps().isEmpty)
  }

  @Test func `a settle time that was cut short leaves events unobserved`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.finish(at: 2009)
    #expect(books.outcome(1) == "queue:unobserved cache:unobserved" && books.ledger.isConserved)
  }

  @Test func `an unknown commit is recovered or absent, and no part of the committed`() {
    let books = Books()
    books.lose(1, sent: 1000, at: 1010)
    books.lose(2, sent: 1000, at: 1010)
    books.lose(nil, sent: 1000, at: 1010)
    books.sight(0, 1, seen: 1020)
    books.advance(to: 3000)
    #expect(books.outcome(1) == "queue:info:recovered cache:info:absent")
    #expect(books.outcome(2) == "queue:info:absent cache:info:absent")
    #expect(books.counts.counts == EventCounts(attempted: 3, committed: 0, rolledBack: 0, unknown: 3) && books.ledger.isConserved)
  }

  @Test func `what was rolled back and is seen is aborted, however soon the rows are asked for`() {
    let books = Books()
    books.rollBack(1, at: 1010)
    books.rollBack(2, at: 1010)
    books.rollBack(nil, at: 1010)
    books.advance(to: 1020)
    books.sight(1, 1, seen: 1030)
    books.advance(to: 1500)
    books.finish(at: 3000)
    #expect(books.outcome(1) == "cache:aborted" && books.outcome(2) == "")
    #expect(books.counts.hops[1].aborted == 1 && books.counts.hops[0].aborted == 0)
    #expect(books.counts.counts == EventCounts(attempted: 3, committed: 0, rolledBack: 3, unknown: 0) && books.ledger.isConserved)
  }

  @Test func `what nobody attempted is unexpected, once nobody can claim it, and holds up no other row`() {
    let books = Books()
    let slow = books.ledger.originSubmitted(event: 0)
    books.sight(0, 99, seen: 900)
    books.commit(1, sent: 1000, acked: 1010)
    books.sight(0, 1, seen: 1020)
    books.sight(1, 1, seen: 1030)
    books.advance(to: 3000)
    #expect(books.outcome(1) == "queue:ok cache:ok" && books.outcome(99) == "")
    books.ledger.originEnded(event: 0, slow)
    books.advance(to: 3010)
    #expect(books.outcome(99) == "queue:unexpected" && books.counts.hops[0].unexpected == 1)
    // At another hop it is unexpected again, at the same one it is not.
    books.sight(0, 99, seen: 3020)
    books.sight(1, 99, seen: 3020)
    books.finish(at: 4000)
    #expect(books.outcome(99) == "queue:unexpected cache:unexpected" && books.counts.hops[0].unexpected == 1 && books.ledger.isConserved)
  }

  @Test func `a sighting before the acknowledgement counts as zero lag and is told`() {
    let books = Books(hops: [("queue", "tap")])
    books.sight(0, 1, notBefore: 1001, seen: 1005)
    books.commit(1, sent: 1000, acked: 1010)
    books.finish(at: 5000)
    let interval = books.ledger.takeHopIntervals()[0]
    #expect(books.outcome(1) == "queue:ok" && interval.visibleBeforeAck == 1)
    #expect(interval.lagHigh.max == 0 && interval.lagLow.max == 0 && interval.width.max == 4)
    #expect(books.rows[0].lowNanoseconds == 1001 && books.rows[0].highNanoseconds == 1005)
  }

  @Test func `a sighting long before its attempt is claimed by it`() {
    let books = Books()
    let slow = books.ledger.originSubmitted(event: 0)
    books.sight(0, 1, seen: 1005)
    books.advance(to: 50_000)
    books.commit(1, sent: 1000, acked: 60_000)
    books.ledger.originEnded(event: 0, slow)
    books.sight(1, 1, seen: 60_050)
    #expect(books.ledger.isSettled(now: 60_051))
    books.finish(at: 70_000)
    #expect(books.outcome(1) == "queue:ok cache:ok" && books.ledger.isConserved)
  }

  @Test func `the lower bound is never before the event was sent, nor after it was seen`() {
    let books = Books(hops: [("queue", "tap")])
    for (id, notBefore) in [(Int64(1), UInt64(0)), (2, 500), (3, 1015), (4, 9000)] {
      books.commit(id, sent: 1000, acked: 1010)
      books.sight(0, id, notBefore: notBefore, seen: 1050)
    }
    books.finish(at: 5000)
    #expect(books.rows.map(\.lowNanoseconds) == [1000, 1000, 1015, 1050])
    let interval = books.ledger.takeHopIntervals()[0]
    #expect(interval.lagLow.count == 4 && interval.lagLow.sum == 0 + 0 + 5 + 40 && interval.lagHigh.sum == 4 * 40)
    #expect(interval.width.sum == 50 + 50 + 35 + 0)
  }

  @Test func `a second delivery is a duplicate at a tap and in order at a cache`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    for seen in [1020, 1030, 1040] as [UInt64] {
      books.sight(0, 1, seen: seen)
      books.sight(1, 1, seen: seen)
    }
    books.advance(to: 3000)
    #expect(books.outcome(1) == "queue:ok+duplicate cache:ok")
    #expect(books.rows[0].highNanoseconds == 1020)
    #expect(books.counts.hops[0].duplicate == 2 && books.counts.hops[1].duplicate == nil)
    // One that comes after the row was written still counts.
    books.sight(0, 1, seen: 3500)
    #expect(books.counts.hops[0].duplicate == 3)
  }

  @Test func `a body that differs is a mismatch, whether the sighting or the acknowledgement came first`() {
    let body: [(name: String, type: ValueType)] = [("total", .int), ("note", .string)]
    let books = Books(body: body, hops: [("cache", "watch")])
    func content(_ total: Int, _ note: String) -> String { "{\"total\": \(total), \"note\": \"\(note)\"}" }
    books.commit(1, sent: 1000, acked: 1010, body: [.int(5), .string("a")])
    books.sight(0, 1, seen: 1020, content: content(5, "a"))
    books.commit(2, sent: 1000, acked: 1010, body: [.int(5), .string("a")])
    books.sight(0, 2, seen: 1020, content: content(5, "b"))
    books.sight(0, 3, seen: 1005, content: content(6, "a"))
    books.commit(3, sent: 1000, acked: 1010, body: [.int(5), .string("a")])
    books.sight(0, 4, seen: 1005, content: content(5, "a"))
    books.commit(4, sent: 1000, acked: 1010, body: [.int(5), .string("a")])
    books.finish(at: 3000)
    #expect((1...4).map { books.outcome(Int64($0)) } == ["cache:ok", "cache:ok+mismatch", "cache:ok+mismatch", "cache:ok"])
    #expect(books.counts.hops[0].mismatch == 2)
    // What cannot be read is told apart from what was read.
    books.sight(0, 5, seen: 3000, content: "not json")
    #expect(books.counts.hops[0].unexpected == 0)
  }

  @Test func `without a mapped body nothing is said of mismatches`() {
    let books = Books()
    books.commit(1, sent: 1, acked: 2)
    books.finish(at: 5000)
    #expect(books.counts.hops.allSatisfy { $0.mismatch == nil })
  }

  @Test func `fences run while an event is on its way to the hop, and not after it was seen or given up`() {
    final class Unheard: SightingSink {
      func sighted(_ sighting: borrowing Sighting) {}
      func gapBegan(at start: UInt64) {}
      func gapEnded(at end: UInt64) {}
    }
    let books = Books()
    let sink = Unheard()
    let observers = (0..<2).map { _ in ScriptedObserver(sink: sink, armError: nil) }
    for hop in 0..<2 { books.ledger.attach(observers[hop], event: 0, hop: hop) }
    func fencing() -> [Bool] { observers.map(\.isFencing) }
    #expect(fencing() == [false, false])
    books.commit(1, sent: 1000, acked: 1010)
    books.commit(2, sent: 1000, acked: 1010)
    #expect(fencing() == [true, true])
    books.sight(0, 1, seen: 1020)
    books.sight(0, 2, seen: 1020)
    books.sight(1, 1, seen: 1020)
    #expect(fencing() == [false, true])
    books.rollBack(3, at: 1030)
    #expect(fencing() == [false, true])
    // The second is lost at the cache.
    books.advance(to: 2500)
    #expect(fencing() == [false, false])
    books.lose(4, sent: 2500, at: 2510)
    #expect(fencing() == [true, true])
    books.advance(to: 4000)
    #expect(fencing() == [false, false])
    // What comes after it was given up is noted, and turns nothing on or off.
    books.sight(1, 2, seen: 4100)
    books.sight(0, 4, seen: 4100)
    books.commit(5, sent: 4100, acked: 4110)
    #expect(fencing() == [true, true])
    books.sight(0, 5, seen: 4120)
    books.sight(1, 5, seen: 4120)
    #expect(fencing() == [false, false])
    books.finish(at: 9000)
    #expect(books.ledger.isConserved)
    for hop in 0..<2 { books.ledger.attach(nil, event: 0, hop: hop) }
  }

  // Several attempts with one id

  @Test func `a commit after a rolled-back or unanswered attempt with the same id owns the event`() {
    let books = Books()
    books.rollBack(1, at: 1000)
    books.commit(1, sent: 1005, acked: 1010)
    books.lose(2, sent: 990, at: 1000)
    books.commit(2, sent: 1005, acked: 1010)
    for id in [1, 2] as [Int64] {
      books.sight(0, id, seen: 1020)
      books.sight(1, id, seen: 1030)
    }
    #expect(books.ledger.isSettled(now: 1031))
    books.finish(at: 5000)
    #expect(books.outcome(1) == "queue:ok cache:ok" && books.outcome(2) == "queue:ok cache:ok")
    #expect(books.counts.counts == EventCounts(attempted: 4, committed: 2, rolledBack: 1, unknown: 1) && books.ledger.isConserved)
  }

  @Test func `a commit whose id was decided without one gets rows of its own`() {
    let books = Books()
    books.lose(1, sent: 990, at: 1000)
    books.advance(to: 5000)
    #expect(books.outcome(1) == "queue:info:absent cache:info:absent")
    books.commit(1, sent: 6000, acked: 6010)
    books.sight(0, 1, seen: 6020)
    books.sight(1, 1, seen: 6020)
    #expect(books.ledger.isSettled(now: 6021))
    books.finish(at: 9000)
    #expect(books.outcome(1) == "queue:info:absent cache:info:absent queue:ok cache:ok" && books.ledger.isConserved)
  }

  @Test func `commits that share an id share its outcome, and the counts add up`() {
    let books = Books()
    books.commit(1, sent: 1000, acked: 1010)
    books.commit(1, sent: 1020, acked: 1030)
    books.sight(0, 1, seen: 1015)
    books.sight(0, 1, seen: 1035)
    books.sight(1, 1, seen: 1040)
    books.advance(to: 5000)
    books.commit(1, sent: 6000, acked: 6010)
    books.finish(at: 9000)
    #expect(books.outcome(1) == "queue:ok cache:ok")
    #expect(books.counts.counts.committed == 3 && books.counts.hops[0].ok == 3 && books.counts.hops[0].duplicate == 0 && books.ledger.isConserved)
  }

  // Identities

  @Test func `ids of every kind are told apart`() {
    var random = SplitMix(state: 8)
    var table = EventIDTable()
    var ids: [EventID] = []
    for index in 0..<200_000 { ids.append(.int(Int64(truncatingIfNeeded: index % 3 == 0 ? UInt64(index) : random.next()))) }
    for index in 0..<20_000 { ids.append(.text("order-\(index)")) }
    for _ in 0..<20_000 { ids.append(.uuid(UUIDBits(high: random.next(), low: random.next()))) }
    ids += [.int(.min), .int(.max), .int(-1), .text(""), .text("5"), .uuid(UUIDBits(high: 0, low: 0))]
    var distinct: Set<EventID> = []
    var number = 0
    var records: [EventID: Int] = [:]
    for id in ids where distinct.insert(id).inserted {
      #expect(table.find(id) == nil)
      table.insert(id, record: number)
      records[id] = number
      number += 1
    }
    #expect(distinct.count > 239_000)
    #expect(records.allSatisfy { table.find($0.key) == $0.value })
    #expect(table.find(.int(1 << 62)) == nil && table.find(.text("order-20000")) == nil)
    // What is forgotten hides nothing that stands behind it.
    let gone = distinct.filter { _ in random.next() % 2 == 0 }
    for id in gone { table.remove(id) }
    table.remove(.int(1 << 61))
    #expect(records.allSatisfy { table.find($0.key) == (gone.contains($0.key) ? nil : $0.value) })
    for (number, id) in gone.enumerated() { table.insert(id, record: 1_000_000 + number) }
    #expect(records.allSatisfy { (table.find($0.key) ?? -1) >= (gone.contains($0.key) ? 1_000_000 : 0) })
  }

  @Test(arguments: [UInt64(20), 22, 32, 40])
  func `ids that are multiples of a power of two are found as quickly as any`(shift: UInt64) {
    var table = EventIDTable()
    let began = MonotonicClock.now
    for index in 0..<100_000 { table.insert(.int(Int64(index) << Int64(shift)), record: index) }
    let isFound = (0..<100_000).allSatisfy { table.find(.int(Int64($0) << Int64(shift))) == $0 }
    #expect(isFound)
    #expect(MonotonicClock.now - began < 3 * seconds)
  }

  @Test func `text and uuid ids join their sightings`() {
    let texts = Books(idType: .string)
    texts.commit(.string("a-1"), sent: 1000, acked: 1010)
    texts.sight(0, key: "a-1", seen: 1020)
    texts.finish(at: 5000)
    #expect(texts.outcome("a-1") == "queue:ok cache:lost")
    let uuids = Books(idType: .uuid)
    let id = "01234567-89ab-cdef-0123-456789abcdef"
    uuids.commit(.uuid(UUIDBits(high: 0x0123_4567_89ab_cdef, low: 0x0123_4567_89ab_cdef)), sent: 1000, acked: 1010)
    uuids.sight(0, key: id.uppercased(), seen: 1020)
    uuids.finish(at: 5000)
    #expect(uuids.outcome(id) == "queue:ok cache:lost")
  }

  @Test func `a sighting without a readable id changes no count`() {
    let books = Books()
    books.sight(0, key: "not-a-number", seen: 1020)
    books.finish(at: 5000)
    #expect(books.rows.isEmpty && books.ledger.isConserved)
  }

  @Test func `a commit without an id is unknown, and the counts still add up`() {
    let books = Books()
    books.commit(.null, sent: 1, acked: 2)
    books.finish(at: 5000)
    #expect(books.counts.counts == EventCounts(attempted: 1, committed: 0, rolledBack: 0, unknown: 1) && books.ledger.isConserved)
  }

  // Against a model

  @Test(arguments: 0..<40)
  func `any order of attempts, sightings and gaps gives what a plain model says`(round: Int) {
    let seed = UInt64(500 + round)
    var random = SplitMix(state: seed)
    let books = Books()
    // While it is under way anything may still be claimed.
    let slow = books.ledger.originSubmitted(event: 0)
    struct Model {
      var origin = ""
      var sent: UInt64 = 0
      var acked: UInt64 = 0
      var seen: [UInt64?] = [nil, nil]
      var extra = 0
    }
    var models: [Int64: Model] = [:]
    var gaps: [[(UInt64, UInt64)]] = [[], []]
    var open: [UInt64?] = [nil, nil]
    var now: UInt64 = 10_000
    for _ in 0..<1500 {
      now += random.next() % 20
      let id = Int64(random.next() % 400)
      var model = models[id] ?? Model()
      switch random.next() % 12 {
      case 0..<3 where model.origin.isEmpty:
        (model.origin, model.sent, model.acked) = ("committed", now, now + 5)
        books.commit(id, sent: now, acked: now + 5)
      case 3 where model.origin.isEmpty:
        (model.origin, model.sent, model.acked) = ("unknown", now, now + 5)
        books.lose(id, sent: now, at: now + 5)
      case 4 where model.origin.isEmpty:
        (model.origin, model.acked) = ("rolledBack", now)
        books.rollBack(id, at: now)
      case 5..<11:
        let hop = Int(random.next() % 2)
        // Within settle only: what comes later is after the row.
        guard model.origin.isEmpty || now <= model.acked + 1000 else { break }
        if model.seen[hop] == nil { model.seen[hop] = now } else if hop == 0 { model.extra += 1 }
        books.sight(hop, id, seen: now)
      case 11 where random.next() % 20 == 0:
        let hop = Int(random.next() % 2)
        if let from = open[hop] {
          books.ledger.sink(event: 0, hop: hop).gapEnded(at: now)
          gaps[hop].append((from, now))
          open[hop] = nil
        } else {
          books.ledger.sink(event: 0, hop: hop).gapBegan(at: now)
          open[hop] = now
        }
      default: break
      }
      if model.origin != "" || model.seen.contains(where: { $0 != nil }) { models[id] = model }
      if random.next() % 30 == 0 { books.advance(to: now) }
    }
    for hop in 0..<2 { if let from = open[hop] { gaps[hop].append((from, .max)) } }
    books.finish(at: now + 10_000)
    books.ledger.originEnded(event: 0, slow)
    for (id, model) in models {
      var expected: [String] = []
      var isBlocked = false
      for hop in 0..<2 {
        let name = ["queue", "cache"][hop]
        let isSeen = model.seen[hop] != nil
        var outcome: String
        switch model.origin {
        case "committed":
          if let seen = model.seen[hop] {
            outcome = seen > model.acked + 100 ? "late" : "ok"
          } else if isBlocked {
            outcome = "blocked"
          } else if gaps[hop].contains(where: { $0.0 < model.acked + 1000 && model.sent < $0.1 }) {
            outcome = "unobserved"
          } else {
            outcome = "lost"
            isBlocked = true
          }
        case "unknown": outcome = isSeen ? "info:recovered" : "info:absent"
        case "rolledBack":
          if !isSeen { continue }
          outcome = "aborted"
        default:
          if !isSeen { continue }
          outcome = "unexpected"
        }
        if hop == 0, model.extra > 0, !model.origin.isEmpty { outcome += "+duplicate" }
        expected.append("\(name):\(outcome)")
      }
      #expect(books.outcome(id) == expected.joined(separator: " "), "seed \(seed), id \(id), \(model)")
      if books.outcome(id) != expected.joined(separator: " ") { break }
    }
    #expect(books.ledger.isConserved, "seed \(seed)")
    let committed = models.values.count { $0.origin == "committed" }
    #expect(books.counts.counts.committed == UInt64(committed) && books.counts.hops[0].accountedFor == UInt64(committed))
  }
}
