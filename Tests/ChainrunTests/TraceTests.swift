import Foundation
import Testing

/// `chainrun trace` from outside: on chains without connections everywhere, on the order chain where the sandbox is up.
@Suite struct TraceTests {
  static let sandboxIsUp = ["ORDERS_DB", "ORDERS_MQ", "ORDERS_CACHE"].allSatisfy { ProcessInfo.processInfo.environment[$0] != nil }

  private static let arithmetic = """
    version: 1
    chain: arithmetic
    vars: { limit: 100 }
    setup:
      - log: ready
    steps:
      - set:
          amount: 12.10
          _note: upper("a <b>")
      - repeat: 2
        as: i
        steps:
          - log: round ${i}
      - if: amount > limit and limit > 0
        then:
          - log: never
        else:
          - fail: too small, ${amount}
    """

  @Test func `each step is shown with its values, its decisions and its error`() throws {
    let trace = try Traced(TraceTests.arithmetic)
    #expect(trace.code == 1)
    #expect(trace.errors.isEmpty)
    #expect(
      trace.output == """

        setup
             #  log_1  log  CHAIN:5
                      log: ready
             #  completed

        iteration 0
             #  set_1  set  CHAIN:7
                      amount: decimal = 12.10
                      _note: string = "A <B>"
             #  repeat_1  repeat  CHAIN:10
                      i: int = 0
             #  log_2  log  CHAIN:13
                      log: round 0
                      i: int = 1
             #  log_2  log  CHAIN:13
                      log: round 1
             #  if_1  if  CHAIN:14
                      amount > limit is false  (amount = 12.10)
             #  fail_1  fail  CHAIN:18
                      error[failed]: too small, 12.10
                         --> CHAIN:18:15
                          |
                       18 |       - fail: too small, ${amount}
                          |               ^^^^^^^^^^^^^^^^^^^^
             #  failed

        """)
  }

  @Test func `the same seed and iteration give the same values, another iteration others`() throws {
    let chain = "version: 1\nchain: draws\nsteps:\n  - set:\n      n: random.int(1, 1000000)\n  - log: n is ${n}\n"
    let first = try Traced(chain, ["--seed", "7"])
    #expect(first.code == 0)
    #expect(try Traced(chain, ["--seed", "7"]).output == first.output)
    let other = try Traced(chain, ["--seed", "7", "--iteration", "41"])
    #expect(other.output != first.output)
    #expect(other.output.contains("iteration 41\n"))
    #expect(try Traced(chain, ["--seed", "7", "--iteration", "41"]).output == other.output)
  }

  @Test func `values are left out with --hide-values`() throws {
    let trace = try Traced(TraceTests.arithmetic, ["--hide-values"])
    #expect(trace.code == 1)
    #expect(trace.output.contains("amount: decimal = …\n"))
    #expect(trace.output.contains("amount > limit is false\n"))
  }

  @Test func `a step that fails is shown as a picture of its place`() throws {
    let trace = try Traced("version: 1\nchain: failing\nsteps:\n  - log: one\n  - fail: it is over\nteardown:\n  - log: cleaned\n")
    #expect(trace.code == 1)
    #expect(trace.output.contains("error[failed]: it is over\n                --> CHAIN:5:11\n"))
    #expect(trace.output.contains("     #  failed\n\nteardown\n"))
  }

  @Test func `an error of 'on_error: continue' is shown and the iteration goes on`() throws {
    let trace = try Traced("version: 1\nchain: forgiving\nsteps:\n  - fail: no matter\n    on_error: continue\n  - log: after\n")
    #expect(trace.code == 0)
    #expect(trace.output.contains("error[failed]: no matter"))
    #expect(trace.output.contains("goes on: 'on_error: continue'"))
    #expect(trace.output.contains("log: after\n     #  completed"))
  }

  @Test func `a wrong iteration number is refused with exit code 2`() throws {
    #expect(try Traced(TraceTests.arithmetic, ["--iteration", "-1"]).code == 2)
    #expect(try Traced(TraceTests.arithmetic, ["--iteration", "9223372036854775808"]).code == 2)
    #expect(try Traced(TraceTests.arithmetic, ["--profile", "none"]).code == 2)
  }

  @Test func `a server that is not there is exit code 3`() throws {
    let trace = try Traced(
      "version: 1\nchain: absent\nconnections:\n  cache: { redis: 'redis://127.0.0.1:1/0', connect_timeout: 1s }\nsteps:\n  - redis: GET a\n")
    #expect(trace.code == 3)
    #expect(trace.errors.contains("cache"))
  }

  @Test(.enabled(if: sandboxIsUp)) func `operations, captures and errors of real servers are shown`() throws {
    let trace = try Traced(
      """
      version: 1
      chain: real
      connections:
        db: { postgres: $env.ORDERS_DB, access: write }
        cache: { redis: $env.ORDERS_CACHE, access: write }
      steps:
        - id: ask
          sql: |
            SELECT ${41}::bigint + 1 AS answer,
                   'x' AS letter
          capture:
            answer: row.answer as int
        - id: put
          redis: SET trace:${run.id} ${answer} EX 5
          capture:
            said: reply as string
          check:
            - said == "OK" and answer == 43
          on_error: continue
        - id: divide
          sql: SELECT 1 / (${answer}::int - 42) AS x
      """)
    #expect(trace.code == 1)
    let wanted = """
           #  ask  sql on db  CHAIN:8
                    SELECT $1::bigint + 1 AS answer, 'x' AS letter
                    $1 = 41
                    → 1 row · answer = "42", letter = "x"  #
                    answer: int = 42
      """
    #expect(trace.output.contains(wanted))
    #expect(trace.output.contains("= answer = 42\n"))
    #expect(trace.output.contains("= answer == 43 is false\n"))
    #expect(trace.output.contains("error[server 22012]: division by zero\n"))
  }
}

/// One call of `chainrun trace` with times written as `#` and the chain's path as `CHAIN`.
private struct Traced {
  let code: Int32
  let output: String
  let errors: String

  init(_ chain: String, _ options: [String] = []) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-trace-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/t.chain.yaml"
    try chain.write(toFile: path, atomically: true, encoding: .utf8)
    for name in ["out", "err"] { try "".write(toFile: folder + "/" + name, atomically: true, encoding: .utf8) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Traced.program)
    process.arguments = ["trace", path] + options
    // Into files: a pipe that nobody reads would fill up.
    process.standardOutput = FileHandle(forWritingAtPath: folder + "/out")
    process.standardError = FileHandle(forWritingAtPath: folder + "/err")
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date().addingTimeInterval(30)
    while process.isRunning, Date() < deadline { usleep(5_000) }
    if process.isRunning {
      process.terminate()
      Issue.record("'chainrun trace' was still running after 30 s")
    }
    process.waitUntilExit()
    code = process.terminationStatus
    func read(_ name: String) throws -> String {
      try String(contentsOfFile: folder + "/" + name, encoding: .utf8).replacingOccurrences(of: path, with: "CHAIN")
    }
    output = try read("out").replacing(/(?m)^\ *[0-9]+\.[0-9]{2} ms/, with: "     #").replacing(/[0-9]+\.[0-9]{2} ms/, with: "#")
    errors = try read("err")
  }

  private static var program: String {
    if let folder = ProcessInfo.processInfo.environment["CHAINRUN_BIN_DIR"] { return folder + "/chainrun" }
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().path + "/chainrun"
  }
}
