internal import CRabbitMQ
import Foundation

/// A blocking RabbitMQ connection with one channel, for one thread.
final class Broker {
  private let state: amqp_connection_state_t
  private let channel: amqp_channel_t = 1
  /// Delivery tags that the broker has yet to confirm are those in (confirmedUpTo, published], but for `confirmedAhead`.
  private var published: UInt64 = 0
  private var confirmedUpTo: UInt64 = 0
  private var confirmedAhead: Set<UInt64> = []

  init(_ address: BrokerAddress, name: String) throws {
    guard let state = amqp_new_connection(), let socket = amqp_tcp_socket_new(state) else {
      throw PipelineError("RabbitMQ: out of memory")
    }
    self.state = state
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    amqp_set_handshake_timeout(state, &limit)
    amqp_set_rpc_timeout(state, &limit)
    let opened = amqp_socket_open_noblock(socket, address.host, address.port, &limit)
    guard opened == 0 else { throw failure("connecting to \(address.host):\(address.port)", status: opened) }

    // A peer that stops reading would hold a publish for ever: librabbitmq waits for room without a deadline.
    var userTimeout: UInt32 = 10_000
    setsockopt(amqp_get_sockfd(state), Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &userTimeout, 4)

    try name.withAMQPBytes { name in
      var entry = amqp_table_entry_t()
      entry.key = Self.bytes("connection_name")
      entry.value.kind = UInt8(ascii: "S")
      entry.value.value.bytes = name
      try withUnsafeMutablePointer(to: &entry) { entry in
        var properties = amqp_table_t(num_entries: 1, entries: entry)
        try check(
          crabbitmq_login_plain(state, address.virtualHost, 131_072, 30, &properties, address.user, address.password), "logging in")
      }
    }
    amqp_channel_open(state, channel)
    try check(amqp_get_rpc_reply(state), "opening a channel")
  }

  deinit {
    // No goodbye: the socket may be broken, and the broker takes a closed one for what it is.
    amqp_destroy_connection(state)
  }

  func declareExchange(_ name: StaticString) throws {
    amqp_exchange_declare(state, channel, Self.bytes(name), Self.bytes("topic"), 0, 1, 0, 0, amqp_empty_table)
    try check(amqp_get_rpc_reply(state), "declaring the exchange '\(name)'")
  }

  func declareQueue(_ name: StaticString, boundTo exchange: StaticString, by key: StaticString) throws {
    amqp_queue_declare(state, channel, Self.bytes(name), 0, 1, 0, 0, amqp_empty_table)
    try check(amqp_get_rpc_reply(state), "declaring the queue '\(name)'")
    amqp_queue_bind(state, channel, Self.bytes(name), Self.bytes(exchange), Self.bytes(key), amqp_empty_table)
    try check(amqp_get_rpc_reply(state), "binding the queue '\(name)'")
  }

  func purge(_ queue: StaticString) throws {
    amqp_queue_purge(state, channel, Self.bytes(queue))
    try check(amqp_get_rpc_reply(state), "purging the queue '\(queue)'")
  }

  func selectConfirms() throws {
    amqp_confirm_select(state, channel)
    try check(amqp_get_rpc_reply(state), "asking for confirms")
  }

  /// Sends a persistent JSON message; `awaitConfirms` tells whether the broker took it.
  func publish(_ body: String, messageID: String, routingKey: String, to exchange: StaticString) throws {
    let status = body.withAMQPBytes { body in
      messageID.withAMQPBytes { messageID in
        routingKey.withAMQPBytes { routingKey in
          var properties = amqp_basic_properties_t()
          properties._flags = UInt32(AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG)
          properties.content_type = Self.bytes("application/json")
          properties.delivery_mode = 2
          properties.message_id = messageID
          return amqp_basic_publish(state, channel, Self.bytes(exchange), routingKey, 0, 0, &properties, body)
        }
      }
    }
    guard status == AMQP_STATUS_OK.rawValue else { throw failure("publishing", status: status) }
    published += 1
  }

