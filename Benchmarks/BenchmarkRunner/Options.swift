/// The command line.
struct Options {
  struct Refusal: Error {
    let text: String
  }

  static let usage = """
    usage: BenchmarkRunner [--seconds S] [--rounds N] [--users N]... [--only PART]... [--markdown FILE] [--json FILE] [--soak S]

      --seconds S      how long each client runs (5)
      --rounds N       (3)
      --users N        16, 64 and 256 unless given; may be repeated
      --only PART      order-poll, order, redis-get, redis-get-per-user, pg-read, publish, http-get; latency: what chainrun reports beside
                       what the floor sees at the same rate; scale: thousands of users that think. May be repeated; all of them unless given
      --markdown FILE  the tables once more, for docs/performance.md
      --json FILE      all single figures of the workloads
      --soak S         instead of all that: one run of S seconds at 2 000 iterations a second, whose memory is sampled; exit code 1 if it grew
                       by 10 MB after its first minute

    Needs ORDERS_DB, ORDERS_MQ, ORDERS_CACHE and ORDERS_API, and CHAINRUN_BIN_DIR: scripts/bench sees to them.
    """

  var seconds = 5
  var rounds = 3
  var users: [Int] = []
  var only: [String] = []
  var markdownFile: String?
  var jsonFile: String?
  var soakSeconds: Int?
  private static let otherParts = ["latency", "scale"]

  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let option = rest.popFirst() {
      guard let value = rest.popFirst() else { throw Refusal(text: "'\(option)' wants a value or is unknown") }
      switch option {
      case "--seconds": seconds = try Self.count(value, option)
      case "--rounds": rounds = try Self.count(value, option)
      case "--users": users.append(try Self.count(value, option))
      case "--only":
        guard Workload.all.contains(where: { $0.name == value }) || Self.otherParts.contains(value) else {
          throw Refusal(text: "there is no part '\(value)'")
        }
        only.append(value)
      case "--markdown": markdownFile = value
      case "--json": jsonFile = value
      case "--soak": soakSeconds = try Self.count(value, option)
      default: throw Refusal(text: "unknown option '\(option)'")
      }
    }
    if users.isEmpty { users = [16, 64, 256] }
    if let unknown = users.first(where: { ![16, 64, 256].contains($0) }) {
      throw Refusal(text: "the chains have profiles for 16, 64 and 256 users, not for \(unknown)")
    }
  }

  func includes(_ part: String) -> Bool { only.isEmpty || only.contains(part) }

  private static func count(_ text: String, _ option: String) throws -> Int {
    guard let value = Int(text), (1...3600).contains(value) else { throw Refusal(text: "'\(option)' wants a number from 1 to 3600") }
    return value
  }
}
