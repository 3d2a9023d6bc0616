import Foundation

/// The rounds of one workload at one number of users.
struct ResultTable {
  static let legend = """
    CPU is the program's, user and system, over the iterations that it did: all of it, from its start to its end, and what of it was used
    under load, from the first iteration to the end of the last. A ratio is that to the floor's in the same round: its median, and its
    range. it/s is what closed users reached with servers and client on one machine.
    """
  static let markdownHeader = """
    | chain | users | client | it/s | it/s, of the floor's | CPU, us/it | ratio to the floor | range | under load, us/it | ratio | range | RSS, MB |
    |---|---|---|---|---|---|---|---|---|---|---|---|
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
    lines.append(row("", "it/s", "of floor's", "CPU us/it", "CPU / floor", "range", "under load", "/ floor", "range", "RSS MB"))
    for name in names {
      guard let figures = figures(name) else {
        lines.append("  " + pad(name, 16) + "  failed: \(failures(name).first ?? "")")
        continue
      }
      lines.append(
        row(
          name, figures.rate, figures.rateRatio, figures.cpu, figures.cpuRatio, figures.range, figures.loadCPU, figures.loadRatio,
          figures.loadRange, figures.memory)
          + (failures(name).isEmpty ? "" : "  \(failures(name).count) failed: \(failures(name)[0])"))
    }
    return lines.joined(separator: "\n")
  }

  /// Rows under `markdownHeader`.
  var markdown: String {
    names.map { name in
      guard let figures = figures(name) else {
        return "| \(title) | \(users) | \(name) | failed: \(failures(name).first ?? "") | | | | | | | | |"
      }
      func bold(_ ratio: String) -> String { name == Client.ours ? "**\(ratio)**" : ratio }
      let cells = [
        title, "\(users)", name, figures.rate, figures.rateRatio, figures.cpu, bold(figures.cpuRatio), figures.range, figures.loadCPU,
        bold(figures.loadRatio), figures.loadRange, figures.memory,
      ]
      return "| \(cells.joined(separator: " | ")) |"
    }.joined(separator: "\n")
  }

  private struct Figures {
    let rate, rateRatio, cpu, cpuRatio, range, loadCPU, loadRatio, loadRange, memory: String
  }

  private func figures(_ name: String) -> Figures? {
    let measured = measurements(name)
    guard !measured.isEmpty else { return nil }
    let ratios = ratiosToFloor(name) { $0.cpuMicroseconds }
    let loadRatios = ratiosToFloor(name) { $0.loadCPUMicroseconds }
    let loadCPU = measured.compactMap(\.loadCPUMicroseconds)
    func range(_ ratios: [Double]) -> String {
      guard let least = ratios.min(), let most = ratios.max() else { return "" }
      return String(format: "%.2f..%.2f", least, most)
    }
    return Figures(
      rate: String(format: "%.0f", Median.of(measured.map(\.iterationsPerSecond))),
      rateRatio: String(format: "%.2f", Median.of(ratiosToFloor(name) { $0.iterationsPerSecond })),
      cpu: String(format: "%.2f", Median.of(measured.map(\.cpuMicroseconds))), cpuRatio: String(format: "%.2f", Median.of(ratios)),
      range: range(ratios), loadCPU: loadCPU.isEmpty ? "" : String(format: "%.2f", Median.of(loadCPU)),
      loadRatio: loadRatios.isEmpty ? "" : String(format: "%.2f", Median.of(loadRatios)), loadRange: range(loadRatios),
      memory: String(format: "%.0f", Median.of(measured.map { Double($0.maximumResidentKiB) / 1024 })))
  }

  var json: [String: Any] {
    [
      "title": title, "users": users,
      "clients": names.map { name -> [String: Any] in
        [
          "name": name, "failures": failures(name), "cpu_ratios": ratiosToFloor(name) { $0.cpuMicroseconds },
          "load_cpu_ratios": ratiosToFloor(name) { $0.loadCPUMicroseconds },
          "rounds": measurements(name).map {
            [
              "iterations": $0.iterations, "seconds": $0.seconds, "cpu_seconds": $0.cpuSeconds,
              "load_cpu_seconds": $0.loadCPUSeconds as Any? ?? NSNull(), "max_rss_kib": $0.maximumResidentKiB,
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

  private func ratiosToFloor(_ name: String, _ figure: (Measurement) -> Double?) -> [Double] {
    zip(outcomes[name] ?? [], outcomes[Client.floor] ?? []).compactMap { pair in
      guard case (.measured(let measured), .measured(let floor)) = pair, let used = figure(measured), let usedByFloor = figure(floor)
      else { return nil }
      return used / usedByFloor
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