  /// Waits until the broker has confirmed all that was published; a refusal is an error.
  func awaitConfirms(seconds: Int) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while confirmedUpTo < published {
      guard ContinuousClock.now < deadline else { throw PipelineError("RabbitMQ: no confirm within \(seconds) s") }
      try takeFrame(waitMicroseconds: 100_000)
    }
    amqp_maybe_release_buffers(state)
  }

  /// Reads what the broker has to say to an idle publisher, and sends heartbeats when they are due.
  func keepAlive() throws {
    while try takeFrame(waitMicroseconds: 0) {}
  }

  @discardableResult
  private func takeFrame(waitMicroseconds: Int) throws -> Bool {
    var frame = amqp_frame_t()
    var limit = timeval(tv_sec: 0, tv_usec: waitMicroseconds)
    let status = amqp_simple_wait_frame_noblock(state, &frame, &limit)
    if status == AMQP_STATUS_TIMEOUT.rawValue { return false }
    guard status == AMQP_STATUS_OK.rawValue else { throw failure("reading", status: status) }
    guard Int32(frame.frame_type) == AMQP_FRAME_METHOD else { return true }
    let method = frame.payload.method
    switch method.id {
    case Method.basicAck:
      let ack = method.decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
      confirmed(ack.delivery_tag, multiple: ack.multiple != 0)
    case Method.basicNack:
      throw PipelineError("RabbitMQ refused a message")
    case Method.channelClose:
      let close = method.decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      throw PipelineError("RabbitMQ closed the channel: \(Self.text(close.reply_text))")
    case Method.connectionClose:
      let close = method.decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
      throw PipelineError("RabbitMQ closed the connection: \(Self.text(close.reply_text))")
    default: break
    }
    return true
  }

  private func confirmed(_ tag: UInt64, multiple: Bool) {
    if multiple {
      confirmedUpTo = max(confirmedUpTo, tag)
      if !confirmedAhead.isEmpty { confirmedAhead = confirmedAhead.filter { $0 > tag } }
    } else {
      confirmedAhead.insert(tag)
    }
    while confirmedAhead.remove(confirmedUpTo + 1) != nil { confirmedUpTo += 1 }
  }

  func consume(_ queue: StaticString, prefetch: UInt16) throws {
    amqp_basic_qos(state, channel, 0, prefetch, 0)
    try check(amqp_get_rpc_reply(state), "setting the prefetch")
    amqp_basic_consume(state, channel, Self.bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table)
    try check(amqp_get_rpc_reply(state), "consuming '\(queue)'")
  }

  /// A message and what came with it; valid only where it was handed over.
  struct Delivery {
    let tag: UInt64
    let isRedelivered: Bool
    let body: UnsafeRawBufferPointer
  }

  /// Hands the next message to `take`. False when none came in time.
  func nextDelivery(waitMicroseconds: Int, _ take: (Delivery) throws -> Void) throws -> Bool {
    var envelope = amqp_envelope_t()
    var limit = timeval(tv_sec: waitMicroseconds / 1_000_000, tv_usec: waitMicroseconds % 1_000_000)
    let reply = amqp_consume_message(state, &envelope, &limit, 0)
    if reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION, reply.library_error == AMQP_STATUS_TIMEOUT.rawValue { return false }
    try check(reply, "consuming")
    defer { amqp_destroy_envelope(&envelope) }
    try take(
      Delivery(
        tag: envelope.delivery_tag, isRedelivered: envelope.redelivered != 0,
        body: UnsafeRawBufferPointer(start: envelope.message.body.bytes, count: envelope.message.body.len)))
    return true
  }

  /// Acknowledges this message and every earlier one.
  func acknowledge(upTo tag: UInt64) throws { try acknowledge(tag, andEarlier: true) }

  func acknowledge(_ tag: UInt64, andEarlier: Bool = false) throws {
    let status = amqp_basic_ack(state, channel, tag, andEarlier ? 1 : 0)
    guard status == AMQP_STATUS_OK.rawValue else { throw failure("acknowledging", status: status) }
    amqp_maybe_release_buffers(state)
  }

  /// Returns when the broker has read all that was sent: it answers a channel's methods in their order.
  func awaitAcknowledgements() throws {
    amqp_channel_flow(state, channel, 1)
    try check(amqp_get_rpc_reply(state), "waiting for acknowledgements to arrive")
  }

  private enum Method {
    static let connectionClose: UInt32 = 0x000A_0032
    static let channelClose: UInt32 = 0x0014_0028
    static let basicAck: UInt32 = 0x003C_0050
    static let basicNack: UInt32 = 0x003C_0078
  }

  private func check(_ reply: amqp_rpc_reply_t, _ operation: String) throws {
    switch reply.reply_type {
    case AMQP_RESPONSE_NORMAL: return
    case AMQP_RESPONSE_LIBRARY_EXCEPTION: throw failure(operation, status: reply.library_error)
    default:
      guard let decoded = reply.reply.decoded else { throw PipelineError("RabbitMQ, \(operation): no reason given") }
      // connection.close and channel.close begin alike: code and text.
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      throw PipelineError("RabbitMQ, \(operation): \(close.reply_code) \(Self.text(close.reply_text))")
    }
  }

  private func failure(_ operation: String, status: Int32) -> PipelineError {
    PipelineError("RabbitMQ, \(operation): \(String(cString: amqp_error_string2(status)))")
  }

  private static func bytes(_ text: StaticString) -> amqp_bytes_t {
    amqp_bytes_t(len: text.utf8CodeUnitCount, bytes: UnsafeMutableRawPointer(mutating: text.utf8Start))
  }

  private static func text(_ bytes: amqp_bytes_t) -> String {
    String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
  }
}

extension String {
  /// librabbitmq's view of the text; it only reads it.
  fileprivate func withAMQPBytes<Result>(_ body: (amqp_bytes_t) throws -> Result) rethrows -> Result {
    var copy = self
    return try copy.withUTF8 { try body(amqp_bytes_t(len: $0.count, bytes: UnsafeMutableRawPointer(mutating: $0.baseAddress))) }
  }
}
