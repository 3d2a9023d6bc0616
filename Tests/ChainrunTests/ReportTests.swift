import Foundation
import LosslessJSON
import Testing

/// `chainrun report`, and what becomes of a run that can no longer write; no server is needed.
@Suite struct ReportTests {
  /// 200 iterations each second that only wait.
  static let idle = """
    version: 1
    chain: idle
    steps:
      - id: pause
        think: 1ms
    thresholds:
      - p95(service) < 5s
      - rate(errors) < 1%
      - count(iterations) > 1000000
    load:
      steady: { open: { rate: 200/s, for: 60s, max_vus: 100 } }
      short: { closed: { vus: 2, iterations: 50 } }
    """

  @Test func `a report is rebuilt from the journal alone, and is the one that the run wrote`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let out = scratch.path("out")
    let ran = try Launched.chainrun(["run", chain, "--profile", "short", "--out", out, "--progress", "none"]).end(within: 60)
    #expect(ran.code == 1, "a threshold is not met\n\(ran)")
    let files = try FileManager.default.contentsOfDirectory(atPath: out).sorted()
    #expect(files.contains("report.html") && files.contains("junit.xml"))
    let before = files.map { RunResults.text(out + "/" + $0) }
    for file in files where file != "journal.ndjson" { try FileManager.default.removeItem(atPath: out + "/" + file) }

    let rebuilt = try Launched.chainrun(["report", out]).end(within: 60)
    #expect(rebuilt.code == 0, "the run's own exit code has told its verdict\n\(rebuilt)")
    #expect(rebuilt.output == ran.output)
    #expect(try FileManager.default.contentsOfDirectory(atPath: out).sorted() == files)
    for (file, text) in zip(files, before) { #expect(RunResults.text(out + "/" + file) == text, "\(file) differs") }

    for (format, file) in [("json", "summary.json"), ("html", "report.html"), ("junit", "junit.xml"), ("csv", "results_stats.csv")] {
      let printed = try Launched.chainrun(["report", out, "--format", format]).end(within: 60)
      #expect(printed.code == 0 && printed.output == RunResults.text(out + "/" + file), "\(format): \(printed.errors)")
    }
    let copy = scratch.path("copy.md")
    #expect(try Launched.chainrun(["report", out + "/journal.ndjson", "--format", "md", "--out", copy]).end(within: 60).code == 0)
    #expect(RunResults.text(copy).hasPrefix("### ❌ FAIL: idle"))
  }

  @Test(arguments: [["report", "/nowhere"], ["report", "/nowhere", "--format", "pdf"], ["report", "/nowhere", "--out", "x"]])
  func `a folder without a journal and a format that is not known are usage errors`(_ words: [String]) throws {
    let ended = try Launched.chainrun(words).end(within: 30)
    #expect(ended.code == 2 && ended.output.isEmpty, "\(ended)")
  }

