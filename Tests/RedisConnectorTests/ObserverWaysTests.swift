import ChainIO
import ChainProgram
import Glibc
import Synchronization
import Testing

@testable import RedisConnector

/// A `watch` hop as a chain's compiler makes it.
private func watch(_ pattern: String, _ keys: [(name: String, value: OperandTemplate)] = [], readsContent: Bool = true) -> HopDeclaration {
  HopDeclaration(
    name: "cached", connection: ConnectionIndex(0), observer: "watch", operands: [("watch", .text(TextTemplate(pattern)))] + keys,
    mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: readsContent,
    range: .init(file: .init(0), start: 0, end: 0))
}

private func at(_ prefix: String) -> (name: String, value: OperandTemplate) {
  ("at", .text(TextTemplate([.literal(Array((prefix + ":").utf8)), .argument(0, .text)])))
}

extension HopObserver {
  fileprivate func seek(_ number: Int, place: String) {
    (self as? any SeekingObserver)?.seek(number, id: .int(Int64(number)), place: Array(place.utf8))
  }
}

private func armed(_ bench: Bench, _ hop: HopDeclaration, _ sink: any SightingSink) throws -> (any HopObserver, OperationError?) {
  let observer = try bench.driver.makeObserver(hop: hop, sink: sink)
  var outcome: OperationError??
  observer.arm(deadline: MonotonicClock.now + 3_000_000_000) { outcome = .some($0) }
  #expect(bench.run { outcome != nil })
  return (observer, outcome ?? nil)
}

struct WatchedKeysTests {
  @Test(arguments: [
    ("auto", nil, true, "auto"), (nil, nil, false, "auto"), (nil, 5_000_000, true, "poll"), ("poll", nil, true, "poll"),
    ("keyspace", nil, false, "keyspace"),
  ] as [(String?, Int64?, Bool, String)])
  func `the way is the one asked for, and a pause alone asks for polling`(how: String?, every: Int64?, place: Bool, way: String) throws {
    var keys: [(name: String, value: OperandTemplate)] = []
    if let how { keys.append(("how", .choice(how))) }
    if let every { keys.append(("every", .duration(every))) }
    if place { keys.append(at("a")) }
    #expect(try WatchedKeys(watch("a:*", keys)).way.rawValue == way)
  }

  @Test func `polling without a key, a pause without polling and one key for all events are refused where they stand`() {
    func place(_ keys: [(name: String, value: OperandTemplate)]) -> String? {
      do throws(ObserverRefusal) {
        _ = try WatchedKeys([("watch", .text(TextTemplate("a:*")))] + keys, readsContent: true)
        return nil
      } catch {
        return error.key
      }
    }
    #expect(place([("how", .choice("poll"))]) == "how")
    #expect(place([("every", .duration(100_000_000))]) == "every")
    #expect(place([("every", .duration(100_000_000)), ("how", .choice("tracking")), at("a")]) == "every")
    #expect(place([("every", .duration(1000)), at("a")]) == "every")
    #expect(place([("at", .text(TextTemplate("a:1")))]) == "at")
    #expect(place([at("a")]) == nil)
  }
}

struct PolledKeysTests {
  private func look(_ keys: inout PolledKeys, _ key: Int, _ value: String?, _ sent: UInt64) -> UInt64? {
    guard let value else { return keys.looked(key, nil, sent: sent)?.notBefore }
    return Array(value.utf8).withUnsafeBytes { keys.looked(key, $0, sent: sent)?.notBefore }
  }

  @Test func `a value is bounded by the last look that showed another one, and told once`() {
    var keys = PolledKeys()
    let key = keys.add(1, Array("k".utf8))
    #expect(look(&keys, key, nil, 10) == nil)
    #expect(look(&keys, key, nil, 20) == nil)
    #expect(look(&keys, key, "a", 30) == 20)
    #expect(look(&keys, key, "a", 40) == nil)
    #expect(look(&keys, key, "b", 50) == 40)
    #expect(look(&keys, key, nil, 60) == nil)
    #expect(look(&keys, key, "b", 70) == 60)
  }

