import CRabbitMQ
import Glibc

@testable import RabbitMQConnector

/// A broker that does as the test says. Served between the reactor's turns.
final class FakeBroker {
  struct Published {
    var method: [UInt8]
    var header: [UInt8] = []
    var body: [UInt8] = []
    var bodyFrames = 0
    var bodyBytes: UInt64 = 0
  }

  private let listener = LoopbackListener()
  private var client: Int32 = -1
  private var input: [UInt8] = []
  var output: [UInt8] = []
  var hasClient: Bool { client >= 0 }
  private(set) var connections = 0
  private(set) var channelsOpened = 0
  private(set) var heartbeats = 0
  private(set) var startOk: [UInt8] = []
  private(set) var publishes: [Published] = []
  private var current: Published?
  /// Called for every complete message with its delivery tag on this channel.
  var whenPublished: (UInt64) -> Void = { _ in }
  /// Called for every method that the broker does not answer by itself.
  var whenAsked: (UInt32) -> Void = { _ in }
  private var tag: UInt64 = 0
  /// Sends one byte per serve.
  var isDribbling = false
  /// Reads nothing and sends nothing.
  var isFrozen = false
  var refusesConnections = false
  /// Sent instead of `connection.tune`.
  var loginRefusal: amqp_connection_close_t?
  var frameBytesMax: UInt32 = 131_072
  /// Sent instead of `connection.start`.
  var greeting: [UInt8]?

  deinit {
    disconnect()
    close(listener.descriptor)
  }

  var address: String { "amqp://user:hunter2@127.0.0.1:\(listener.port)/" }

  func disconnect() {
    if client >= 0 { close(client) }
    client = -1
    input = []
    output = []
    current = nil
  }

  func serve() {
    if isFrozen { return }
    if client < 0, !refusesConnections, let accepted = listener.accept() {
      client = accepted
      connections += 1
    }
    guard client >= 0 else { return }
    switch readAvailable(client) {
    case .bytes(let bytes): input += bytes
    case .nothing: break
    case .ended: return disconnect()
    }
    takeInput()
    if client >= 0 { writeAvailable(client, &output, atMost: isDribbling ? 1 : .max) }
  }

  func send<Method: BitwiseCopyable>(_ id: amqp_method_number_t, _ method: Method, channel: UInt16 = 1) {
    try! output.appendMethod(id, method, channel: channel)
  }

  func ack(_ tag: UInt64, multiple: Bool = false) {
    send(AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t(delivery_tag: tag, multiple: multiple ? 1 : 0))
  }

  /// Sends a published message back, as the broker does with an unroutable mandatory one.
  func giveBack(_ published: Published) {
    var arena = MethodArena()
    let strings = shortStrings(published.method)
    send(
      AMQP_BASIC_RETURN_METHOD,
      amqp_basic_return_t(
        reply_code: 312, reply_text: arena.bytes("NO_ROUTE"), exchange: arena.bytes(strings.exchange),
        routing_key: arena.bytes(strings.routingKey)))
    output.beginFrame(type: 2, channel: 1)
    output.append(contentsOf: published.header)
    output.endFrame(from: output.count - published.header.count - 7)
    if !published.body.isEmpty {
      output.beginFrame(type: 3, channel: 1)
      output.append(contentsOf: published.body)
      output.endFrame(from: output.count - published.body.count - 7)
    }
    withExtendedLifetime(arena) {}
  }

  func closeChannel(code: UInt16, text: String) {
    var arena = MethodArena()
    send(AMQP_CHANNEL_CLOSE_METHOD, amqp_channel_close_t(reply_code: code, reply_text: arena.bytes(text), class_id: 60, method_id: 40))
    withExtendedLifetime(arena) {}
  }

  /// Of the payload of a `basic.publish`.
  func shortStrings(_ method: [UInt8]) -> (exchange: [UInt8], routingKey: [UInt8]) {
    let exchange = Array(method[7..<(7 + Int(method[6]))])
    let start = 7 + exchange.count
    return (exchange, Array(method[(start + 1)..<(start + 1 + Int(method[start]))]))
  }

  private func takeInput() {
    if input.starts(with: Array("AMQP".utf8)), input.count >= 8 {
      input.removeFirst(8)
      if let greeting {
        output += greeting
      } else {
        var arena = MethodArena()
        send(
          AMQP_CONNECTION_START_METHOD,
          amqp_connection_start_t(
            version_major: 0, version_minor: 9, server_properties: arena.table([]), mechanisms: arena.bytes("AMQPLAIN PLAIN"),
            locales: arena.bytes("en_US")), channel: 0)
        withExtendedLifetime(arena) {}
      }
    }
    var offset = 0
    while input.count - offset >= 8 {
      let size = input[(offset + 3)..<(offset + 7)].reduce(0) { $0 << 8 | Int($1) }
      guard input.count - offset >= size + 8 else { break }
      precondition(input[offset + 7 + size] == 0xCE, "the client's frames end as they should")
      precondition(size + 8 <= Int(frameBytesMax), "the client keeps to the frame size agreed")
      received(type: input[offset], Array(input[(offset + 7)..<(offset + 7 + size)]))
      offset += size + 8
    }
    input.removeFirst(min(offset, input.count))
  }

  private func received(type: UInt8, _ payload: [UInt8]) {
    switch type {
    case 1: receivedMethod(payload[0..<4].reduce(0) { $0 << 8 | UInt32($1) }, payload)
    case 2:
      current!.header = payload
      current!.bodyBytes = payload[4..<12].reduce(0) { $0 << 8 | UInt64($1) }
      completeIfWhole()
    case 3:
      current!.body += payload
      current!.bodyFrames += 1
      completeIfWhole()
    default: heartbeats += 1
    }
  }

  private func completeIfWhole() {
    guard let message = current, UInt64(message.body.count) == message.bodyBytes else { return }
    current = nil
    publishes.append(message)
    tag += 1
    whenPublished(tag)
  }

  private func receivedMethod(_ id: UInt32, _ payload: [UInt8]) {
    switch id {
    case AMQP_CONNECTION_START_OK_METHOD:
      startOk = payload
      if let loginRefusal {
        send(AMQP_CONNECTION_CLOSE_METHOD, loginRefusal, channel: 0)
      } else {
        send(AMQP_CONNECTION_TUNE_METHOD, amqp_connection_tune_t(channel_max: 2047, frame_max: frameBytesMax, heartbeat: 60), channel: 0)
      }
    case AMQP_CONNECTION_OPEN_METHOD: send(AMQP_CONNECTION_OPEN_OK_METHOD, amqp_connection_open_ok_t(known_hosts: .none), channel: 0)
    case AMQP_CHANNEL_OPEN_METHOD:
      channelsOpened += 1
      tag = 0
      send(AMQP_CHANNEL_OPEN_OK_METHOD, amqp_channel_open_ok_t(channel_id: .none))
    case AMQP_CONFIRM_SELECT_METHOD: send(AMQP_CONFIRM_SELECT_OK_METHOD, amqp_confirm_select_ok_t())
    case AMQP_BASIC_PUBLISH_METHOD: current = Published(method: payload)
    default: whenAsked(id)
    }
  }
}
