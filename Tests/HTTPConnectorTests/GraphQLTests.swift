import ChainIO
import ChainProgram
import Testing

@testable import HTTPConnector

/// Queries and mutations, against a server in the test that sends back what it got.
@Suite(.timeLimit(.minutes(1))) struct GraphQLTests {
  private let server = ScriptedServer()

  private func literal(_ text: String) -> TextPiece { .literal(Array(text.utf8)) }

  @Test func `a document goes out as JSON with its variables, to the path given`() throws {
    defer { server.stop() }
    var step = HTTPBench.Step.graphQL(
      "query Order($id: ID!) {\n  order(id: $id) { note(like: \"a\\\"b\") }\n}",
      variables: TextTemplate([literal("{\"id\":"), .argument(0, .json), literal("}")]))
    step.path = TextTemplate([literal("/echo?tenant="), .argument(1, .text)])
    step.headers = [("x-run", TextTemplate("r1"))]
    let bench = try HTTPBench(server.url, access: "read", steps: [step])
    let call = try bench.run(0, [.int(9_007_199_254_740_993), .string("a&b")])
    #expect(call.ending == .ok && call.result.status == 201)
    let body =
      #"{"query":"query Order($id: ID!) {\n  order(id: $id) { note(like: \"a\\\"b\") }\n}","variables":{"id":9007199254740993}}"#
    #expect(call.bodyText == body)
    let request = try #require(server.requests.first)
    #expect(request.line == "POST /echo?tenant=a%26b HTTP/1.1" && request.body == body)
    for header in [
      "Content-Type: application/json", "Accept: application/graphql-response+json, application/json", "x-run: r1",
    ] { #expect(request.headers.contains(header)) }
  }

  @Test func `without a path it goes to /graphql, and without variables there are none`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, access: "read", steps: [.graphQL("{ items { id } }")])
    try bench.run()
    #expect(server.requests.map(\.line) == ["POST /graphql HTTP/1.1"])
    #expect(server.requests.map(\.body) == [#"{"query":"{ items { id } }"}"#])
  }

  @Test func `a lost connection leaves a mutation unknown and fails a query`() throws {
    defer { server.stop() }
    var query = HTTPBench.Step.graphQL("{ a }")
    query.path = TextTemplate("/drop")
    var mutation = HTTPBench.Step.graphQL("mutation { a }")
    mutation.path = TextTemplate("/drop")
    mutation.writes = true
    let bench = try HTTPBench(server.url, steps: [query, mutation])
    #expect(try bench.run(0).ending == .failed)
    #expect(try bench.run(1).ending == .unknown)
  }

  @Test func `documents that cannot be sent are refused when the driver is made`() {
    func message(_ step: HTTPBench.Step, access: String = "write") -> String? {
      do {
        _ = try HTTPBench(server.url, access: access, steps: [step])
        return nil
      } catch { return (error as? OperationError).map { "\($0.code): \($0.message)" } }
    }
    defer { server.stop() }
    #expect(message(.graphQL("fragment F on T { a }"))?.contains("no query and no mutation") == true)
    #expect(message(.graphQL(""))?.contains("no query and no mutation") == true)
    #expect(message(.graphQL("subscription { a }"))?.contains("more than one request") == true)
    #expect(message(.graphQL("query A { a } query B { b }"))?.contains("more than one operation") == true)
    #expect(message(.graphQL("mutation { a }"), access: "read")?.contains("'access: write'") == true)
    #expect(message(.graphQL("mutation { a }")) == nil && message(.graphQL("query { a }"), access: "read") == nil)
    var step = HTTPBench.Step.graphQL("{ a }")
    step.path = TextTemplate("graphql")
    #expect(message(step)?.contains("begins with '/'") == true)
  }

  static let documents: [(String, [String])] = [
    ("{ a }", ["query"]), ("query { a }", ["query"]), ("  query Q($x: In = {a: 1}) @live(if: {b: [1]}) { mutation { b } }", ["query"]),
    ("mutation M { a }", ["mutation"]), ("# mutation { a }\n{ a }", ["query"]), ("{ a(s: \"} mutation {\") }", ["query"]),
    ("{ a(s: \"\"\"} \\\"\"\" mutation { b \"\"\") } mutation { c }", ["query", "mutation"]),
    ("fragment F on mutation { a } mutation { ...F }", ["mutation"]), ("query mutation { a }", ["query"]), ("query", ["query"]),
    ("queries/order.graphql", []), ("}}}} mutation { a }", ["mutation"]), ("{ a(s: \"", ["query"]), ("\"\"\"", []), ("", []),
  ]

  @Test(arguments: documents) func `what a document does is told from its definitions alone`(text: String, operations: [String]) {
    #expect(GraphQLDocument(text).operations == operations)
    let effect = GraphQLDocument.effect(of: text)
    #expect(effect == (operations.isEmpty ? .unclear : operations == ["query"] ? .reads : .writes))
  }

  @Test func `the query of a request is put behind its path, encoded`() throws {
    defer { server.stop() }
    var step = HTTPBench.Step.get("/items")
    step.query = [
      ("q", TextTemplate([literal("a b&"), .argument(0, .text)])), ("na me", TextTemplate("ü")), ("empty", TextTemplate("")),
    ]
    var second = step
    second.request = [literal("GET /items?page=2")]
    let bench = try HTTPBench(server.url, steps: [step, second])
    let query = "q=a%20b%26x%3Dy%20%23&na%20me=%C3%BC&empty="
    #expect(try bench.run(0, [.string("x=y #")]).bodyText == "/items?" + query)
    #expect(try bench.run(1, [.string("x=y #")]).bodyText == "/items?page=2&" + query)
  }
}
