package import Metrics

/// The four CSV files of Locust, column for column (its `stats.py`, 2.47.0), so that what reads those reads ours.
///
/// Where we differ, and why: times are milliseconds with three decimals, because Locust's whole milliseconds would make
/// most steps 0; a quantile with too little data is `N/A`, which Locust writes where it has none; failures are failed plus
/// unknown; waiting and control steps are no requests. Second 0 of the history is the start of the load.
package enum LocustCSV {
  private static let quantiles = [0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0]
  private static let quantileColumns = ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"]
  /// Locust's window for current rates and quantiles in the history.
  private static let windowSeconds = 10

  /// `results_stats.csv`: one row for each step, and `Aggregated`.
  package static func stats(of run: RunRecord) -> String {
    var csv = CSVWriter(lineEnd: "\r\n")
    csv.row(
      [
        "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time", "Min Response Time",
        "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
      ] + quantileColumns)
    for row in Row.all(of: run) {
      csv.row(
        [row.method, row.name, String(row.count), String(row.failed)] + row.totals
          + [perSecond(row.count, run.durationSeconds), perSecond(row.failed, run.durationSeconds)] + quantileFields(row.service))
    }
    return csv.text
  }

  /// `results_stats_history.csv`: each second, one row for each step that had run by then, and `Aggregated`; as Locust with
  /// `--csv-full-history`: rates and quantiles of the last ten seconds, totals since the start.
  package static func history(of run: RunRecord) -> String {
    var csv = CSVWriter(lineEnd: "\r\n")
    csv.row(
      ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"] + quantileColumns + [
        "Total Request Count", "Total Failure Count", "Total Median Response Time", "Total Average Response Time",
        "Total Min Response Time", "Total Max Response Time", "Total Average Content Size",
      ])
    let scratch = Histogram()
    let order = Row.order(of: run)
    let totals = order.map { _ in Histogram() }
    let total = Histogram()
    var rows = order.map { Row(run.steps[$0].info) }
    var aggregated = Row.aggregated
    let seconds = run.seconds.filter { !$0.isWarmUp }
    for (at, second) in seconds.enumerated() {
      let window = seconds[max(0, at + 1 - windowSeconds)...at].filter { $0.second > second.second - windowSeconds }
      let span = Double(second.second - (window.first?.second ?? second.second) + 1)
      for (position, step) in order.enumerated() {
        rows[position].add(second.steps[step])
        aggregated.add(second.steps[step])
        totals[position].add(second.steps[step].service)
        total.add(second.steps[step].service)
      }
      let timestamp = String(
        run.realtimeNanoseconds(at: run.loadStartNanoseconds) / 1_000_000_000 + UInt64(max(0, second.second)))
      func write(_ row: Row, _ steps: [Int], _ total: Histogram) {
        var row = row
        row.service = total.snapshot()
        let recent = window.flatMap { second in steps.map { second.steps[$0] } }
        csv.row(
          [timestamp, String(second.usersTotal), row.method, row.name]
            + [
              sixDecimals(recent.reduce(0) { $0 + $1.count }, span), sixDecimals(recent.reduce(0) { $0 + $1.failed }, span),
            ] + quantileFields(HistogramSnapshot(merging: recent.map(\.service), scratch: scratch))
            + [String(row.count), String(row.failed)] + row.totals)
      }
      for (position, step) in order.enumerated() where rows[position].count > 0 { write(rows[position], [step], totals[position]) }
      write(aggregated, order, total)
    }
    return csv.text
  }

  /// `results_failures.csv`: one row for each kind of failure inside a step.
  package static func failures(of run: RunRecord) -> String {
    var csv = CSVWriter(lineEnd: "\r\n")
    csv.row(["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"])
    for failure in run.failures {
      guard let step = failure.fingerprint.step, run.steps.indices.contains(step) else { continue }
      let info = run.steps[step].info
      csv.row([
        info.method, info.id, failure.fingerprint.phrase, String(failure.count), instant(run, failure.firstNanoseconds),
        instant(run, failure.lastNanoseconds),
      ])
    }
    return csv.text
  }

  /// `results_exceptions.csv`: failures outside of steps (setup, observers, those beyond the first thousand kinds).
  package static func exceptions(of run: RunRecord) -> String {
    var csv = CSVWriter(lineEnd: "\r\n")
    csv.row(["Count", "Message", "Traceback", "Nodes"])
    for failure in run.failures where run.stepName(failure.fingerprint.step) == nil {
      csv.row([String(failure.count), failure.fingerprint.phrase, "", run.start.host.name])
    }
    return csv.text
  }

  private static func instant(_ run: RunRecord, _ nanoseconds: UInt64) -> String {
    Quantities.instant(realtimeNanoseconds: run.realtimeNanoseconds(at: nanoseconds))
  }

  private static func quantileFields(_ values: HistogramSnapshot) -> [String] {
    quantiles.map { q in
      if q == 1 { return values.maxNanoseconds.map(milliseconds) ?? "N/A" }
      return values.estimableQuantile(q).map(milliseconds) ?? "N/A"
    }
  }

  fileprivate static func milliseconds(_ nanoseconds: UInt64) -> String {
    Quantities.trimmed(Double(nanoseconds) / 1e6, decimals: 3)
  }

  private static func perSecond(_ count: UInt64, _ seconds: Double) -> String {
    seconds > 0 ? (Double(count) / seconds).description : "0.0"
  }

  private static func sixDecimals(_ count: UInt64, _ seconds: Double) -> String {
    Quantities.fixed(seconds > 0 ? Double(count) / seconds : 0, decimals: 6)
  }
}