  @Test func `what is there at the first look has no bound, and a key is looked at until its last event was seen`() {
    var keys = PolledKeys()
    let key = keys.add(1, Array("k".utf8))
    let same = keys.add(2, Array("k".utf8))
    #expect(key == same)
    #expect(look(&keys, key, "a", 30) == 0)
    let first = keys.remove(1)
    let second = keys.remove(2)
    let unknown = keys.remove(2)
    #expect(first == nil && second == key && unknown == nil)
    #expect(look(&keys, key, "a", 40) == nil)
    // Looked for anew, it is told anew: nobody knows what was shown in between.
    let again = keys.add(3, Array("k".utf8))
    #expect(look(&keys, again, "a", 50) == 0)
  }
}

/// The ways to watch keys, against the sandbox's Redis (ORDERS_CACHE). They change its configuration, and put it back. One after the other with
/// the tests of tracking, of which one empties the database.
extension TrackingObserverTests { @Suite(.serialized) struct Ways {
  private let address = sandboxAddress ?? ""
  private let prefix = "ways:\(MonotonicClock.now)"

  private func client() throws -> RawClient { RawClient(try RedisTarget(address: address)) }

  private func setting(_ client: RawClient) -> String {
    String(client.call(["CONFIG", "GET", "notify-keyspace-events"]).split(separator: "\r\n", omittingEmptySubsequences: false).dropLast().last ?? "")
  }

  /// The address with a user of its own that has exactly these rights.
  private func limited(_ client: RawClient, _ rules: [String]) throws -> String {
    let reply = client.call(["ACL", "SETUSER", "watcher", "reset", "on", ">pw"] + rules)
    try #require(reply == "+OK\r\n", "\(reply)")
    return "redis://watcher:pw@" + address.split(separator: "@").last!
  }

  @Test(arguments: ["K$", "E$"])
  func `keyspace events tell of each write of a text, inside its bracket, and no setting is changed`(flags: String) throws {
    let client = try client()
    let before = setting(client)
    defer { _ = client.call(["CONFIG", "SET", "notify-keyspace-events", before]) }
    client.call(["CONFIG", "SET", "notify-keyspace-events", flags])
    let bench = try Bench(address: address, commands: [])
    let sink = SightingRecorder()
    let (observer, error) = try armed(bench, watch("\(prefix):*", [("how", .choice("keyspace"))]), sink)
    #expect(error == nil && observer.mode == "keyspace" && observer.countsRepeats)
    observer.isFencing = true
    var truth: [(sent: UInt64, replied: UInt64)] = []
    for number in 0..<200 {
      bench.run(for: .microseconds(300 + (number * 7919) % 2000)) { false }
      let sent = MonotonicClock.now
      client.call(["SET", "\(prefix):1", "same"])
      truth.append((sent, MonotonicClock.now))
      bench.run { sink.sightings.count > number }
    }
    client.call(["SET", "other", "x"])
    client.call(["EXPIRE", "\(prefix):1", "100"])
    client.call(["DEL", "\(prefix):1"])
    bench.run(for: .milliseconds(50)) { false }
    #expect(sink.sightings.count == 200 && sink.sightings.allSatisfy { $0.value == "same" })
    let wrong = zip(sink.sightings, truth).filter { !($0.notBefore < $1.replied && $0.seen > $1.sent && $0.notBefore < $0.seen) }
    #expect(wrong.isEmpty, "\(wrong.count)")
    #expect(Set(setting(client)) == Set(flags))
    observer.close()
    bench.driver.close()
  }

