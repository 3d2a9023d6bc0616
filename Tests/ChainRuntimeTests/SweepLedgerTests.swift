import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// What the ledger says of entries that are read once more at the end, and after a gap; and of what other runs made.
@Suite struct SweepLedgerTests {
  private static let cache = [(name: "cache", observer: "watch")]

  private func sweep(_ books: Books, _ entries: [String: String], at now: UInt64 = 10_000) -> HopCounts {
    let book = books.ledger.books[0]
    let hop = book.hops[books.program.events[0].hops.count - 1]
    book.beginSweep(hop, now: now)
    for place in 0..<book.entryCount(hop) {
      var bytes: [UInt8] = []
      book.appendEntryName(hop, place, to: &bytes)
      let name = String(decoding: bytes, as: UTF8.self)
      book.swept(hop, place, entries[name].map { sightingContent(key: name, $0) })
    }
    return books.counts.hops[hop.hop]
  }

  private func offenders(_ books: Books) -> [String: [String]] {
    Dictionary(uniqueKeysWithValues: books.ledger.offenders().map { ($0.anomaly, $0.ids.sorted()) })
  }

  @Test func `entries of events that are gone are missing, and those that nobody committed are extra`() {
    let books = Books(body: [("total", .int)], hops: Self.cache)
    func content(_ total: Int) -> String { "{\"total\": \(total)}" }
    for id in 1...6 as ClosedRange<Int64> {
      books.commit(id, sent: 1000, acked: 1010, body: [.int(5)])
      // 4 was lost, 5 was wrong, and 6 is wrong in secret.
      if id != 4 { books.sight(0, id, seen: 1020, content: content(id == 5 ? 6 : 5)) }
    }
    books.rollBack(7, at: 1010)
    books.rollBack(8, at: 1010)
    books.sight(0, 8, seen: 1020, content: content(5))
    books.lose(9, sent: 1000, at: 1010)
    books.sight(0, 10, seen: 1020, content: content(5))
    books.finish(at: 9000)
    let counts = sweep(
      books, ["1": content(5), "2": content(5), "5": content(6), "6": content(6), "7": content(5), "8": content(5), "9": content(5), "10": content(5)])
    #expect(counts.missing == 2 && counts.extra == 3 && counts.mismatch == 2 && counts.staleFinal == nil)
    #expect(offenders(books) == ["missing": ["3", "4"], "extra": ["10", "7", "8"], "mismatch": ["6"]])
    #expect(books.ledger.isConserved)
  }

  @Test func `events whose id is their key do not tell how entries are named, and the first other one does`() {
    let books = Books(mapping: .init(hasKey: true, hasVersion: true, cacheIsPerKey: true), hops: Self.cache)
    for id in 1...300 as ClosedRange<Int64> {
      books.commit(id, key: min(id, 250), version: 1, sent: 1000, acked: 1010)
      books.sight(0, key: "order:\(id)", seen: 1020, content: "{\"id\": \(id)}")
    }
    #expect(books.ledger.books[0].hops[0].names.shape == .perEvent)
    books.finish(at: 9000)
    #expect(sweep(books, [:]).missing == 300)
  }

  @Test func `an entry of an older version than the last committed one is stale at the end`() {
    let books = Books(
      body: [("total", .int)], mapping: .init(hasKey: true, hasVersion: true, hopsReadVersion: true, cacheIsPerKey: true), hops: Self.cache)
    func content(_ id: Int64, _ version: Int64, total: Int = 5) -> String { "{\"id\": \(id), \"version\": \(version), \"total\": \(total)}" }
    var id: Int64 = 100
    for key in 1...7 as ClosedRange<Int64> {
      for version in 1...3 as ClosedRange<Int64> {
        id += 1
        books.commit(id, key: key, version: version, sent: 1000, acked: 1010, body: [.int(5)])
        books.sight(0, key: "stock:\(key)", seen: 1010 + UInt64(version), content: content(id, version))
      }
    }
    // Key 5 has a fourth version that nobody knows the outcome of, key 8 a rolled-back one only.
    let lost: [Value] = [.int(900), .int(5), .int(4), .int(5)]
    lost.withUnsafeBufferPointer { books.ledger.unknown(event: 0, $0.baseAddress!, sent: 1000, at: 1010) }
    let rolledBack: [Value] = [.int(901), .int(8), .int(1), .int(5)]
    rolledBack.withUnsafeBufferPointer { books.ledger.rolledBack(event: 0, $0.baseAddress!, at: 1010) }
    books.finish(at: 9000)
    let counts = sweep(
      books,
      [
        "stock:1": content(103, 3), "stock:2": content(105, 2), "stock:4": content(950, 9), "stock:5": content(900, 4),
        "stock:6": content(118, 3, total: 6), "stock:7": content(121, 3), "stock:8": content(901, 1),
      ])
    #expect(counts.staleFinal == 1 && counts.missing == 1 && counts.extra == 2 && counts.mismatch == 1)
    #expect(offenders(books) == ["stale_final": ["2"], "missing": ["3"], "extra": ["4", "8"], "mismatch": ["6"]])
  }

