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
    #expect(RunResults.text(scratch.path("set") + "/report.html").contains("patience=2ms"))
    _ = try run(chain, scratch.path("plain"), [])
    let compared = try Launched.chainrun(["compare", "--force", scratch.path("plain"), "--", scratch.path("set")]).end(within: 60)
    #expect(compared.code == 2, "\(compared)")
    for part in ["variables 'none'", "patience=2ms", "traces told to 'none'", "'http,sql'"] {
      #expect(compared.errors.contains(part), "\(compared)")
    }
  }

  @Test func `a threshold against a baseline of another question stays undecided, and says why`() throws {
    let scratch = try ScratchFolder()
    let claim = "thresholds:\n  - p50(service) <= 1000 * baseline\n"
    let chain = try scratch.write(Self.idle + "\n" + claim, to: "idle.chain.yaml")
    func run(_ name: String, _ words: [String], chain path: String? = nil) throws -> (ended: Launched.Ended, verdict: String?) {
      let out = scratch.path("results/" + name)
      let words = ["run", path ?? chain, "--out", out, "--progress", "none", "--baseline", scratch.path("baselines.json")] + words
      let ended = try Launched.chainrun(words).end(within: 60)
      let summary = try JSONDocument(parsing: RunResults.text(out + "/summary.json")).root
      return (ended, summary["thresholds"]?[0]?["verdict"]?.string)
    }
    let first = try run("first", [])
    #expect(first.verdict == "inconclusive" && first.ended.errors.contains("has no baseline for chain 'idle'"), "\(first)")
    let history = try Launched.chainrun(["history", scratch.path("results"), "--format", "json"]).end(within: 60)
    try scratch.write(
      #"{"format":1,"baselines":[{"chain":"idle","profile":"short","set_at":1,"runs":\#(history.output)}]}"#, to: "baselines.json")

    let same = try run("same", [])
    #expect(same.verdict == "pass" && !same.ended.errors.contains("undecided"), "\(same)")
    let varied = try run("varied", ["--var", "patience=2ms"])
    #expect(
      varied.verdict == "inconclusive" && varied.ended.errors.contains("it has variables 'none', this run 'patience=2ms'"), "\(varied)")
    let faster = try scratch.write(Self.idle.replacing("vus: 2", with: "vus: 3") + "\n" + claim, to: "faster.chain.yaml")
    let edited = try run("edited", [], chain: faster)
    #expect(edited.verdict == "inconclusive" && edited.ended.errors.contains("it has chain text"), "\(edited)")
  }
}
