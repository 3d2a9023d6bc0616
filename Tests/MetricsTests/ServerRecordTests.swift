import LosslessJSON
import Metrics
import Testing

/// What servers told, through the journal and back.
@Suite struct ServerRecordTests {
  @Test func `figures, answers, gaps and facts come back from the journal as they were`() throws {
    var start = JournalStart()
    start.connections = [ConnectionInfo(name: "db", kind: "postgres"), ConnectionInfo(name: "mq", kind: "amqp")]
    var depth = ServerFigureInfo(connection: 1, name: "queue.a_b.depth", object: "a.b")
    depth.role = .pressure
    depth.plot = "queue depth"
    var commits = ServerFigureInfo(connection: 0, name: "commits")
    commits.isCounter = true
    start.serverFigures = [ServerFigureInfo(connection: 0, name: "active"), commits, depth]
    var sample = JournalServer(connection: 0, fromNanoseconds: 5, atNanoseconds: 1_000_000_005)
    sample.values = [3, .nan]
    sample.parts = [JournalServer.Part("Lock: transactionid", 2)]
    sample.isOfLoad = true
    sample.requests = 3
    sample.tookNanoseconds = 7
    var gap = JournalServer(connection: 1, fromNanoseconds: 6, atNanoseconds: 7)
    gap.gap = "no answer within 900 ms"
    var facts = JournalServerFacts(connection: 0)
    facts.server = "PostgreSQL 15.6"
    facts.limits = [.init(figures: ["active"], reason: "only one's own")]
    facts.statements = [.init(id: "-12", text: "SELECT $1", calls: 4, totalNanoseconds: 1e6, rows: 4)]
    let record = try JournalReader.read(bytes: start.line() + sample.line() + gap.line() + facts.line())
    #expect(record.start.serverFigures == start.serverFigures)
    #expect(record.servers.map(\.figures) == [0..<2, 2..<3] && record.servers.map(\.info.name) == ["db", "mq"])
    #expect(record.servers[0].facts == facts && record.servers[1].samples == [gap])
    let back = try #require(record.servers[0].samples.first)
    #expect(back.values[0] == 3 && back.values[1].isNaN && back.parts == sample.parts && back.requests == 3 && back.tookNanoseconds == 7)
    #expect(record.servers[0].loadValues(of: 0) == [3] && record.servers[0].loadValues(of: 1) == [] && record.servers[0].total(of: 1) == nil)
    #expect(record.server(of: 2)?.connection == 1 && record.servers[1].loadValues(of: 2) == [])
  }
}
