import ChainIO
import ChainProgram
import Synchronization
import Testing

@testable import RedisConnector

/// The observer against a server that tracks nothing, and tells what each test says.
struct ScriptedObserverTests {
  /// What the fake server does with each question; the subscribed connection, to push notices over.
  private final class TrackingServer: Sendable {
    struct Manner {
      var notices: FakeServer.Peer?
      var answersPings = true
      var trackingInfo = "*2\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$5\r\nbcast\r\n"
      var pings = 0
      /// Nanoseconds: when questions came.
      var pingTimes: [UInt64] = []
      var readTimes: [UInt64] = []
    }
    let manner = Mutex(Manner())
    private let holder = Mutex<FakeServer?>(nil)

    init() {
      let server = FakeServer { [self] words, peer in
        switch words.prefix(2).joined(separator: " ") {
        case "CLIENT ID": peer.send(":5\r\n")
        case "CLIENT TRACKING": peer.send("+OK\r\n")
        case "CLIENT TRACKINGINFO": peer.send(manner.withLock { $0.trackingInfo })
        case "PING":
          let answers = manner.withLock {
            $0.pings += 1
            $0.pingTimes.append(MonotonicClock.now)
            return $0.answersPings
          }
          if answers { peer.send("*2\r\n$4\r\npong\r\n$0\r\n\r\n") }
        default:
          if words[0] == "SUBSCRIBE" {
            manner.withLock { $0.notices = peer }
            peer.send("*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n")
          } else if words[0] == "GET" {
            manner.withLock { $0.readTimes.append(MonotonicClock.now) }
            peer.send(words[1] == "k:list" ? "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n" : "$1\r\nv\r\n")
          }
        }
      }
      holder.withLock { $0 = server }
    }

    var server: FakeServer { holder.withLock { $0! } }

    func notice(_ keys: [String]) -> String {
      "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*\(keys.count)\r\n" + keys.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }
    func push(_ text: String) { manner.withLock { $0.notices }?.send(text) }
  }

  private func arm(_ bench: Bench, readsContent: Bool = true, into sink: SightingRecorder) throws -> NoticeObserver {
    let hop = HopDeclaration(
      name: "cached", connection: ConnectionIndex(0), observer: "watch", operands: [("watch", .text(TextTemplate("k:*"))), ("how", .choice("tracking"))],
      mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: readsContent,
      range: .init(file: .init(0), start: 0, end: 0))
    let observer = try #require(try bench.driver.makeObserver(hop: hop, sink: sink) as? NoticeObserver)
    var outcome: OperationError??
    observer.arm(deadline: MonotonicClock.now + 2_000_000_000) { outcome = .some($0) }
    bench.run { outcome != nil }
    #expect(outcome == .some(nil))
    return observer
  }