  @Test func `a killed run is marked as crashed, and what it left is judged`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let out = scratch.path("out")
    let run = try Launched.chainrun(["run", chain, "--out", out, "--progress", "none"])
    #expect(eventually(within: 60) { RunResults.text(out + "/journal.ndjson").components(separatedBy: #""r":"interval""#).count > 2 })
    run.kill()
    // A write that the kill has torn.
    let journal = try #require(FileHandle(forWritingAtPath: out + "/journal.ndjson"))
    journal.seekToEndOfFile()
    journal.write(Data(#"{"r":"interval","from_ns":12"#.utf8))
    try journal.close()

    let report = try Launched.chainrun(["report", out]).end(within: 60)
    #expect(report.code == 5, "\(report)")
    #expect(report.output.hasPrefix("CRASHED  idle: "), "\(report)")
    let summary = try JSONDocument(parsing: RunResults.text(out + "/summary.json")).root
    #expect(summary["crashed"]?.bool == true && summary["exit_code"]?.isNull == true)
    #expect(summary["validity"]?["verdict"]?.string == "invalid")
    #expect(summary["validity"]?["reasons"]?.elements.contains { $0["name"]?.string == "crashed" } == true)
    let thresholds = (summary["thresholds"]?.elements).map { Array($0) } ?? []
    #expect(thresholds.map { $0["verdict"]?.string } == ["pass", "pass", "fail"], "\(report)")
    #expect(thresholds.allSatisfy { $0["detail"]?.string?.contains("left by the crash") == true })
    #expect(RunResults.text(out + "/junit.xml").contains("<error type=\"crashed\""))
  }

  @Test func `a run that still goes on is reported as such, and as crashed once it is killed`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let out = scratch.path("out")
    let run = try Launched.chainrun(["run", chain, "--out", out, "--progress", "none"])
    #expect(eventually(within: 60) { RunResults.text(out + "/journal.ndjson").components(separatedBy: #""r":"interval""#).count > 2 })
    let report = try Launched.chainrun(["report", out]).end(within: 60)
    #expect(report.code == 0 && report.output.hasPrefix("RUNNING  idle: still running, so far "), "\(report)")
    #expect(report.output.contains("judged on what there is so far") && !report.output.contains("crash"), "\(report)")
    #expect(report.errors.contains("nothing was written"), "\(report)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["journal.ndjson"], "the run's folder is the run's")
    let json = try Launched.chainrun(["report", out, "--format", "json"]).end(within: 60)
    let summary = try JSONDocument(parsing: json.output).root
    #expect(json.code == 0 && summary["running"]?.bool == true && summary["crashed"]?.bool == false && summary["exit_code"]?.isNull == true)
    // A stopped process is not gone.
    run.send(SIGSTOP)
    #expect(try Launched.chainrun(["report", out, "--format", "md"]).end(within: 60).output.hasPrefix("### ⚠️ RUNNING: idle"))
    // A copy is nobody's.
    try FileManager.default.copyItem(atPath: out, toPath: scratch.path("copy"))
    #expect(try Launched.chainrun(["report", scratch.path("copy")]).end(within: 60).output.hasPrefix("CRASHED  idle: "))
    run.kill()
    let after = try Launched.chainrun(["report", out]).end(within: 60)
    #expect(after.code == 5 && after.output.hasPrefix("CRASHED  idle: "), "\(after)")
    #expect(RunResults.text(out + "/summary.json").contains(#""running": false"#))
  }

