import Foundation
import Glibc
import LosslessJSON
import Testing

/// What needs no server: refusals, and servers that are not there.
@Suite(.serialized)
struct CommandTests {
  @Test func `five mistakes are five located findings, and nothing is executed`() throws {
    let listener = try Listener()
    let folder = try ScratchFolder()
    let chain = try folder.write(Chains.fiveMistakes, to: "five.chain.yaml")
    let addresses = [
      "ORDERS_DB": "postgresql://orders:opensesame@127.0.0.1:\(listener.port)/orders",
      "ORDERS_CACHE": "redis://default:opensesame@127.0.0.1:\(listener.port)/0",
    ]
    let linted = try Launched.chainrun(["lint", "--format", "json", chain], environment: addresses).end(within: 10)
    #expect(linted.code == 1, "\(linted)")
    let findings = try JSONDocument(parsing: linted.output).root["findings"]?.elements.map { $0 } ?? []
    let places = findings.map {
      "\($0["name"]?.string ?? "") \($0["start"]?["line"]?.numberText ?? ""):\($0["start"]?["column"]?.numberText ?? "")"
    }
    #expect(
      places == [
        "sql-quoted-interpolation 8:74", "unknown-key 10:5", "use-before-capture 12:24", "bad-literal 14:14", "type-mismatch 21:9",
      ], "\(linted)")