  @Test func `notices and pongs that come in pieces or all at once are told apart and bounded in order`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, readsContent: false, into: sink)
    bench.run { tracking.manner.withLock { $0.pings } == 1 }
    bench.run(for: .milliseconds(30)) { false }
    tracking.manner.withLock { $0.answersPings = false }
    observer.isFencing = true
    bench.run { tracking.manner.withLock { $0.pings } == 2 }
    // Two notices around a pong, in one piece; then one byte by byte.
    tracking.push(tracking.notice(["k:1", "other", "k:2"]) + "*2\r\n$4\r\npong\r\n$0\r\n\r\n" + tracking.notice(["k:3"]))
    for byte in Array(tracking.notice(["k:4"]).utf8) { tracking.manner.withLock { $0.notices }?.send([byte]) }
    #expect(bench.run { sink.sightings.count == 4 })
    #expect(sink.sightings.map(\.key) == ["k:1", "k:2", "k:3", "k:4"])
    let bounds = sink.sightings.map(\.notBefore)
    #expect(bounds[0] == bounds[1] && bounds[1] < bounds[2] && bounds[2] == bounds[3])
    #expect(sink.sightings.allSatisfy { $0.notBefore < $0.seen })
    observer.close()
    bench.driver.close()
  }

  @Test func `while fencing exactly one ping is in flight and the next follows within two milliseconds, else one each second`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, into: sink)
    bench.run(for: .milliseconds(1300)) { false }
    let idle = tracking.manner.withLock { $0.pings }
    #expect((2...4).contains(idle))
    observer.isFencing = true
    bench.run(for: .milliseconds(1000)) { false }
    let fencing = tracking.manner.withLock { $0.pings } - idle
    #expect(fencing > 100 && fencing <= 2000)
    observer.isFencing = false
    bench.run(for: .milliseconds(300)) { false }
    #expect(tracking.manner.withLock { $0.pings } - idle - fencing <= 2)
    observer.close()
    bench.driver.close()
  }

  @Test func `an event that is seen within a pause costs no fence, and one each second comes all the same`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, into: sink)
    bench.run { tracking.manner.withLock { $0.pings } == 1 }
    observer.fencePauseNanoseconds = 400_000_000
    let start = MonotonicClock.now
    for _ in 0..<20 {
      observer.isFencing = true
      bench.run(for: .milliseconds(10)) { false }
      observer.isFencing = false
      bench.run(for: .milliseconds(10)) { false }
    }
    if MonotonicClock.now - start < 900_000_000 { #expect(tracking.manner.withLock { $0.pings } == 1) }
    #expect(bench.run(for: .seconds(2)) { tracking.manner.withLock { $0.pings } == 2 })
    #expect(MonotonicClock.now - start < 1_500_000_000)
    observer.close()
    bench.driver.close()
  }

  /// Notices come each 60 ms, and a fence that is due waits 100 ms for one: sent by its own time, one in three would come so close to a
  /// read.
  @Test func `a fence that is due goes out together with the next read of a value`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, into: sink)
    bench.run { tracking.manner.withLock { $0.pings } == 1 }
    observer.fencePauseNanoseconds = 400_000_000
    observer.isFencing = true
    let before = tracking.manner.withLock { $0.pings }
    for number in 0..<100 where tracking.manner.withLock({ $0.pings }) < before + 6 {
      tracking.push(tracking.notice(["k:\(number)"]))
      bench.run(for: .milliseconds(60)) { false }
    }
    let (pings, reads) = tracking.manner.withLock { ($0.pingTimes.dropFirst(before + 1), $0.readTimes) }
    let distances = pings.map { ping in reads.map { max($0, ping) - min($0, ping) }.min() ?? .max }
    #expect(distances.count >= 5)
    #expect(distances.allSatisfy { $0 < 10_000_000 }, "nanoseconds from a fence to the nearest read: \(distances)")
    observer.close()
    bench.driver.close()
  }

  @Test func `a key that is no text is seen without a value`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, into: sink)
    tracking.push(tracking.notice(["k:list", "k:text"]))
    #expect(bench.run { sink.sightings.count == 2 })
    #expect(sink.sightings.map(\.value) == [nil, "v"])
    observer.close()
    bench.driver.close()
  }

  @Test func `a broken redirection, silent as it is, is a gap`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, into: sink)
    tracking.manner.withLock { $0.trackingInfo = "*2\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$15\r\nbroken_redirect\r\n" }
    #expect(bench.run { sink.gapStarts.count == 1 })
    tracking.manner.withLock { $0.trackingInfo = "*2\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n" }
    #expect(bench.run { sink.gapEnds.count == 1 })
    #expect(tracking.server.connectionCount == 4)
    observer.close()
    bench.driver.close()
  }

  @Test func `five seconds without a pong are a gap since the last ping that was answered`() throws {
    let tracking = TrackingServer()
    defer { tracking.server.stop() }
    let bench = try Bench(address: tracking.server.address, commands: [])
    let sink = SightingRecorder()
    let observer = try arm(bench, into: sink)
    bench.run(for: .milliseconds(200)) { false }
    let silentSince = MonotonicClock.now
    tracking.manner.withLock { $0.answersPings = false }
    #expect(bench.run(for: .seconds(9)) { sink.gapStarts.count == 1 })
    #expect(sink.gapStarts.first.map { $0 <= silentSince } == true)
    let spent = MonotonicClock.now - silentSince
    #expect(spent > 5_000_000_000 && spent < 8_000_000_000)
    observer.close()
    bench.driver.close()
  }

  @Test func `a server that cannot track is an error of arming, with its reason`() throws {
    let server = FakeServer { words, peer in
      switch words.prefix(2).joined(separator: " ") {
      case "CLIENT ID": peer.send(":5\r\n")
      case "CLIENT TRACKING": peer.send("-ERR Unknown subcommand or wrong number of arguments for 'TRACKING'\r\n")
      default: peer.send("*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n")
      }
    }
    defer { server.stop() }
    let bench = try Bench(address: server.address, commands: [])
    let hop = HopDeclaration(
      name: "cached", connection: ConnectionIndex(0), observer: "watch", operands: [("watch", .text(TextTemplate("k:*"))), ("how", .choice("tracking"))],
      mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: true,
      range: .init(file: .init(0), start: 0, end: 0))
    let observer = try bench.driver.makeObserver(hop: hop, sink: SightingRecorder())
    var outcome: OperationError??
    observer.arm(deadline: MonotonicClock.now + 2_000_000_000) { outcome = .some($0) }
    #expect(bench.run { outcome != nil })
    let error = try #require(outcome ?? nil)
    #expect(error.class == .connect && error.message.contains("cannot watch keys"))
    observer.close()
    bench.driver.close()
  }
}
