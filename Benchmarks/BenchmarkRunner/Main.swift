import Foundation

/// Runs the same work by hand-written C, by chainrun and by the known tool of the trade, in turn, and prints what each cost.
///
/// Absolute figures move from run to run; ratios inside a round move little. So the rounds are interleaved, each ratio is taken
/// inside its round, and the table shows medians.
@main
enum Main {
  static let usage = """
    usage: BenchmarkRunner [--seconds S] [--rounds N] [--only WORKLOAD]... [--json FILE]

      --seconds S   how long the floor and the known tools run (5); chainrun's duration stands in its chain
      --rounds N    (3)
      --only NAME   order, redis-get, pg-read, publish, http-get; may be repeated
      --json FILE   all single figures as well

    Needs ORDERS_DB, ORDERS_MQ, ORDERS_CACHE and ORDERS_API, and CHAINRUN_BIN_DIR: scripts/bench sees to them.
    """

  static func main() {
    do {
      let options = try Options(CommandLine.arguments.dropFirst())
      let site = try Site()
      let cacheWriter = try site.startCacheWriter()
      defer { cacheWriter.stop(within: 8) }

      let workloads = Workload.all.filter { options.only.isEmpty || options.only.contains($0.name) }
      var tables: [ResultTable] = []
      for workload in workloads {
        for users in workload.userCounts {
          try tables.append(measure(workload, users: users, options: options, site: site))
          say(tables[tables.count - 1].text + "\n")
        }
      }
      say(ResultTable.legend)
      if let file = options.jsonFile {
        let document = try JSONSerialization.data(withJSONObject: tables.map(\.json), options: [.prettyPrinted, .sortedKeys])
        try document.write(to: URL(fileURLWithPath: file))
      }
    } catch let refusal as Options.Refusal {
      FileHandle.standardError.write(Data("BenchmarkRunner: \(refusal.text)\n\(usage)\n".utf8))
      exit(2)
    } catch {
      FileHandle.standardError.write(Data("BenchmarkRunner: \(error)\n".utf8))
      exit(3)
    }
  }

  /// At once, also into a pipe: a run takes minutes.
  private static func say(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  private static func measure(_ workload: Workload, users: Int, options: Options, site: Site) throws -> ResultTable {
    var table = ResultTable(title: workload.title, users: users, rounds: options.rounds)
    let clients = workload.clients(users: users, seconds: options.seconds, site: site)
    for round in 1...options.rounds {
      for client in clients {
        FileHandle.standardError.write(Data("bench: \(workload.name), \(users) users, round \(round): \(client.name)\n".utf8))
        try site.reset()
        table.add(client.run(at: site, seconds: options.seconds), of: client.name)
      }
    }
    return table
  }
}

struct Options {
  struct Refusal: Error {
    let text: String
  }

  var seconds = 5
  var rounds = 3
  var only: [String] = []
  var jsonFile: String?

  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let option = rest.popFirst() {
      guard let value = rest.popFirst() else { throw Refusal(text: "'\(option)' wants a value or is unknown") }
      switch option {
      case "--seconds": seconds = try Self.count(value, option)
      case "--rounds": rounds = try Self.count(value, option)
      case "--only":
        guard Workload.all.contains(where: { $0.name == value }) else { throw Refusal(text: "there is no workload '\(value)'") }
        only.append(value)
      case "--json": jsonFile = value
      default: throw Refusal(text: "unknown option '\(option)'")
      }
    }
  }

  private static func count(_ text: String, _ option: String) throws -> Int {
    guard let value = Int(text), (1...3600).contains(value) else { throw Refusal(text: "'\(option)' wants a number from 1 to 3600") }
    return value
  }
}