  @Test func `a comparison reports a killed run as a report does, and leaves one that is stopped alone`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let out = scratch.path("out")
    let run = try Launched.chainrun(["run", chain, "--out", out, "--progress", "none"])
    #expect(eventually(within: 60) { RunResults.text(out + "/journal.ndjson").components(separatedBy: #""r":"interval""#).count > 2 })
    run.send(SIGSTOP)
    // A stopped run writes nothing for as long as it likes.
    let longAgo = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1_760_000_000)]
    try FileManager.default.setAttributes(longAgo, ofItemAtPath: out + "/journal.ndjson")
    for words in [["compare", out, "--", out], ["history", scratch.path], ["trend", scratch.path]] {
      let asked = try Launched.chainrun(words).end(within: 60)
      #expect(asked.errors.contains("the run in '\(out)' is still going"), "\(words): \(asked)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["journal.ndjson"], "the run's folder is the run's")
    }
    run.kill()
    let compared = try Launched.chainrun(["compare", out, "--", out]).end(within: 60)
    #expect(compared.code == 5 && compared.errors.contains("did not come to its end"), "\(compared)")
    let summary = try JSONDocument(parsing: RunResults.text(out + "/summary.json")).root
    #expect(summary["crashed"]?.bool == true && summary["validity"]?["verdict"]?.string == "invalid")
    #expect(summary["thresholds"]?[2]?["verdict"]?.string == "fail")
    let files = try FileManager.default.contentsOfDirectory(atPath: out).sorted()
    let texts = files.map { RunResults.text(out + "/" + $0) }
    #expect(try Launched.chainrun(["report", out]).end(within: 60).code == 5)
    for (file, text) in zip(files, texts) { #expect(RunResults.text(out + "/" + file) == text, "\(file) is another one") }
  }

  @Test func `claims over windows are decided as far as a killed run's journal reaches`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(
      """
      version: 1
      chain: windows
      steps:
        - id: pause
          think: 1ms
      thresholds:
        - { check: p50(service) < 5s, over: 1s }
        - { check: count(iterations) > 1000000, over: 1s, for: 2 }
        - { check: p50(service) < 5s, over: 50s }
      load:
        steady: { open: { rate: 100/s, for: 60s, max_vus: 100 } }
      """, to: "windows.chain.yaml")
    let out = scratch.path("out")
    let run = try Launched.chainrun(["run", chain, "--out", out, "--progress", "none"])
    #expect(eventually(within: 60) { RunResults.text(out + "/journal.ndjson").components(separatedBy: #""r":"interval""#).count > 3 }, "\(run.errors)")
    run.kill()
    let report = try Launched.chainrun(["report", out]).end(within: 60)
    let summary = try JSONDocument(parsing: RunResults.text(out + "/summary.json")).root
    let thresholds = (summary["thresholds"]?.elements).map { Array($0) } ?? []
    #expect(thresholds.map { $0["verdict"]?.string } == ["pass", "fail", "inconclusive"], "\(report)")
    let seconds = RunResults.text(out + "/journal.ndjson").components(separatedBy: #""r":"interval""#).count - 1
    #expect(thresholds.first?["observed"]?.string == "held in \(seconds) windows", "\(report)")
    #expect(thresholds.allSatisfy { $0["detail"]?.string == "judged on what was left by the crash, up to second \(seconds) of the load" }, "\(report)")
  }

  @Test func `what a live output lost stands in the journal and in every report`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let out = scratch.path("out")
    // Port 1 (tcpmux) of this machine: nobody listens there.
    let ran = try Launched.chainrun([
      "run", chain, "--profile", "short", "--out", out, "--progress", "none", "--otlp", "http://user:secret@127.0.0.1:1", "--metrics-file",
      scratch.path("m.prom"),
    ]).end(within: 60)
    let outputs = try RunResults(out).value("outputs")
    #expect(outputs?["otlp"]?["lost"]?.integer(as: Int.self) ?? 0 > 0 && outputs?["otlp"]?["delivered"]?.integer(as: Int.self) == 0, "\(ran)")
    #expect(outputs?["metrics-file"]?["lost"]?.integer(as: Int.self) == 0 && outputs?["metrics-file"]?["delivered"]?.integer(as: Int.self) ?? 0 > 0)
    #expect(ran.output.contains("Live outputs") && ran.output.contains("reports did not arrive"), "\(ran)")
    #expect(!ran.output.contains("metrics-file"), "what lost nothing is no news\n\(ran)")
    #expect(RunResults.text(out + "/report.html").contains("live output otlp"))
    #expect(try Launched.chainrun(["report", out, "--format", "md"]).end(within: 60).output.contains("live output otlp: "))
    for file in try FileManager.default.contentsOfDirectory(atPath: out) { #expect(!RunResults.text(out + "/" + file).contains("secret")) }
  }

  @Test func `a journal that may not grow stops the run, and the summary says what was seen`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let out = scratch.path("out")
    // 16 blocks of 1 KiB: some seconds of this run. The limit stands for a full disk, which root cannot be refused otherwise.
    let limited = "ulimit -f 16; exec \(Launched.programs)/chainrun run \(chain) --out \(out) --progress none"
    let ended = try Launched("/bin/bash", ["-c", limited]).end(within: 55)
    #expect(ended.code == 5, "\(ended)")
    #expect(ended.seconds < 50, "it stopped before its time\n\(ended)")
    #expect(ended.output.hasPrefix("NOT TRUSTED  idle: "), "\(ended)")
    #expect(ended.output.contains("the journal could not write"), "\(ended)")
    #expect(ended.errors.contains("stopping"), "\(ended)")
  }

  @Test func `a folder that cannot be made stops the run before it begins`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(Self.idle, to: "idle.chain.yaml")
    let file = try scratch.write("in the way", to: "file")
    let ended = try Launched.chainrun(["run", chain, "--out", file + "/out"]).end(within: 30)
    #expect(ended.code == 5 && ended.errors.contains("cannot make the folder"), "\(ended)")
    #expect(ended.output.hasPrefix("NOT TRUSTED  idle: nothing was run; cannot make the folder"), "\(ended)")
    let full = try Launched.chainrun(["run", chain, "--out", scratch.path]).end(within: 30)
    #expect(full.code == 5 && full.output.hasPrefix("NOT TRUSTED  idle: nothing was run; the folder"), "\(full)")
  }

  @Test func `a report that cannot be written is in the summary, and the summary has the code of the process`() throws {
    let scratch = try ScratchFolder()
    let chain = try scratch.write(
      """
      version: 1
      chain: slow
      steps:
        - id: pause
          think: 20ms
      load:
        short: { closed: { vus: 1, iterations: 100 } }
      """, to: "slow.chain.yaml")
    let out = scratch.path("out")
    let run = try Launched.chainrun(["run", chain, "--out", out, "--progress", "none"])
    #expect(eventually(within: 60) { FileManager.default.fileExists(atPath: out + "/journal.ndjson") })
    // Nothing can be put in the place of a folder that has something in it.
    try FileManager.default.createDirectory(atPath: out + "/report.html/in the way", withIntermediateDirectories: true)
    let ended = try run.end(within: 60)
    #expect(ended.code == 5 && ended.errors.contains("cannot write '\(out)/report.html'"), "\(ended)")
    #expect(ended.output.hasPrefix("NOT TRUSTED  slow: 100 iterations"), "\(ended)")
    #expect(ended.output.contains("cannot write '"), "\(ended)")
    #expect(RunResults.text(out + "/summary.json").contains("\"run\""), "the others were written")
  }
}

