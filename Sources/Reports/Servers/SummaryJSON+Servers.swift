internal import LosslessJSON
internal import Metrics

extension SummaryJSON {
  /// What the servers said about themselves, and the spans in which steps were slow.
  static func writeServers(of run: RunRecord, to json: inout JSONWriter) {
    json.key("servers")
    json.beginArray()
    for server in run.servers where server.isSeen || !server.facts.limits.isEmpty { write(server, run, to: &json) }
    json.endArray()
    json.key("slow_spans")
    json.beginArray()
    for span in SlowSpan.all(of: run) {
      json.beginObject()
      json.member("step", span.step)
      json.member("from_s", span.from)
      json.member("to_s", span.to)
      json.member("worst_s", Double(span.worst) / 1e9)
      json.member("usual_s", Double(span.usual) / 1e9)
      json.key("signs")
      json.beginArray()
      for sign in span.signs {
        json.beginObject()
        json.member("figure", "server.\(sign.connection).\(sign.figure.name)")
        json.member("max", sign.figure.exported(sign.largest))
        json.member("otherwise", sign.figure.exported(sign.otherwise))
        json.key("parts")
        json.beginArray()
        for part in sign.parts { json.string(part) }
        json.endArray()
        json.endObject()
      }
      json.endArray()
      json.member("text", span.phrase)
      json.endObject()
    }
    json.endArray()
  }

  private static func write(_ server: ServerRecord, _ run: RunRecord, to json: inout JSONWriter) {
    json.beginObject()
    json.member("connection", server.info.name)
    json.member("kind", server.info.kind)
    json.member("server", server.facts.server)
    json.member("answers", server.samples.count - server.gapCount)
    json.member("gaps", server.gapCount)
    json.member("gap_reason", server.samples.last { $0.gap != nil }?.gap)
    json.member("requests", server.requests)
    json.member("requests_per_s", run.durationSeconds > 0 ? rounded(Double(server.requests) / run.durationSeconds) : nil)
    json.member("slowest_answer_s", Double(server.samples.map(\.tookNanoseconds).max() ?? 0) / 1e9)
    json.key("limits")
    json.beginArray()
    for limit in server.facts.limits {
      json.beginObject()
      json.key("figures")
      json.beginArray()
      for figure in limit.figures { json.string(figure) }
      json.endArray()
      json.member("why", limit.reason)
      json.endObject()
    }
    json.endArray()
    json.key("figures")
    json.beginObject()
    for row in server.figures {
      let figure = run.start.serverFigures[row]
      guard let spread = ServerSpread(server.loadValues(of: row)) else { continue }
      json.key(figure.name)
      json.beginObject()
      json.member("unit", figure.exportedUnit)
      json.member("min", figure.exported(spread.min))
      json.member("mean", figure.exported(spread.mean))
      json.member("max", figure.exported(spread.max))
      json.member("last", figure.exported(spread.last))
      if figure.isCounter { json.member("total", server.total(of: row).map { figure.exported($0) }) }
      json.endObject()
    }
    json.endObject()
    json.key("parts")
    json.beginArray()
    for part in server.loadParts {
      json.beginObject()
      json.member("name", part.name)
      json.member("mean", rounded(part.mean))
      json.member("max", part.max)
      json.endObject()
    }
    json.endArray()
    json.key("statements")
    json.beginArray()
    for statement in server.facts.statements {
      json.beginObject()
      json.member("id", statement.id)
      json.member("text", statement.text.isEmpty ? nil : statement.text)
      json.member("calls", statement.calls)
      json.member("total_s", rounded(statement.totalNanoseconds / 1e9))
      json.member("mean_s", statement.meanNanoseconds / 1e9)
      json.member("rows", statement.rows)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  private static func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
}

extension ServerFigureInfo {
  /// Times are seconds in files.
  fileprivate func exported(_ value: Double) -> Double {
    let value = unit == .nanoseconds ? value / 1e9 : value
    return (value * 1e6).rounded() / 1e6
  }

  fileprivate var exportedUnit: String {
    switch unit {
    case .count: isCounter ? "1/s" : "1"
    case .bytes: isCounter ? "bytes/s" : "bytes"
    case .nanoseconds: "s"
    case .share: "share"
    }
  }
}

extension ServerRecord {
  /// What stood behind the figures in the load, by how much of it there was on average.
  var loadParts: [(name: String, mean: Double, max: Double)] {
    let load = samples.filter { $0.isOfLoad && $0.gap == nil && !$0.values.isEmpty }
    guard !load.isEmpty else { return [] }
    var sums: [String: (sum: Double, max: Double)] = [:]
    for part in load.flatMap(\.parts) {
      let before = sums[part.name] ?? (0, 0)
      sums[part.name] = (before.sum + part.count, Swift.max(before.max, part.count))
    }
    return sums.map { (name: $0.key, mean: $0.value.sum / Double(load.count), max: $0.value.max) }
      .sorted { ($1.mean, $0.name) < ($0.mean, $1.name) }.prefix(10).map { $0 }
  }
}
