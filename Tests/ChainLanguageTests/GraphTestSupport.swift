import ChainProgram
import Diagnostics

@testable import ChainLanguage

/// Schemas of the shape that the connectors have, so that these tests show the language and not a connector.
enum GraphSchemas {
  static let all = [postgres, amqp, redis, http]

  static let postgres = ConnectorSchema(
    kind: "postgres", title: "PostgreSQL", addressSchemes: ["postgres", "postgresql"], accessLevels: ["read", "write"],
    connectionKeys: [KeySchema("prepare", .choice(["auto", "never"]), summary: "Whether statements are prepared.")], defaultPool: 16,
    verbs: [
      VerbSchema(
        name: "sql", operand: .sql, summary: "Runs one statement.", keys: [],
        result: [
          ResultMember("rows", .rows, .rows, summary: "All rows."), ResultMember("row", .row, .row, summary: "The first row."),
          ResultMember("affected", .int, .affected, summary: "Rows changed."),
        ],
        effect: { $0.hasPrefix("SELECT") ? .reads : .writes }, method: { _ in "SQL" }),
      VerbSchema(
        name: "transaction", operand: .choice(["read committed", "repeatable read", "serializable"]), summary: "One transaction.",
        keys: [KeySchema("steps", .block, isRequired: true, summary: "The steps.")], result: [], effect: { _ in .reads },
        method: { _ in "SQL" }),
      VerbSchema(
        name: "rollback", operand: .text, summary: "Ends the transaction.", keys: [], result: [], effect: { _ in .reads },
        method: { _ in "SQL" }),
    ],
    observers: [])

  static let amqp = ConnectorSchema(
    kind: "amqp", title: "RabbitMQ", addressSchemes: ["amqp"], accessLevels: ["inspect", "publish", "consume"], connectionKeys: [],
    defaultPool: 1,
    verbs: [
      VerbSchema(
        name: "publish", operand: .text, summary: "Publishes a message.",
        keys: [
          KeySchema("routing_key", .text, summary: "The routing key."), KeySchema("json", .json, summary: "The body."),
          KeySchema("headers", .textMap, summary: "Headers."), KeySchema("confirm", .flag, summary: "Waits for the confirm."),
        ],
        result: [ResultMember("routed", .bool, .routed, summary: "Whether a queue got it.")], effect: { _ in .writes },
        method: { _ in "PUBLISH" }),
      VerbSchema(
        name: "peek", operand: .text, summary: "Shows messages.",
        keys: [KeySchema("max", .integer, summary: "How many."), KeySchema("accept_redelivery", .flag, summary: "Known.")],
        result: [ResultMember("messages", .messages, .messages, summary: "The messages.")], effect: { _ in .reads }, method: { _ in "PEEK" }),
      VerbSchema(
        name: "consume", operand: .text, summary: "Takes messages.", keys: [],
        result: [ResultMember("messages", .messages, .messages, summary: "The messages.")], effect: { _ in .consumes },
        method: { _ in "CONSUME" }),
    ],
    observers: [
      ObserverSchema(
        name: "tap", operand: .text, summary: "Sees messages.", keys: [KeySchema("routing_key", .text, summary: "Which ones.")],
        result: [
          ResultMember("key", .string, .key, summary: "The routing key."), ResultMember("json", .json, .json, summary: "The body."),
        ])
    ])

  static let redis = ConnectorSchema(
    kind: "redis", title: "Redis", addressSchemes: ["redis"], accessLevels: ["read", "write"], connectionKeys: [], defaultPool: 1,
    verbs: [
      VerbSchema(
        name: "redis", operand: .words, summary: "One command.", keys: [],
        result: [ResultMember("reply", .untyped, .reply, summary: "The reply.")],
        effect: { text in
          switch text.prefix(while: { $0 != " " }) {
          case "FLUSHALL": .destroys("FLUSHALL")
          case "GET", "EXISTS", "TTL": .reads
          default: .writes
          }
        },
        method: { String($0.prefix { $0 != " " }) })
    ],
    observers: [
      ObserverSchema(
        name: "watch", operand: .text, summary: "Sees keys that change.",
        keys: [
          KeySchema("how", .choice(["tracking", "keyspace", "poll"]), summary: "How."), KeySchema("every", .duration, summary: "Polls."),
        ],
        result: [
          ResultMember("key", .string, .key, summary: "The key."), ResultMember("json", .json, .json, summary: "Its value."),
        ])
    ])

