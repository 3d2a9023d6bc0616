import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

extension HopGuarantees {
  init(readYourWrites: Demand? = nil, monotonicReads: Demand? = nil) {
    self.init()
    self[.readYourWrites] = readYourWrites
    self[.monotonicReads] = monotonicReads
  }
}

/// An observer that does nothing, of either kind.
private final class Onlooker: HopObserver {
  let followsChanges: Bool
  var isFencing = false
  let mode = "poll"
  let operationsSent: UInt64 = 0

  init(followsChanges: Bool) { self.followsChanges = followsChanges }
  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) { completion(nil) }
  func close() {}
}

/// Session guarantees, judged by intervals; `deadline` 100, `settle` 1000 nanoseconds.
@Suite struct GuaranteeLedgerTests {
  private static let cache = [(name: "cache", observer: "watch")]

  private func books(
    _ guarantees: HopGuarantees, versioned: Bool = false, hopsReadVersion: Bool = false, perKey: Bool = false, hops: [(name: String, observer: String)] = cache
  ) -> Books {
    Books(
      mapping: .init(hasKey: versioned, hasVersion: versioned, hopsReadVersion: hopsReadVersion, cacheIsPerKey: perKey, guarantees: guarantees),
      hops: hops)
  }

  private func entry(_ books: Books, key: Int64, id: Int64, version: Int64? = nil, notBefore: UInt64 = 0, seen: UInt64) {
    books.sight(0, key: "stock:\(key)", notBefore: notBefore, seen: seen, content: "{\"id\": \(id)\(version.map { ", \"version\": \($0)" } ?? "")}")
  }

  // Read your writes

  @Test func `what its writer could read at the acknowledgement is held, what it could not is violated, and in between it is possible`() {
    let books = books(.init(readYourWrites: .required))
    // id: not before, seen. Each is sent at 1000 and acknowledged at 1010.
    let looks: [Int64: (UInt64, UInt64)] = [
      1: (1000, 1005),  // seen before: held
      2: (1005, 1010),  // seen at that moment: held
      3: (1004, 1012),  // before or after: possible, for up to 2
      4: (1010, 1011),  // still possible: it may have come at that moment
      5: (0, 1040),  // nothing proves when: possible, for up to 30
      6: (1011, 1040),  // violated, for 1 to 30
    ]
    for id in 1...9 as ClosedRange<Int64> { books.commit(id, sent: 1000, acked: 1010) }
    for (id, look) in looks.sorted(by: { $0.key < $1.key }) { books.sight(0, id, notBefore: look.0, seen: look.1) }
    // 7 to 9 are never seen: violated without an end. What was rolled back, is unknown or was never attempted is on nobody's account.
    books.rollBack(20, at: 1010)
    books.lose(21, sent: 1000, at: 1010)
    books.sight(0, 22, seen: 1020)
    books.advance(to: 2011)
    books.finish(at: 2100)
    let counts = books.counts.hops[0]
    #expect(counts.readYourWrites == GuaranteeCounts(violated: 4, possible: 3, held: 2) && counts.monotonicReads == nil)
    #expect(counts.lost == 3 && books.ledger.isConserved)
    let marked = Set(books.rows.filter { $0.anomalies.contains(.readYourWrites) }.map(\.id))
    #expect(marked == ["6", "7", "8", "9"] && books.outcome(6) == "cache:ok+read_your_writes" && books.outcome(7) == "cache:lost+read_your_writes")
    let ages = books.ledger.takeHopIntervals()[0].ages[.readYourWrites]
    #expect(ages?.low.count == 7 && ages?.low.sum == 3001)
    #expect(ages?.high.count == 4 && ages?.high.sum == 63)
    #expect(ages?.unended == 3)
    let longest = books.ledger.longestViolations()
    #expect(longest.count == 1 && longest[0].longest.map(\.id) == ["7", "8", "9", "5", "6", "3", "4"])
    #expect(longest[0].longest[4].ageLowNanoseconds == 1 && longest[0].longest[4].ageHighNanoseconds == 30 && longest[0].longest[0].ageHighNanoseconds == nil)
  }

  @Test func `what a gap may hide is not checked, and what came during one is known within it`() {
    let books = books(.init(readYourWrites: .required))
    for id in 1...3 as ClosedRange<Int64> { books.commit(id, sent: 1000, acked: 1010) }
    let sink = books.ledger.sink(event: 0, hop: 0)
    sink.gapBegan(at: 1005)
    sink.gapEnded(at: 1100)
    // It may have been there since the gap began.
    books.sight(0, 1, notBefore: 1090, seen: 1120)
    // This one came later for certain.
    books.commit(4, sent: 1200, acked: 1210)
    books.sight(0, 4, notBefore: 1215, seen: 1220)
    books.finish(at: 9000)
    #expect(books.counts.hops[0].readYourWrites == GuaranteeCounts(violated: 1, possible: 1, held: 0, unchecked: 2))
    #expect(books.counts.hops[0].unobserved == 2)
  }

  @Test func `what is lost on the way is missed by its writer at every hop that promises it`() {
    let books = books(.init(readYourWrites: .measured), hops: Books.twoHops)
    books.commit(1, sent: 1000, acked: 1010)
    books.finish(at: 9000)
    #expect(books.counts.hops.map(\.readYourWrites) == [nil, GuaranteeCounts(violated: 1)])
    #expect(books.outcome(1) == "queue:lost cache:blocked+read_your_writes")
  }

  @Test func `an event that is too young to be decided when the run ends is not checked`() {
    let books = books(.init(readYourWrites: .required))
    books.commit(1, sent: 1000, acked: 1010)
    books.finish(at: 1500)
    #expect(books.counts.hops[0].readYourWrites == GuaranteeCounts(unchecked: 1))
  }

  @Test(arguments: [false, true]) func `where an entry holds the newest version of its key, a newer one is as good as the own`(hopsReadVersion: Bool) {
    let books = books(.init(readYourWrites: .required), versioned: true, hopsReadVersion: hopsReadVersion, perKey: true)
    // Key 7: 2 is there before 1 is acknowledged, and 1 never is. Key 8: 2 comes later, between its own bounds. Key 9: 2 comes, then 1.
    // Key 6: nothing comes.
    for key in 6...9 as ClosedRange<Int64> {
      books.commit(key * 10 + 2, key: key, version: 2, sent: 990, acked: 1000)
      books.commit(key * 10 + 1, key: key, version: 1, sent: 1000, acked: 1010)
    }
    entry(books, key: 7, id: 72, version: 2, notBefore: 993, seen: 996)
    entry(books, key: 8, id: 82, version: 2, notBefore: 1020, seen: 1030)
    entry(books, key: 9, id: 92, version: 2, notBefore: 1011, seen: 1013)
    entry(books, key: 9, id: 91, version: 1, notBefore: 1020, seen: 1025)
    books.finish(at: 9000)
    #expect(books.outcome(71) == "cache:superseded" && books.outcome(81) == "cache:superseded+read_your_writes")
    #expect(books.outcome(91) == "cache:ok+regressed+read_your_writes" && books.outcome(61) == "cache:lost+read_your_writes")
    // Held: 71 and 72. The others are late by the newer version's bounds: 81 10…20, 82 20…30, 91 1…3, 92 11…13, and 61 and 62 for ever.
    #expect(books.counts.hops[0].readYourWrites == GuaranteeCounts(violated: 6, possible: 0, held: 2))
    let ages = books.ledger.takeHopIntervals()[0].ages[.readYourWrites]
    #expect(ages?.low.sum == 2042 && ages?.high.sum == 66)
  }

  @Test func `of a key with very many versions the bounds stay true`() {
    let books = books(.init(readYourWrites: .required), versioned: true, hopsReadVersion: true, perKey: true)
    for version in 1...200 as ClosedRange<Int64> { books.commit(version, key: 7, version: version, sent: 900, acked: 1000) }
    // Each odd version is shown, one after the other, from before the acknowledgement on.
    for version in stride(from: 1 as Int64, through: 199, by: 2) {
      entry(books, key: 7, id: version, version: version, notBefore: 930 + UInt64(version), seen: 931 + UInt64(version))
    }
    books.finish(at: 9000)
    let counts = books.counts.hops[0].readYourWrites
    // Version v is there, or a newer one is, by 931 + v (or + v + 1): up to 69 it is held. 200 never comes.
    let found = counts ?? GuaranteeCounts()
    #expect(found.checked == 200)
    #expect(found.violated <= 131 && found.held <= 69, "\(found)")
    #expect(found.violated + found.possible >= 131 && found.held + found.possible >= 69, "\(found)")
  }

  @Test func `a second commit with an id has an acknowledgement that is not kept, and is not checked`() {
    let books = books(.init(readYourWrites: .required))
    books.commit(1, sent: 1000, acked: 1010)
    books.commit(1, sent: 1020, acked: 1030)
    books.sight(0, 1, notBefore: 1000, seen: 1005)
    books.advance(to: 5000)
    books.commit(1, sent: 6000, acked: 6010)
    books.finish(at: 9000)
    #expect(books.counts.hops[0].readYourWrites == GuaranteeCounts(held: 1, unchecked: 2))
    #expect(books.counts.counts.committed == 3)
  }

  // Monotonic reads

  @Test(arguments: [false, true]) func `an older version after a newer one is violated until the newest is shown again`(hopsReadVersion: Bool) {
    let books = books(.init(monotonicReads: .required), versioned: true, hopsReadVersion: hopsReadVersion, perKey: true)
    for id in 71...73 as ClosedRange<Int64> { books.commit(id, key: 7, version: id - 70, sent: 1000, acked: 1010) }
    for id in 81...82 as ClosedRange<Int64> { books.commit(id, key: 8, version: id - 80, sent: 1000, acked: 1010) }
    func show(_ key: Int64, _ versions: [(Int64, UInt64, UInt64)]) {
      for (version, low, high) in versions { entry(books, key: key, id: key * 10 + version, version: version, notBefore: low, seen: high) }
    }
    // Back to 1 in (1040, 1042], on to 2, which is still too old, and 3 again in (1055, 1060].
    show(7, [(1, 1018, 1020), (3, 1025, 1030), (1, 1040, 1042), (2, 1048, 1050), (3, 1055, 1060)])
    // Back to 1, for good.
    show(8, [(1, 1018, 1020), (2, 1025, 1030), (1, 1040, 1044)])
    books.finish(at: 9000)
    let counts = books.counts.hops[0]
    #expect(counts.monotonicReads == GuaranteeCounts(violated: 2, held: 4) && counts.regressed == 2 && counts.readYourWrites == nil)
    let ages = books.ledger.takeHopIntervals()[0].ages[.monotonicReads]
    #expect(ages?.low.count == 2 && ages?.low.min == 13 && ages?.low.max == 7956)
    #expect(ages?.high.count == 1 && ages?.high.sum == 20)
    let longest = books.ledger.longestViolations().flatMap(\.longest)
    #expect(longest.map(\.id) == ["81", "71"] && longest.map(\.key) == ["8", "7"])
    #expect(longest.map(\.version) == [1, 1] && longest.map(\.newer) == [2, 3] && longest[0].ageHighNanoseconds == nil)
    // Since the newer version was acknowledged at 1010.
    #expect(longest[1].sinceAckLowNanoseconds == 30 && longest[1].sinceAckHighNanoseconds == 32)
    #expect(books.outcome(71) == "cache:ok+regressed+monotonic_reads" && books.outcome(72) == "cache:ok")
  }

  @Test func `each step back is a violation, and all of a key end together`() {
    let books = books(.init(monotonicReads: .required), versioned: true, hopsReadVersion: true, perKey: true)
    for version in 1...3 as ClosedRange<Int64> { books.commit(version, key: 7, version: version, sent: 1000, acked: 1010) }
    for (place, version) in ([3, 2, 1, 3] as [Int64]).enumerated() {
      let seen = 1020 + UInt64(place) * 10
      entry(books, key: 7, id: version, version: version, notBefore: seen - 1, seen: seen)
    }
    books.finish(at: 9000)
    #expect(books.counts.hops[0].monotonicReads == GuaranteeCounts(violated: 2, held: 1) && books.counts.hops[0].regressed == 2)
    let ages = books.ledger.takeHopIntervals()[0].ages[.monotonicReads]
    #expect(ages?.low.sum == 28 && ages?.high.sum == 32)
  }

  @Test func `a violation that a gap may have ended is known to have lasted to the gap`() {
    let books = books(.init(monotonicReads: .required), versioned: true, hopsReadVersion: true, perKey: true)
    let sink = books.ledger.sink(event: 0, hop: 0)
    for key in 7...8 as ClosedRange<Int64> {
      for version in 1...2 as ClosedRange<Int64> { books.commit(key * 10 + version, key: key, version: version, sent: 1000, acked: 1010) }
      for (place, version) in ([2, 1] as [Int64]).enumerated() {
        entry(books, key: key, id: key * 10 + version, version: version, notBefore: 1019 + UInt64(place) * 10, seen: 1020 + UInt64(place) * 10)
      }
    }
    sink.gapBegan(at: 1050)
    sink.gapEnded(at: 1080)
    entry(books, key: 7, id: 72, version: 2, notBefore: 1085, seen: 1090)
    books.finish(at: 9000)
    let ages = books.ledger.takeHopIntervals()[0].ages[.monotonicReads]
    // Key 7: until (1050, 1090]; key 8: past 1050, and nobody knows how long.
    #expect(ages?.low.sum == 40 && ages?.high.sum == 61 && ages?.unended == 1)
  }

  @Test func `what only looks for single events cannot tell whether an entry goes back`() {
    let books = books(.init(readYourWrites: .required, monotonicReads: .required), versioned: true, hopsReadVersion: true, perKey: true)
    books.ledger.attach(Onlooker(followsChanges: false), event: 0, hop: 0)
    books.ledger.armed(event: 0, hop: 0)
    books.commit(1, key: 7, version: 1, sent: 1000, acked: 1010)
    entry(books, key: 7, id: 1, version: 1, notBefore: 1000, seen: 1005)
    books.finish(at: 9000)
    #expect(books.counts.hops[0].monotonicReads == nil && books.counts.hops[0].readYourWrites == GuaranteeCounts(held: 1))
  }

  // Against the truth

  @Test(arguments: 0..<20) func `whatever happened, certain verdicts are right and the bounds of ages hold the truth`(round: Int) {
    var random = SplitMix(state: UInt64(7000 + round))
    func pick(_ limit: UInt64) -> UInt64 { random.next() % limit }
    let books = books(.init(readYourWrites: .required, monotonicReads: .required), versioned: true, hopsReadVersion: true, perKey: true)
    struct Write {
      let id, key, version: Int64
      let at, low, high: UInt64
    }
    var acked: [Int64: UInt64] = [:]
    var named: [Int64: (key: Int64, version: Int64)] = [:]
    var writes: [Write] = []
    var versions: [Int64: Int64] = [:]
    var instants: Set<UInt64> = []
    for id in 1...400 as ClosedRange<Int64> {
      let key = 5_000_000 + Int64(pick(40))
      versions[key, default: 0] += 1
      let sent = 10_000 + UInt64(id) * 20
      acked[id] = sent + 5 + pick(20)
      named[id] = (key, versions[key]!)
      guard pick(20) != 0 else { continue }
      for _ in 0..<(pick(10) == 0 ? 2 : 1) {
        var at = sent + 1 + pick(pick(5) == 0 ? 900 : 60)
        while !instants.insert(at).inserted { at += 1 }
        writes.append(Write(id: id, key: key, version: versions[key]!, at: at, low: at - 1 - pick(min(9, at - sent)), high: at))
      }
    }
    // Seen in the order of the writes, each some time after it.
    writes.sort { $0.at < $1.at }
    var last: UInt64 = 0
    writes = writes.map { write in
      last = max(last, write.at + pick(6))
      return Write(id: write.id, key: write.key, version: write.version, at: write.at, low: write.low, high: last)
    }
    for (id, name) in named.sorted(by: { $0.key < $1.key }) {
      let sent = 10_000 + UInt64(id) * 20
      books.commit(id, key: name.key, version: name.version, sent: sent, acked: acked[id]!)
    }
    for write in writes { entry(books, key: write.key, id: write.id, version: write.version, notBefore: write.low, seen: write.high) }
    books.finish(at: 100_000)

    var late: [UInt64] = []
    var endless = 0
    for (id, name) in named {
      let first = writes.first { $0.key == name.key && $0.version >= name.version && $0.at <= acked[id]! + 1000 }
      guard let first else {
        endless += 1
        continue
      }
      if first.at > acked[id]! { late.append(first.at - acked[id]!) }
    }
    var stood: [UInt64] = []
    var stands = 0
    var newest: [Int64: Int64] = [:]
    for (place, write) in writes.enumerated() {
      defer { newest[write.key] = max(newest[write.key] ?? 0, write.version) }
      let previous = writes[..<place].last { $0.key == write.key }
      guard let previous, write.version < previous.version else { continue }
      let end = writes[place...].first { $0.key == write.key && $0.version >= newest[write.key]! }
      if let end { stood.append(end.at - write.at) } else { stands += 1 }
    }

    let counts = books.counts.hops[0]
    let own = counts.readYourWrites!
    #expect(own.checked == 400 && own.unchecked == 0)
    #expect(Int(own.violated) <= late.count + endless && late.count + endless <= Int(own.violated + own.possible), "round \(round)")
    let interval = books.ledger.takeHopIntervals()[0]
    let ages = interval.ages[.readYourWrites]!
    #expect(Int(ages.unended) == endless)
    let lowSum = ages.low.sum - UInt64(endless) * 1000
    #expect(lowSum <= late.reduce(0, +) && late.reduce(0, +) <= ages.high.sum && late.max() ?? 0 <= ages.high.max)
    let back = counts.monotonicReads!
    #expect(Int(back.violated) == stood.count + stands && back.violated == counts.regressed && back.possible == 0, "round \(round)")
    let stays = interval.ages[.monotonicReads] ?? ViolationAges()
    #expect(Int(stays.unended) == stands && stays.high.count == UInt64(stood.count))
    #expect(stood.reduce(0, +) <= stays.high.sum && stood.max() ?? 0 <= stays.high.max)
    #expect(books.ledger.isConserved)
  }

  @Test func `a violation costs no memory once it is over`() {
    let books = books(.init(readYourWrites: .required, monotonicReads: .required), versioned: true, hopsReadVersion: true, perKey: true)
    for id in 1...20_000 as ClosedRange<Int64> {
      let now = 10_000 + UInt64(id) * 10
      books.commit(id, key: id % 50, version: id, sent: now, acked: now + 1)
      entry(books, key: id % 50, id: id, version: id, notBefore: now + 2, seen: now + 3)
      if id > 50, id % 7 == 0 {
        entry(books, key: id % 50, id: id - 50, version: id - 50, notBefore: now + 4, seen: now + 5)
        entry(books, key: id % 50, id: id, version: id, notBefore: now + 6, seen: now + 7)
      }
      if id % 100 == 0 { books.advance(to: now) }
    }
    books.finish(at: 1_000_000)
    let hop = books.ledger.books[0].hops[0]
    #expect(books.counts.hops[0].readYourWrites?.violated == 20_000 && hop.monotonicReads?.hasStanding == false)
    #expect(books.ledger.longestViolations().map(\.longest.count) == [20, 20] && books.ledger.books[0].records.count < 1000)
  }
}