  @Test func `without a version an entry of a key is missing or not, and of staleness nothing is said`() {
    let books = Books(mapping: .init(hasKey: true, cacheIsPerKey: true), hops: Self.cache)
    for (id, key) in [(11, 1), (12, 1), (21, 2)] as [(Int64, Int64)] {
      books.commit(id, key: key, version: nil, sent: 1000, acked: 1010)
      books.sight(0, key: "stock:\(key)", seen: 1020, content: "{\"id\": \(id)}")
    }
    books.finish(at: 9000)
    let counts = sweep(books, ["stock:1": "{\"id\": 11}"])
    #expect(counts.staleFinal == nil && counts.missing == 1 && counts.extra == 0)
  }

  @Test func `where entries expire nothing is missing after a longer run`() {
    for (now, missing) in [(UInt64(6000), UInt64?.some(1)), (6001, nil)] {
      let books = Books(mapping: .init(expires: 5000), hops: Self.cache)
      books.commit(1, sent: 1000, acked: 1010)
      books.sight(0, 1, seen: 1020)
      books.finish(at: 3000)
      #expect(sweep(books, [:], at: now).missing == missing)
    }
  }

  @Test func `without a sweep, or with one that ended early, nothing is said of the end`() {
    let books = Books(hops: Self.cache)
    books.commit(1, sent: 1000, acked: 1010)
    books.sight(0, 1, seen: 1020)
    books.finish(at: 3000)
    #expect(books.counts.hops[0].missing == nil && books.counts.hops[0].extra == nil && books.ledger.sweepRecords().isEmpty)
    _ = sweep(books, [:])
    books.ledger.books[0].hops[0].sweep?.error = "gone"
    #expect(books.counts.hops[0].missing == nil && books.counts.hops[0].extra == nil && books.ledger.offenders().isEmpty)
  }

  @Test func `names of entries are learned from those that were seen`() {
    var names = EntryNames(hasKey: true)
    func learn(_ name: String, _ id: Int64, _ key: Int64) { names.learn(Array(name.utf8), id: .int(id), key: .int(key)) }
    func name(_ id: Int64) -> String { String(decoding: names.name(of: .int(id)), as: UTF8.self) }
    learn("order:7", 7, 7)
    #expect(!names.isKnown && names.shape == .unknown, "id and key are alike")
    learn("order:12:v1", 1, 12)
    #expect(names.areOfKeys && name(5) == "order:5:v1")
    learn("order:31:v1", 31, 99)
    #expect(names.shape == .perEvent && name(5) == "order:5:v1", "the last name that told something counts")
    for id in 40...50 as ClosedRange<Int64> { learn("order:\(id):v1", id, id + 1000) }
    #expect(!names.isOpen && names.shape == .perEvent)
    var text = EntryNames(hasKey: false)
    text.learn(Array("cache/a-1/x".utf8), id: .text("a-1"), key: nil)
    #expect(text.name(of: .text("b-2")) == Array("cache/b-2/x".utf8))
    text.learn(Array("elsewhere".utf8), id: .text("a-1"), key: nil)
    #expect(!text.isKnown)
  }

  // After a gap

