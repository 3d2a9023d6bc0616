package import ChainProgram
package import Metrics

extension ServerFigureInfo {
  /// A figure of the program as the journal's start record has it.
  package init(_ declared: ServerFigureDeclaration) {
    self.init(connection: declared.connection.index, name: declared.name, object: declared.object)
    unit =
      switch declared.figure.unit {
      case .count: .count
      case .bytes: .bytes
      case .nanoseconds: .nanoseconds
      case .share: .share
      }
    isCounter = declared.figure.form == .counter
    role =
      switch declared.figure.role {
      case .pressure: .pressure
      case .work: .work
      case .state: .state
      }
    plot = declared.figure.plot
  }
}

/// A claim's view of what a server told about itself.
enum ServerFigureReading {
  case value(Double, text: String)
  case missing(String)

  /// - Parameter metric: One of a server's figure; of others nothing is known.
  init(_ figure: Int, _ metric: Threshold.Metric, _ record: RunRecord) {
    guard let server = record.server(of: figure), record.start.serverFigures.indices.contains(figure) else {
      self = .missing("the server was not looked at")
      return
    }
    let info = record.start.serverFigures[figure]
    let values = server.loadValues(of: figure)
    guard !values.isEmpty else {
      let reason = server.limit(on: info.name) ?? server.samples.last { $0.gap != nil }?.gap
      self = .missing(reason.map { "not visible: \($0)" } ?? (server.isSeen ? "no value in the load" : "the server was not looked at"))
      return
    }
    let value: Double
    var isTotal = false
    switch metric {
    case .quantile(let q, _):
      guard Quantile.isEstimable(q, from: UInt64(values.count)) else {
        self = .missing("not estimable (\(values.count) of \(Quantile.samplesNeeded(for: q)) seconds)")
        return
      }
      value = values.sorted()[Int(Quantile.rank(q, of: UInt64(values.count))) - 1]
    case .mean: value = values.reduce(0, +) / Double(values.count)
    case .minimum: value = values.min() ?? 0
    case .maximum: value = values.max() ?? 0
    case .count, .rate:
      // Rates times spans: back to the whole number that it came from.
      let total = server.total(of: figure) ?? 0
      value = info.unit == .share ? total : total.rounded()
      isTotal = true
    }
    self = .value(value, text: info.text(value, isTotal: isTotal))
  }
}

extension ServerFigureInfo {
  /// For people: `12`, `1.5/s`, `3.2 MiB/s`, `240 ms`, `97.1 %`.
  fileprivate func text(_ value: Double, isTotal: Bool) -> String {
    let suffix = isCounter && !isTotal && unit != .share ? "/s" : ""
    switch unit {
    case .count: return Figure.number(value) + suffix
    case .bytes:
      let units: [(String, Double)] = [("GiB", 1_073_741_824), ("MiB", 1_048_576), ("KiB", 1024)]
      let (name, size) = units.first { value >= $0.1 } ?? ("B", 1)
      return "\(Figure.number(value / size)) \(name)\(suffix)"
    case .nanoseconds: return Figure.time(value)
    case .share: return Figure.percentage(value)
    }
  }
}
