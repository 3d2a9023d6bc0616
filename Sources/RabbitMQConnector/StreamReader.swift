internal import CRabbitMQ
import ChainIO
import ChainProgram

/// Reads a stream queue from its end on. A stream keeps its messages whoever reads them, so nothing is taken from anybody.
///
/// Consuming from a queue of another kind would take its messages. So the kind is asked first (see `QueueKind`), which needs the permission to
/// configure the queue, and anything but a stream is refused. After a loss it goes on behind the last offset it saw.
final class StreamReader: HopObserver, ObserverSessionOwner {
  private enum Stage {
    /// Nothing is in place.
    case closed
    case openingQuestionChannel
    /// Is there such a queue?
    case finding
    /// Is it a stream?
    case asking
    case openingConsumerChannel
    case limiting
    case consuming
    /// The consumer is announced; the answer to one more question proves that it has been given its place in the stream.
    case proving
    case armed
  }

  private let session: ObserverSession
  private let queue: String
  private var stage = Stage.closed
  private var assembly: DeliveryAssembly
  /// Never begun: a stream has no markers.
  private let noFence = MarkerFence()
  private var lastOffset: Int64?
  private var deliveryTag: UInt64 = 0
  private var acknowledgedTag: UInt64 = 0
  /// Nanoseconds: bytes of the broker last came, so that until then nothing was missed.
  private var aliveNanoseconds: UInt64 = 0

  static let questionChannel: UInt16 = 1
  static let consumerChannel: UInt16 = 2
  /// Messages that the broker sends ahead; a quarter of them is acknowledged at a time.
  static let prefetch: UInt16 = 1000

  let mode = "stream"
  /// Acknowledgements and questions.
  private(set) var operationsSent: UInt64 = 0
  var isFencing = false
  var countsRepeats: Bool { true }

  /// - Throws: an `OperationError` of class `protocol` when the hop names no queue.
  init(hop: HopDeclaration, sink: any SightingSink, reactor: Reactor, address: BrokerAddress, connectTimeoutNanoseconds: UInt64)
    throws(OperationError)
  {
    guard case .text(let template)? = hop.operands.first?.value, let queue = template.literal, !queue.isEmpty, queue.utf8.count <= 255 else {
      throw OperationError(.protocol, code: "bad-hop", "'stream' needs the name of a queue, without expressions, of at most 255 bytes")
    }
    self.queue = queue
    session = ObserverSession(
      sink: sink, reactor: reactor, address: address, connectTimeoutNanoseconds: connectTimeoutNanoseconds, isObserving: false)
    assembly = DeliveryAssembly(readsContent: hop.readsContent)
    session.owner = self
  }

  var undone: String { "did not let the stream '\(queue)' be read" }