  @Test func `what stands in its entry after a gap is seen since the gap began, and what does not is not hidden by it`() {
    let books = Books(hops: Self.cache)
    var gaps: [(hop: Int, start: UInt64)] = []
    let book = books.ledger.books[0]
    book.onGapEnded = { gaps.append(($0, $1)) }
    books.commit(1, sent: 1000, acked: 1010)
    books.sight(0, 1, seen: 1020)
    books.commit(2, sent: 1090, acked: 1100)
    books.commit(3, sent: 1210, acked: 1220)
    books.commit(4, sent: 1090, acked: 1100)
    let sink = books.ledger.sink(event: 0, hop: 0)
    sink.gapBegan(at: 1200)
    sink.gapEnded(at: 1300)
    #expect(gaps.map(\.start) == [1200])
    // A commit that nobody knew of when the entries were read: the gap may hide it.
    let outstanding = book.outstanding(book.hops[0])
    books.commit(5, sent: 1250, acked: 1310)
    #expect(outstanding.map { String(decoding: $0.name, as: UTF8.self) } == ["2", "3", "4"])
    for entry in outstanding {
      let name = String(decoding: entry.name, as: UTF8.self)
      book.sweptAfterGap(
        book.hops[0], records: entry.records, content: name == "4" ? nil : sightingContent(key: name, nil), gapStart: 1200, asked: 1301, now: 1305)
    }
    books.finish(at: 9000)
    #expect((1...5).map { books.outcome(Int64($0)) } == ["cache:ok", "cache:late", "cache:ok", "cache:lost", "cache:unobserved"])
    #expect(books.rows.filter { $0.id == "2" || $0.id == "3" }.map(\.lowNanoseconds) == [1200, 1210])
    #expect(books.rows.filter { $0.id == "2" || $0.id == "3" }.map(\.highNanoseconds) == [1305, 1305] && books.ledger.isConserved)
    book.onGapEnded = nil
  }

  @Test func `where the hop says where events will be found, what was rolled back is looked for as well`() {
    let at = TextTemplate([.literal(Array("stock:".utf8)), .argument(1, .text)])
    let books = Books(mapping: .init(hasKey: true, hasVersion: true, cacheIsPerKey: true, at: at), hops: Self.cache)
    let book = books.ledger.books[0]
    books.commit(1, key: 7, version: 1, sent: 1000, acked: 1010)
    books.commit(2, key: 7, version: 2, sent: 1000, acked: 1010)
    [Value.int(3), .int(8), .int(1)].withUnsafeBufferPointer { books.ledger.rolledBack(event: 0, $0.baseAddress, at: 1010) }
    let sink = books.ledger.sink(event: 0, hop: 0)
    sink.gapBegan(at: 1005)
    sink.gapEnded(at: 1300)
    // Nothing was seen yet, so that nobody has learned how entries are named.
    let outstanding = book.outstanding(book.hops[0])
    #expect(outstanding.map { String(decoding: $0.name, as: UTF8.self) } == ["stock:7", "stock:8"] && outstanding.map(\.records.count) == [2, 1])
    for (entry, id) in zip(outstanding, [2, 3]) {
      let name = String(decoding: entry.name, as: UTF8.self)
      book.sweptAfterGap(
        book.hops[0], records: entry.records, content: sightingContent(key: name, "{\"id\": \(id)}"), gapStart: 1005, asked: 1301, now: 1305)
    }
    books.finish(at: 9000)
    #expect((1...3).map { books.outcome(Int64($0)) } == ["cache:superseded", "cache:late", "cache:aborted"])
  }

