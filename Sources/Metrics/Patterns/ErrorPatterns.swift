/// Looks for circumstances under which errors were more frequent than chance allows, compared with the *attempts* made under them.
///
/// Each error (class, code and text, wherever it came from) is held against each circumstance that is known: the step, the alternative of
/// a control step, the connection, the row of a feed, the number of the attempt, and windows of time. One-sided exact tests, corrected by Holm over all
/// of them at 1 %, and at least twice the rate elsewhere: what is random yields no pattern.
enum ErrorPatterns {
  static let level = 0.01
  static let ratioMin = 2.0
  /// Errors that are looked at, most frequent first, and how often one must have happened.
  private static let groupsMax = 100
  private static let hitsMin = 3.0

  private struct Candidate {
    let circumstance: ErrorPattern.Circumstance
    let failures: [Int]
    let hits: Double
    let total: Double
    let sample: Double
    let population: Double
    let pValue: Double

    var ratio: Double? {
      let elsewhere = total - hits
      guard elsewhere > 0, population > sample else { return nil }
      return (hits / sample) / (elsewhere / (population - sample))
    }
  }

  static func find(in run: RunRecord) -> [ErrorPattern] {
    var search = Search(run: run)
    for group in groups(of: run) { search.look(at: group) }
    let adjusted = ExactTest.holm(search.candidates.map(\.pValue), family: search.family)
    return zip(search.candidates, adjusted).compactMap { candidate, pValue in
      guard pValue <= level, candidate.ratio.map({ $0 >= ratioMin }) ?? true else { return nil }
      return ErrorPattern(
        circumstance: candidate.circumstance, failures: candidate.failures, hits: UInt64(candidate.hits), total: UInt64(candidate.total),
        attemptShare: candidate.sample / candidate.population, ratio: candidate.ratio, pValue: pValue)
    }
  }

  /// Positions of failures that are the same error apart from the step.
  private static func groups(of run: RunRecord) -> [[Int]] {
    var places: [ErrorFingerprint: Int] = [:]
    var groups: [[Int]] = []
    for (index, failure) in run.failures.enumerated() {
      var key = failure.fingerprint
      guard key != .other else { continue }
      key.step = nil
      if let place = places[key] {
        groups[place].append(index)
      } else {
        places[key] = groups.count
        groups.append([index])
      }
    }
    func count(_ group: [Int]) -> UInt64 { group.reduce(0) { $0 &+ run.failures[$1].count } }
    return groups.enumerated().sorted { (count($1.element), $0.offset) < (count($0.element), $1.offset) }.map(\.element)
      .filter { Double(count($0)) >= hitsMin }.prefix(groupsMax).map(\.self)
  }

  /// Gathers what is worth a test; counts, too, what was looked at and had nothing to show.
  private struct Search {
    let run: RunRecord
    var candidates: [Candidate] = []
    var family = 0

    /// - Parameter size: How many tests this stands for.
    mutating func test(
      _ circumstance: ErrorPattern.Circumstance, _ failures: [Int], hits: Double, total: Double, sample: Double, population: Double
    ) {
      let sample = max(sample, hits)
      let population = max(population, sample + total - hits)
      // Without an attempt elsewhere there is nothing to compare with.
      guard hits >= hitsMin, population - sample >= 1 else { return }
      let pValue = ExactTest.upperTail(hits: hits, sample: sample, marked: total, population: population)
      if pValue < 1 {
        candidates.append(
          Candidate(
            circumstance: circumstance, failures: failures, hits: hits, total: total, sample: sample, population: population, pValue: pValue))
      }
    }

    mutating func look(at group: [Int]) {
      var failed: [Int: Double] = [:]
      for index in group {
        if let step = run.failures[index].fingerprint.step, run.steps.indices.contains(step) {
          failed[step, default: 0] += Double(run.failures[index].count)
        }
      }
      bursts(group, Set(failed.keys))
      guard !failed.isEmpty else { return }
      // Steps that could have had this error: those of the same kinds of work.
      let verbs = Set(failed.keys.map { run.steps[$0].info.verb })
      let base = run.steps.indices.filter { verbs.contains(run.steps[$0].info.verb) && run.steps[$0].count > 0 }
      func attempts(_ steps: some Sequence<Int>) -> Double { steps.reduce(0) { $0 + Double(run.steps[$1].count) } }
      let total = failed.values.reduce(0, +)
      let population = attempts(base)

      // A single step is in the error's own name; several of them are news.
      if failed.count > 1 {
        family += base.count
        for (step, hits) in failed.sorted(by: { $0.key < $1.key }) {
          test(.step(run.steps[step].info.id), group, hits: hits, total: total, sample: attempts([step]), population: population)
        }
      }
      let connections = Set(base.compactMap { run.steps[$0].info.connection }).sorted()
      if failed.count > 1, connections.count > 1 {
        family += connections.count
        for connection in connections {
          let inside = base.filter { run.steps[$0].info.connection == connection }
          let hits = inside.reduce(0) { $0 + (failed[$1] ?? 0) }
          test(.target(connection), group, hits: hits, total: total, sample: attempts(inside), population: population)
        }
      }
      for arms in run.start.arms {
        for (name, steps) in zip(arms.names, arms.steps) {
          let inside = base.filter(Set(steps).contains)
          guard !inside.isEmpty else { continue }
          family += 1
          let hits = inside.reduce(0) { $0 + (failed[$1] ?? 0) }
          test(
            .branch(name, of: run.steps.indices.contains(arms.step) ? run.steps[arms.step].info.id : ""), group, hits: hits, total: total,
            sample: attempts(inside), population: population)
        }
      }
      attributes(group, Set(failed.keys))
    }

