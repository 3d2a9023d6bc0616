import ChainIO
import ChainProgram
import Diagnostics
import Glibc
import Testing

@testable import PostgresConnector

/// Keeps what an observer told, and stands for the ledger's mapping: the row's first column is the event's number.
private final class RowRecorder: SightingSink {
  struct Seen {
    let number: Int
    let cells: [String?]
    let notBefore: UInt64
    let seen: UInt64
  }
  weak var observer: QueryObserver?
  /// From the first column's text to the number that is looked for.
  var numbers: [String: Int] = [:]
  private(set) var sightings: [Seen] = []
  private(set) var gapStarts: [UInt64] = []
  private(set) var gapEnds: [UInt64] = []
  private(set) var causes: [String] = []

  func sighted(_ sighting: borrowing Sighting) {
    let row = sighting.content
    let cells = row.nodes.map { $0.kind == .null ? nil : row.string($0) }
    let number = numbers[cells[0] ?? ""] ?? -1
    sightings.append(
      Seen(
        number: number, cells: cells, notBefore: max(sighting.notBefore, observer?.absentSince(number) ?? 0), seen: sighting.seen))
    observer?.forget(number)
  }
  func gapBegan(at start: UInt64, cause: String) {
    gapStarts.append(start)
    causes.append(cause)
  }
  func gapEnded(at end: UInt64) { gapEnds.append(end) }
}

struct QueryTextTests {
  @Test func `ids of any kind become elements of an array's text`() {
    #expect(QueryObserver.element(.int(-7)) == "\"-7\"")
    #expect(QueryObserver.element(.string("a\"b\\c,{}")) == "\"a\\\"b\\\\c,{}\"")
    #expect(QueryObserver.element(.null) == nil)
  }

  @Test func `a statement that is not known to only read is refused`() {
    func refusal(_ sql: String) -> String? { QueryObserver.refusal([("query", .sql(text: sql, parameters: [0]))])?.key }
    #expect(refusal("SELECT id FROM orders WHERE id = ANY($1)") == nil)
    #expect(refusal("DELETE FROM orders WHERE id = ANY($1) RETURNING id") == "query")
    #expect(refusal("CALL look($1)") == "query")
    #expect(QueryObserver.refusal([("query", .sql(text: "SELECT $1", parameters: [0])), ("every", .duration(10))])?.key == "every")
  }
}

/// Looking in a second session, against the sandbox's database (ORDERS_DB), which stands for a replica.
@Suite(.enabled(if: serverAddress != nil), .serialized, .timeLimit(.minutes(1)))
struct QueryObserverTests {
  private let table = "looked_\(UInt32.random(in: 1...(.max)))"

