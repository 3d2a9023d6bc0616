import Foundation
import LosslessJSON
import Metrics
import Synchronization
import Testing

@testable import LiveOutputs

/// What alerts do: commands with their deadline, webhooks, and what becomes of those that are too many.
@Suite struct AlertActionTests {
  private func notice(_ number: Int = 0, alert: Int = 0, state: AlertState = .firing) -> AlertNotice {
    AlertNotice(
      JournalAlert(alert: alert, state: state, atNanoseconds: 112_000_000_000, repetition: number, value: 0.612, limit: 0.5, observed: "612 ms"),
      of: AlertSamples.start(2), loadStart: 100_000_000_000, fired: 112_000_000_000)
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private func run(
    _ words: [String], seconds: Double = 20, environment: [(name: String, value: String)] = [], folder: String = "/", isCancelled: () -> Bool = { false }
  ) -> CommandAction.Ending {
    let action = CommandAction(words: words, environment: environment, folder: folder)
    return action.run(deadline: AlertSamples.now &+ UInt64(seconds * 1e9), limit: "\(seconds) s", isCancelled: isCancelled)
  }

  // Commands

  @Test func `a command gets its words as they are, the notice in its environment, and nothing to read`() throws {
    let folder = try AlertSamples.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ending = run(
      ["/bin/sh", "-c", #"pwd; printf '%s|' "$0" "$@" "$CHAINRUN_ALERT" "$CHAINRUN_STATE" "$CHAINRUN_VALUE" "$CHAINRUN_LIMIT" "$CHAINRUN_OBSERVED" "$CHAINRUN_RUN" "$CHAINRUN_SECOND"; cat; ls /proc/self/fd | tr '\n' ' '"#,
        "a b", "$(touch x); 'q'"],
      environment: notice().environment, folder: folder)
    #expect(ending.reason == nil)
    let lines = String(decoding: ending.output, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(lines.first == folder)
    // 3 is the folder that 'ls' reads: no descriptor of ours is open.
    #expect(lines.last == "a b|$(touch x); 'q'|cache lags|firing|0.612|0.5|612 ms|run-7|12|0 1 2 3 ")
    #expect(!FileManager.default.fileExists(atPath: folder + "/x"), "no shell has read the words")
  }

  @Test func `a relative command starts at the folder, and one that is not there is a reason`() throws {
    let folder = try AlertSamples.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder + "/scripts", withIntermediateDirectories: true)
    try "#!/bin/sh\necho here; exit 3\n".write(toFile: folder + "/scripts/page", atomically: false, encoding: .utf8)
    chmod(folder + "/scripts/page", 0o700)
    let ended = run(["scripts/page"], folder: folder)
    #expect(ended.reason == "exit status 3" && String(decoding: ended.output, as: UTF8.self) == "here\n")
    chmod(folder + "/scripts/page", 0o600)
    #expect(run(["scripts/page"], folder: folder).reason == "cannot be started: permission denied")
    #expect(run(["scripts/none"], folder: folder).reason == "cannot be started: no such file or directory")
    #expect(run(["chainrun-has-no-such-command"], folder: folder).reason == "cannot be started: no such file or directory")
    #expect(run(["/bin/sh", "-c", "kill -9 $$"]).reason == "it was ended by signal 9")
  }

  /// The process whose number a command wrote is gone, or is only waited for by nobody.
  private func isGone(_ process: String) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return true }
    return stat.split(separator: " ").dropFirst(2).first == "Z"
  }

  @Test func `at its deadline a command ends with its children and grandchildren`() throws {
    let script = "sleep 300 & echo $!; (trap '' TERM INT HUP; sh -c 'echo $$; sleep 300; sleep 300' & wait) & echo $!; wait"
    var ending = CommandAction.Ending()
    let took = seconds { ending = run(["/bin/sh", "-c", script], seconds: 3) }
    #expect(ending.reason == "no end within 3.0 s" && took < 20, "\(took) s")
    let family = String(decoding: ending.output, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(family.count == 3, "\(family)")
    // Killed, they are gone as soon as the system gets round to it.
    for process in family { #expect(AlertSamples.eventually { isGone(process) }, "\(process) is still there") }
  }

  @Test func `a command is over when it has ended, and what it left behind ends with it`() throws {
    var ending = CommandAction.Ending()
    let took = seconds { ending = run(["/bin/sh", "-c", "sleep 300 & echo $!"], seconds: 60) }
    #expect(ending.reason == nil && took < 30, "nobody waits for the child that holds the output: \(took) s")
    let child = String(decoding: ending.output, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(child.count == 1 && AlertSamples.eventually { isGone(child[0]) })
  }

  @Test func `what a command writes is kept up to a limit, and one that does not stop writing is ended`() {
    let some = run(["/bin/sh", "-c", "head -c 200000 /dev/zero"])
    #expect(some.reason == nil && some.output.count == CommandAction.outputKept && some.outputBytes == 200_000)
    let endless = run(["/bin/sh", "-c", "yes"], seconds: 60)
    #expect(endless.reason == "it wrote more than 1 MiB" && endless.output.count == CommandAction.outputKept)
    #expect(endless.outputBytes <= CommandAction.outputMax + (1 << 14))
  }

  @Test func `a command that is called off ends at once`() {
    let took = seconds { #expect(run(["sleep", "300"], seconds: 60, isCancelled: { true }).reason == "the run was over") }
    #expect(took < 30)
  }

  // The runner

  private final class Results: Sendable {
    private let state = Mutex<[JournalAlertAction]>([])
    var all: [JournalAlertAction] { state.withLock { $0 } }
    func took(_ result: JournalAlertAction) { state.withLock { $0.append(result) } }
    func count(_ outcome: JournalAlertAction.Outcome) -> Int { all.count { $0.outcome == outcome } }
  }

  private func runner(_ targets: [AlertRunner.Target], _ results: Results, folder: String = "/", log: String? = nil) throws -> AlertRunner {
    let runner = AlertRunner(targets: targets, folder: folder, logPath: log) { results.took($0) }
    return try #require(runner)
  }

  @Test func `of a hundred changes with a slow command some are told, the rest is counted as lost, and nobody waits`() throws {
    let results = Results()
    let runner = try runner([.init(command: ["sleep", "0.05"])], results)
    let took = seconds { for number in 0..<100 { runner.enqueue(notice(number)) } }
    #expect(took < 5, "\(took) s")
    runner.end(withinNanoseconds: 60_000_000_000)
    #expect(results.all.count == 100)
    #expect(results.count(.ok) >= AlertRunner.waitingMax && results.count(.failed) == 0)
    #expect(results.count(.lost) >= 1 && results.all.filter { $0.outcome == .lost }.allSatisfy { $0.reason == "too many actions were waiting" })
  }

  @Test func `actions of one alert come one after the other, and those of others do not wait for them`() throws {
    let folder = try AlertSamples.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let results = Results()
    let words = ["/bin/sh", "-c", "echo begin $CHAINRUN_REPETITION >> $0; sleep 0.02; echo end $CHAINRUN_REPETITION >> $0", "one"]
    let runner = try runner([.init(command: words), .init(command: ["/bin/sh", "-c", "echo other >> two"])], results, folder: folder)
    for number in 0..<10 { runner.enqueue(notice(number)) }
    runner.enqueue(notice(0, alert: 1))
    runner.end(withinNanoseconds: 60_000_000_000)
    let text = try String(contentsOfFile: folder + "/one", encoding: .utf8)
    #expect(text == (0..<10).map { "begin \($0)\nend \($0)\n" }.joined())
    #expect(results.count(.ok) == 11 && FileManager.default.fileExists(atPath: folder + "/two"))
  }

  @Test func `the end of a run waits so long and no longer, and says what was cut short`() throws {
    let results = Results()
    let runner = try runner([.init(command: ["sleep", "300"], timeoutNanoseconds: 200_000_000_000)], results)
    for number in 0..<3 { runner.enqueue(notice(number)) }
    let took = seconds { runner.end(withinNanoseconds: 300_000_000) }
    #expect(took < 20, "\(took) s")
    #expect(results.all.count == 3 && results.count(.ok) == 0, "\(results.all)")
    #expect(results.all.contains { $0.outcome == .failed } && results.count(.lost) == 2, "\(results.all)")
  }

  @Test func `what commands write is in a file of the run's folder that nobody else may read`() throws {
    let folder = try AlertSamples.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let results = Results()
    let runner = try runner([.init(command: ["/bin/sh", "-c", "echo token=hunter2; exit 4"])], results, log: folder + "/alerts.log")
    runner.enqueue(notice())
    runner.end(withinNanoseconds: 60_000_000_000)
    #expect(results.all.map(\.reason) == ["exit status 4"])
    let text = try String(contentsOfFile: folder + "/alerts.log", encoding: .utf8)
    #expect(text == "# alert 'cache lags', firing at 12 s: exit status 4, 14 bytes of output\ntoken=hunter2\n")
    var facts = stat()
    #expect(stat(folder + "/alerts.log", &facts) == 0 && facts.st_mode & 0o777 == 0o600)
  }

  // Webhooks

  @Test func `a webhook gets JSON with the state, the value and a sentence`() throws {
    let receiver = try Receiver(answers: true)
    let results = Results()
    let runner = try runner([.init(webhook: "http://ops:hunter2@127.0.0.1:\(receiver.port)/hook?token=s3cret")], results)
    runner.enqueue(notice())
    runner.enqueue(notice(state: .resolved))
    runner.end(withinNanoseconds: 60_000_000_000)
    #expect(results.count(.ok) == 2 && receiver.requests.count == 2)
    let request = try #require(receiver.requests.first)
    #expect(request.hasPrefix("POST /hook?token=s3cret HTTP/1.1\r\n") && request.contains("Content-Type: application/json\r\n"), "\(request)")
    #expect(request.contains("Authorization: Basic b3BzOmh1bnRlcjI=\r\n"))
    let body = try #require(request.range(of: "\r\n\r\n")).upperBound
    let root = try JSONDocument(parsing: Array(request[body...].utf8)).root
    #expect(root["alert"]?.string == "cache lags" && root["state"]?.string == "firing" && root["when"]?.string == "p95(step.get) > 500ms")
    #expect(root["value"]?.double == 0.612 && root["limit"]?.double == 0.5 && root["observed"]?.string == "612 ms")
    #expect(root["second"]?.double == 12 && root["run"]?.string == "run-7" && root["chain"]?.string == "order-flow")
    #expect(root["text"]?.string == "alert 'cache lags' fires at 12.0 s: p95(step.get) > 500ms, observed 612 ms")
    #expect(receiver.requests[1].contains(#""state":"resolved""#))
  }

  @Test func `a webhook that refuses, is dead or says nothing is a reason without its address`() throws {
    let refusing = try Answering("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    let moved = try Answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    let silent = try Receiver(answers: false)
    // A port that was free a moment ago.
    let dead = try Receiver(answers: true).port
    let results = Results()
    let targets = [refusing.port, moved.port, silent.port, dead].map {
      AlertRunner.Target(webhook: "http://ops:hunter2@127.0.0.1:\($0)/s3cret", timeoutNanoseconds: 500_000_000)
    }
    let opened = AlertRunner(targets: targets, folder: "/", logPath: nil) { results.took($0) }
    let runner = try #require(opened)
    for alert in targets.indices {
      runner.enqueue(
        AlertNotice(
          JournalAlert(alert: alert, state: .firing, atNanoseconds: 1), of: AlertSamples.start(targets.count), loadStart: 0, fired: 1))
    }
    runner.end(withinNanoseconds: 60_000_000_000)
    let reasons = results.all.sorted { $0.alert < $1.alert }.map { $0.reason ?? "none" }
    #expect(reasons.count == 4 && results.count(.failed) == 4, "\(reasons)")
    #expect(reasons.first == "status 500" && reasons[1] == "status 302, and redirects are not followed" && reasons[2] == "no answer within 500 ms")
    #expect(!reasons.joined().contains("hunter2") && !reasons.joined().contains("s3cret") && !reasons.joined().contains("127.0.0.1"), "\(reasons)")
  }

  // The desk

  private final class Gate: Sendable {
    let lock = Mutex(())
  }

  /// Fires in every even second and is resolved in every odd one.
  private final class EveryOther: AlertJudge {
    var seen: UInt64 = 0
    func note(_ progress: RunProgress) -> [JournalAlert] {
      guard progress.interval != nil else { return [] }
      seen += 1
      return [JournalAlert(alert: 0, state: seen % 2 == 1 ? .firing : .resolved, atNanoseconds: progress.atNanoseconds, observed: "x")]
    }
    func end(at now: UInt64) -> [JournalAlert] { seen % 2 == 1 ? [JournalAlert(alert: 0, state: .ended, atNanoseconds: now, observed: "x")] : [] }
    func tallies(missed: UInt64) -> [JournalAlertTally] { [JournalAlertTally(alert: 0, decided: seen, missed: missed)] }
  }

  private func reports(_ count: UInt64) -> [RunProgress] {
    (1...count).map { second in
      var report = RunProgress(phase: .load)
      report.atNanoseconds = (100 + second) * 1_000_000_000
      report.elapsedNanoseconds = second * 1_000_000_000
      report.interval = JournalInterval()
      return report
    }
  }

  @Test func `the desk writes each change and each result into the journal, and a line for the terminal`() throws {
    let folder = try AlertSamples.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let journal = try JournalWriter(creating: folder + "/journal.ndjson")
    let start = AlertSamples.start(1)
    journal.append(start)
    let opened = AlertDesk(
      start: start, targets: [.init(command: ["/bin/sh", "-c", "exit 5"])], folder: "/", logPath: nil, journal: journal,
      makeJudge: { EveryOther() })
    let desk = try #require(opened)
    for report in reports(3) { desk.put(report) }
    desk.end(withinNanoseconds: 60_000_000_000)
    #expect(journal.close())
    let lines = desk.takeMessages()
    #expect(lines.prefix(1) == ["alert 'cache lags' fires at 1.0 s: p95(step.get) > 500ms, observed x"])
    #expect(lines.contains("alert 'cache lags' is resolved at 2.0 s, after 1 s, observed x"))
    #expect(lines.contains { $0.hasPrefix("alert 'cache lags' still fires as the load ends at ") })
    #expect(lines.filter { $0.contains("the command failed: exit status 5") }.count == 1, "\(lines)")
    let alert = try #require(try JournalReader.read(path: folder + "/journal.ndjson").alerts.first)
    #expect(alert.firings == 2 && alert.spans.map { $0.resolved != nil } == [true, false] && alert.isFiring)
    #expect(alert.failed == 4 && alert.succeeded == 0 && alert.losses.map(\.state) == [.firing, .resolved, .firing, .ended])
    #expect(alert.tally?.decided == 3 && alert.tally?.missed == 0)
  }

  @Test func `a judge that stands still costs the reactor nothing, and the seconds that it misses are counted`() throws {
    let folder = try AlertSamples.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let journal = try JournalWriter(creating: folder + "/journal.ndjson")
    let start = AlertSamples.start(1)
    journal.append(start)
    let gate = Gate()
    let opened = gate.lock.withLock { _ in
      let desk = AlertDesk(start: start, targets: [], folder: "/", logPath: nil, journal: journal) {
        // Stands still until the test has handed over everything.
        gate.lock.withLock { _ in }
        return EveryOther()
      }
      let took = seconds { for report in reports(300) { desk?.put(report) } }
      #expect(took < 5)
      return desk
    }
    let desk = try #require(opened)
    desk.end(withinNanoseconds: 1_000_000_000)
    #expect(journal.close())
    let alert = try #require(try JournalReader.read(path: folder + "/journal.ndjson").alerts.first)
    #expect(alert.tally.map { $0.decided + $0.missed } == 300 && (alert.tally?.missed ?? 0) > 0, "\(String(describing: alert.tally))")
  }
}

enum AlertSamples {
  static func start(_ alerts: Int) -> JournalStart {
    var start = JournalStart()
    start.runID = "run-7"
    start.chain = "order-flow"
    start.profile = "steady"
    start.monotonicNanoseconds = 90_000_000_000
    start.realtimeNanoseconds = 1_785_400_000_000_000_000
    start.alerts = (0..<alerts).map {
      AlertInfo(
        name: $0 == 0 ? "cache lags" : "alert \($0)", condition: "p95(step.get) > 500ms", overNanoseconds: 10_000_000_000, firesAfter: 1,
        actions: ["command"])
    }
    return start
  }

  static func folder() throws -> String {
    let path = "/tmp/chainrun-alerts-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  static func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<1_000 {
      if condition() { return true }
      usleep(10_000)
    }
    return false
  }
}

/// Gives each request the same answer.
final class Answering: Sendable {
  let port: UInt16
  private let listener: Int32

  init(_ answer: String) throws {
    let opened = try #require(ListenAddress(":0")).listen()
    listener = opened.descriptor
    port = opened.port
    let listener = listener
    Thread.detachNewThread { [weak self] in
      while true {
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        let count = poll(&waiting, 1, 100)
        guard self != nil, waiting.revents & Int16(POLLNVAL) == 0 else { return }
        guard count > 0 else { continue }
        let client = accept(listener, nil, nil)
        guard client >= 0 else { continue }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        _ = recv(client, &bytes, bytes.count, 0)
        _ = write(client, answer, answer.utf8.count)
        close(client)
      }
    }
  }

  deinit { close(listener) }
}