    let shown = try Launched.chainrun(["lint", chain], environment: addresses).end(within: 10)
    #expect(shown.code == 1)
    #expect(shown.output.components(separatedBy: "error[").count == 6, "\(shown)")
    #expect(
      shown.output.contains("     timeot: 2s\n") && shown.output.contains("^^^^^^\n") && shown.output.contains("did you mean 'timeout'?"))

    let out = folder.path("out")
    let run = try Launched.chainrun(["run", chain, "--out", out], environment: addresses).end(within: 10)
    #expect(run.code == 1, "\(run)")
    #expect(run.errors.components(separatedBy: "error[").count == 6, "\(run)")
    #expect(!FileManager.default.fileExists(atPath: out), "nothing was executed, so there are no results")
    #expect(listener.connections() == 0)
  }

  static let kinds = [
    ["postgres", "postgresql", "sql: SELECT 1 AS one"], ["amqp", "amqp", "publish: orders\n    text: hello"],
    ["redis", "redis", "redis: GET x"],
    ["http", "http", "http: GET /x"],
  ]

  @Test(arguments: kinds)
  func `a server that is not there is named with its cause, and the password is not`(_ kind: [String]) throws {
    // A port that was ours a moment ago: nobody listens there.
    let port = try Listener().port
    let (ended, folder) = try runSingle(kind, port: port)
    #expect(ended.code == 3, "\(ended)")
    #expect(ended.errors.contains("127.0.0.1:\(port)") && ended.errors.contains("connection refused"), "\(ended)")
    #expect(ended.seconds < 3, "\(ended)")
    expectNoPassword(ended, folder)
  }

  @Test(arguments: kinds.dropLast())
  func `a server that does not answer is given up at the connect deadline`(_ kind: [String]) throws {
    let listener = try Listener()
    let (ended, folder) = try runSingle(kind, port: listener.port)
    #expect(ended.code == 3, "\(ended)")
    #expect(ended.errors.contains("127.0.0.1:\(listener.port)"), "\(ended)")
    #expect((0.9...3).contains(ended.seconds), "the deadline is 1 s\n\(ended)")
    expectNoPassword(ended, folder)
  }

  @Test func `interrupts end a run that still waits for a connection`() throws {
    let listener = try Listener()
    let folder = try ScratchFolder()
    let chain = try folder.write(
      Chains.single(kind: "redis", address: "$env.ADDRESS", step: "redis: GET x", connectTimeout: "60s"), to: "single.chain.yaml")
    let launched = try Launched.chainrun(
      ["run", chain, "--out", folder.path("out")], environment: ["ADDRESS": "redis://127.0.0.1:\(listener.port)/0"])
    #expect(eventually(within: 10) { launched.errors.contains("connecting") })
    usleep(200_000)
    launched.send(SIGINT)
    usleep(200_000)
    if launched.isRunning { launched.send(SIGINT) }
    let second = ContinuousClock.now
    let ended = try launched.end(within: 10)
    #expect(ContinuousClock.now - second < .seconds(2), "\(ended)")
    #expect(ended.code == 130, "\(ended)")
  }

  private func runSingle(_ kind: [String], port: UInt16) throws -> (Launched.Ended, ScratchFolder) {
    let folder = try ScratchFolder()
    let access = kind[0] == "amqp" ? ", access: publish" : ""
    let chain = try folder.write(
      Chains.single(kind: kind[0], address: "$env.ADDRESS\(access)", step: kind[2], connectTimeout: "1s"), to: "single.chain.yaml")
    let address = "\(kind[1])://orders:opensesame@127.0.0.1:\(port)" + (kind[0] == "http" ? "" : "/0")
    return (try Launched.chainrun(["run", chain, "--out", folder.path("out")], environment: ["ADDRESS": address]).end(within: 20), folder)
  }

  private func expectNoPassword(_ ended: Launched.Ended, _ folder: ScratchFolder) {
    #expect(!ended.output.contains("opensesame") && !ended.errors.contains("opensesame"), "\(ended)")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path("out"))) ?? []
    #expect(files.contains("journal.ndjson"))
    for file in files { #expect(!folder.read("out/\(file)").contains("opensesame"), "\(file)") }
  }

  @Test func `a profile that the chain does not have is refused with the near name`() throws {
    let ended = try Launched.chainrun(["run", Chains.orderFlow, "--profile", "dmeo"], environment: nowhere).end(within: 10)
    #expect(ended.code == 2, "\(ended)")
    #expect(ended.errors.contains("did you mean 'demo'?"), "\(ended)")
  }

  @Test func `a missing environment variable is named`() throws {
    let ended = try Launched.chainrun(["run", Chains.orderFlow]).end(within: 10)
    #expect(ended.code == 2, "\(ended)")
    #expect(ended.errors.contains("ORDERS_DB"), "\(ended)")
  }

  @Test func `the guard refuses a host that it does not list, before any connection`() throws {
    let listener = try Listener()
    var addresses = nowhere
    addresses["ORDERS_DB"] = "postgresql://orders:opensesame@127.0.0.2:\(listener.port)/orders"
    let ended = try Launched.chainrun(["run", Chains.orderFlow], environment: addresses).end(within: 10)
    #expect(ended.code == 2, "\(ended)")
    #expect(ended.errors.contains("'127.0.0.2'") && ended.errors.contains("guard"), "\(ended)")
    #expect(!ended.errors.contains("opensesame"))
    #expect(listener.connections() == 0)
  }

  @Test func `a mistyped option or command is refused with the near name`() throws {
    let option = try Launched.chainrun(["run", Chains.orderFlow, "--profil", "demo"]).end(within: 10)
    #expect(option.code == 2 && option.errors.contains("did you mean '--profile'?"), "\(option)")
    let command = try Launched.chainrun(["rnu", Chains.orderFlow]).end(within: 10)
    #expect(command.code == 2 && command.errors.contains("did you mean 'run'?"), "\(command)")
  }

  @Test func `the repository's chains have no findings`() throws {
    let ended = try Launched.chainrun(["lint", Chains.orderFlow, Chains.redisGet]).end(within: 10)
    #expect(ended.code == 0 && ended.output.isEmpty, "\(ended)")
  }

  private var nowhere: [String: String] {
    [
      "ORDERS_DB": "postgresql://orders@127.0.0.1:1/orders", "ORDERS_MQ": "amqp://orders@127.0.0.1:1/",
      "ORDERS_CACHE": "redis://127.0.0.1:1/0",
    ]
  }
}

/// A loopback port that takes connections and says nothing.
final class Listener {
  private let descriptor: Int32
  let port: UInt16

  struct Failed: Error {
    let code: Int32
  }

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_ANY
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw Failed(code: errno) }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// How many came since the last call; none of them is kept.
  func connections() -> Int {
    var count = 0
    while case let taken = accept(descriptor, nil, nil), taken >= 0 {
      close(taken)
      count += 1
    }
    return count
  }
}