  static let http = ConnectorSchema(
    kind: "http", title: "HTTP", addressSchemes: ["http", "https"], accessLevels: ["read", "write"],
    connectionKeys: [KeySchema("headers", .textMap, summary: "Headers.")], defaultPool: 16,
    verbs: [
      VerbSchema(
        name: "http", operand: .request, summary: "One request.",
        keys: [KeySchema("headers", .textMap, summary: "Headers."), KeySchema("json", .json, summary: "The body.")],
        result: [
          ResultMember("status", .int, .status, summary: "The status."), ResultMember("json", .json, .json, summary: "The body."),
          ResultMember("text", .string, .text, summary: "The body."), ResultMember("headers", .untyped, .headers, summary: "Headers."),
        ],
        effect: { $0.hasPrefix("GET") ? .reads : .writes }, method: { String($0.prefix { $0 != " " }) })
    ],
    observers: [])
}

/// A chain compiled from text, with what it says as lines.
struct CompiledText {
  let compilation: Compilation

  init(_ text: String, files: [String: String] = [:], variables: [(name: String, value: String)] = []) {
    var options = CompileOptions()
    options.variables = variables
    compilation = compileChain(path: "test.chain.yaml", bytes: Array(text.utf8), connectors: GraphSchemas.all, options: options) { path in
      files[path].map { .success(Array($0.utf8)) } ?? .failure(ReadFailure("no such file"))
    }
  }

  var program: Program? { compilation.program }

  /// `line:column name` of each finding, by place.
  var places: [String] {
    compilation.findings.sorted.map { finding in
      let place = compilation.files.position(of: finding.range)
      return "\(place.line):\(place.column) \(finding.name.rawValue)"
    }
  }

  var rendered: String { PlainTextRenderer().render(compilation.findings, in: compilation.files) }

  /// What the comments under the lines expect: `# ^^^ name` under a line means a finding of that name in those columns;
  /// `#<-- name` starts at the first column.
  static func expected(in text: String) -> [String] {
    var expected: [String] = []
    var lastLine = 0
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let scalars = Array(line.unicodeScalars)
      let start: Int
      let end: Int
      if scalars.starts(with: ["#", "<"]) {
        start = 0
        end = scalars.dropFirst(2).firstIndex { $0 != "-" } ?? scalars.count
      } else if let hash = scalars.firstIndex(where: { $0 != " " }), scalars[hash] == "#",
        let caret = scalars.firstIndex(of: "^"), scalars[(hash + 1)..<caret].allSatisfy({ $0 == " " })
      {
        start = caret
        end = scalars[caret...].firstIndex { $0 != "^" } ?? scalars.count
      } else {
        // A comment that is no mark counts as a line that marks may point at.
        lastLine = number + 1
        continue
      }
      var name = ""
      for scalar in scalars[end...] where scalar != " " { name.unicodeScalars.append(scalar) }
      expected.append("\(lastLine):\(start + 1)-\(end + 1) \(name)")
    }
    return expected.sorted()
  }

  /// As `expected` writes them.
  var carets: [String] {
    compilation.findings.sorted.map { finding in
      let start = compilation.files.position(of: finding.range)
      let end = compilation.files.position(of: finding.range.endPoint)
      return "\(start.line):\(start.column)-\(end.line == start.line ? end.column : 0) \(finding.name.rawValue)"
    }.sorted()
  }
}