    /// Branches taken before, rows and attempts, by what was counted beside the failures.
    private mutating func attributes(_ group: [Int], _ steps: Set<Int>) {
      var counts = FailureAttributeCounts()
      for index in group { counts.add(run.failureDetails[index].attributes, limit: .max) }
      guard !counts.isEmpty else { return }
      var tables: [FailureAttribute: [(value: Int, count: Double)]] = [:]
      for (attribute, count) in counts.sorted {
        tables[FailureAttribute(attribute.kind, table: attribute.table, value: 0), default: []].append((attribute.value, Double(count)))
      }
      let attempts = steps.reduce(0) { $0 + Double(run.steps[$1].count) }
      for (table, values) in tables.sorted(by: { ($0.key.kind.rawValue, $0.key.table) < ($1.key.kind.rawValue, $1.key.table) }) {
        let total = values.reduce(0) { $0 + $1.count }
        switch table.kind {
        case .branch:
          guard let arms = run.start.arms.first(where: { $0.branch == table.table }), !steps.contains(where: { arms.steps.joined().contains($0) })
          else { continue }  // inside of it the alternative's own steps tell
          let weights = Double(max(1, arms.weights.reduce(0, +)))
          family += arms.names.count
          for (value, hits) in values where arms.names.indices.contains(value) && arms.weights.indices.contains(value) {
            test(
              .branch(arms.names[value], of: run.steps.indices.contains(arms.step) ? run.steps[arms.step].info.id : ""), group, hits: hits,
              total: total, sample: attempts * Double(arms.weights[value]) / weights, population: attempts)
          }
        case .row:
          guard run.start.feeds.indices.contains(table.table) else { continue }
          let feed = run.start.feeds[table.table]
          guard feed.rows > 1 else { continue }
          family += feed.rows
          for (value, hits) in values {
            // Rows are dealt out evenly, give or take one.
            test(
              .row(value, of: feed.name), group, hits: hits, total: total, sample: (attempts / Double(feed.rows)).rounded(.up),
              population: attempts)
          }
        case .attempt:
          let further = run.retries.indices.contains(table.table) ? run.retries[table.table].map { Double($0) } : []
          guard further.contains(where: { $0 > 0 }) else { continue }
          family += further.count + 1
          for (value, hits) in values {
            let sample = value == 0 ? max(0, attempts - further.reduce(0, +)) : further.indices.contains(value - 1) ? further[value - 1] : 0
            test(.attempt(value + 1), group, hits: hits, total: total, sample: sample, population: attempts)
          }
        }
      }
    }

    private mutating func bursts(_ group: [Int], _ steps: Set<Int>) {
      family += 1
      let seconds = run.seconds.filter { !$0.isWarmUp }
      guard let first = seconds.first?.second, let last = seconds.last?.second else { return }
      let span = last - first + 1
      let width = (span + ScanWindow.cellsMax - 1) / ScanWindow.cellsMax
      var failures = [Double](repeating: 0, count: (span + width - 1) / width)
      var attempts = failures
      for second in seconds {
        let cell = (second.second - first) / width
        for step in second.steps.indices where steps.isEmpty || steps.contains(step) { attempts[cell] += Double(second.steps[step].count) }
      }
      for index in group {
        for entry in run.failureDetails[index].seconds where entry.second >= first && entry.second <= last {
          failures[(entry.second - first) / width] += Double(entry.count)
        }
      }
      // More failures than attempts: a failed step outside of the load, or one that is counted a second later.
      for cell in failures.indices { attempts[cell] = max(attempts[cell], failures[cell]) }
      guard let window = ScanWindow.strongest(failures: failures, attempts: attempts), window.pValue < 1 else { return }
      let population = attempts.reduce(0, +)
      guard population > window.attempts else { return }
      let from = first + window.cells.lowerBound * width
      candidates.append(
        Candidate(
          circumstance: .burst(from: from, to: min(last + 1, first + window.cells.upperBound * width)), failures: group, hits: window.failures,
          total: failures.reduce(0, +), sample: window.attempts, population: population, pValue: window.pValue))
    }
  }
}
