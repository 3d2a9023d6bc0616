import Foundation
import Glibc
import LosslessJSON
import Synchronization
import Testing

/// Whole runs with alerts, against a web server of this process that is the load's target and the alerts' webhook.
@Suite struct AlertRunTests {
  private func chain(_ alerts: String, load: String, in folder: ScratchFolder) throws -> String {
    try folder.write(
      """
      version: 1
      chain: alerting
      connections: { api: { http: $env.API, pool: 40 } }
      secrets: { alert_url: { env: ALERT_URL } }
      steps: [ { id: work, http: GET /work } ]
      load: { main: \(load) }
      alerts:
      \(alerts)

      """, to: "alerting.chain.yaml")
  }

  private func first(_ list: JSONValue?) -> JSONValue? { list?.elements.first { _ in true } }

  /// For a shell to read: a file that was just written may be open in a child of a test beside this one, and cannot be executed then.
  private func script(_ name: String, _ body: String, in folder: ScratchFolder) throws {
    try FileManager.default.createDirectory(atPath: folder.path("scripts"), withIntermediateDirectories: true)
    try folder.write("\(body)\n", to: "scripts/" + name)
  }

  private func run(_ chain: String, _ server: WorkServer, _ options: [String] = [], in folder: ScratchFolder) throws -> (Launched.Ended, RunResults) {
    let out = folder.path("out")
    let launched = try Launched.chainrun(
      ["run", chain, "--out", out] + options,
      environment: ["API": server.url, "ALERT_URL": "http://ops:hunter2@127.0.0.1:\(server.port)/hook/s3cret"])
    let ended = try launched.end(within: 60)
    return (ended, try RunResults(out))
  }

  /// The server is slow from second 2 to second 4 of its own clock, which begins with the load. This machine may be busy, so the second in
  /// which it is noticed has some more; the exact claim is `AlertTests`'.
  @Test func `a slow spell fires and is resolved while the load runs, by command and webhook, and is in every report`() throws {
    let folder = try ScratchFolder()
    let server = try WorkServer { since in since >= 2 && since < 4 ? 0.25 : 0 }
    try script("note", "echo \"$1 $CHAINRUN_ALERT $CHAINRUN_STATE $CHAINRUN_SECOND\" >> notes; echo told", in: folder)
    let path = try chain(
      """
        - { name: slow work, when: p50(step.work) > 150ms, over: 1s, run: [/bin/sh, scripts/note, a b], webhook: $secrets.alert_url }
        - { name: never, when: count(errors) > 1000000, run: [/bin/sh, scripts/note, never] }
      """, load: "{ open: { rate: 40/s, for: 7s, max_vus: 60 } }", in: folder)
    let (ended, results) = try run(path, server, in: folder)
    #expect(ended.code == 0, "an alert decides nothing: \(ended)")
    let alert = try #require(first(results.value("alerts")), "\(ended)")
    let span = try #require(first(alert["spans"]), "\(ended)")
    let (from, to) = (span["from_s"]?.double ?? -1, span["to_s"]?.double ?? -1)
    #expect(from >= 2 && from <= 4.5 && to >= 4 && to <= 6.9, "\(from) to \(to)\n\(ended)")
    #expect(alert["state"]?.string == "resolved" && alert["fired"]?.integer(as: Int.self) == 1, "\(ended)")
    #expect((span["value"]?.double ?? 0) > 0.15 && span["limit"]?.double == 0.15)
    #expect(alert["delivered"]?["ok"]?.integer(as: Int.self) == 4 && alert["losses"]?.count == 0, "\(ended)")
    let notes = folder.read("notes").split(separator: "\n").map { $0.split(separator: " ").prefix(5).joined(separator: " ") }
    #expect(notes == ["a b slow work firing", "a b slow work resolved"], "\(notes)")
    let states = try server.posted.map { try JSONDocument(parsing: $0).root["state"]?.string ?? "" }
    #expect(states == ["firing", "resolved"])
    // On the terminal as it happens, and in what is left.
    #expect(ended.errors.contains("chainrun: alert 'slow work' fires at ") && ended.errors.contains("chainrun: alert 'slow work' is resolved at "), "\(ended)")
    #expect(ended.output.contains("Alerts") && ended.output.contains("slow work") && ended.output.contains("quiet"), "\(ended.output)")
    let page = RunResults.text(results.folder + "/report.html")
    #expect(page.contains("&#39;slow work&#39; fired") || page.contains("'slow work' fired"), "the span is marked on the timeline")
    #expect(RunResults.text(results.folder + "/alerts.log").contains("told\n"))
    for file in try FileManager.default.contentsOfDirectory(atPath: results.folder) {
      let text = RunResults.text(results.folder + "/" + file)
      #expect(!text.contains("hunter2") && !text.contains("s3cret"), "the webhook's address stands in \(file)")
    }
    #expect(!(ended.errors + ended.output).contains("s3cret"))
  }

