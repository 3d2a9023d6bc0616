import ChainIO
import ChainProgram
import Testing

@testable import RedisConnector

/// Reading many keys at once, against the sandbox's Redis (ORDERS_CACHE).
@Suite(.enabled(if: sandboxAddress != nil))
struct EntryReaderTests {
  private let address = sandboxAddress ?? ""

  private func read(_ bench: Bench, _ reader: any EntryReader, _ names: [String]) -> (found: [String?], error: OperationError?) {
    var found: [String?] = []
    var ended: OperationError??
    reader.read(
      EntryNameList(names.map { Array($0.utf8) }), deadline: MonotonicClock.now + 10_000_000_000,
      each: { place, content, _ in
        #expect(place == found.count)
        found.append(content.map { "\($0.string($0.key))=\($0.hasBody ? $0.string($0.body) : "?")" })
      }, completion: { ended = .some($0) })
    bench.run { ended != nil }
    return (found, ended ?? OperationError(.timeout, "never ended"))
  }

  @Test func `each key is told in order, with its value, or that it is there, or that it is not`() throws {
    let bench = try Bench(address: address, commands: [])
    let hop = HopDeclaration(
      name: "cached", connection: ConnectionIndex(0), observer: "watch", operands: [], mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil,
      versionSlot: nil, bodySlots: [], readsContent: true, range: .init(file: .init(0), start: 0, end: 0))
    let reader = try #require(bench.driver.makeEntryReader(hop: hop))
    let prefix = "entries:\(MonotonicClock.now):"
    let client = RawClient(bench.driver.target)
    for number in 0..<1200 where number % 3 != 0 { client.call(["SET", "\(prefix)\(number)", "value \(number)"]) }
    client.call(["LPUSH", "\(prefix)list", "a"])
    let (found, error) = read(bench, reader, (0..<1200).map { "\(prefix)\($0)" })
    #expect(error == nil && found.count == 1200)
    #expect(found.enumerated().allSatisfy { $1 == ($0 % 3 == 0 ? nil : "\(prefix)\($0)=value \($0)") })
    #expect(read(bench, reader, ["\(prefix)list", "\(prefix)none"]).found == ["\(prefix)list=?", nil])
    #expect(reader.operationsSent == 1202)
    for number in 0..<1200 { client.call(["DEL", "\(prefix)\(number)"]) }
    client.call(["DEL", "\(prefix)list"])
    reader.close()
    bench.driver.close()
  }

  @Test func `a server that is not there ends the reading with an error`() throws {
    let bench = try Bench(address: "redis://127.0.0.1:1", commands: [])
    let reader = RedisEntryReader(target: bench.driver.target, reactor: bench.reactor)
    #expect(read(bench, reader, ["a"]).error?.class == .connect)
    reader.close()
    bench.driver.close()
  }
}
