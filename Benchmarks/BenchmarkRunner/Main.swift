import Foundation

/// Runs the same work by hand-written C, by chainrun and by the known tool of the trade, in turn, and prints what each cost.
///
/// Absolute figures move from run to run; ratios inside a round move little. So the rounds are interleaved, each ratio is taken
/// inside its round, and the tables show medians.
@main
enum Main {
  static func main() {
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      let site = try Site()
      let cacheWriter = try site.startCacheWriter()
      defer { cacheWriter.stop(within: 8) }
      if let seconds = options.soakSeconds {
        let isSteady = try Soak.run(seconds: seconds, profile: "rate2000", site: site, say: say)
        cacheWriter.stop(within: 8)
        exit(isSteady ? 0 : 1)
      }
      try measureAll(options, site)
    } catch let refusal as Options.Refusal {
      FileHandle.standardError.write(Data("BenchmarkRunner: \(refusal.text)\n\(Options.usage)\n".utf8))
      exit(2)
    } catch {
      FileHandle.standardError.write(Data("BenchmarkRunner: \(error)\n".utf8))
      exit(3)
    }
  }

  private static func measureAll(_ options: Options, _ site: Site) throws {
    var document: [String] = []
    var tables: [ResultTable] = []
    for workload in Workload.all where options.includes(workload.name) {
      for users in options.users {
        try tables.append(measure(workload, users: users, options: options, site: site))
        say(tables[tables.count - 1].text + "\n")
      }
    }
    if !tables.isEmpty {
      say(ResultTable.legend + "\n")
      document.append(([ResultTable.markdownHeader] + tables.map(\.markdown)).joined(separator: "\n"))
    }
    if options.includes("latency") {
      var rows = [LatencyTable.markdownHeader]
      for rate in LatencyTable.rates {
        var table = LatencyTable(rate: rate)
        for round in 1...options.rounds {
          tell("latency at \(rate)/s, round \(round)")
          try table.addRound(seconds: options.seconds, oursFirst: round.isMultiple(of: 2), site: site)
        }
        rows.append(table.markdown)
      }
      document.append(rows.joined(separator: "\n"))
      say(rows.joined(separator: "\n") + "\n")
    }
    if options.includes("scale") {
      let rows = try ScaleCheck.markdown(site: site, say: tell)
      document.append(ScaleCheck.markdownHeader + "\n" + rows)
      say(ScaleCheck.markdownHeader + "\n" + rows + "\n")
    }
    if let file = options.markdownFile {
      try Data((document.joined(separator: "\n\n") + "\n").utf8).write(to: URL(fileURLWithPath: file))
    }
    if let file = options.jsonFile {
      let json = try JSONSerialization.data(withJSONObject: tables.map(\.json), options: [.prettyPrinted, .sortedKeys])
      try json.write(to: URL(fileURLWithPath: file))
    }
  }

  /// At once, also into a pipe: a run takes minutes.
  private static func say(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  private static func tell(_ text: String) {
    FileHandle.standardError.write(Data("bench: \(text)\n".utf8))
  }

  private static func measure(_ workload: Workload, users: Int, options: Options, site: Site) throws -> ResultTable {
    var table = ResultTable(title: workload.title, users: users, rounds: options.rounds)
    let clients = try workload.clients(users: users, seconds: options.seconds, site: site)
    for round in 1...options.rounds {
      // Each goes first in its turn: whoever goes next finds the servers as the one before has left them.
      for client in (0..<clients.count).map({ clients[($0 + round - 1) % clients.count] }) {
        tell("\(workload.name), \(users) users, round \(round): \(client.name)")
        try site.reset()
        table.add(client.run(at: site, seconds: options.seconds), of: client.name)
      }
    }
    return table
  }
}
