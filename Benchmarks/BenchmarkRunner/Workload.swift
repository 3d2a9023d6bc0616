import Foundation

/// One kind of work, and who does it.
struct Workload {
  /// Its chain is `chains/bench/<name>.chain.yaml`, with the profiles `users16`, `users64`, …
  let name: String
  let title: String
  /// The floor's mode.
  let floorMode: String
  var floorOptions: [String] = []
  /// Whether the floor keeps a ledger too.
  var keepsLedger = false

  static let all = [
    Workload(
      name: "order-poll", title: "order chain: insert, publish + confirm, ask the cache until it is there", floorMode: "order",
      floorOptions: ["--wait", "poll"]),
    Workload(
      name: "order", title: "order chain with a ledger: the cache is watched, each event accounted for", floorMode: "order",
      keepsLedger: true),
    Workload(name: "redis-get", title: "Redis GET", floorMode: "redis-get"),
    Workload(name: "redis-get-per-user", title: "Redis GET, a connection per user", floorMode: "redis-get"),
    Workload(name: "pg-read", title: "PostgreSQL, prepared read by key", floorMode: "pg-read"),
    Workload(name: "publish", title: "RabbitMQ, publish + confirm", floorMode: "publish"),
    Workload(name: "http-get", title: "HTTP GET", floorMode: "http-get"),
  ]

  /// The floor is always first: the others are measured against it.
  func clients(users: Int, seconds: Int, site: Site) throws -> [Client] {
    let ledger = keepsLedger ? ["--ledger", site.scratch.appendingPathComponent("ledger.csv").path] : []
    var clients = [
      floor(Client.floor, floorOptions + ledger, users: users, seconds: seconds, site: site),
      Client(
        name: Client.ours, path: site.programs + "/chainrun",
        arguments: [
          "run", try site.chain(name, seconds: seconds), "--profile", "users\(users)", "--out", Client.results(at: site).path,
          "--progress", "none",
        ], iterations: Client.summaryIterations),
    ]
    if let tool = knownTool(users: users, seconds: seconds, site: site), FileManager.default.isExecutableFile(atPath: tool.path) {
      clients.append(tool)
    }
    return clients
  }

  private func floor(_ name: String, _ options: [String], users: Int, seconds: Int, site: Site) -> Client {
    Client(
      name: name, path: site.programs + "/CFloor", arguments: [floorMode, "--users", "\(users)", "--seconds", "\(seconds)"] + options,
      iterations: Client.floorIterations)
  }

  private func knownTool(users: Int, seconds: Int, site: Site) -> Client? {
    switch name {
    case "order":
      return floor("C, no ledger", [], users: users, seconds: seconds, site: site)
    case "redis-get", "redis-get-per-user":
      // It knows no duration; about 90 000 requests fit into a second here, and their number is what is divided by.
      let requests = seconds * 90_000
      return Client(
        name: "redis-benchmark", path: "/usr/bin/redis-benchmark",
        arguments: ["-u", site.cache, "-c", "\(users)", "-n", "\(requests)", "-P", "1", "--csv", "GET", "bench:1"],
        iterations: { text, _ in text.contains("GET") ? requests : nil })
    case "pg-read":
      let script = site.scratch.appendingPathComponent("read.sql")
      try? Data("\\set id random(1, 1000)\nSELECT amount FROM orders WHERE id = :id;\n".utf8).write(to: script)
      return Client(
        name: "pgbench", path: "/usr/bin/pgbench",
        arguments: ["-n", "-M", "prepared", "-c", "\(users)", "-j", "1", "-T", "\(seconds)", "-f", script.path, site.database],
        iterations: { text, _ in Client.number(after: "transactions actually processed: ", in: text) })
    case "http-get":
      return Client(
        name: "wrk", path: "/usr/bin/wrk", arguments: ["-t1", "-c\(users)", "-d\(seconds)s", site.api + "/items"],
        iterations: { text, _ in Client.number(before: " requests in ", in: text) })
    default: return nil
    }
  }
}
