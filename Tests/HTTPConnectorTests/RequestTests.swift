import ChainIO
import ChainProgram
import HTTPConnector
import Testing

/// What goes out, and what comes back, against a server in the test.
@Suite(.timeLimit(.minutes(1))) struct RequestTests {
  private let server = ScriptedServer()

  private func literal(_ text: String) -> TextPiece { .literal(Array(text.utf8)) }

  @Test func `a GET gives status and body`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/items?a=1")])
    let call = try bench.run()
    #expect(call.ending == .ok)
    #expect(call.result.status == 200)
    #expect(call.bodyText == "/items?a=1")
    #expect(call.startedNanoseconds >= call.submittedNanoseconds)
    #expect(call.endedNanoseconds > call.startedNanoseconds)
    #expect(server.requests.first?.headers.contains("User-Agent: chainrun") == true)
    #expect(server.requests.first?.headers.contains { $0.hasPrefix("Accept-Encoding") } == false)
  }

  @Test func `a status of 400 or more is an answer, and so is one without a body`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/missing"), .get("/empty"), .get("/redirect")])
    let missing = try bench.run(0)
    #expect(missing.ending == .ok)
    #expect(missing.result.status == 404)
    #expect(missing.bodyText == "nothing here")
    let empty = try bench.run(1)
    #expect(empty.result.status == 204)
    #expect(empty.result.hasBody == false)
    #expect(try bench.run(2).result.status == 302)
    #expect(server.requests.count == 3)
  }

  @Test func `headers keep their case and lose the space around their values`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/headers")])
    let call = try bench.run()
    #expect(call.header("X-Mixed-CASE") == "spaced value")
    #expect(call.header("ETag") == "\"a:b\"")
    #expect(call.bodyText == "{}")
  }

  @Test func `an interim answer leaves no headers behind`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/interim")])
    let call = try bench.run()
    #expect(call.result.status == 200)
    #expect(call.header("X-Interim") == nil)
    #expect(call.header("X-Final") == "1")
    #expect(call.bodyText == "ok")
  }

  @Test func `a chunked body comes whole, and its trailer does not get into it`() throws {
    defer { server.stop() }
    let bench = try HTTPBench(server.url, steps: [.get("/chunked")])
    let call = try bench.run()
    #expect(call.bodyText == "hello, world")
    #expect(call.header("X-Trailer") == "1")
  }

  @Test func `an expression cannot leave its path segment or query value`() throws {
    defer { server.stop() }
    let step = HTTPBench.Step(
      request: [
        literal("GET /orders/"), .argument(0, .percent), literal("/lines?q="), .argument(1, .text), literal("&n="), .argument(2, .percent),
      ])
    let bench = try HTTPBench(server.url, steps: [step])
    let call = try bench.run(0, [.string("a/../b c?ü%"), .string("x&y=1\r\nX: 1"), .int(-7)])
    #expect(call.bodyText == "/orders/a%2F..%2Fb%20c%3F%C3%BC%25/lines?q=x%26y%3D1%0D%0AX%3A%201&n=-7")
    #expect(try bench.run(0, [.string(".."), .string(""), .null]).bodyText == "/orders/../lines?q=&n=")
  }

  @Test func `a JSON body goes out with its values and its content type`() throws {
    defer { server.stop() }
    var step = HTTPBench.Step.post("/echo")
    step.json = TextTemplate([
      literal("{\"id\":"), .argument(0, .json), literal(",\"note\":\"for "), .argument(1, .jsonText), literal("\"}"),
    ])
    let bench = try HTTPBench(server.url, steps: [step])
    let call = try bench.run(0, [.int(42), .string("\"Ann\"")])
    #expect(call.result.status == 201)
    #expect(call.bodyText == #"{"id":42,"note":"for \"Ann\""}"#)
    #expect(server.requests[0].headers.contains("Content-Type: application/json"))
    let long = String(repeating: "x", count: 2_000_000)
    #expect(try bench.run(0, [.int(1), .string(long)]).bodyText.utf8.count == long.utf8.count + 22)
    #expect(server.requests[1].headers.contains { $0.hasPrefix("Expect") } == false)
  }

  @Test func `one transfer serves every method in turn`() throws {
    defer { server.stop() }
    var put = HTTPBench.Step.post("/echo")
    put.request = [literal("PUT /echo")]
    put.text = TextTemplate("plain")
    put.contentType = "text/csv"
    let others = ["DELETE /x", "HEAD /x", "OPTIONS /x", "PATCH /x", "POST /x", "GET /x"].map {
      HTTPBench.Step(request: [literal($0)], writes: true)
    }
    let bench = try HTTPBench(server.url, pool: 1, steps: [put] + others)
    for round in 0..<3 {
      for operation in 0...6 {
        let call = try bench.run(round == 1 ? 6 - operation : operation)
        #expect(call.ending == .ok)
      }
    }
    let lines = server.requests.map { $0.line.replacing(" HTTP/1.1", with: "") }
    let names = ["PUT /echo", "DELETE /x", "HEAD /x", "OPTIONS /x", "PATCH /x", "POST /x", "GET /x"]
    #expect(lines == names + names.reversed() + names)
    #expect(server.requests.allSatisfy { $0.body == ($0.line.hasPrefix("PUT") ? "plain" : "") })
    for request in server.requests {
      let types = request.headers.filter { $0.lowercased().hasPrefix("content-type") }
      #expect(types == (request.line.hasPrefix("PUT") ? ["Content-Type: text/csv"] : []))
      let lengths = request.headers.filter { $0.lowercased().hasPrefix("content-length") }
      let length = request.line.hasPrefix("PUT") ? "5" : request.line.hasPrefix("P") ? "0" : nil
      #expect(lengths == (length.map { ["Content-Length: \($0)"] } ?? []))
    }
    #expect(bench.driver.statistics.reconnects == 0)
    #expect(server.connectionCount == 1)
  }

  @Test func `a step's header replaces the connection's, and both may be empty`() throws {
    defer { server.stop() }
    var step = HTTPBench.Step.get("/a")
    step.headers = [
      ("x-run", TextTemplate([.argument(0, .text)])), ("X-Empty", TextTemplate("")),
      ("X-Two", TextTemplate([literal("b-"), .argument(1, .text)])),
    ]
    let bench = try HTTPBench(
      server.url, headers: [("X-Run", TextTemplate("all")), ("X-Kept", TextTemplate("yes"))], steps: [step, .get("/b")])
    try bench.run(0, [.string("mine"), .int(2)])
    try bench.run(0, [.string(""), .int(3)])
    try bench.run(1)
    try bench.run(0, [.string("again"), .int(4)])
    let requests = server.requests
    func own(_ index: Int) -> [String] { requests[index].headers.filter { $0.lowercased().hasPrefix("x-") }.sorted() }
    #expect(own(0) == ["X-Empty:", "X-Kept: yes", "X-Two: b-2", "x-run: mine"])
    #expect(own(1) == ["X-Empty:", "X-Kept: yes", "X-Two: b-3", "x-run:"])
    #expect(own(2) == ["X-Kept: yes", "X-Run: all"])
    #expect(own(3) == ["X-Empty:", "X-Kept: yes", "X-Two: b-4", "x-run: again"])
  }

  @Test func `a line break in a header's value is refused and nothing is sent`() throws {
    defer { server.stop() }
    var step = HTTPBench.Step.get("/a")
    step.headers = [("x-run", TextTemplate([.argument(0, .text)]))]
    let bench = try HTTPBench(server.url, pool: 1, steps: [step])
    let call = try bench.run(0, [.string("a\r\nx-evil: 1")])
    #expect(call.ending == .failed)
    #expect(call.failure?.code == "bad-header")
    #expect(try bench.run(0, [.string("fine")]).ending == .ok)
    #expect(server.requests.count == 1)
  }

  @Test func `the address gives the base path and the password`() throws {
    defer { server.stop() }
    let bench = try HTTPBench("http://al%40ice:s3cr%2Ft@127.0.0.1:\(server.port)/base/v1/", steps: [.get("/items")])
    #expect(try bench.run().bodyText == "/base/v1/items")
    #expect(server.requests[0].headers.contains("Authorization: Basic YWxAaWNlOnMzY3IvdA=="))
  }

  @Test func `a name is resolved once, and an IPv6 address may be the host`() throws {
    defer { server.stop() }
    let named = try HTTPBench("http://LocalHost:\(server.port)", steps: [.get("/named")])
    #expect(try named.run().bodyText == "/named")
    #expect(server.requests[0].headers.contains("Host: LocalHost:\(server.port)"))
    let other = ScriptedServer(isIPv6: true)
    defer { other.stop() }
    let numeric = try HTTPBench("http://[::1]:\(other.port)", steps: [.get("/six")])
    #expect(try numeric.run().bodyText == "/six")
  }

  @Test func `requests that make no sense are refused when the driver is made`() throws {
    defer { server.stop() }
    func code(_ step: HTTPBench.Step, access: String = "write") -> String? {
      do {
        _ = try HTTPBench(server.url, access: access, steps: [step])
        return nil
      } catch { return (error as? OperationError)?.code }
    }
    for text in ["get /x", "GET x", "GET", "/x", "GET /a b", "GET /a#b", "G\u{E9}T /x", ""] {
      #expect(code(HTTPBench.Step(request: [literal(text)])) == "bad-operation", "\(text)")
    }
    var both = HTTPBench.Step.post("/x")
    both.json = TextTemplate("{}")
    both.text = TextTemplate("x")
    #expect(code(both) == "bad-operation")
    var length = HTTPBench.Step.get("/x")
    length.headers = [("Content-Length", TextTemplate("3"))]
    #expect(code(length) == "bad-header")
    length.headers = [("bad name", TextTemplate("3"))]
    #expect(code(length) == "bad-header")
    #expect(code(.post("/x"), access: "read") == "bad-operation")
    #expect(code(.get("/x"), access: "read") == nil)
  }

  @Test func `the schema tells reading from writing requests`() {
    let verb = HTTPConnector().schema.verbs[0]
    #expect(verb.effect("GET /x?") == .reads)
    #expect(verb.effect("  HEAD /") == .reads)
    #expect(verb.effect("OPTIONS /") == .reads)
    #expect(verb.effect("DELETE /x") == .writes)
    #expect(verb.effect("? /x") == .unclear)
    #expect(verb.method("POST /x") == "POST")
  }
}
