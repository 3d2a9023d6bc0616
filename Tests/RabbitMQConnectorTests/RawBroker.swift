import CRabbitMQ
import ChainIO
import Glibc

@testable import RabbitMQConnector

/// A blocking connection to the real broker by the library's own calls: the tests' hands on the other side.
final class RawBroker: @unchecked Sendable {
  // Rule: used by one thread at a time; tests hand it over whole.
  private let state = amqp_new_connection()!

  init(_ address: String) throws {
    let broker = try BrokerAddress(address)
    let socket = amqp_tcp_socket_new(state)
    let port = Int32(broker.displayAddress.split(separator: ":").last!)!
    precondition(amqp_socket_open(socket, broker.host, port) == 0, "the broker is there")
    var none = amqp_table_t()
    let login = crabbitmq_login_plain(state, broker.virtualHost, 131_072, 0, &none, broker.user, broker.password)
    precondition(login.reply_type == AMQP_RESPONSE_NORMAL, "the raw login")
    amqp_channel_open(state, 1)
    amqp_confirm_select(state, 1)
    check("confirm.select")
  }

  deinit {
    amqp_connection_close(state, 200)
    amqp_destroy_connection(state)
  }

  private func check(_ what: String) {
    precondition(amqp_get_rpc_reply(state).reply_type == AMQP_RESPONSE_NORMAL, "raw \(what) failed")
  }

  private func withBytes<Result>(_ text: String, _ body: (amqp_bytes_t) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(amqp_bytes_t(len: $0.count, bytes: UnsafeMutableRawPointer(mutating: $0.baseAddress))) }
  }

  func declareExchange(_ name: String, type: String) {
    withBytes(name) { name in
      withBytes(type) { type in _ = amqp_exchange_declare(state, 1, name, type, 0, 0, 0, 0, amqp_table_t()) }
    }
    check("exchange.declare")
  }

  func deleteExchange(_ name: String) {
    withBytes(name) { _ = amqp_exchange_delete(state, 1, $0, 0) }
  }

  /// An exclusive queue, bound to the exchange.
  func bindQueue(_ queue: String, exchange: String, key: String, headers: [String: String] = [:]) {
    var arena = MethodArena()
    withBytes(queue) { queue in
      _ = amqp_queue_declare(state, 1, queue, 0, 0, 1, 1, amqp_table_t())
      check("queue.declare")
      withBytes(exchange) { exchange in
        withBytes(key) { key in
          var entries: [amqp_table_entry_t] = []
          for (name, value) in headers { entries.append(arena.entry(name, value)) }
          _ = amqp_queue_bind(state, 1, queue, exchange, key, arena.table(entries))
        }
      }
    }
    check("queue.bind")
    withExtendedLifetime(arena) {}
  }

  /// Whether a queue of that name is there.
  func queueExists(_ queue: String) -> Bool {
    withBytes(queue) { _ = amqp_queue_declare(state, 1, $0, 1, 0, 0, 0, amqp_table_t()) }
    if amqp_get_rpc_reply(state).reply_type == AMQP_RESPONSE_NORMAL { return true }
    var closeOk = amqp_channel_close_ok_t()
    amqp_send_method(state, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, &closeOk)
    amqp_channel_open(state, 1)
    return false
  }

  /// The body of the next message of the queue; nil if it is empty.
  func get(_ queue: String) -> [UInt8]? {
    withBytes(queue) { queue in
      let reply = amqp_basic_get(state, 1, queue, 1)
      guard reply.reply_type == AMQP_RESPONSE_NORMAL, reply.reply.id == AMQP_BASIC_GET_OK_METHOD else { return nil }
      var message = amqp_message_t()
      guard amqp_read_message(state, 1, &message, 0).reply_type == AMQP_RESPONSE_NORMAL else { return nil }
      defer { amqp_destroy_message(&message) }
      return Array(message.body.raw)
    }
  }

  func declareQueue(
    _ name: String, durable: Bool = true, exclusive: Bool = false, autoDelete: Bool = false, type: String? = nil,
    deliveryLimit: Int32? = nil
  ) {
    var arena = MethodArena()
    var entries: [amqp_table_entry_t] = []
    if let type { entries.append(arena.entry("x-queue-type", type)) }
    if let deliveryLimit {
      var value = amqp_field_value_t()
      value.kind = UInt8(AMQP_FIELD_KIND_I32.rawValue)
      value.value.i32 = deliveryLimit
      entries.append(amqp_table_entry_t(key: arena.bytes("x-delivery-limit"), value: value))
    }
    _ = amqp_queue_declare(
      state, 1, arena.bytes(name), 0, durable ? 1 : 0, exclusive ? 1 : 0, autoDelete ? 1 : 0, arena.table(entries))
    check("queue.declare")
    withExtendedLifetime(arena) {}
  }

  func deleteQueue(_ name: String) {
    withBytes(name) { _ = amqp_queue_delete(state, 1, $0, 0, 0) }
  }

  /// Messages that are ready.
  func depth(_ name: String) -> Int {
    withBytes(name) { Int(amqp_queue_declare(state, 1, $0, 1, 0, 0, 0, amqp_table_t()).pointee.message_count) }
  }

  func startConsumer(_ queue: String) {
    withBytes(queue) { _ = amqp_basic_consume(state, 1, $0, .none, 0, 0, 0, amqp_table_t()) }
    check("basic.consume")
  }

  /// Takes the next message for good; nil if the queue is empty.
  func take(_ queue: String) -> (body: String, isRedelivered: Bool)? {
    withBytes(queue) { queue in
      let reply = amqp_basic_get(state, 1, queue, 1)
      guard reply.reply_type == AMQP_RESPONSE_NORMAL, reply.reply.id == AMQP_BASIC_GET_OK_METHOD else { return nil }
      let isRedelivered = reply.reply.decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee.redelivered != 0
      var message = amqp_message_t()
      guard amqp_read_message(state, 1, &message, 0).reply_type == AMQP_RESPONSE_NORMAL else { return nil }
      defer { amqp_destroy_message(&message) }
      return (message.body.text, isRedelivered)
    }
  }

  /// Publishes and waits for the confirm.
  func publish(exchange: String, key: String, body: [UInt8], headers: [(String, String)] = []) {
    var arena = MethodArena()
    var properties = amqp_basic_properties_t()
    if !headers.isEmpty {
      properties._flags = amqp_flags_t(AMQP_BASIC_HEADERS_FLAG)
      var entries: [amqp_table_entry_t] = []
      for (name, value) in headers { entries.append(arena.entry(name, value)) }
      properties.headers = arena.table(entries)
    }
    let status = amqp_basic_publish(state, 1, arena.bytes(exchange), arena.bytes(key), 0, 0, &properties, arena.bytes(body))
    precondition(status == 0, "raw basic.publish")
    var frame = amqp_frame_t()
    repeat {
      precondition(amqp_simple_wait_frame(state, &frame) == 0, "raw confirm")
    } while Int32(frame.frame_type) != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD
    amqp_maybe_release_buffers(state)
    withExtendedLifetime(arena) {}
  }
}

/// Runs `body` on a thread of its own.
func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  return thread
}
