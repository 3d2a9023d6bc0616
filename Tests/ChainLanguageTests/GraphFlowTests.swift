import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

/// Flows, imports, scenarios and secrets.
struct GraphFlowTests {
  private static let head = """
    version: 1
    chain: test
    connections:
      db: { postgres: $env.DB, access: write }
      cache: { redis: $env.CACHE }
      api: { http: $env.API, access: write }

    """

  private func expectMarks(_ body: String, files: [String: String] = [:]) {
    let text = Self.head + body
    let compiled = CompiledText(text, files: files)
    #expect(compiled.carets == CompiledText.expected(in: text), "\(compiled.rendered)")
  }

  private static let place = """
    flows:
      place:
        inputs: { customer_id: int, amount: decimal }
        outputs: { order_id: int }
        steps:
          - transaction: repeatable read
            conn: db
            retry: { errors: [serialization_failure], max: 3 }
            steps:
              - id: insert_order
                sql: INSERT INTO orders (customer_id, amount) VALUES (${customer_id}, ${amount}) RETURNING id
                capture: { order_id: row.id as int }
                check: [ affected == 1 ]

    """

  private static let event = """
    events:
      made: { origin: place.insert_order, id: $order_id, body: { amount: $amount }, hops: { cached: { watch: "o:*", id: key.after("o:") as int, body: { amount: json.amount as decimal } } } }

    """

  @Test func `a flow is typed in and out and has its steps' ids behind its name`() throws {
    let compiled = CompiledText(
      Self.head + Self.place + Self.event + """
        steps:
          - set: { amount: "random.decimal(1, 500)" }
          - call: place
            with: { customer_id: 7, amount: $amount }
            capture: { order_id: outputs.order_id }
          - await: made.cached
            within: 1s
          - log: "${order_id}"
        thresholds:
          - p99(step.insert_order) < 20ms
          - p99(step.place.insert_order) < 20ms
        """)
    #expect(compiled.rendered == "")
    let program = try #require(compiled.program)
    #expect(program.steps.map(\.id).contains("place.insert_order"))
    #expect(program.steps[program.events[0].origin.index].id == "place.insert_order")
    // The transaction identifies before it commits, and acknowledges after.
    let identify = program.instructions.firstIndex { if case .originIdentify = $0 { true } else { false } } ?? -1
    let acknowledge = program.instructions.firstIndex { if case .originAcknowledge = $0 { true } else { false } } ?? -1
    #expect(0 < identify && identify < acknowledge)
  }

  @Test func `what a call gives is checked against the flow, and what it reads against its outputs`() {
    expectMarks(
      Self.place + """
        steps:
          - call: place
        #   ^^^^ missing-key
            with: { customer_id: "seven", amont: 1.5 }
        #                         ^^^^^ type-mismatch
        #                                 ^^^^^ unknown-key
          - call: place
            with: { customer_id: 7, amount: 12 }
            capture: { _id: outputs.orderid }
        #                           ^^^^^^^ unknown-name
          - call: plase
        #         ^^^^^ unknown-name
          - log: "${customer_id}"
        #           ^^^^^^^^^^^ unknown-name
        """)
  }

  @Test func `a flow's own mistakes are found once, whether it is called twice or never`() {
    let flows = """
      flows:
        a:
          inputs: { n: int, unused: int }
      #                     ^^^^^^ unused-capture
          outputs: { m: int, gone: string }
      #              ^ nullable-use
      #                      ^^^^ unknown-name
          steps:
            - if: n > 1
              then: [ { set: { m: n + 1 } } ]
            - log: "${nobody}"
      #               ^^^^^^ unknown-name
        b:
          steps:
            - call: c
        c:
          steps:
            - call: b
      #             ^ import-cycle

      """
    expectMarks(flows + "steps: []\n")
    let twice = Self.head + flows + "steps: [ { call: a, with: { n: 1, unused: 2 } }, { call: a, with: { n: 1, unused: 2 } } ]\n"
    #expect(CompiledText(twice).carets == CompiledText.expected(in: twice))
  }

  @Test func `an origin in a flow that is called twice says which call it means`() throws {
    let steps = """
      steps:
        - set: { amount: "random.decimal(1, 500)" }
        - { id: first, call: place, with: { customer_id: 7, amount: $amount } }
        - { id: second, call: place, with: { customer_id: 8, amount: $amount } }

      """
    let vague = CompiledText(Self.head + Self.place + Self.event + steps)
    #expect(vague.compilation.findings.sorted.map(\.name) == [.badValue])
    #expect(vague.rendered.contains("'first.insert_order' and 'second.insert_order'"), "\(vague.rendered)")
    let exact = CompiledText(
      Self.head + Self.place + Self.event.replacingOccurrences(of: "place.insert_order", with: "second.insert_order") + steps)
    #expect(exact.rendered == "")
    let program = try #require(exact.program)
    #expect(program.steps[program.events[0].origin.index].id == "second.insert_order")
  }