  @Test func `a setting that is switched off while it is needed is a gap since the last time it was on`() throws {
    let client = try client()
    let before = setting(client)
    defer { _ = client.call(["CONFIG", "SET", "notify-keyspace-events", before]) }
    client.call(["CONFIG", "SET", "notify-keyspace-events", "KA"])
    let bench = try Bench(address: address, commands: [])
    let sink = SightingRecorder()
    let (observer, _) = try armed(bench, watch("\(prefix):*", [("how", .choice("keyspace"))]), sink)
    let off = MonotonicClock.now
    client.call(["CONFIG", "SET", "notify-keyspace-events", ""])
    #expect(bench.run(for: .seconds(5)) { sink.gapStarts.count == 1 })
    #expect(sink.gapStarts.first.map { $0 <= off } == true && sink.causes.first?.contains("keyspace events") == true)
    client.call(["CONFIG", "SET", "notify-keyspace-events", "KA"])
    #expect(bench.run(for: .seconds(5)) { sink.gapEnds.count == 1 })
    client.call(["SET", "\(prefix):1", "v"])
    #expect(bench.run { sink.sightings.count == 1 })
    observer.close()
    bench.driver.close()
  }

  @Test func `polling looks at what is on its way, and each write lies in its bracket of about 5 % of its lag`() throws {
    let bench = try Bench(address: address, commands: [])
    let sink = SightingRecorder()
    let (observer, error) = try armed(bench, watch("\(prefix):*", [("how", .choice("poll")), at(prefix)]), sink)
    #expect(error == nil && observer.mode == "poll" && observer.fencesSent == 0)
    let target = try RedisTarget(address: address)
    let truth = Mutex<[Int: (sent: UInt64, replied: UInt64)]>([:])
    let prefix = prefix
    let count = 300
    for number in 0..<count { observer.seek(number, place: "\(prefix):\(number)") }
    let start = MonotonicClock.now
    onThread {
      let client = RawClient(target)
      var random = SmallRandom(seed: 5)
      usleep(100_000)
      for number in 0..<count {
        usleep(UInt32(random.next() % 2000))
        let sent = MonotonicClock.now
        client.call(["SET", "\(prefix):\(number)", "{}", "PX", "30000"])
        let replied = MonotonicClock.now
        truth.withLock { $0[number] = (sent, replied) }
      }
    }
    #expect(
      bench.run(for: .seconds(20)) {
        for sighting in sink.sightings { (observer as? any SeekingObserver)?.forget(Int(sighting.key.dropFirst(prefix.count + 1)) ?? -1) }
        return sink.sightings.count == count
      })
    var shares: [Double] = []
    for sighting in sink.sightings {
      let number = try #require(Int(sighting.key.dropFirst(prefix.count + 1)))
      let write = truth.withLock { $0[number]! }
      #expect(sighting.notBefore > 0 && sighting.notBefore < write.replied && sighting.seen > write.sent)
      shares.append(Double(sighting.seen - sighting.notBefore) / Double(sighting.seen - start))
    }
    shares.sort()
    print("poll: median width \(shares[count / 2] * 100) % of the lag, \(observer.operationsSent) looks for \(count) events")
    #expect(shares[count / 2] < 0.25)
    let looks = observer.operationsSent
    bench.run(for: .milliseconds(300)) { false }
    #expect(observer.operationsSent == looks, "nothing is on its way")
    observer.close()
    bench.driver.close()
  }

  @Test func `with a fixed pause the width is that pause`() throws {
    let bench = try Bench(address: address, commands: [])
    let sink = SightingRecorder()
    let (observer, _) = try armed(bench, watch("\(prefix):*", [("every", .duration(100_000_000)), at(prefix)]), sink)
    #expect(observer.mode == "poll")
    let client = try client()
    for number in 0..<10 {
      observer.seek(number, place: "\(prefix):\(number)")
      // Not there at the first look, and there at the second.
      bench.run(for: .milliseconds(30)) { false }
      client.call(["SET", "\(prefix):\(number)", "1", "PX", "30000"])
      #expect(bench.run(for: .seconds(5)) { sink.sightings.count == number + 1 })
      (observer as? any SeekingObserver)?.forget(number)
    }
    let widths = sink.sightings.map { $0.seen - $0.notBefore }.sorted()
    #expect(widths[5] > 70_000_000 && widths[0] > 60_000_000, "\(widths)")
    #expect(observer.operationsSent <= 10 * 4)
    observer.close()
    bench.driver.close()
  }

