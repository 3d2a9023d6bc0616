import Foundation

/// The rounds of one workload at one number of users.
struct ResultTable {
  static let legend = """
    CPU is the whole program's, user and system, from its start to its end, over the iterations that it did. The ratio is that to
    the floor's in the same round: its median, and its range. it/s is what closed users reached with servers and client on one machine.
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
    lines.append(row("", "it/s", "CPU us/it", "CPU / floor", "range", "RSS MB"))
    for name in names {
      let measured = measurements(name)
      if measured.isEmpty {
        lines.append("  " + pad(name, 16) + "  failed: \(failures(name).first ?? "")")
        continue
      }
      let ratios = ratiosToFloor(name)
      lines.append(
        row(
          name, String(format: "%.0f", median(measured.map(\.iterationsPerSecond))),
          String(format: "%.2f", median(measured.map(\.cpuMicroseconds))), String(format: "%.2f", median(ratios)),
          String(format: "%.2f..%.2f", ratios.min() ?? .nan, ratios.max() ?? .nan),
          String(format: "%.0f", median(measured.map { Double($0.maximumResidentKiB) / 1024 })))
          + (failures(name).isEmpty ? "" : "  \(failures(name).count) failed: \(failures(name)[0])"))
    }
    return lines.joined(separator: "\n")
  }

  var json: [String: Any] {
    [
      "title": title, "users": users,
      "clients": names.map { name -> [String: Any] in
        [
          "name": name, "failures": failures(name), "cpu_ratios": ratiosToFloor(name),
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

  private func ratiosToFloor(_ name: String) -> [Double] {
    zip(outcomes[name] ?? [], outcomes[Client.floor] ?? []).compactMap { pair in
      guard case (.measured(let ours), .measured(let floor)) = pair else { return nil }
      return ours.cpuMicroseconds / floor.cpuMicroseconds
    }
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let middle = sorted.dropFirst(sorted.count / 2).first else { return .nan }
    return sorted.count % 2 == 1 ? middle : (middle + sorted[sorted.count / 2 - 1]) / 2
  }

  private func row(_ name: String, _ cells: String...) -> String {
    "  " + pad(name, 16) + cells.map { String(repeating: " ", count: max(2, 13 - $0.count)) + $0 }.joined()
  }

  private func pad(_ text: String, _ width: Int) -> String { text.padding(toLength: width, withPad: " ", startingAt: 0) }
}
