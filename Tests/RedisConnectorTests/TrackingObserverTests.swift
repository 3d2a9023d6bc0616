import ChainIO
import ChainProgram
import Glibc
import Synchronization
import Testing

@testable import RedisConnector

/// Keeps what an observer told.
final class SightingRecorder: SightingSink {
  struct Seen {
    let notBefore: UInt64
    let seen: UInt64
    let key: String
    let value: String?
  }
  private(set) var sightings: [Seen] = []
  private(set) var gapStarts: [UInt64] = []
  private(set) var gapEnds: [UInt64] = []

  func sighted(_ sighting: borrowing Sighting) {
    let content = sighting.content
    sightings.append(
      Seen(
        notBefore: sighting.notBefore, seen: sighting.seen, key: content.string(content.key),
        value: content.hasBody ? content.string(content.body) : nil))
  }
  private(set) var causes: [String] = []
  func gapBegan(at start: UInt64, cause: String) {
    gapStarts.append(start)
    causes.append(cause)
  }
  func gapEnded(at end: UInt64) { gapEnds.append(end) }
}

/// The observer against the sandbox's Redis (ORDERS_CACHE).
@Suite(.enabled(if: sandboxAddress != nil), .serialized)
struct TrackingObserverTests {
  private let address = sandboxAddress ?? ""

  private static func hop(_ pattern: String, readsContent: Bool = true, keys: [(name: String, value: OperandTemplate)] = [])
    -> HopDeclaration
  {
    HopDeclaration(
      name: "cached", connection: ConnectionIndex(0), observer: "watch", operands: [("watch", .text(TextTemplate(pattern)))] + keys,
      mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: readsContent,
      range: .init(file: .init(0), start: 0, end: 0))
  }

  private func arm(_ bench: Bench, _ pattern: String, readsContent: Bool = true, into sink: SightingRecorder) throws -> NoticeObserver {
    let made = try bench.driver.makeObserver(hop: TrackingObserverTests.hop(pattern, readsContent: readsContent, keys: [("how", .choice("tracking"))]), sink: sink)
    let observer = try #require(made as? NoticeObserver)
    var outcome: OperationError??
    observer.arm(deadline: MonotonicClock.now + 2_000_000_000) { outcome = .some($0) }
    bench.run { outcome != nil }
    #expect(outcome == .some(nil))
    return observer
  }

  private static func prefix() -> String { "seen:\(MonotonicClock.now)" }

  /// The known truth: another client notes when it sent each write and when it had the answer.
  @Test func `two thousand writes at random intervals all lie inside their brackets`() throws {
    let bench = try Bench(address: address, commands: ["GET {0}"])
    let sink = SightingRecorder()
    let prefix = TrackingObserverTests.prefix()
    let observer = try arm(bench, "\(prefix):*", into: sink)
    observer.isFencing = true
    let target = try RedisTarget(address: address)
    let truth = Mutex<[(sent: UInt64, replied: UInt64)]>([])
    let count = 2000
    onThread {
      let client = RawClient(target)
      var random = SmallRandom(seed: 20_260_101)
      for number in 0..<count {
        usleep(UInt32(random.next() % 2000))
        let sent = MonotonicClock.now
        client.call(["SET", "\(prefix):\(number)", "{\"id\":\(number)}", "PX", "30000"])
        let replied = MonotonicClock.now
        truth.withLock { $0.append((sent, replied)) }
      }
    }
    #expect(bench.run(for: .seconds(30)) { sink.sightings.count >= count && truth.withLock { $0.count } == count })
    let writes = truth.withLock { $0 }
    #expect(sink.sightings.count == count && sink.gapStarts.isEmpty)
    var widths: [UInt64] = []
    var delays: [UInt64] = []
    var wrong = 0
    for sighting in sink.sightings {
      let number = try #require(Int(sighting.key.dropFirst(prefix.count + 1)))
      #expect(sighting.value == "{\"id\":\(number)}")
      let isTrue = sighting.notBefore < writes[number].replied && sighting.seen > writes[number].sent
      if !isTrue || sighting.notBefore >= sighting.seen { wrong += 1 }
      widths.append(sighting.seen - min(sighting.seen, sighting.notBefore))
      delays.append(sighting.seen - min(sighting.seen, writes[number].sent))
    }
    #expect(wrong == 0)
    widths.sort()
    delays.sort()
    print(
      "tracking: \(count) writes, median width \(widths[count / 2] / 1000) us, p99 \(widths[count * 99 / 100] / 1000) us; "
        + "sent to seen: median \(delays[count / 2] / 1000) us; \(observer.operationsSent) requests")
    #expect(widths[count / 2] < 5_000_000)
    observer.close()
    bench.driver.close()
  }

