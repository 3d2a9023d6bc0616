import Foundation

/// The rounds of one workload at one number of users.
struct ResultTable {
  static let legend = """
    CPU is the whole program's, user and system, from its start to its end, over the iterations that it did. The ratio is that to
    the floor's in the same round: its median, and its range. it/s is what closed users reached with servers and client on one machine.
    """
  static let markdownHeader = """
    | chain | users | client | it/s | it/s, of the floor's | CPU, us/it | CPU ratio to the floor | range | RSS, MB |
    |---|---|---|---|---|---|---|---|---|
    """

  let title: String
  let users: Int
  let rounds: Int
  private var names: [String] = []
  private var outcomes: [String: [Client.Outcome]] = [:]

  init(title: String, users: Int, rounds: Int) {
    self.title = title
    self.users = users
    self.rounds = rounds
  }

  mutating func add(_ outcome: Client.Outcome, of name: String) {
    if outcomes[name] == nil { names.append(name) }
    outcomes[name, default: []].append(outcome)
  }

  var text: String {
    var lines = ["\(title); \(users) users, medians of \(rounds) rounds"]
    lines.append(row("", "it/s", "of floor's", "CPU us/it", "CPU / floor", "range", "RSS MB"))
    for name in names {
      guard let figures = figures(name) else {
        lines.append("  " + pad(name, 16) + "  failed: \(failures(name).first ?? "")")
        continue
      }
      lines.append(
        row(name, figures.rate, figures.rateRatio, figures.cpu, figures.cpuRatio, figures.range, figures.memory)
          + (failures(name).isEmpty ? "" : "  \(failures(name).count) failed: \(failures(name)[0])"))
    }
    return lines.joined(separator: "\n")
  }

  /// Rows under `markdownHeader`.
  var markdown: String {
    names.map { name in
      guard let figures = figures(name) else { return "| \(title) | \(users) | \(name) | failed: \(failures(name).first ?? "") | | | | | |" }
      let ratio = name == Client.ours ? "**\(figures.cpuRatio)**" : figures.cpuRatio
      return "| \(title) | \(users) | \(name) | \(figures.rate) | \(figures.rateRatio) | \(figures.cpu) | \(ratio) | \(figures.range) | \(figures.memory) |"
    }.joined(separator: "\n")
  }

  private struct Figures {
    let rate, rateRatio, cpu, cpuRatio, range, memory: String
  }

  private func figures(_ name: String) -> Figures? {
    let measured = measurements(name)
    guard !measured.isEmpty else { return nil }
    let ratios = ratiosToFloor(name) { $0.cpuMicroseconds }
    return Figures(
      rate: String(format: "%.0f", Median.of(measured.map(\.iterationsPerSecond))),
      rateRatio: String(format: "%.2f", Median.of(ratiosToFloor(name) { $0.iterationsPerSecond })),
      cpu: String(format: "%.2f", Median.of(measured.map(\.cpuMicroseconds))), cpuRatio: String(format: "%.2f", Median.of(ratios)),
      range: String(format: "%.2f..%.2f", ratios.min() ?? .nan, ratios.max() ?? .nan),
      memory: String(format: "%.0f", Median.of(measured.map { Double($0.maximumResidentKiB) / 1024 })))
  }

  var json: [String: Any] {
    [
      "title": title, "users": users,
      "clients": names.map { name -> [String: Any] in
        [
          "name": name, "failures": failures(name), "cpu_ratios": ratiosToFloor(name) { $0.cpuMicroseconds },
          "rounds": measurements(name).map {
            [
              "iterations": $0.iterations, "seconds": $0.seconds, "cpu_seconds": $0.cpuSeconds,
              "max_rss_kib": $0.maximumResidentKiB,
            ] as [String: Any]
          },
        ]
      },
    ]
  }

  private func measurements(_ name: String) -> [Measurement] {
    (outcomes[name] ?? []).compactMap { if case .measured(let measurement) = $0 { measurement } else { nil } }
  }

  private func failures(_ name: String) -> [String] {
    (outcomes[name] ?? []).compactMap { if case .failed(let reason) = $0 { reason } else { nil } }
  }

  private func ratiosToFloor(_ name: String, _ figure: (Measurement) -> Double) -> [Double] {
    zip(outcomes[name] ?? [], outcomes[Client.floor] ?? []).compactMap { pair in
      guard case (.measured(let ours), .measured(let floor)) = pair else { return nil }
      return figure(ours) / figure(floor)
    }
  }

  private func row(_ name: String, _ cells: String...) -> String {
    "  " + pad(name, 16) + cells.map { String(repeating: " ", count: max(2, 13 - $0.count)) + $0 }.joined()
  }

  private func pad(_ text: String, _ width: Int) -> String { text.padding(toLength: width, withPad: " ", startingAt: 0) }
}

enum Median {
  /// Not a number for no values.
  static func of(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let middle = sorted.dropFirst(sorted.count / 2).first else { return .nan }
    return sorted.count % 2 == 1 ? middle : (middle + sorted[sorted.count / 2 - 1]) / 2
  }
}
