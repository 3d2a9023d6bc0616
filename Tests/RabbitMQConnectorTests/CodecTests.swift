import CRabbitMQ
import ChainIO
import ChainProgram
import Testing

@testable import RabbitMQConnector

@Suite struct CodecTests {
  /// A delivery of `body` in frames of at most `chunk` bytes.
  private func delivery(key: String, body: [UInt8], chunk: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var arena = MethodArena()
    var deliver = amqp_basic_deliver_t()
    deliver.consumer_tag = arena.bytes("chainrun")
    deliver.delivery_tag = 1
    deliver.exchange = arena.bytes("orders")
    deliver.routing_key = arena.bytes(key)
    try! bytes.appendMethod(AMQP_BASIC_DELIVER_METHOD, deliver, channel: 1)
    var properties = amqp_basic_properties_t()
    properties._flags = amqp_flags_t(AMQP_BASIC_HEADERS_FLAG)
    properties.headers = arena.table([
      arena.entry("x-id", "42"), arena.entry("flag", true), arena.entry("nested", arena.table([arena.entry("a", "b")])),
    ])
    var encoded = [UInt8](repeating: 0, count: 500)
    let length = encoded.withUnsafeMutableBytes { amqp_encode_properties(60, &properties, amqp_bytes_t(len: 500, bytes: $0.baseAddress)) }
    let start = bytes.count
    bytes.beginFrame(type: 2, channel: 1)
    bytes += [0, 60, 0, 0]
    bytes.appendBigEndian(UInt64(body.count))
    bytes += encoded[0..<Int(length)]
    bytes.endFrame(from: start)
    for offset in stride(from: 0, to: body.count, by: chunk) {
      let start = bytes.count
      bytes.beginFrame(type: 3, channel: 1)
      bytes += body[offset..<min(offset + chunk, body.count)]
      bytes.endFrame(from: start)
    }
    withExtendedLifetime(arena) {}
    return bytes
  }

  /// Decodes the pieces, each as a read of its own.
  private func assemble(_ pieces: [[UInt8]]) throws -> [String] {
    var decoder = FrameDecoder()!
    var assembly = DeliveryAssembly(readsContent: true)
    let fence = MarkerFence()
    var messages: [String] = []
    for piece in pieces {
      try piece.withUnsafeBytes { read in
        var rest = read
        while !rest.isEmpty {
          guard let (_, frame) = try decoder.next(&rest) else { continue }
          let completed: DeliveryAssembly.Completed?
          switch frame {
          case .method(_, let decoded):
            assembly.deliverArrived(decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee)
            completed = nil
          case .header(let size, let properties, _):
            completed = try assembly.headerArrived(bodyBytes: size, properties: properties.pointee, fence: fence)
          case .body(let bytes): completed = try assembly.bodyArrived(bytes)
          case .heartbeat, .protocolHeader: completed = nil
          }
          if completed != nil {
            let result = assembly.result
            let headers = result.headers.map { "\(result.string($0.name))=\(result.string($0.value))" }.joined(separator: ",")
            messages.append("\(result.string(result.key))|\(headers)|\(result.string(result.body))")
          }
        }
        decoder.readEnded()
      }
    }
    return messages
  }

