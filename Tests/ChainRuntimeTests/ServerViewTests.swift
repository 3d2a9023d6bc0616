import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

/// What becomes of a server's answers, without a server.
@Suite struct ServerViewTests {
  private static let program: Program = {
    var program = Program(chain: "t", chainDescription: "", chainHash: "")
    let figures = [
      ServerFigure("level", .count, .gauge, .pressure, ""), ServerFigure("gained", .count, .counter, .work, ""),
      ServerFigure("lost", .count, .counter, .work, ""), ServerFigure("kept", .share, .quotient(of: "gained", and: "lost"), .state, ""),
    ]
    program.connections = [
      ConnectionDeclaration(
        name: "db", kind: "k", address: .literal(""), access: "", pool: .size(1), acquireTimeoutNanoseconds: 1, connectTimeoutNanoseconds: 1, options: [],
        range: nowhere)
    ]
    program.serverFigures = ServerFigureDeclaration.all(of: ConnectionIndex(0), ServerViewSchema(figures: figures), objects: [])
    return program
  }()

  private func reading(_ values: [String: Double]) -> ServerReading {
    var reading = ServerReading()
    reading.values = values
    return reading
  }

  private let second: UInt64 = 1_000_000_000

  @Test func `what a server counts becomes an increase per second, over the span that it was`() {
    var figures = ServerFigures(ConnectionIndex(0), Self.program)
    let first = figures.take(reading(["level": 3, "gained": 1000, "lost": 10]), now: 5 * second, hasLevels: true)
    #expect(first.values[0] == 3 && first.values[1...].allSatisfy(\.isNaN))
    // Two seconds later: 600 more, of which 150 in vain.
    let next = figures.take(reading(["level": 4, "gained": 1450, "lost": 160]), now: 7 * second, hasLevels: true)
    #expect(next.values == [4, 225, 75, 0.75] && next.fromNanoseconds == 5 * second && next.atNanoseconds == 7 * second)
    // Nothing was asked for: no share of nothing.
    let idle = figures.take(reading(["level": 4, "gained": 1450, "lost": 160]), now: 8 * second, hasLevels: true)
    #expect(idle.values[1] == 0 && idle.values[3].isNaN)
    // At the load's end levels are not the load's any more.
    let last = figures.take(reading(["level": 0, "gained": 1460, "lost": 160]), now: 9 * second, hasLevels: false)
    #expect(last.values[0].isNaN && last.values[1] == 10)
  }

  @Test func `a server that began anew or said less is a gap in the figure and no negative rate`() {
    var figures = ServerFigures(ConnectionIndex(0), Self.program)
    _ = figures.take(reading(["gained": 1000, "lost": 5]), now: second, hasLevels: true)
    let restarted = figures.take(reading(["gained": 7, "lost": 6]), now: 2 * second, hasLevels: true)
    #expect(restarted.values[1].isNaN && restarted.values[2] == 1 && restarted.values[3].isNaN)
    let after = figures.take(reading(["gained": 17]), now: 3 * second, hasLevels: true)
    #expect(after.values[1] == 10 && after.values[2].isNaN)
    let gap = figures.gap("no answer", now: 4 * second, requests: 1)
    #expect(gap.gap == "no answer" && gap.values.isEmpty && gap.fromNanoseconds == 3 * second)
  }

  @Test func `claims on a server's figure go over the load's seconds, and what was not seen decides nothing`() throws {
    func sample(_ second: UInt64, _ values: [Double], isOfLoad: Bool = true) -> JournalServer {
      var sample = JournalServer(connection: 0, fromNanoseconds: second * self.second, atNanoseconds: (second + 1) * self.second)
      sample.values = values
      sample.isOfLoad = isOfLoad
      return sample
    }
    func evaluate(_ metric: Threshold.Metric, _ comparison: Comparison, _ limit: Double, _ samples: [JournalServer]) throws -> JournalThreshold {
      var program = Self.program
      program.thresholds = [Threshold(text: "t", metric: metric, comparison: comparison, limit: limit, range: nowhere)]
      var window = WindowRecord(start: ThresholdWatch.header(program))
      for sample in samples { window.add(sample) }
      return ThresholdEvaluation.evaluate(program, window.record(ledgers: []))[0]
    }
    let samples = [sample(0, [9, 9, 0, .nan], isOfLoad: false), sample(1, [1, 100, 0, 1]), sample(2, [4, 50, 50, 0.5]), sample(3, [2, 0, 0, .nan])]
    #expect(try evaluate(.maximum(.server(0)), .less, 5, samples).verdict == .pass)
    #expect(try evaluate(.maximum(.server(0)), .less, 4, samples).observed == "4")
    #expect(try evaluate(.mean(.server(1)), .greaterOrEqual, 50, samples).observed == "50/s")
    #expect(try evaluate(.count(.server(1)), .equal, 150, samples).verdict == .pass)
    #expect(try evaluate(.minimum(.server(3)), .greater, 0.9, samples).observed == "50 %")
    #expect(try evaluate(.quantile(0.9, .server(0)), .less, 5, samples).verdict == .inconclusive)
    #expect(try evaluate(.maximum(.server(0)), .less, 5, []).verdict == .inconclusive)
    var gap = JournalServer(connection: 0, fromNanoseconds: 0, atNanoseconds: second)
    gap.gap = "nobody answers"
    gap.isOfLoad = true
    #expect(try evaluate(.maximum(.server(0)), .less, 5, [gap]).observed == "not visible: nobody answers")
  }
  @Test func `an alert on a server's figure goes over what was told in its window`() {
    var window = AlertWindow(metric: .figure(.count, .server(1, isCounted: true, .number)), overNanoseconds: 2 * second, serverPlace: (0, 1))
    func add(_ index: UInt64, _ value: Double) {
      var interval = JournalInterval()
      (interval.startNanoseconds, interval.endNanoseconds) = (index * second, (index + 1) * second)
      var sample = JournalServer(connection: 0, fromNanoseconds: index * second, atNanoseconds: index * second + second / 2)
      sample.isOfLoad = true
      sample.values = [7, value, 0, 0]
      var other = sample
      other.connection = 1
      window.add(interval, ledgers: [], servers: [sample, other])
    }
    add(0, 100)
    add(1, 20)
    add(2, .nan)
    #expect(window.values(of: .server(1, isCounted: true, .number)) == [20])
    add(3, 6)
    #expect(window.values(of: .server(1, isCounted: true, .number), isSum: true) == [3])
  }
}