  @Test func `polling that was cut off reports the gap and its cause, and sees afterwards what came meanwhile`() throws {
    let client = try client()
    let bench = try Bench(address: try limited(client, ["+@all", "~*", "&*"]), commands: [])
    let sink = SightingRecorder()
    let (observer, _) = try armed(bench, watch("\(prefix):*", [("how", .choice("poll")), at(prefix)]), sink)
    observer.seek(1, place: "\(prefix):1")
    bench.run(for: .milliseconds(50)) { false }
    let killed = MonotonicClock.now
    client.call(["CLIENT", "KILL", "USER", "watcher"])
    client.call(["SET", "\(prefix):1", "1", "PX", "30000"])
    #expect(bench.run(for: .seconds(5)) { sink.sightings.count == 1 && sink.gapEnds.count == 1 })
    #expect(sink.gapStarts.count == 1 && sink.gapStarts[0] <= killed && sink.gapEnds[0] > killed && !sink.causes[0].isEmpty)
    #expect(sink.sightings[0].notBefore < sink.sightings[0].seen)
    observer.close()
    bench.driver.close()
  }

  @Test func `tracking that was cut off tells of its gap, and leaves it to the ledger to read what was on its way`() throws {
    let client = try client()
    let bench = try Bench(address: try limited(client, ["+@all", "~*", "&*"]), commands: [])
    let sink = SightingRecorder()
    let (observer, _) = try armed(bench, watch("\(prefix):*", [("how", .choice("tracking")), at(prefix)]), sink)
    #expect(!(observer is any SeekingObserver))
    client.call(["CLIENT", "KILL", "USER", "watcher"])
    client.call(["SET", "\(prefix):1", "while blind", "PX", "30000"])
    #expect(bench.run(for: .seconds(5)) { sink.gapEnds.count == 1 })
    client.call(["SET", "\(prefix):2", "seen", "PX", "30000"])
    #expect(bench.run(for: .seconds(5)) { sink.sightings.count == 1 })
    #expect(sink.sightings[0].value == "seen")
    observer.close()
    bench.driver.close()
  }