  // Arming

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) { session.arm(deadline: deadline, completion: completion) }

  func sessionOpened(now: UInt64) throws(OperationError) {
    stage = .openingQuestionChannel
    try session.openChannel(StreamReader.questionChannel)
  }

  func frameArrived(_ frame: IncomingFrame, channel: UInt16, now: UInt64) throws(OperationError) {
    switch frame {
    case .method(let id, let decoded): try received(id, decoded, channel: channel, now: now)
    case .header(let bodyBytes, let properties, _):
      guard channel == StreamReader.consumerChannel else { return }
      noteOffset(properties.pointee)
      if try assembly.headerArrived(bodyBytes: bodyBytes, properties: properties.pointee, fence: noFence) != nil { try arrived(now: now) }
    case .body(let bytes):
      guard channel == StreamReader.consumerChannel else { return }
      if try assembly.bodyArrived(bytes) != nil { try arrived(now: now) }
    case .heartbeat, .protocolHeader: break
    }
  }

  private func received(_ id: amqp_method_number_t, _ decoded: UnsafeMutableRawPointer, channel: UInt16, now: UInt64) throws(OperationError)
  {
    switch (id, stage) {
    case (AMQP_BASIC_DELIVER_METHOD, _):
      let deliver = decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
      deliveryTag = deliver.delivery_tag
      assembly.deliverArrived(deliver)
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .openingQuestionChannel): try find()
    case (AMQP_QUEUE_DECLARE_OK_METHOD, .finding): try askKind()
    case (AMQP_CHANNEL_CLOSE_METHOD, .asking) where channel == StreamReader.questionChannel:
      try kindArrived(decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee)
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .openingConsumerChannel):
      stage = .limiting
      try limit()
    case (AMQP_BASIC_QOS_OK_METHOD, .limiting):
      stage = .consuming
      try consume()
    case (AMQP_BASIC_CONSUME_OK_METHOD, .consuming):
      // The consumer is announced before it gets its place in the stream (rabbit_stream_queue, 3.10), and methods are handled in order.
      stage = .proving
      // A place that is given by its offset is the same whenever it is taken.
      if lastOffset != nil { session.endGap(at: now) }
      try limit()
    case (AMQP_BASIC_QOS_OK_METHOD, .proving): proved(now: now)
    case (AMQP_BASIC_CANCEL_METHOD, _):
      throw OperationError(.disconnected, code: "cancelled", "the broker cancelled the reading of '\(queue)'")
    case (AMQP_CHANNEL_CLOSE_METHOD, _):
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      throw OperationError(.server, code: reply.code, "cannot read the stream '\(queue)': \(reply.text)")
    default: break
    }
    if stage == .armed { aliveNanoseconds = now }
  }

  private func find() throws(OperationError) {
    stage = .finding
    var arena = MethodArena()
    var declare = amqp_queue_declare_t()
    declare.queue = arena.bytes(queue)
    declare.passive = 1
    defer { withExtendedLifetime(arena) {} }
    try session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, declare, channel: StreamReader.questionChannel)
    operationsSent += 1
  }

  /// See `QueueKind`.
  private func askKind() throws(OperationError) {
    stage = .asking
    var arena = MethodArena()
    var declare = amqp_queue_declare_t()
    declare.queue = arena.bytes(queue)
    declare.durable = 1
    declare.arguments = arena.table([arena.entry("x-queue-type", QueueKind.noType)])
    defer { withExtendedLifetime(arena) {} }
    try session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, declare, channel: StreamReader.questionChannel)
    operationsSent += 1
  }

  private func kindArrived(_ close: amqp_channel_close_t) throws(OperationError) {
    try session.sendMethod(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), channel: StreamReader.questionChannel)
    let reply = ServerReply(code: close.reply_code, text: close.reply_text)
    switch QueueKind(refusalCode: close.reply_code, text: close.reply_text.text) {
    case .stream: break
    case .classic, .quorum, .other:
      throw OperationError(
        .protocol, code: "not-a-stream",
        "'\(queue)' is no stream, and reading from it would take its messages: observe the exchange before it with 'tap'")
    case .unknown:
      throw OperationError(
        .protocol, code: reply.code,
        "whether '\(queue)' is a stream cannot be asked, and reading from another kind of queue would take its messages: \(reply.text)")
    }
    stage = .openingConsumerChannel
    try session.openChannel(StreamReader.consumerChannel)
  }

  private func limit() throws(OperationError) {
    var qos = amqp_basic_qos_t()
    qos.prefetch_count = StreamReader.prefetch
    try session.sendMethod(AMQP_BASIC_QOS_METHOD, qos, channel: StreamReader.consumerChannel)
    operationsSent += 1
  }

  private func consume() throws(OperationError) {
    acknowledgedTag = 0
    deliveryTag = 0
    var arena = MethodArena()
    var consume = amqp_basic_consume_t()
    consume.queue = arena.bytes(queue)
    consume.consumer_tag = arena.bytes("chainrun")
    if let lastOffset {
      consume.arguments = arena.table([arena.entry("x-stream-offset", lastOffset + 1)])
    } else {
      consume.arguments = arena.table([arena.entry("x-stream-offset", "next")])
    }
    defer { withExtendedLifetime(arena) {} }
    try session.sendMethod(AMQP_BASIC_CONSUME_METHOD, consume, channel: StreamReader.consumerChannel)
    operationsSent += 1
  }

  private func proved(now: UInt64) {
    stage = .armed
    aliveNanoseconds = now
    session.proved(since: now)
  }

  // Messages

  private func noteOffset(_ properties: amqp_basic_properties_t) {
    properties.headers.forEachScalar { name, value in
      if name.elementsEqual("x-stream-offset".utf8), let offset = Int64(String(decoding: value, as: UTF8.self)) { lastOffset = offset }
    }
  }

  private func arrived(now: UInt64) throws(OperationError) {
    aliveNanoseconds = now
    session.sink?.sighted(Sighting(notBefore: 0, seen: now, content: assembly.result))
    guard deliveryTag &- acknowledgedTag >= UInt64(StreamReader.prefetch / 4) else { return }
    // A stream forgets nothing: this only asks for more.
    acknowledgedTag = deliveryTag
    operationsSent += 1
    var ack = amqp_basic_ack_t()
    ack.delivery_tag = deliveryTag
    ack.multiple = 1
    try session.sendMethod(AMQP_BASIC_ACK_METHOD, ack, channel: StreamReader.consumerChannel)
  }

  func sessionBlockedChanged(now: UInt64) {}

  func sessionLost(_ error: OperationError) -> UInt64 {
    stage = .closed
    assembly.reset()
    return aliveNanoseconds
  }

  func close() {
    stage = .closed
    session.close()
  }
}