  @Test func `keys are not lost when a thousand of them change at once, and only those that match are told`() throws {
    let bench = try Bench(address: address, commands: ["GET {0}"])
    let prefix = TrackingObserverTests.prefix()
    let sink = SightingRecorder()
    let observer = try arm(bench, "\(prefix):*:a?", into: sink)
    observer.isFencing = true
    let client = RawClient(try RedisTarget(address: address))
    var words = ["MSET"]
    for number in 0..<20_000 {
      words += ["\(prefix):\(number):a\(number % 7)", "v\(number)"]
      words += ["\(prefix):\(number):b", "no"]
    }
    client.call(words)
    #expect(bench.run(for: .seconds(20)) { sink.sightings.count >= 20_000 })
    #expect(sink.sightings.count == 20_000)
    #expect(Set(sink.sightings.map(\.key)).count == 20_000)
    #expect(sink.sightings.allSatisfy { sighting in sighting.value == "v\(sighting.key.split(separator: ":")[2])" })
    observer.close()
    bench.driver.close()
  }

  @Test func `a write right after arming is seen, a deleted key is counted, and a flush does no harm`() throws {
    let bench = try Bench(address: address, commands: ["GET {0}"])
    let prefix = TrackingObserverTests.prefix()
    let sink = SightingRecorder()
    let client = RawClient(try RedisTarget(address: address))
    let observer = try arm(bench, "\(prefix)*", into: sink)
    client.call(["SET", prefix, "1"])
    #expect(bench.run { sink.sightings.count == 1 })
    #expect(sink.sightings.first.map { $0.notBefore > 0 && $0.notBefore < $0.seen } == true)
    client.call(["DEL", prefix])
    #expect(bench.run { observer.missingValues == 1 })
    client.call(["FLUSHDB"])
    #expect(bench.run { observer.flushes == 1 })
    client.call(["SET", prefix, "2"])
    #expect(bench.run { sink.sightings.count == 2 })
    // What was written just before the flush may have gone unseen: a gap as short as that.
    #expect(sink.gapStarts.count == 1 && sink.gapEnds.count == 1 && sink.causes[0].contains("emptied"))
    observer.close()
    bench.driver.close()
  }

  @Test func `a hop that needs the key only is told without a read`() throws {
    let bench = try Bench(address: address, commands: ["GET {0}"])
    let prefix = TrackingObserverTests.prefix()
    let sink = SightingRecorder()
    let observer = try arm(bench, "\(prefix)*", readsContent: false, into: sink)
    RawClient(try RedisTarget(address: address)).call(["SET", prefix + ":5", "1"])
    #expect(bench.run { sink.sightings.count == 1 })
    #expect(sink.sightings.first?.key == prefix + ":5" && sink.sightings.first?.value == nil)
    observer.close()
    bench.driver.close()
  }

  @Test(arguments: [true, false])
  func `a killed connection is a gap that began before it was killed and ends once writes are seen again`(_ killsNotices: Bool) throws {
    let bench = try Bench(address: address, commands: ["GET {0}"])
    let prefix = TrackingObserverTests.prefix()
    let sink = SightingRecorder()
    let observer = try arm(bench, "\(prefix)*", into: sink)
    observer.isFencing = true
    bench.run(for: .milliseconds(50)) { false }
    let client = RawClient(try RedisTarget(address: address))
    let notices = try #require(observer.redirectId)
    var id = "\(notices)"
    if !killsNotices {
      let list = client.call(["CLIENT", "LIST"])
      let line = try #require(list.split(separator: "\n").first { $0.contains("redir=\(notices) ") })
      id = String(try #require(line.split(separator: " ").first { $0.hasPrefix("id=") || $0.contains("id=") }).split(separator: "=")[1])
    }
    let killed = MonotonicClock.now
    #expect(client.call(["CLIENT", "KILL", "ID", id]) == ":1\r\n")
    #expect(bench.run { sink.gapEnds.count == 1 })
    #expect(sink.gapStarts.count == 1 && sink.gapStarts[0] <= killed && sink.gapEnds[0] > killed)
    client.call(["SET", prefix, "back"])
    #expect(bench.run { sink.sightings.count == 1 })
    #expect(sink.sightings.first.map { $0.notBefore > killed } == true)
    observer.close()
    bench.driver.close()
  }

  @Test func `nothing is left behind at the server`() throws {
    let bench = try Bench(address: address, commands: ["GET {0}"])
    let sink = SightingRecorder()
    let observer = try arm(bench, "\(TrackingObserverTests.prefix())*", into: sink)
    let id = try #require(observer.redirectId)
    let client = RawClient(try RedisTarget(address: address))
    #expect(client.call(["CLIENT", "LIST", "ID", "\(id)"]).contains("id=\(id)"))
    observer.close()
    var list = ""
    for _ in 0..<100 {
      list = client.call(["CLIENT", "LIST"])
      if !list.contains("redir=\(id) ") && !list.contains("id=\(id) ") { break }
      usleep(10_000)
    }
    #expect(!list.contains("redir=\(id) ") && !list.contains("id=\(id) "))
    bench.driver.close()
  }
}