  /// The rights of docs/permissions.md, word for word, and what `auto` makes of them.
  @Test func `auto takes the best way that the user's rights allow, and says why not a better one`() throws {
    let client = try client()
    let before = setting(client)
    defer {
      client.call(["CONFIG", "SET", "notify-keyspace-events", before])
      client.call(["ACL", "DELUSER", "watcher"])
    }
    let greeting = ["+auth", "+select", "+client|setname"]
    let tracking = greeting + ["+client|id", "+client|tracking", "+client|trackinginfo", "+subscribe", "+ping", "+get", "%R~\(prefix):*", "&__redis__:invalidate"]
    let keyspace = greeting + ["+config|get", "+psubscribe", "+ping", "+get", "%R~\(prefix):*", "&__keyspace@9__:\(prefix):*"]
    let poll = greeting + ["+mget", "%R~\(prefix):*"]
    client.call(["CONFIG", "SET", "notify-keyspace-events", "K$"])
    for (rules, mode, why) in [(tracking, "tracking", "allow it"), (keyspace, "keyspace", "not tracking"), (poll, "poll", "not keyspace")] {
      let address = try limited(client, rules)
      for hop in [watch("\(prefix):*", [at(prefix)]), watch("\(prefix):*", [at(prefix), ("how", .choice(mode))])] {
        let bench = try Bench(address: address, commands: [])
        let sink = SightingRecorder()
        let (observer, error) = try armed(bench, hop, sink)
        #expect(error == nil, "\(mode): \(error?.message ?? "")")
        #expect(observer.mode == mode && observer.reason.contains(hop.operand("how") == nil ? why : "asks for it"), "\(observer.reason)")
        observer.isFencing = true
        observer.seek(1, place: "\(prefix):1")
        client.call(["SET", "\(prefix):1", "v"])
        #expect(bench.run(for: .seconds(3)) { !sink.sightings.isEmpty })
        // Longer than the questions that are asked each second.
        if hop.operand("how") != nil { bench.run(for: .milliseconds(1200)) { false } }
        #expect(sink.sightings.first?.value == "v" && sink.gapStarts.isEmpty, "\(mode): \(sink.causes)")
        client.call(["DEL", "\(prefix):1"])
        observer.close()
        bench.driver.close()
      }
    }
    // With none of them, or with polling only and no key to look at.
    for (rules, keys) in [(greeting, [at(prefix)]), (poll, [])] {
      let bench = try Bench(address: try limited(client, rules), commands: [])
      let (observer, error) = try armed(bench, watch("\(prefix):*", keys), SightingRecorder())
      #expect(error?.message.contains("tracking: cannot watch keys") == true && error?.message.contains("keyspace: ") == true)
      #expect(error?.message.contains(keys.isEmpty ? "needs 'at'" : "poll: ") == true || error?.message.contains("would need 'at'") == true)
      observer.close()
      bench.driver.close()
    }
    // Rights to be told, and none to read: a gap with its cause, and no events that nobody can tell.
    let bench = try Bench(address: try limited(client, tracking.filter { $0 != "+get" }), commands: [])
    let sink = SightingRecorder()
    let (observer, error) = try armed(bench, watch("\(prefix):*"), sink)
    #expect(error == nil)
    client.call(["SET", "\(prefix):1", "v"])
    #expect(bench.run(for: .seconds(3)) { sink.gapStarts.count == 1 })
    #expect(sink.causes.first?.contains("GET") == true && sink.sightings.isEmpty)
    observer.close()
    bench.driver.close()
  }

  @Test func `keyspace events that are off are not switched on`() throws {
    let client = try client()
    let before = setting(client)
    defer { _ = client.call(["CONFIG", "SET", "notify-keyspace-events", before]) }
    for flags in ["", "Kl"] {
      client.call(["CONFIG", "SET", "notify-keyspace-events", flags])
      let bench = try Bench(address: address, commands: [])
      let (observer, error) = try armed(bench, watch("\(prefix):*", [("how", .choice("keyspace"))]), SightingRecorder())
      #expect(error?.code == "keyspace-off" && error?.message.contains("does not change it") == true)
      #expect(Set(setting(client)) == Set(flags))
      observer.close()
      bench.driver.close()
    }
  }

  @Test(arguments: ["tracking", "keyspace", "poll"])
  func `size and configuration of the server are the same before and after`(how: String) throws {
    let client = try client()
    let before = setting(client)
    defer { _ = client.call(["CONFIG", "SET", "notify-keyspace-events", before]) }
    client.call(["CONFIG", "SET", "notify-keyspace-events", "K$"])
    func state() -> [String] {
      // maxmemory and all settings; CLIENT LIST is the one thing that may differ while it runs.
      [client.call(["DBSIZE"]), client.call(["CONFIG", "GET", "*"]), client.call(["ACL", "LIST"])]
    }
    let first = state()
    let bench = try Bench(address: address, commands: [])
    let (observer, error) = try armed(bench, watch("\(prefix):*", [("how", .choice(how)), at(prefix)]), SightingRecorder())
    #expect(error == nil)
    observer.isFencing = true
    for number in 0..<10 { observer.seek(number, place: "\(prefix):\(number)") }
    bench.run(for: .milliseconds(100)) { false }
    #expect(state() == first)
    observer.close()
    bench.run(for: .milliseconds(50)) { false }
    #expect(state() == first)
    #expect(client.call(["PUBSUB", "NUMPAT"]) == ":0\r\n")
    bench.driver.close()
  }
} }