  @Test func `a transaction may be the origin, and its id must be known at the commit`() throws {
    let text = """
      events:
        made: { origin: order, id: $order_id, hops: { cached: { watch: "o:*", id: key.after("o:") as int } } }
      steps:
        - id: order
          transaction: read committed
          conn: db
          steps:
            - sql: INSERT INTO orders DEFAULT VALUES RETURNING id
              capture: { order_id: row.id as int }
            - sql: UPDATE orders SET a = 1 WHERE id = ${order_id}

      """
    let compiled = CompiledText(Self.head + text)
    #expect(compiled.rendered == "")
    let program = try #require(compiled.program)
    #expect(program.steps[program.events[0].origin.index].id == "order")
    #expect(program.instructions.contains { if case .originAcknowledge = $0 { true } else { false } })
    expectMarks(
      """
      events:
        made: { origin: order, id: $late, hops: { cached: { watch: "o:*", id: key.after("o:") as int } } }
      #                             ^^^^ use-before-capture
      steps:
        - id: order
          transaction: read committed
          conn: db
          steps:
            - sql: INSERT INTO orders DEFAULT VALUES RETURNING id
              capture: { order_id: row.id as int }
        - set: { late: order_id + 1 }
      """)
  }

  @Test func `flows of other files are imported with their own places`() {
    let auth = """
      version: 1
      chain: auth
      vars: { region: eu }
      connections: { api: { http: $env.API } }
      flows:
        login:
          inputs: { user: string }
          outputs: { token: string }
          steps:
            - http: GET /login/${user}?region=${region}
              conn: api
              capture: { token: text }

      """
    let text = """
      use: { auth: ./lib/auth.chain.yaml }
      steps:
        - call: auth.login
          with: { user: ann }
          capture: { token: outputs.token }
        - log: "${token}"
        - call: auth.logout
      #              ^^^^^^ unknown-name
        - call: oauth.login
      #         ^^^^^ unknown-name

      """
    expectMarks(text, files: ["lib/auth.chain.yaml": auth])
    let broken = CompiledText(
      Self.head + "use: { auth: ./lib/auth.chain.yaml }\nsteps: [ { call: auth.login, with: { user: ann } } ]\n",
      files: ["lib/auth.chain.yaml": auth.replacingOccurrences(of: "${user}", with: "${usr}") + "load: {}\n"])
    let places = broken.compilation.findings.sorted.map { finding in
      "\(broken.compilation.files[finding.range.file].path):\(broken.compilation.files.position(of: finding.range).line) \(finding.name.rawValue)"
    }
    #expect(
      places.contains("lib/auth.chain.yaml:10 unknown-name") && places.contains("lib/auth.chain.yaml:13 unknown-key"), "\(broken.rendered)")
  }

  @Test func `files that import each other are refused with the way around`() {
    let files = [
      "a.chain.yaml": "version: 1\nchain: a\nuse: { b: b.chain.yaml }\nflows: { x: { steps: [] } }\n",
      "b.chain.yaml": "version: 1\nchain: b\nuse: { a: ./a.chain.yaml }\nflows: { y: { steps: [] } }\n",
    ]
    let compiled = CompiledText("version: 1\nchain: test\nuse: { a: a.chain.yaml }\nsteps: []\n", files: files)
    #expect(compiled.compilation.findings.sorted.map(\.name) == [.importCycle])
    #expect(compiled.rendered.contains("a.chain.yaml → b.chain.yaml → a.chain.yaml"), "\(compiled.rendered)")
    let missing = CompiledText("version: 1\nchain: test\nuse: { a: gone.chain.yaml }\nsteps: []\n")
    #expect(missing.compilation.findings.sorted.map(\.name) == [.fileUnreadable])
  }

  @Test func `flows that call each other in ever more copies are refused`() {
    var text = "flows:\n"
    for level in 0..<15 {
      text += "  f\(level): { steps: [ \(Array(repeating: level == 14 ? "{ log: x }" : "{ call: f\(level + 1) }", count: 8).joined(separator: ", ")) ] }\n"
    }
    let compiled = CompiledText(Self.head + text + "steps: [ { call: f0 } ]\n")
    #expect(compiled.compilation.findings.sorted.contains { $0.name == .limitExceeded })
  }

  @Test func `scenarios are mixed by weight or by the profile, and see what setup_vu captured`() throws {
    let compiled = CompiledText(
      Self.head + """
        feeds:
          item: { ndjson: items.ndjson, rows: { sku: string, price: decimal }, pick: random }
        setup_vu:
          - redis: GET session
            capture: { session: reply as string }
        teardown_vu:
          - log: "bye ${session}"
        scenarios:
          browse:
            weight: 3
            steps: [ { log: "${session} ${item.sku} ${item.price}" } ]
          buy:
            steps: [ { redis: "GET ${session}" } ]
        load:
          a: { closed: { vus: 1, iterations: 1 } }
          b: { closed: { vus: 1, iterations: 1 }, mix: { buy: 70%, browse: 30% } }
        """, files: ["items.ndjson": "{\"sku\":\"a\",\"price\":12.10}\n\n{\"sku\":\"b\",\"price\":\"1.5\"}\n"])
    #expect(compiled.rendered == "")
    let program = try #require(compiled.program)
    #expect(program.scenarios.map(\.name) == ["browse", "buy"] && program.scenarios.map(\.weight) == [3, 1])
    #expect(program.profiles.map(\.mix) == [nil, [3000, 7000]])
    #expect(program.userSlots.map { program.slots[$0.index].name } == ["session"])
    #expect(program.userSetupEntry != nil && program.userTeardownEntry != nil)
    // Only the scenario that reads the feed draws its rows.
    #expect(program.instructions.filter { if case .drawRow = $0 { true } else { false } }.count == 1)
    #expect(program.feeds[0].rowCount == 2)
    expectMarks(
      """
      scenarios:
        a: { weight: 0, steps: [] }
      # ^ branch-weight-zero
      load:
        x: { closed: { vus: 1, iterations: 1 }, mix: { b: 1 } }
      #                                         ^^^ branch-weight-zero
      #                                                ^ unknown-name
      """)
  }

  @Test func `what an iteration keeps in memory is let go of at its end, but not what others read`() throws {
    let compiled = CompiledText(
      Self.head + """
        vars:
          greeting: { type: string, default: hello }
        setup_vu:
          - redis: GET session
            capture: { session: reply as string }
        teardown_vu:
          - log: "bye ${session}"
        steps:
          - redis: GET item
            capture: { entry: reply as json, price: reply as decimal, label: reply as string, session: reply as string }
          - set: { copy: "greeting + session + label" }
          - log: "${copy} ${price} ${entry.amount as decimal}"
        """)
    #expect(compiled.rendered == "")
    let program = try #require(compiled.program)
    let names = program.spentSlots.map { program.slots[$0.index].name }
    // Its temporaries have numbers for names.
    #expect(names.filter { !$0.hasPrefix(".") } == ["entry", "label", "copy"])
  }

  @Test func `a secret goes into headers, SQL parameters and secret inputs, and nowhere else`() {
    expectMarks(
      """
      secrets:
        token: { env: TOKEN }
        inline: hunter2
      # ^^^^^^ bad-value
        both: { env: A, file: b }
      # ^^^^ missing-key
      flows:
        get:
          inputs: { token: secret<string> }
          steps: [ { http: GET /me, headers: { authorization: $token } } ]
        plain:
          inputs: { token: string }
          steps: [ { log: "${token}" } ]
      steps:
        - http: GET /a/${secrets.token}
      #                  ^^^^^^^^^^^^^ secret-leak
          headers: { authorization: "Bearer ${secrets.token}" }
        - sql: SELECT 1 FROM t WHERE token = ${secrets.token}
        - log: "${secrets.token}"
      #           ^^^^^^^^^^^^^ secret-leak
        - redis: GET ${secrets.token}
      #                ^^^^^^^^^^^^^ secret-leak
        - http: POST /a
          json: { token: $secrets.token }
      #                   ^^^^^^^^^^^^^ secret-leak
        - set: { t: secrets.token }
        - log: "${t}"
      #           ^ secret-leak
        - set: { name: "'ann'" }
        - set: { name: secrets.token }
      #          ^^^^ secret-leak
        - { call: get, with: { token: $secrets.token } }
        - { call: plain, with: { token: $secrets.token } }
      #                                  ^^^^^^^^^^^^^ secret-leak
      """)
  }

  @Test func `feeds of JSON objects are typed cell by cell`() {
    let compiled = CompiledText(
      Self.head + """
        feeds:
          a: { json: a.json, rows: { id: int, name: string } }
          b: { ndjson: b.ndjson, rows: { id: int } }
          c: { json: c.json, columns: { id: int } }
        steps: []
        """,
      files: ["a.json": "[{\"id\":9007199254740993,\"name\":\"x\"},{\"id\":1.5,\"name\":\"y\"}]", "b.ndjson": "{\"id\":1}\n{\"id\":}\n", "c.json": "[]"])
    let texts = compiled.compilation.findings.sorted.map { finding in
      "\(compiled.compilation.files[finding.range.file].path):\(compiled.compilation.files.position(of: finding.range).line) \(finding.name.rawValue)"
    }
    #expect(
      texts == ["test.chain.yaml:10 missing-key", "test.chain.yaml:10 unknown-key", "a.json:1 bad-literal", "b.ndjson:2 feed-unreadable"],
      "\(compiled.rendered)")
  }
}
