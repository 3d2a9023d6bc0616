import Foundation
import Testing

/// The built program and the sandbox, as a user has them.
private enum Shell {
  static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  /// Runs a command and gives all that it wrote; at most `seconds`.
  static func run(_ command: [String], environment: [String: String] = [:], seconds: Int = 60) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments = ["\(seconds)"] + command
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  static var chainrun: String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return root.appendingPathComponent(".build/debug/chainrun").path
  }
}

/// `name line:column` of each finding in the text for people.
private func findings(in output: String) -> [String] {
  var found: [String] = []
  var name: Substring?
  for line in output.split(separator: "\n") {
    if let open = line.firstIndex(of: "["), let close = line.firstIndex(of: "]"), line.contains("]: "), open < close {
      name = line[line.index(after: open)..<close]
    } else if let pending = name, let arrow = line.range(of: "--> ") {
      found.append("\(pending) \(line[arrow.upperBound...].split(separator: ":").suffix(2).joined(separator: ":"))")
      name = nil
    }
  }
  return found
}

@Suite(
  .serialized,
  .enabled(if: Shell.environment("ORDERS_DB") != nil && Shell.environment("ORDERS_MQ") != nil && Shell.environment("ORDERS_CACHE") != nil))
struct OnlineLintTests {
  private let database = Shell.environment("ORDERS_DB") ?? ""
  private let schema = "online_\(UInt32.random(in: 1...(.max)))"

  private func psql(_ sql: String) throws -> String {
    let (code, output) = try Shell.run(["psql", "--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", database, "-c", sql])
    try #require(code == 0, "\(output)")
    return output
  }

  /// Makes a schema with a table, and a user that may only read it; gives back what the chain reads from its environment.
  private func prepare() throws -> [String: String] {
    _ = try psql(
      """
      CREATE SCHEMA \(schema);
      CREATE TABLE \(schema).orders (id bigserial PRIMARY KEY, customer bigint NOT NULL, amount numeric(12, 2) NOT NULL, note text);
      CREATE ROLE \(schema) LOGIN PASSWORD 'narrow';
      GRANT USAGE ON SCHEMA \(schema) TO \(schema);
      GRANT SELECT ON \(schema).orders TO \(schema);
      """)
    let host = database[database.index(after: database.lastIndex(of: "@")!)...]
    return ["NARROW_DB": "postgresql://\(schema):narrow@\(host)"]
  }

  private func removeAll() throws { _ = try psql("DROP SCHEMA \(schema) CASCADE; DROP OWNED BY \(schema); DROP ROLE \(schema)") }

  private func lint(_ text: String, _ environment: [String: String]) throws -> (code: Int32, output: String) {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(schema).chain.yaml").path
    try text.replacingOccurrences(of: "SCHEMA", with: schema).write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try Shell.run([Shell.chainrun, "lint", "--online", path], environment: environment)
  }

  @Test func `one look finds a renamed column, a wrong parameter, a capture of another type, a missing exchange and a missing right`() throws {
    let environment = try prepare()
    defer { try? removeAll() }
    let (code, output) = try lint(
      """
      version: 1
      chain: damaged
      connections:
        db: { postgres: $env.ORDERS_DB, access: write }
        narrow: { postgres: $env.NARROW_DB, access: write }
        mq: { amqp: $env.ORDERS_MQ, access: publish }
      vars:
        tier: gold
      steps:
        - id: renamed
          conn: db
          sql: |
            -- größer als früher
            SELECT id,
              total FROM SCHEMA.orders WHERE id = ${1}
          capture: { a: row.id as int }
        - id: parameter
          conn: db
          sql: SELECT id, amount, note FROM SCHEMA.orders WHERE customer = ${tier}
          capture:
            b: row.amount as int
            c: row.note as int
            d: row.id as int
            e: row.amuont as decimal
        - id: refused
          conn: narrow
          sql: INSERT INTO SCHEMA.orders (customer, amount) VALUES (1, ${2.5})
        - publish: no-such-exchange
          text: ${a} ${b} ${c} ${d} ${e}
      load: { smoke: { closed: { vus: 1, iterations: 1 } } }

      """, environment)
    #expect(code == 1, "\(output)")
    #expect(
      findings(in: output) == [
        "online-unknown-column 15:9",
        "online-parameter-type 19:\(64 + schema.utf8.count)",
        "online-capture-type 21:10",
        "online-capture-type 22:10",
        "online-unknown-column 24:10",
        "online-permission 27:10",
        "online-missing-exchange 28:14",
      ], "\(output)")
    #expect(output.contains("the column 'amount' is numeric"), "\(output)")
    #expect(output.contains("warning[online-capture-type]: the column 'note' is text"), "\(output)")
    #expect(output.contains("did you mean 'amount'?"), "\(output)")
    #expect(!output.contains("narrow:"), "no password is shown")
    #expect(try psql("SELECT count(*), (SELECT last_value FROM \(schema).orders_id_seq) FROM \(schema).orders") == "0|1\n", "nothing was executed")
  }

  @Test func `a chain that fits its systems has no findings, and one without systems says what was not checked`() throws {
    let environment = try prepare()
    defer { try? removeAll() }
    let text = """
      version: 1
      chain: sound
      connections:
        db: { postgres: $env.ORDERS_DB, access: write }
        mq: { amqp: $env.ORDERS_MQ, access: publish }
        cache: { redis: $env.ORDERS_CACHE, access: write }
      steps:
        - sql: INSERT INTO SCHEMA.orders (customer, amount, note) VALUES (${1}, ${2.5}, ${run.id}) RETURNING id, amount, note
          capture: { id: row.id as int, amount: row.amount as decimal, note: row.note as string }
        - publish: amq.topic
          text: ${amount} ${note}
        - redis: SET order:${id} ${note}
      load: { smoke: { closed: { vus: 1, iterations: 1 } } }

      """
    let (code, output) = try lint(text, environment)
    #expect(code == 0, "\(output)")
    #expect(findings(in: output) == [], "\(output)")
    let nowhere = [
      "ORDERS_DB": "postgresql://me:secret@127.0.0.1:1/db", "ORDERS_MQ": "amqp://me:secret@127.0.0.1:1/", "ORDERS_CACHE": "",
    ]
    let (silent, unchecked) = try lint(text, nowhere)
    #expect(silent == 0, "\(unchecked)")
    #expect(
      findings(in: unchecked) == ["online-unreachable 4:3", "online-unreachable 5:3", "online-unreachable 6:3"], "\(unchecked)")
    #expect(!unchecked.contains("secret"))
  }
}
