internal import Metrics

/// Seconds in which a step was slow, and what the servers said in them. A coincidence in time, and no more: it says where to look.
///
/// The rules, all of them:
/// - A second's time of a step is its p99 there, or the slowest where fewer than 20 ended in it. A second is slow if that is more than three
///   times the median of the step's seconds (of which there are at least five), and at least 5 ms above it.
/// - What ended late ran before: a span begins when the slowest of its first second began. Slow seconds beside each other are one span.
/// - Of the servers' figures that are pressure (`ServerFigureInfo.role`), those stand out whose mean inside of the span is at least twice that of
///   the load's other seconds, and whose largest value inside is worth a word (`least`).
struct SlowSpan {
  struct Sign {
    let connection: String
    let figure: ServerFigureInfo
    let largest: Double
    /// Mean of the other seconds.
    let otherwise: Double
    /// What stood behind it, the most frequent first.
    let parts: [String]
  }

  let step: String
  /// Seconds since the start of the load: the first of the span, and the first behind it.
  let from: Int
  let to: Int
  /// Nanoseconds: the worst second's time, and what is usual.
  let worst: UInt64
  let usual: UInt64
  let isQuantile: Bool
  let signs: [Sign]

  static let spansMax = 5
  private static let signsPerServer = 3

  /// Those of a run whose servers were seen: what can be said of them.
  static func all(of run: RunRecord) -> [SlowSpan] { run.servers.contains(where: \.isSeen) ? inSteps(of: run, factor: 3, least: 5_000_000) : [] }

  /// Where a step stalled: more than ten times its usual time, and 100 ms at least.
  static func stalls(of run: RunRecord) -> [SlowSpan] { inSteps(of: run, factor: 10, least: 100_000_000) }

  /// - Parameters:
  ///   - factor: How many times the usual a slow second is longer than.
  ///   - least: Nanoseconds above the usual.
  private static func inSteps(of run: RunRecord, factor: UInt64, least: UInt64) -> [SlowSpan] {
    var found: [SlowSpan] = []
    for step in run.steps.indices where run.steps[step].info.countsAsOperation { found += spans(of: step, run, factor, least) }
    // Those that cost most first; then in the order of time.
    found.sort { left, right in
      let (first, second) = (left.worst - left.usual, right.worst - right.usual)
      return first != second ? first > second : left.from < right.from
    }
    return found.prefix(spansMax).sorted { $0.from != $1.from ? $0.from < $1.from : $0.step < $1.step }
  }

  private static func spans(of step: Int, _ run: RunRecord, _ factor: UInt64, _ least: UInt64) -> [SlowSpan] {
    let seconds = run.seconds.filter { !$0.isWarmUp && $0.steps.indices.contains(step) && !$0.steps[step].service.isEmpty }
    func time(_ second: SecondRecord) -> UInt64 {
      let values = second.steps[step].service
      return (values.count >= 20 ? values.quantile(0.99) : values.maxNanoseconds) ?? 0
    }
    let times = seconds.map(time)
    guard times.count >= 5 else { return [] }
    let usual = times.sorted()[(times.count - 1) / 2]
    var spans: [(from: Int, to: Int, worst: UInt64, isQuantile: Bool)] = []
    for (second, time) in zip(seconds, times) where time > factor * usual && time - usual >= least {
      let from = max(second.second - Int((Double(time) / 1e9).rounded(.up)), 0)
      let begin = time >= 1_000_000_000 ? from : second.second
      let isQuantile = second.steps[step].service.count >= 20
      if let last = spans.indices.last, spans[last].to >= begin {
        if time > spans[last].worst { (spans[last].worst, spans[last].isQuantile) = (time, isQuantile) }
        spans[last].from = min(spans[last].from, begin)
        spans[last].to = second.second + 1
      } else {
        spans.append((begin, second.second + 1, time, isQuantile))
      }
    }
    return spans.map { span in
      SlowSpan(
        step: run.steps[step].info.id, from: span.from, to: span.to, worst: span.worst, usual: usual, isQuantile: span.isQuantile,
        signs: run.servers.flatMap { signs(of: $0, span.from, span.to, run) })
    }
  }

  private static func signs(of server: ServerRecord, _ from: Int, _ to: Int, _ run: RunRecord) -> [Sign] {
    let load = server.samples.filter { $0.isOfLoad && $0.gap == nil }
    let inside = load.filter { sample in
      let second = run.seconds(at: sample.atNanoseconds)
      return second >= Double(from) && second < Double(to)
    }
    guard !inside.isEmpty else { return [] }
    let outside = load.filter { sample in !inside.contains { $0.atNanoseconds == sample.atNanoseconds } }
    var signs: [Sign] = []
    for row in server.figures where run.start.serverFigures[row].role == .pressure {
      let figure = run.start.serverFigures[row]
      let values = inside.compactMap { server.value(of: row, in: $0) }
      let others = outside.compactMap { server.value(of: row, in: $0) }
      guard let largest = values.max(), largest >= figure.least else { continue }
      let mean = values.reduce(0, +) / Double(values.count)
      let otherwise = others.isEmpty ? 0 : others.reduce(0, +) / Double(others.count)
      guard mean >= 2 * otherwise, mean > 0 else { continue }
      signs.append(Sign(connection: server.info.name, figure: figure, largest: largest, otherwise: otherwise, parts: []))
    }
    // A sum of others that stand out themselves says nothing new.
    if signs.contains(where: { $0.figure.name.hasPrefix("waiting_") }) { signs.removeAll { $0.figure.name == "waiting" } }
    guard !signs.isEmpty else { return [] }
    var sums: [String: Double] = [:]
    for part in inside.flatMap(\.parts) { sums[part.name, default: 0] += part.count }
    let names = sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(2).map(\.key)
    let first = signs[0]
    signs[0] = Sign(connection: first.connection, figure: first.figure, largest: first.largest, otherwise: first.otherwise, parts: names)
    return Array(signs.prefix(signsPerServer))
  }

  /// `12–17 s`
  var place: String { to - from > 1 ? "\(from)–\(to) s" : "second \(from)" }

  /// `12–17 s: p99 of insert_order was 240 ms, usually 4.10 ms; in these seconds db: waiting_lock up to 9 (otherwise 0), most of all Lock: transactionid`
  var phrase: String { phrase(signsMax: .max) }

  /// - Parameter signsMax: Of each server, so many that stood out.
  func phrase(signsMax: Int) -> String {
    let what = isQuantile ? "p99 of" : "the slowest"
    let head = "\(place): \(what) \(step) was \(Quantities.duration(worst)), usually \(Quantities.duration(usual)); "
    guard !signs.isEmpty else { return head + "nothing that the servers told stood out in these seconds" }
    var texts: [String] = []
    var connections: [String] = []
    for sign in signs where !connections.contains(sign.connection) { connections.append(sign.connection) }
    for connection in connections {
      let own = signs.filter { $0.connection == connection }
      let figures = own.prefix(signsMax).map { "\($0.figure.title) up to \($0.figure.text($0.largest)) (otherwise \($0.figure.text($0.otherwise)))" }
      let parts = own.flatMap(\.parts)
      texts.append("\(connection): " + figures.joined(separator: ", ") + (parts.isEmpty ? "" : ", most of all \(parts.joined(separator: " and "))"))
    }
    return head + "in these seconds " + texts.joined(separator: "; ")
  }
}
