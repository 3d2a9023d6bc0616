import ChainProgram
import Testing

@testable import ChainRuntime

@Suite struct FeedTests {
  private func cursor(_ pick: FeedDeclaration.Pick, _ exhaustion: FeedDeclaration.Exhaustion, rows: Int = 5, seed: UInt64 = 1) -> FeedCursor {
    let cells = (0..<rows).flatMap { [Value.int(Int64($0)), .string("row \($0)")] }
    return FeedCursor(
      feed: FeedDeclaration(name: "f", columns: [("id", .int), ("name", .string)], pick: pick, onExhaustion: exhaustion, cells: cells), index: 0,
      seed: seed)
  }

  @Test(arguments: [FeedDeclaration.Pick.sequential, .unique])
  func `rows are handed out in order, and then no more or again from the first`(pick: FeedDeclaration.Pick) {
    let once = cursor(pick, .stop)
    #expect((0..<7).map { once.row(iteration: UInt64($0)) } == [0, 1, 2, 3, 4, nil, nil])
    let again = cursor(pick, .again)
    #expect((0..<7).map { again.row(iteration: UInt64($0)) } == [0, 1, 2, 3, 4, 0, 1])
  }

  @Test func `a random row is a function of seed and iteration, and every row has its turn`() {
    let (a, b, other) = (cursor(.random, .stop), cursor(.random, .stop), cursor(.random, .stop, seed: 2))
    let rows = (0..<500).map { a.row(iteration: UInt64($0))! }
    #expect((0..<500).reversed().map { b.row(iteration: UInt64($0))! } == rows.reversed())
    #expect((0..<500).map { other.row(iteration: UInt64($0))! } != rows)
    #expect((0..<5).allSatisfy { row in rows.count { $0 == row } > 50 })
  }

  @Test func `a feed without rows is exhausted from the start`() {
    for pick in FeedDeclaration.Pick.allCases { #expect(cursor(pick, .again, rows: 0).row(iteration: 0) == nil) }
  }
}
