import LosslessJSON
import Testing

@testable import History

@Suite struct GuaranteeFiguresTests {
  @Test func `violations of what a chain requires are consistency counts, and of what it measures are not`() throws {
    let summary = """
      {"run": "r", "chain": "c", "started_at": "2026-11-20T10:33:43.123Z", "events": {"made": {"hops": {
        "cached": {"how": "tracking", "lost": 0, "guarantees": {
          "read_your_writes": {"required": true, "violated": 3}, "monotonic_reads": {"required": false, "violated": 9}}},
        "polled": {"how": "poll", "lost": 0, "guarantees": {"monotonic_reads": {"required": true, "violated": null}}}
      }}}}
      """
    let figures = try #require(RunFigures(summary: JSONDocument(parsing: summary).root, folder: "f"))
    #expect(
      figures.consistency == [
        ConsistencyCount("made.cached.lost", 0), ConsistencyCount("made.cached.read_your_writes", 3), ConsistencyCount("made.polled.lost", 0),
      ])
  }
}