/// Killed at random moments, with servers: how much is lost is known from the database.
extension OnServers {
  @Test func `kill -9 at any moment loses at most the last second`() throws {
    let sandbox = try Self.sandbox()
    let pipeline = try sandbox.pipeline("all")
    defer { pipeline.kill() }
    let kills = ProcessInfo.processInfo.environment["CHAINRUN_KILLS"].flatMap { Int($0) } ?? 3
    let scratch = try ScratchFolder()
    let rate = 100
    let chain = try scratch.write(Chains.orders(rate: rate, seconds: 60), to: "orders.chain.yaml")
    var worst = 0
    for number in 0..<kills {
      let out = scratch.path("out-\(number)")
      let run = try sandbox.chainrun(["run", chain, "--out", out, "--progress", "none"])
      try Self.awaitLoad(run, out)
      let pause = UInt32.random(in: 300_000...2_300_000)
      usleep(pause)
      run.kill()

      let report = try sandbox.chainrun(["report", out]).end(within: 30)
      #expect(report.code == 5 && report.output.hasPrefix("CRASHED"), "after \(pause) µs: \(report)")
      let results = try RunResults(out, isTorn: true)
      let placed = Int(try sandbox.sql("SELECT count(*) FROM orders WHERE run_id = '\(results.runID)'")) ?? -1
      let told = results.count("iterations/completed")
      // A second's orders, what was under way, and what a busy machine was late.
      #expect(told <= placed && placed - told <= rate + rate / 2, "after \(pause) µs: \(told) of \(placed) orders\n\(report)")
      worst = max(worst, placed - told)
      // Every figure is the sum of the lines that are there.
      let sums = results.records("interval").map { $0["iterations"]?["completed"]?.integer(as: Int.self) ?? 0 }
      #expect(told == sums.reduce(0, +))
      #expect(results.value("validity/verdict")?.string == "invalid" && results.value("crashed")?.bool == true)
    }
    print("acceptance: \(kills) kills: at most \(worst) orders of \(rate)/s were not in the journal")
  }
}

