import Foundation
import LosslessJSON
import Testing

/// What the command line changes is a condition of the run; no server is needed.
@Suite struct RunConditionTests {
  static let idle = """
    version: 1
    chain: idle
    vars:
      patience: 1ms
      api_key: none
      address: none
    steps:
      - id: pause
        think: $patience
    load:
      short: { closed: { vus: 2, iterations: 50 } }
    """

  private func run(_ chain: String, _ out: String, _ words: [String]) throws -> JSONValue {
    let ran = try Launched.chainrun(["run", chain, "--out", out, "--progress", "none"] + words).end(within: 60)
    #expect(ran.code == 0, "\(ran)")
    return try JSONDocument(parsing: RunResults.text(out + "/summary.json")).root
  }

  @Test func `variables and told traces are kept with the run, but never a secret, and other ones are another question`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let words = ["--var", "patience=2ms", "--var", "api_key=hunter2", "--var", "address=http://ann:hunter2@there/"]
    let summary = try run(chain, scratch.path("set"), words + ["--traceparent", "sql,http"])
    #expect(summary["configuration"]?["variables"]?["patience"]?.string == "2ms")
    #expect(summary["configuration"]?["variables"]?["api_key"]?.string == "(not shown)")
    #expect(summary["configuration"]?["traceparent"]?.string == "http,sql")
    for file in try FileManager.default.contentsOfDirectory(atPath: scratch.path("set")) {
      #expect(!RunResults.text(scratch.path("set") + "/" + file).contains("hunter2"), "\(file)")
    }
    _ = try run(chain, scratch.path("plain"), [])
    let compared = try Launched.chainrun(["compare", "--force", scratch.path("plain"), "--", scratch.path("set")]).end(within: 60)
    #expect(compared.code == 2, "\(compared)")
    for part in ["variables 'none'", "patience=2ms", "traces told to 'none'", "'http,sql'"] {
      #expect(compared.errors.contains(part), "\(compared)")
    }
  }
}