  @Test func `with --no-alerts everything is judged and shown, and nothing is run or posted`() throws {
    let folder = try ScratchFolder()
    let server = try WorkServer { _ in 0 }
    // Neither the command nor the secret is needed.
    let path = try chain(
      "  - { name: busy, when: count(iterations) > 1, over: 1s, run: [scripts/not-there], webhook: $env.NOT_SET }", load: "{ open: { rate: 40/s, for: 3s } }", in: folder)
    let (ended, results) = try run(path, server, ["--no-alerts"], in: folder)
    #expect(ended.code == 0, "\(ended)")
    let alert = try #require(first(results.value("alerts")))
    #expect(alert["state"]?.string == "firing" && alert["actions"]?.count == 0 && alert["delivered"]?["ok"]?.integer(as: Int.self) == 0)
    #expect(ended.errors.contains("alert 'busy' fires at ") && ended.errors.contains("alert 'busy' still fires as the load ends"), "\(ended)")
    #expect(ended.output.contains("nothing was run or posted"), "\(ended.output)")
    #expect(server.posted.isEmpty && !FileManager.default.fileExists(atPath: results.folder + "/alerts.log"))
    let refused = try Launched.chainrun(["run", path, "--out", folder.path("out2")], environment: ["API": server.url, "ALERT_URL": "x"]).end(within: 10)
    #expect(refused.code == 1 && refused.errors.contains("error[alert-command]"), "\(refused)")
  }

  @Test func `an action that fails changes no exit code and is told as a loss`() throws {
    let folder = try ScratchFolder()
    let server = try WorkServer { _ in 0 }
    try script("hangs", "sleep 300", in: folder)
    let path = try chain(
      "  - { name: busy, when: count(iterations) > 1, over: 1s, timeout: 300ms, run: [/bin/sh, scripts/hangs], webhook: \"http://127.0.0.1:1/x\" }",
      load: "{ open: { rate: 40/s, for: 3s } }", in: folder)
    let (ended, results) = try run(path, server, in: folder)
    #expect(ended.code == 0, "\(ended)")
    let alert = try #require(first(results.value("alerts")))
    #expect(alert["delivered"]?["failed"]?.integer(as: Int.self) == 4, "\(ended)")
    let reasons = Set(alert["losses"]?.elements.map { $0["reason"]?.string ?? "" } ?? [])
    #expect(reasons.contains("no end within 300 ms") && reasons.count == 2, "\(reasons)")
    #expect(ended.errors.contains("alert 'busy': the command failed: no end within 300 ms"), "\(ended)")
    #expect(ended.output.contains("'busy': 4 of 4 actions did not get out"), "\(ended.output)")
    // The journal alone gives the same.
    let again = try Launched.chainrun(["report", results.folder, "--format", "json"]).end(within: 20)
    #expect(try first(JSONDocument(parsing: again.output).root["alerts"])?["delivered"]?["failed"]?.integer(as: Int.self) == 4)
  }
}

/// Answers `GET` after a delay that the time since the first one decides, and keeps what is posted.
private final class WorkServer: Sendable {
  private struct State {
    var first: ContinuousClock.Instant?
    var posted: [String] = []
  }

  let port: UInt16
  private let state = Mutex(State())
  private let delay: @Sendable (Double) -> Double

  var url: String { "http://127.0.0.1:\(port)" }
  var posted: [String] { state.withLock { $0.posted } }

  /// - Parameter delay: Seconds since the first request to seconds of waiting.
  init(delay: @escaping @Sendable (Double) -> Double) throws {
    self.delay = delay
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 128) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(isBound)
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [weak self] in
      while true {
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        let count = poll(&waiting, 1, 100)
        guard let self else {
          close(listener)
          return
        }
        guard count > 0 else { continue }
        let client = accept(listener, nil, nil)
        guard client >= 0 else { continue }
        Thread.detachNewThread { self.serve(client) }
      }
    }
  }

  private func serve(_ client: Int32) {
    defer { close(client) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 14)
    while case let count = recv(client, &piece, piece.count, 0), count > 0 {
      bytes += piece[..<count]
      let text = String(decoding: bytes, as: UTF8.self)
      guard let head = text.range(of: "\r\n\r\n") else { continue }
      let size = text.range(of: "Content-Length: ").map { Int(text[$0.upperBound...].prefix { $0.isNumber }) ?? 0 } ?? 0
      let body = text[head.upperBound...]
      guard body.utf8.count >= size else { continue }
      bytes = []
      let wait = state.withLock { state -> Double in
        guard text.hasPrefix("GET ") else {
          state.posted.append(String(body))
          return 0
        }
        let first = state.first ?? ContinuousClock.now
        state.first = first
        return delay((ContinuousClock.now - first) / .seconds(1))
      }
      if wait > 0 { usleep(UInt32(wait * 1e6)) }
      let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      guard send(client, answer, answer.utf8.count, Int32(MSG_NOSIGNAL)) == answer.utf8.count else { return }
    }
  }
}