/// Errors with a cause that is known.
extension OnServers {
  @Test func `errors at random have nothing in common`() throws {
    let sandbox = try Self.sandbox()
    _ = try sandbox.redis("set", "report:window", "1")
    let scratch = try ScratchFolder()
    let chain = try scratch.write(
      """
      version: 1
      chain: unlucky
      connections:
        cache: { redis: $env.ORDERS_CACHE }
      steps:
        - id: kind
          branch:
            - name: front
              weight: 3
              steps:
                - id: look
                  redis: GET report:window
                  check: [ "random.int(1, 100) > 8" ]
            - name: back
              weight: 1
              steps:
                - id: enter
                  redis: GET report:window
                  check: [ "random.int(1, 100) > 8" ]
      load:
        steady: { open: { rate: 100/s, for: 8s, max_vus: 50 } }
      """, to: "unlucky.chain.yaml")
    let (ended, results, kept) = try Self.run(sandbox, chain, within: 40)
    let errors = results.value("errors").map { Array($0.elements) } ?? []
    let count = errors.reduce(0) { $0 + ($1["count"]?.integer(as: Int.self) ?? 0) }
    #expect((20...120).contains(count), "\(ended.output)")
    #expect(errors.allSatisfy { $0["patterns"]?.count == 0 }, "\(ended.output)")
    print("acceptance: \(count) errors at random: \(errors.reduce(0) { $0 + ($1["patterns"]?.count ?? 0) }) patterns")
    withExtendedLifetime(kept) {}
  }

  @Test func `errors in one branch during five seconds are reported as that branch and that window`() throws {
    let sandbox = try Self.sandbox()
    _ = try sandbox.redis("set", "report:door", "1")
    let scratch = try ScratchFolder()
    let chain = try scratch.write(
      """
      version: 1
      chain: branching
      connections:
        cache: { redis: $env.ORDERS_CACHE }
      steps:
        - id: kind
          branch:
            - name: front
              weight: 3
              steps:
                - id: look
                  redis: GET report:door
            - name: back
              weight: 1
              steps:
                - id: enter
                  redis: GET report:door
                  check: [ (reply as int) == 1 ]
      load:
        steady: { open: { rate: 60/s, for: 11s, max_vus: 50 } }
      """, to: "branching.chain.yaml")
    let (ended, results, kept) = try Self.run(sandbox, chain, within: 40) { launched, out in
      try Self.awaitLoad(launched, out)
      usleep(3_000_000)
      _ = try sandbox.redis("set", "report:door", "0")
      usleep(5_000_000)
      _ = try sandbox.redis("set", "report:door", "1")
    }
    let errors = results.value("errors").map { Array($0.elements) } ?? []
    #expect(errors.count == 1, "\(ended)")
    let patterns = errors.first?["patterns"].map { Array($0.elements) } ?? []
    let branch = patterns.first { $0["kind"]?.string == "branch" }
    #expect(branch?["value"]?.string == "back" && branch?["of"]?.string == "kind", "\(ended.output)")
    let burst = patterns.first { $0["kind"]?.string == "burst" }
    // The door was shut from about second 3 to 8; a busy machine may be late with either.
    #expect((2...5).contains(burst?["from_s"]?.integer(as: Int.self) ?? -1), "\(ended.output)")
    #expect((7...11).contains(burst?["to_s"]?.integer(as: Int.self) ?? -1), "\(ended.output)")
    #expect(patterns.count == 2, "\(ended.output)")
    #expect(ended.output.contains("in branch 'back' of 'kind'") && ended.output.contains("from second"), "\(ended.output)")
    for (file, text) in [("report.html", "in branch &#39;back&#39; of &#39;kind&#39;")] {
      #expect(RunResults.text(results.folder + "/" + file).contains(text))
    }
    print("acceptance: a branch's errors: \(patterns.compactMap { $0["text"]?.string })")
    withExtendedLifetime(kept) {}
  }
}