  /// Tells of each write.
  private final class Teller: HopObserver {
    var isFencing = false
    let mode = "keyspace"
    let operationsSent: UInt64 = 0
    let countsRepeats = true
    func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) { completion(nil) }
    func close() {}
  }

  @Test func `second writes are counted after a gap as before it, and what was read is none`() {
    let books = Books(hops: Self.cache)
    let book = books.ledger.books[0]
    let teller = Teller()
    books.ledger.attach(teller, event: 0, hop: 0)
    books.ledger.armed(event: 0, hop: 0)
    for id in 1...6 as ClosedRange<Int64> { books.commit(id, sent: 1000, acked: 1010) }
    books.sight(0, 1, notBefore: 1015, seen: 1020)
    let sink = books.ledger.sink(event: 0, hop: 0)
    sink.gapBegan(at: 1030)
    sink.gapEnded(at: 1100)
    let outstanding = book.outstanding(book.hops[0])
    // 2 is told of before its entry is read. 3 to 5 stand there when it is.
    books.sight(0, 2, notBefore: 1101, seen: 1104)
    for entry in outstanding {
      let name = String(decoding: entry.name, as: UTF8.self)
      let content = name == "6" ? nil : sightingContent(key: name, nil)
      book.sweptAfterGap(book.hops[0], records: entry.records, content: content, gapStart: 1030, asked: 1101, now: 1110)
    }
    // 3 was written between the gap and the reading, and is told of late; 4 is written again for certain. 5 both.
    books.sight(0, 3, notBefore: 1105, seen: 1112)
    books.sight(0, 4, notBefore: 1115, seen: 1118)
    books.sight(0, 5, notBefore: 1105, seen: 1112)
    books.sight(0, 5, notBefore: 1113, seen: 1118)
    books.sight(0, 6, notBefore: 1113, seen: 1118)
    books.sight(0, 1, notBefore: 1113, seen: 1118)
    books.finish(at: 9000)
    #expect((1...6).map { books.outcome(Int64($0)) } == [
      "cache:ok+duplicate", "cache:ok", "cache:ok", "cache:ok+duplicate", "cache:ok+duplicate", "cache:late",
    ])
    #expect(books.counts.hops[0].duplicate == 3)
    // What was decided is no second write when it is read.
    book.sighted(book.hops[0], notBefore: 9000, seen: 9100, content: sightingContent(key: "1", nil), isRead: true)
    #expect(books.counts.hops[0].duplicate == 3)
    withExtendedLifetime(teller) {}
  }

  // Other runs

  @Test func `what another run made is foreign, and what does not say is judged by its id`() {
    let books = Books(mapping: .init(hopsReadRun: true))
    books.commit(1, sent: 1000, acked: 1010)
    for hop in 0..<2 {
      books.sight(hop, 1, seen: 1020, content: "{\"run\": \"run-1\"}")
      // Its id is ours by chance, or cannot be read at all.
      books.sight(hop, 1, seen: 1021, content: "{\"run\": \"run-2\"}")
      books.sight(hop, key: "what", seen: 1021, content: "{\"run\": \"run-2\"}")
      books.sight(hop, 7, seen: 1021, content: "{\"run\": \"run-2\"}")
    }
    books.sight(0, 8, seen: 1022, content: "{}")
    books.sight(0, key: "what", seen: 1022, content: "{\"run\": \"run-1\"}")
    books.finish(at: 9000)
    #expect(books.counts.hops.map(\.foreign) == [3, 3] && books.counts.hops.map(\.unexpected) == [1, 0])
    #expect(books.counts.hops[0].duplicate == 0 && books.outcome(1) == "queue:ok cache:ok")
    #expect(books.ledger.unreadableSightings(at: 1).map(\.count) == [1] && books.ledger.isConserved)
    #expect(Books().counts.hops[0].foreign == nil)
  }

  // A whole run

  @Test func `a run reads every entry once more, and its journal tells what it found`() throws {
    var sketch = ProgramSketch()
    let insert = sketch.step("insert")
    let operation = sketch.operation(insert)
    let id = sketch.slots(holding: [.null, .null, .null])
    let affected = sketch.path(.affected)
    let event = sketch.event("made", origin: insert, hops: [("queue", "tap"), ("cache", "watch")])
    sketch.beginIteration()
    sketch.emit(.enterStep(insert), .submit(operation), .loadResultInt(d: id, affected), .originIdentify(event, a: id), .originAcknowledge(event), .end)
    let script = Script()
    script.entries = [:]
    script.reply = { [unowned script] request in
      let id = Int64(request.number + 1)
      return .ok {
        $0.affected = id
        script.sight("queue", id: id)
        script.sight("cache", id: id)
        if id % 10 != 0 { script.entries?["\(id)"] = "" }
      }
    }
    let outcome = try RunBench(program: sketch.program, profile: profile(closed: 2, .iterations(5000)), script: script).perform()
    #expect(outcome.result.failure == nil && outcome.result.isConserved)
    let hop = outcome.record.events[0].hops[1]
    #expect(hop.counts.ok == 5000 && hop.counts.missing == 500 && hop.counts.extra == 0 && outcome.record.events[0].hops[0].counts.missing == nil)
    #expect(hop.sweep?.entries == 5000 && hop.sweep?.unread == 0 && hop.sweep?.error == nil)
    #expect(hop.offenders.first { $0.kind == "missing" }?.count == 500 && hop.offenders.first { $0.kind == "missing" }?.ids.count == 100)
    #expect(outcome.record.phases.map(\.name).contains(.sweep) && script.readNames.count == 5000)

    script.readError = OperationError(.connect, code: "refused", "nobody listens")
    script.submittedCount = 0
    let failed = try RunBench(program: sketch.program, profile: profile(closed: 2, .iterations(10)), script: script).perform()
    let unread = failed.record.events[0].hops[1]
    #expect(unread.counts.missing == nil && unread.sweep?.error == "nobody listens" && unread.sweep?.unread == 10 && failed.result.isConserved)
  }
}
