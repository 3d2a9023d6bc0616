internal import CRabbitMQ
import ChainIO
import ChainProgram

/// One channel for one queue operation at a time. What it holds, it holds alone, and whenever it is closed, the broker puts that back.
///
/// All of it is `basic.get`: a consumer would show in the queue's figures, and its leaving would delete an auto-delete queue.
/// `basic.ack` and `basic.nack` have no answer. The broker handles a channel's methods in order, so the answer to a passive declaration sent
/// behind one says that it was done.
final class QueueChannel: TimerOwner {
  enum Stage {
    case closed
    case opening
    case idle
    /// Asked how many messages and consumers there are.
    case counting
    /// Asked for the queue's kind; the answer closes the channel.
    case probing
    /// `consume` has found nothing and looks again soon.
    case pausing
    /// Replies to `basic.get` are coming.
    case taking
    /// Acknowledged or given back; the broker's word that it is done is awaited.
    case settling
    /// The caller gave up: closed by us, and the broker's answer is awaited.
    case closing
  }

  private unowned let connection: QueueConnection
  private let reactor: Reactor
  let number: UInt16
  private(set) var stage = Stage.closed
  private(set) var call: OperationCall?
  private var template: QueueTemplate?
  private var queue: [UInt8] = []
  private var assembly = MessageAssembly()
  /// Nothing speaks against taking messages.
  private var isCleared = false
  /// Replies to `basic.get` that are still to come in this round, and how many the round has. Rounds go on until one finds the queue empty: the
  /// count of a quorum queue or a stream lags behind by seconds (seen), so it tells no end.
  private var repliesLeft = 0
  private var roundSize = 0
  private var hasSeenEmpty = false
  /// The last message taken, whether or not it is in the result.
  private var lastDeliveryTag: UInt64 = 0
  private var takenCount = 0
  /// Why what was taken is given back instead of being the result.
  private var refusal: OperationError?
  /// The session's `appendedBytes` behind the acknowledgement.
  private var settledOffset: UInt64 = 0
  /// Nanoseconds: the end of `wait`, and until the next look.
  private var waitEnd: UInt64 = 0
  private var pauseNanoseconds: UInt64 = 0
  private var timer: ReactorTimer?

  /// Between looks for the first message: at once, then doubling up to this. A message is noticed at most so much late.
  static let pauseNanosecondsMax: UInt64 = 20_000_000
  private static let pauseNanosecondsMin: UInt64 = 1_000_000
  /// Messages that are asked for at once to begin with; each further round asks for twice as many.
  private static let roundSizeFirst = 16

  init(connection: QueueConnection, number: UInt16, reactor: Reactor) {
    self.connection = connection
    self.number = number
    self.reactor = reactor
  }

  var isFree: Bool { call == nil && (stage == .idle || stage == .closed) }

  // Beginning

  /// Takes the call. Only while `isFree` and the connection is open.
  func begin(_ call: OperationCall, _ template: QueueTemplate) throws(OperationError) {
    let now = MonotonicClock.now
    call.started(at: now)
    if let refused = template.writeName(to: &queue, arguments: call.arguments) { return call.fail(refused, at: now) }
    self.call = call
    self.template = template
    refusal = nil
    takenCount = 0
    roundSize = QueueChannel.roundSizeFirst
    pauseNanoseconds = QueueChannel.pauseNanosecondsMin
    switch template.kind {
    case .facts: isCleared = true
    case .peek(let acceptsRedelivery): isCleared = acceptsRedelivery
    case .consume(let wait):
      isCleared = true
      waitEnd = now + wait
    }
    try resume()
  }

  /// Goes on to what the operation needs next, over a channel that is opened if it is not.
  private func resume() throws(OperationError) {
    guard stage != .idle else {
      switch template?.kind {
      case nil: return
      case .consume?: return try take()
      // Cleared by the probe, which closed the channel.
      case .peek(acceptsRedelivery: false)? where isCleared: return try take()
      case .facts?, .peek?: return try count(.counting)
      }
    }
    stage = .opening
    try connection.session.sendMethod(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t(out_of_band: .none), channel: number)
  }