  @Test func `a delivery is whole wherever its bytes are torn apart`() throws {
    let bytes =
      delivery(key: "a.b", body: Array("{\"id\":1234567}".utf8), chunk: 5) + delivery(key: "empty", body: [], chunk: 5)
      + [8, 0, 0, 0, 0, 0, 0, 0xCE] + delivery(key: "c", body: Array("z".utf8), chunk: 5)
    let expected = ["a.b|x-id=42,flag=true|{\"id\":1234567}", "empty|x-id=42,flag=true|", "c|x-id=42,flag=true|z"]
    #expect(try assemble([bytes]) == expected)
    #expect(try assemble(bytes.map { [$0] }) == expected)
    for cut in 1..<bytes.count { #expect(try assemble([Array(bytes[..<cut]), Array(bytes[cut...])]) == expected) }
  }

  @Test func `bytes that are no frames are refused, whatever they are`() {
    var generator = SystemRandomNumberGenerator()
    for length in [8, 9, 64, 1000] {
      for _ in 0..<200 {
        var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes[0] = UInt8.random(in: 1...3, using: &generator)
        bytes.replaceSubrange(1..<7, with: [0, 1, 0, 0, 0, UInt8.random(in: 0...UInt8(min(length, 255) - 8), using: &generator)])
        bytes[7 + Int(bytes[6])] = 0xCE
        _ = try? assemble([bytes])
      }
    }
    #expect(throws: OperationError.self) { try assemble([Array("HTTP/1.1 400 Bad Request\r\n".utf8)]) }
  }

  @Test func `a ring gives its elements by number, skips holes and grows`() {
    var ring = SequenceRing<Int>()
    let numbers = (0..<1000).map { ring.append($0) }
    #expect(numbers == Array(1...1000))
    let taken = [ring.take(2), ring.take(2), ring.take(0), ring.take(1001), ring.popFirst()]
    #expect(taken == [1, nil, nil, nil, 0])
    #expect(ring.head == 3 && ring.count == 998)
    ring[3] = nil
    #expect(ring.head == 4)
    ring.reset(first: 1)
    #expect(ring.isEmpty && ring.first == nil)
    let first = ring.append(7)
    #expect(first == 1)
  }

  @Test func `only the marker under way moves the proof forward`() {
    var fence = MarkerFence()
    var bytes: [UInt8] = []
    fence.begin(queue: Array("amq.gen-1".utf8), bindSent: 100, channel: 2)
    #expect(fence.provenNanoseconds == 100 && !fence.isInFlight)
    fence.send(to: &bytes, now: 200)
    #expect(fence.isInFlight && fence.provenNanoseconds == 100)
    let number = Array(bytes[(bytes.count - 9)..<(bytes.count - 1)])
    let answers = [[0, 0, 0, 0, 0, 0, 0, 99], [1], number, number].map { fence.markerArrived($0) }
    #expect(answers == [false, false, true, false])
    #expect(fence.provenNanoseconds == 200)
  }
}

extension MarkerFence {
  fileprivate mutating func markerArrived(_ body: [UInt8]) -> Bool { body.withUnsafeBytes { markerArrived($0) } }
}

@Suite struct BrokerAddressTests {
  @Test func `the virtual host is split off before it is decoded`() throws {
    #expect(try BrokerAddress("amqp://127.0.0.1").virtualHost == "/")
    #expect(try BrokerAddress("amqp://127.0.0.1/").virtualHost == "/")
    #expect(try BrokerAddress("amqp://127.0.0.1/%2F").virtualHost == "/")
    #expect(try BrokerAddress("amqp://127.0.0.1/%2fx").virtualHost == "/x")
    #expect(try BrokerAddress("amqp://127.0.0.1/shop").virtualHost == "shop")
    #expect(throws: OperationError.self) { try BrokerAddress.virtualHost(rawPath: "/a/b") }
    #expect(throws: OperationError.self) { try BrokerAddress.virtualHost(rawPath: "/a%2") }
    #expect(throws: OperationError.self) { try BrokerAddress.virtualHost(rawPath: "/%ff") }
  }

  @Test func `credentials are decoded, and default to the broker's guest`() throws {
    let address = try BrokerAddress("amqp://me%40x:p%3Aq@127.0.0.1:5673/")
    #expect(address.user == "me@x" && address.password == "p:q" && address.displayAddress == "127.0.0.1:5673")
    #expect(try BrokerAddress("amqp://127.0.0.1").user == "guest")
  }

  @Test func `TLS is refused with an explanation`() {
    do throws(OperationError) {
      _ = try BrokerAddress("amqps://127.0.0.1/")
      Issue.record("amqps is not supported")
    } catch {
      #expect(error.message.contains("TLS") && error.class == .connect)
    }
  }
}