  /// A bench whose statements write, and an observer of the hop in a session of its own.
  private func prepare(
    idType: String, sql: String? = nil, every: Int64? = nil, address: String? = serverAddress, statements: [Statement] = []
  ) throws -> (Bench, QueryObserver, RowRecorder, OperationError?) {
    let bench = try Bench(
      [
        .sql("CREATE TABLE \(table) (id \(idType) PRIMARY KEY, amount numeric, note text)", writes: true),
        .sql("INSERT INTO \(table) VALUES ($1::\(idType), 12.10, NULL)", [0], writes: true),
        .sql("DROP TABLE \(table)", writes: true),
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(table)'"),
      ] + statements)
    #expect(try bench.open() == nil)
    #expect(try User(bench).run(0).isOk)
    for index in statements.indices { #expect(try User(bench).run(4 + index).isOk) }
    var operands: [(name: String, value: OperandTemplate)] = [
      ("query", .sql(text: sql ?? "SELECT id, amount, note FROM \(table) WHERE id = ANY($1)", parameters: [0]))
    ]
    if let every { operands.append(("every", .duration(every))) }
    let hop = HopDeclaration(
      name: "replica", connection: ConnectionIndex(0), observer: "query", operands: operands, mappingEntry: 0, idSlot: SlotIndex(0),
      keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: true, range: SourceRange(file: FileIndex(0), start: 0, end: 0))
    let sink = RowRecorder()
    let target = try PostgresTarget(address: address ?? "")
    let observer = try QueryObserver(hop: hop, declaration: bench.declaration, target: target, reactor: bench.reactor, sink: sink)
    sink.observer = observer
    var outcome: OperationError??
    observer.arm(deadline: MonotonicClock.now + 5_000_000_000) { outcome = .some($0) }
    #expect(bench.turn { outcome != nil })
    return (bench, observer, sink, outcome ?? nil)
  }

  private func finish(_ bench: Bench, _ observer: QueryObserver) throws {
    observer.close()
    #expect(try User(bench).run(2).isOk)
  }

  @Test func `each row becomes visible inside its bracket, and what is seen is not asked for again`() throws {
    let (bench, observer, sink, error) = try prepare(idType: "bigint")
    #expect(error == nil && observer.mode == "query")
    let user = User(bench)
    var truth: [(sent: UInt64, replied: UInt64)] = []
    for number in 0..<60 {
      sink.numbers["\(number)"] = number
      observer.seek(number, id: .int(Int64(number)), place: [])
      bench.turn(for: UInt64(number % 20))
      let sent = MonotonicClock.now
      try user.run(1, [.int(Int64(number))])
      truth.append((sent, MonotonicClock.now))
    }
    #expect(bench.turn { sink.sightings.count == 60 })
    bench.turn(for: 100)
    #expect(sink.sightings.count == 60 && Set(sink.sightings.map(\.number)) == Set(0..<60))
    for sighting in sink.sightings {
      #expect(sighting.cells == ["\(sighting.number)", "12.10", nil])
      #expect(sighting.notBefore < truth[sighting.number].replied && sighting.seen > truth[sighting.number].sent)
      #expect(sighting.notBefore < sighting.seen)
    }
    let widths = sink.sightings.filter { $0.notBefore > 0 }.map { $0.seen - $0.notBefore }.sorted()
    #expect(widths.count > 30)
    print("query: median width \(widths[widths.count / 2] / 1000) us, \(observer.operationsSent) looks for 60 events")
    let looks = observer.operationsSent
    bench.turn(for: 200)
    #expect(observer.operationsSent == looks)
    try finish(bench, observer)
  }

  @Test(arguments: ["text", "uuid"])
  func `ids of every type are found, whatever is in them`(type: String) throws {
    let (bench, observer, sink, error) = try prepare(idType: type)
    #expect(error == nil)
    let ids: [Value] =
      type == "text" ? [.string("a,b"), .string("{\"x\": \"\\\\\"}"), .string(""), .string("NULL"), .string("größer")]
      : [.uuid(UUIDBits(high: 1, low: 2)), .uuid(UUIDBits(high: 0x0123_4567_89ab_cdef, low: 3))]
    for (number, id) in ids.enumerated() {
      var bytes: [UInt8] = []
      _ = id.appendText(to: &bytes)
      sink.numbers[String(decoding: bytes, as: UTF8.self)] = number
      observer.seek(number, id: id, place: [])
      #expect(try User(bench).run(1, [id]).isOk)
    }
    #expect(bench.turn { sink.sightings.count == ids.count })
    #expect(Set(sink.sightings.map(\.number)) == Set(ids.indices))
    try finish(bench, observer)
  }

  @Test func `a fixed pause is the width of the bracket`() throws {
    let (bench, observer, sink, _) = try prepare(idType: "bigint", every: 100_000_000)
    for number in 0..<6 {
      sink.numbers["\(number)"] = number
      observer.seek(number, id: .int(Int64(number)), place: [])
      bench.turn(for: 30)
      #expect(try User(bench).run(1, [.int(Int64(number))]).isOk)
      #expect(bench.turn { sink.sightings.count == number + 1 })
    }
    let widths = sink.sightings.map { $0.seen - $0.notBefore }.sorted()
    #expect(widths[0] > 60_000_000 && widths[3] < 1_000_000_000, "\(widths)")
    try finish(bench, observer)
  }

  @Test func `a session that is killed is a gap with its cause, and it looks on afterwards`() throws {
    let named = try #require(serverAddress) + (serverAddress!.contains("?") ? "&" : "?") + "application_name=\(table)"
    let (bench, observer, sink, _) = try prepare(idType: "bigint", address: named)
    for number in 0..<2 {
      sink.numbers["\(number)"] = number
      observer.seek(number, id: .int(Int64(number)), place: [])
    }
    bench.turn(for: 50)
    // A session that is killed between two looks is back before the next one, and nothing is missed: again, until it is in the midst of one.
    var killed: UInt64 = 0
    for _ in 0..<100 where sink.gapStarts.isEmpty {
      killed = MonotonicClock.now
      _ = try User(bench).run(3)
      bench.turn(milliseconds: 100) { !sink.gapStarts.isEmpty }
    }
    try #require(sink.gapStarts.count == 1)
    #expect(sink.gapStarts[0] <= MonotonicClock.now && sink.gapStarts[0] + 1_000_000_000 > killed && !sink.causes[0].isEmpty)
    #expect(bench.turn { (try? User(bench).run(1, [.int(1)]).isOk) == true })
    #expect(bench.turn { sink.sightings.count == 1 && sink.gapEnds.count == 1 })
    #expect(sink.sightings[0].number == 1)
    try finish(bench, observer)
  }

  /// The rights of docs/permissions.md.
  @Test func `a role that may only connect and select is enough, and one that may not select is told when the run begins`() throws {
    let role = "looker_\(UInt32.random(in: 1...(.max)))"
    let address = try #require(serverAddress)
    let own = "postgres://\(role):pw@" + address.split(separator: "@", maxSplits: 1)[1]
    let make = Statement.sql("CREATE ROLE \(role) LOGIN PASSWORD 'pw'", writes: true)
    let grant = Statement.sql("GRANT SELECT (id, amount, note) ON \(table) TO \(role)", writes: true)
    let (bench, observer, sink, error) = try prepare(idType: "bigint", address: own, statements: [make, grant])
    #expect(error == nil, "\(error?.message ?? "")")
    sink.numbers["5"] = 5
    observer.seek(5, id: .int(5), place: [])
    #expect(try User(bench).run(1, [.int(5)]).isOk)
    #expect(bench.turn { sink.sightings.count == 1 } && sink.gapStarts.isEmpty)
    try finish(bench, observer)
    bench.driver.close()
  }
}