/// One line of the statistics: a step, or all of them.
private struct Row {
  let method: String
  let name: String
  var count: UInt64 = 0
  var failed: UInt64 = 0
  var responseBytes: UInt64 = 0
  var service = HistogramSnapshot()

  static let aggregated = Row(method: "", name: "Aggregated")

  init(method: String, name: String) {
    self.method = method
    self.name = name
  }

  init(_ info: StepInfo) {
    self.init(method: info.method, name: info.id)
  }

  /// The steps that count as requests, sorted as Locust sorts: by name, then by method.
  static func order(of run: RunRecord) -> [Int] {
    run.steps.indices.filter { run.steps[$0].info.countsAsOperation }
      .sorted { (run.steps[$0].info.id, run.steps[$0].info.method, $0) < (run.steps[$1].info.id, run.steps[$1].info.method, $1) }
  }

  static func all(of run: RunRecord) -> [Row] {
    let total = Histogram()
    var aggregated = Row.aggregated
    var rows: [Row] = []
    for step in order(of: run).map({ run.steps[$0] }) where step.count > 0 {
      var row = Row(step.info)
      row.count = step.count
      row.failed = step.failed + step.unknown
      row.responseBytes = step.responseBytes
      row.service = step.service
      rows.append(row)
      aggregated.count += row.count
      aggregated.failed += row.failed
      aggregated.responseBytes += row.responseBytes
      total.add(step.service)
    }
    aggregated.service = total.snapshot()
    return rows + [aggregated]
  }

  mutating func add(_ second: StepSecond) {
    count += second.count
    failed += second.failed
    responseBytes += second.responseBytes
  }

  /// Median, average, minimum, maximum, average size.
  var totals: [String] {
    [
      service.isEmpty ? "0" : service.estimableQuantile(0.5).map(LocustCSV.milliseconds) ?? "N/A",
      Quantities.trimmed((service.meanNanoseconds ?? 0) / 1e6, decimals: 6),
      service.minNanoseconds.map(LocustCSV.milliseconds) ?? "0",
      service.maxNanoseconds.map(LocustCSV.milliseconds) ?? "0",
      Quantities.trimmed(count > 0 ? Double(responseBytes) / Double(count) : 0, decimals: 3),
    ]
  }
}

extension ErrorFingerprint {
  /// Class, code and message on one line: `constraint 23505: duplicate key …`.
  var phrase: String {
    let head = code.isEmpty || code == errorClass ? errorClass : "\(errorClass) \(code)"
    return message.isEmpty ? head : "\(head): \(message)"
  }
}