  private func withQueue(_ body: (amqp_bytes_t) throws(OperationError) -> Void) throws(OperationError) {
    try queue.withUnsafeBufferPointer { (bytes) throws(OperationError) in
      // The codec only reads it.
      try body(amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress)))
    }
  }

  private func count(_ next: Stage) throws(OperationError) {
    stage = next
    try withQueue { name throws(OperationError) in
      var declare = amqp_queue_declare_t()
      declare.queue = name
      declare.passive = 1
      try connection.session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, declare, channel: number)
    }
  }

  /// See `QueueKind`.
  private func probe() throws(OperationError) {
    stage = .probing
    var arena = MethodArena()
    let arguments = arena.table([arena.entry("x-queue-type", QueueKind.noType)])
    defer { withExtendedLifetime(arena) {} }
    try withQueue { name throws(OperationError) in
      var declare = amqp_queue_declare_t()
      declare.queue = name
      declare.durable = 1
      declare.arguments = arguments
      try connection.session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, declare, channel: number)
    }
  }

  // Replies

  func received(_ frame: IncomingFrame, now: UInt64) throws(OperationError) {
    switch frame {
    case .method(let id, let decoded): try received(id, decoded, now: now)
    case .header(let bodyBytes, let properties, _):
      guard stage == .taking, let call else { return try ignore("a content header") }
      if try assembly.headerArrived(bodyBytes: bodyBytes, properties: properties.pointee, into: call.result) { try replied(now: now) }
    case .body(let bytes):
      guard stage == .taking, let call else { return try ignore("a body") }
      if try assembly.bodyArrived(bytes, into: call.result) { try replied(now: now) }
    case .heartbeat, .protocolHeader: break
    }
  }

  /// What crossed our closing of the channel means nothing any more; at any other time it is not expected.
  private func ignore(_ what: String) throws(OperationError) {
    guard stage == .closing else {
      throw OperationError(.protocol, code: "unexpected", "the broker sent \(what) out of turn")
    }
  }

  private func received(_ id: amqp_method_number_t, _ decoded: UnsafeMutableRawPointer, now: UInt64) throws(OperationError) {
    switch (id, stage) {
    case (AMQP_CHANNEL_CLOSE_METHOD, _):
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      try connection.session.sendMethod(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), channel: number)
      try closed(reply, code: close.reply_code, now: now)
    case (AMQP_CHANNEL_CLOSE_OK_METHOD, .closing):
      stage = .closed
      connection.channelFreed()
    // The second: our closing crossed the broker's.
    case (_, .closing), (AMQP_CHANNEL_CLOSE_OK_METHOD, _): break
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .opening):
      stage = .idle
      try resume()
    case (AMQP_QUEUE_DECLARE_OK_METHOD, .counting):
      let ok = decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee
      try counted(messages: Int(ok.message_count), consumers: Int(ok.consumer_count), now: now)
    case (AMQP_QUEUE_DECLARE_OK_METHOD, .settling): settled(now: now)
    case (AMQP_QUEUE_DECLARE_OK_METHOD, .probing):
      throw OperationError(.protocol, code: "unexpected", "the broker took '\(QueueKind.noType)' for a type of queues")
    case (AMQP_BASIC_GET_OK_METHOD, .taking):
      let ok = decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee
      lastDeliveryTag = ok.delivery_tag
      takenCount += 1
      try assembly.messageBegan(key: ok.routing_key.raw)
    case (AMQP_BASIC_GET_EMPTY_METHOD, .taking):
      hasSeenEmpty = true
      try replied(now: now)
    default: try ignore("'\(String(cString: amqp_method_name(id)))'")
    }
  }

  private func counted(messages: Int, consumers: Int, now: UInt64) throws(OperationError) {
    guard let call, let template else { return }
    switch template.kind {
    case .facts:
      call.result.clear()
      call.result.appendArray(count: 2)
      call.result.appendInteger(Int64(messages))
      call.result.appendInteger(Int64(consumers))
      return end { $0.succeed(at: now) }
    case .peek(let acceptsRedelivery):
      guard !acceptsRedelivery else { break }
      guard consumers == 0 else {
        return refuse("it has \(consumers) consumer\(consumers == 1 ? "" : "s"), which a message held here would be kept from", now: now)
      }
      if connection.isKnownClassic(queue) { isCleared = true }
      guard isCleared else { return try probe() }
    case .consume: return
    }
    roundSize = max(roundSize, messages)
    try take()
  }

  private func refuse(_ reason: String, now: UInt64) {
    let name = String(decoding: queue, as: UTF8.self)
    let error = OperationError(
      .protocol, code: "peek-refused",
      "'\(name)' is not peeked into without 'accept_redelivery: true': \(reason)")
    end { $0.fail(error, at: now) }
  }

  // Taking

  private func take() throws(OperationError) {
    guard let call else { return }
    assembly.begin(call.result)
    lastDeliveryTag = 0
    takenCount = 0
    hasSeenEmpty = false
    try askRound()
  }

  private func askRound() throws(OperationError) {
    guard let template else { return }
    stage = .taking
    roundSize = min(roundSize, template.messagesMax - takenCount)
    repliesLeft = roundSize
    try withQueue { name throws(OperationError) in
      let get = amqp_basic_get_t(ticket: 0, queue: name, no_ack: 0)
      // All at once: the broker answers them in order.
      for _ in 0..<roundSize { try connection.session.sendMethod(AMQP_BASIC_GET_METHOD, get, channel: number) }
    }
  }

  private func replied(now: UInt64) throws(OperationError) {
    repliesLeft -= 1
    guard repliesLeft == 0, let template else { return }
    guard takenCount > 0 else { return try foundNothing(now: now) }
    if !hasSeenEmpty, takenCount < template.messagesMax, !assembly.isTooLarge {
      roundSize = max(2 * roundSize, QueueChannel.roundSizeFirst)
      return try askRound()
    }
    if assembly.isTooLarge {
      let limit = OperationResult.bytesMax >> 20
      refusal = OperationError(
        .protocol, code: "too-large", "the messages are larger than \(limit) MiB together and were given back; take fewer with 'max'")
    }
    try settle()
  }

  private func foundNothing(now: UInt64) throws(OperationError) {
    guard case .consume? = template?.kind, now < waitEnd else { return end { $0.succeed(at: now) } }
    stage = .pausing
    let timer = self.timer ?? ReactorTimer(owner: self)
    self.timer = timer
    reactor.arm(timer, at: min(now + pauseNanoseconds, waitEnd))
    pauseNanoseconds = min(2 * pauseNanoseconds, QueueChannel.pauseNanosecondsMax)
    roundSize = 1
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    guard stage == .pausing else { return }
    connection.attempt(now: now) { () throws(OperationError) in try take() }
  }

  // Settling

  private var isAcknowledging: Bool {
    if case .consume? = template?.kind { return refusal == nil }
    return false
  }

  private func settle() throws(OperationError) {
    let session = connection.session
    if isAcknowledging {
      try session.sendMethod(AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t(delivery_tag: lastDeliveryTag, multiple: 1), channel: number)
    } else {
      try session.sendMethod(
        AMQP_BASIC_NACK_METHOD, amqp_basic_nack_t(delivery_tag: lastDeliveryTag, multiple: 1, requeue: 1), channel: number)
    }
    settledOffset = session.appendedBytes
    try count(.settling)
  }

  private func settled(now: UInt64) {
    let refusal = refusal
    end { call in
      if let refusal { call.fail(refusal, at: now) } else { call.succeed(at: now) }
    }
  }

  // Ending

  /// Ends the call; the channel stays open if it is.
  private func end(_ ending: (OperationCall) -> Void) {
    if stage != .closed, stage != .closing { stage = .idle }
    timer?.disarm()
    template = nil
    if let call = call.take() { ending(call) }
    connection.channelFreed()
  }

  /// The broker closed the channel.
  private func closed(_ reply: ServerReply, code: UInt16, now: UInt64) throws(OperationError) {
    let before = stage
    stage = .closed
    guard before == .probing else {
      let error = OperationError(.server, code: reply.code, reply.text)
      let isUnknown = before == .settling && isAcknowledging
      if code == 404 { connection.forget(queue) }
      return end { call in
        if isUnknown { call.endUnknown(error, at: now) } else { call.fail(error, at: now) }
      }
    }
    if code == 404 || code == 405 { return end { $0.fail(OperationError(.server, code: reply.code, reply.text), at: now) } }
    let kind = QueueKind(refusalCode: code, text: reply.text)
    if let reason = kind.reasonAgainstPeeking(refusal: reply.text) { return refuse(reason, now: now) }
    connection.remember(classic: queue)
    isCleared = true
    try resume()
  }

  /// The caller gives up. What is held goes back to the queue with the channel's closing.
  func abandon(now: UInt64) {
    guard call != nil else { preconditionFailure("a call that is under way has its channel") }
    let isUnknown = stage == .settling && isAcknowledging
    let isQuiet = stage == .pausing
    if !isQuiet {
      stage = .closing
      let close = amqp_channel_close_t(reply_code: 200, reply_text: .none, class_id: 0, method_id: 0)
      connection.attempt(now: now) { () throws(OperationError) in
        try connection.session.sendMethod(AMQP_CHANNEL_CLOSE_METHOD, close, channel: number)
      }
    }
    end { call in
      if isUnknown {
        call.endUnknown(OperationError(.timeout, code: "deadline", "no answer to the acknowledgement by the deadline"), at: now)
      } else {
        call.fail(OperationError(.timeout, code: "deadline", "the queue's messages had not come by the deadline"), at: now)
      }
    }
  }

  /// The connection is gone, and the broker has put back what was held.
  func lost(_ error: OperationError, now: UInt64) {
    let isUnknown = stage == .settling && isAcknowledging && settledOffset <= connection.session.handedBytes
    stage = .closed
    guard call != nil else { return }
    let lost = OperationError(.disconnected, code: error.code, error.message)
    end { call in
      if isUnknown { call.endUnknown(lost, at: now) } else { call.fail(lost, at: now) }
    }
  }

  func close() {
    timer?.invalidate()
    timer = nil
    stage = .closed
    call = nil
  }
}
