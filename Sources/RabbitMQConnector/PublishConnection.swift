internal import CRabbitMQ
import ChainIO

/// A publish on its way, under its delivery tag.
struct PendingPublish {
  /// nil if nobody waits for the confirm: it was not asked for, or the caller gave up. Not counted: a call keeps itself until it was told.
  var call: Unmanaged<OperationCall>?
  /// The session's `appendedBytes` behind the message.
  var endOffset: UInt64
  /// What a `basic.return` is recognised by; 0 unless mandatory.
  var route: UInt64
  var content: UInt64
  /// The reply code of the `basic.return` that came for it.
  var returnCode: UInt16 = 0
}

/// One connection of a pool, with its confirm channel. Publishes of many users share it.
///
/// Messages without `confirm` go over the same channel: the broker confirms those too, and nobody waits for it.
final class PublishConnection: BrokerSessionOwner, TimerOwner {
  enum Stage {
    case closed
    case connecting
    case openingChannel
    case selectingConfirms
    case ready
    case awaitingReconnect
  }

  /// Where a call stands, packed into `OperationCall.place`.
  struct Place {
    enum Book: Int {
      case waiting, confirms, handing
      /// On the queue connection: `connection` is the channel's number, or 0 while the call waits for one under the ticket `sequence`.
      case queue
    }
    let book: Book
    let connection: Int
    let sequence: UInt64

    init(_ book: Book, connection: Int, sequence: UInt64) {
      self.book = book
      self.connection = connection
      self.sequence = sequence
    }

    init(packed: Int) {
      // Our own number, packed below: all four books are there.
      book = Book(rawValue: packed & 3)!
      connection = packed >> 2 & 0xFFFF
      sequence = UInt64(packed >> 18)
    }

    var packed: Int { Int(sequence) << 18 | connection << 2 | book.rawValue }
  }

  private unowned var driver: RabbitMQDriver!
  private let reactor: Reactor
  private let address: BrokerAddress
  private let index: Int
  private let session: BrokerSession
  private(set) var stage = Stage.closed
  private var confirms = SequenceRing<PendingPublish>()
  /// Calls that end when their bytes are with the kernel.
  private var handing = SequenceRing<(call: OperationCall, endOffset: UInt64)>()
  private var backoff = Backoff()
  private var reconnectTimer: ReactorTimer?
  private var isReconnecting = false
  private(set) var reconnects = 0
  private var returned: ReturnedMessage?

  /// A `basic.return` that is arriving: method, header, body frames.
  private struct ReturnedMessage {
    var code: UInt16
    var digest: MessageDigest
    let route: UInt64
    var bodyBytesLeft: UInt64 = 0
  }

  static let channel: UInt16 = 1
  /// Bytes that the kernel has not taken, above which calls wait.
  static let highWaterBytes = 1 << 20

  /// Without a driver yet, which keeps its connections in a constant. `belong(to:)` comes before `connect`.
  init(reactor: Reactor, address: BrokerAddress, index: Int) {
    self.reactor = reactor
    self.address = address
    self.index = index
    session = BrokerSession(reactor: reactor, address: address)
    session.belong(to: self)
  }

  func belong(to driver: RabbitMQDriver) { self.driver = driver }

  var isBlocked: Bool { stage == .ready && session.isBlocked }
  var canPublish: Bool { stage == .ready && !session.isBlocked && session.pendingBytes < PublishConnection.highWaterBytes }
  /// Messages that are not confirmed, or not handed over yet if nobody waits for a confirm.
  var inFlight: Int { confirms.count }
  var hasCallsInFlight: Bool { !confirms.isEmpty || !handing.isEmpty }

  /// - Parameter deadline: Nanoseconds, by which the confirm channel must be open.
  func connect(deadline: UInt64) {
    precondition(stage == .closed || stage == .awaitingReconnect, "a connection connects once at a time")
    stage = .connecting
    session.connect(deadline: deadline)
  }

  // Publishing

  /// Sends the call's message. Only while `canPublish`.
  ///
  /// - Parameter now: Nanoseconds: its service time begins here.
  func publish(_ call: OperationCall, _ template: PublishTemplate, now: UInt64) {
    call.started(at: now)
    let outcome: PublishTemplate.Outcome
    do throws(OperationError) {
      let frameBytesMax = session.frameBytesMax
      outcome = try session.write { output throws(OperationError) in
        template.write(
          to: &output, arguments: call.arguments, channel: PublishConnection.channel, frameBytesMax: frameBytesMax, trace: call.traceParent)
      }
    } catch {
      return call.fail(error, at: now)
    }
    switch outcome {
    case .refused(let error): call.fail(error, at: now)
    case .written(let route, let content):
      let end = session.appendedBytes
      let tag = confirms.append(
        PendingPublish(call: template.isConfirmed ? .passUnretained(call) : nil, endOffset: end, route: route, content: content))
      if template.isConfirmed {
        call.place = Place(.confirms, connection: index, sequence: tag).packed
      } else {
        let ticket = handing.append((call, end))
        call.place = Place(.handing, connection: index, sequence: ticket).packed
      }
    }
  }

  /// The caller gives up on a message that was sent or is about to be.
  func abandon(_ call: OperationCall, _ place: Place, now: UInt64) {
    session.suspect(sent: call.startedNanoseconds)
    switch place.book {
    case .waiting, .queue: preconditionFailure("the call is not on this connection")
    case .confirms:
      // The tag stays as a placeholder until its confirm comes.
      confirms[place.sequence]?.call = nil
      call.endUnknown(OperationError(.timeout, code: "deadline", "no publisher confirm by the deadline"), at: now)
    case .handing:
      _ = handing.take(place.sequence)
      call.endUnknown(OperationError(.timeout, code: "deadline", "the message was not handed to the network by the deadline"), at: now)
    }
  }

  func sessionFlushed(_ session: BrokerSession, now: UInt64) {
    while let first = handing.first, first.endOffset <= session.handedBytes {
      _ = handing.popFirst()
      first.call.succeed(at: MonotonicClock.now)
    }
    driver.connectionMayPublish(now: now)
  }

  // Confirms

  func sessionReceived(_ session: BrokerSession, channel: UInt16, _ frame: IncomingFrame, now: UInt64) {
    guard channel == PublishConnection.channel else { return }
    do throws(OperationError) {
      switch frame {
      case .method(let id, let decoded): try received(id, decoded, now: now)
      case .header(let bodyBytes, _, let raw): receivedHeader(bodyBytes: bodyBytes, raw: raw)
      case .body(let bytes): receivedBody(bytes)
      case .heartbeat, .protocolHeader: break
      }
    } catch {
      session.lose(error, now: now)
    }
  }

  private func received(_ id: amqp_method_number_t, _ decoded: UnsafeMutableRawPointer, now: UInt64) throws(OperationError) {
    switch (id, stage) {
    case (AMQP_BASIC_ACK_METHOD, .ready):
      let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
      try confirmed(ack.delivery_tag, multiple: ack.multiple != 0, isAck: true, now: now)
    case (AMQP_BASIC_NACK_METHOD, .ready):
      let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
      try confirmed(nack.delivery_tag, multiple: nack.multiple != 0, isAck: false, now: now)
    case (AMQP_BASIC_RETURN_METHOD, .ready):
      let method = decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
      var digest = MessageDigest()
      digest.addShortString(method.exchange.raw)
      digest.addShortString(method.routing_key.raw)
      returned = ReturnedMessage(code: method.reply_code, digest: digest, route: digest.value)
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .openingChannel):
      stage = .selectingConfirms
      try session.sendMethod(AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t(nowait: 0), channel: PublishConnection.channel)
    case (AMQP_CONFIRM_SELECT_OK_METHOD, .selectingConfirms):
      stage = .ready
      backoff.reset()
      if isReconnecting { reconnects += 1 }
      isReconnecting = false
      driver.connectionReady(now: now)
    case (AMQP_CHANNEL_CLOSE_METHOD, .ready):
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      endCalls(ServerReply(code: close.reply_code, text: close.reply_text), now: now)
      try session.sendMethod(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), channel: PublishConnection.channel)
      try openChannel()
    case (AMQP_CHANNEL_CLOSE_METHOD, _):
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      throw OperationError(.connect, code: reply.code, "\(address.displayAddress) refused a confirm channel: \(reply.text)")
    default: break
    }
  }

  private func openChannel() throws(OperationError) {
    stage = .openingChannel
    returned = nil
    confirms.reset(first: 1)
    try session.sendMethod(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t(out_of_band: .none), channel: PublishConnection.channel)
  }

  private func confirmed(_ tag: UInt64, multiple: Bool, isAck: Bool, now: UInt64) throws(OperationError) {
    guard tag < confirms.next else {
      throw OperationError(.protocol, code: "unexpected", "the broker confirmed a message that was never sent")
    }
    if multiple {
      let last = tag == 0 ? confirms.next - 1 : tag
      while confirms.head <= last, let pending = confirms.popFirst() {
        prefetchNext()
        end(pending, isAck: isAck, now: now)
      }
    } else if let pending = confirms.take(tag) {
      prefetchNext()
      end(pending, isAck: isAck, now: now)
    }
  }

  /// The call whose confirm comes after the next one, which was asked for before.
  private func prefetchNext() {
    confirms[confirms.head &+ 1]?.call?._withUnsafeGuaranteedRef { $0.prefetch() }
  }

  private func end(_ pending: PendingPublish, isAck: Bool, now: UInt64) {
    pending.call?._withUnsafeGuaranteedRef { end($0, pending, isAck: isAck, now: now) }
  }

  private func end(_ call: OperationCall, _ pending: PendingPublish, isAck: Bool, now: UInt64) {
    if pending.returnCode != 0 {
      call.result.isRouted = false
      call.fail(
        OperationError(.server, code: String(pending.returnCode), "the mandatory message was routed to no queue (NO_ROUTE)"), at: now)
    } else if isAck {
      call.succeed(at: now)
    } else {
      call.fail(OperationError(.server, code: "nack", "the broker could not take the message (basic.nack)"), at: now)
    }
  }

  // Returned messages: the broker says which one by sending it back whole, before its confirm.

  private func receivedHeader(bodyBytes: UInt64, raw: UnsafeRawBufferPointer) {
    guard returned != nil else { return }
    returned!.digest.add(raw)
    returned!.bodyBytesLeft = bodyBytes
    if bodyBytes == 0 { returnArrived() }
  }

  private func receivedBody(_ bytes: UnsafeRawBufferPointer) {
    guard returned != nil else { return }
    returned!.digest.add(bytes)
    returned!.bodyBytesLeft -= min(UInt64(bytes.count), returned!.bodyBytesLeft)
    if returned!.bodyBytesLeft == 0 { returnArrived() }
  }

  private func returnArrived() {
    guard let message = returned.take() else { return }
    // The oldest that is the same to the last byte; should the broker have rewritten its properties, the oldest with its route.
    var oldestWithRoute: UInt64?
    for tag in confirms.head..<confirms.next {
      guard let pending = confirms[tag], pending.returnCode == 0, pending.route == message.route else { continue }
      if pending.content == message.digest.value {
        confirms[tag]?.returnCode = message.code
        return
      }
      if oldestWithRoute == nil { oldestWithRoute = tag }
    }
    if let oldestWithRoute { confirms[oldestWithRoute]?.returnCode = message.code }
  }

  // Losses

  /// The channel was closed by the broker: ends what it had not confirmed. What it names as the cause has failed; the rest, nobody knows.
  private func endCalls(_ reply: ServerReply, now: UInt64) {
    let isAlone = confirms.count == 1
    // Once, and not for each of thousands: the text is searched by characters.
    let exchange = isAlone ? nil : reply.exchange
    while let pending = confirms.popFirst() {
      guard let call = pending.call?.takeUnretainedValue() else { continue }
      if isAlone || exchange.map({ $0 == driver.exchangeName(of: call) }) == true {
        call.fail(OperationError(.server, code: reply.code, reply.text), at: now)
      } else {
        call.endUnknown(
          OperationError(.disconnected, code: reply.code, "the channel was closed before the confirm, for another message: \(reply.text)"),
          at: now)
      }
    }
  }

  private func endCalls(_ error: OperationError, now: UInt64) {
    while let pending = confirms.popFirst() {
      if let call = pending.call?.takeUnretainedValue() { endLost(call, pending.endOffset, error, now: now) }
    }
    while let (call, endOffset) = handing.popFirst() { endLost(call, endOffset, error, now: now) }
  }

  private func endLost(_ call: OperationCall, _ endOffset: UInt64, _ error: OperationError, now: UInt64) {
    let lost = OperationError(.disconnected, code: error.code, error.message)
    // A message whose last byte never left this process was not published.
    if endOffset > session.handedBytes { call.fail(lost, at: now) } else { call.endUnknown(lost, at: now) }
  }

  func sessionOpened(_ session: BrokerSession, now: UInt64) {
    do throws(OperationError) { try openChannel() } catch { session.lose(error, now: now) }
  }

  func sessionBlockedChanged(_ session: BrokerSession, now: UInt64) { driver.connectionMayPublish(now: now) }

  func sessionClosed(_ session: BrokerSession, _ error: OperationError, now: UInt64) {
    stage = .closed
    returned = nil
    endCalls(error, now: now)
    confirms.reset(first: 1)
    handing.reset(first: handing.next)
    driver.connectionLost(self, error, now: now)
  }

  /// Connects again after a while: when, says the driver, given how long to wait at least (nanoseconds). Called once per loss.
  func reconnectLater(_ when: (UInt64) -> UInt64) {
    stage = .awaitingReconnect
    let timer = reconnectTimer ?? ReactorTimer(owner: self)
    reconnectTimer = timer
    reactor.arm(timer, at: when(backoff.nextDelay()))
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    guard stage == .awaitingReconnect else { return }
    isReconnecting = true
    connect(deadline: now + driver.connectTimeoutNanoseconds)
  }

  func close() {
    reconnectTimer?.invalidate()
    reconnectTimer = nil
    stage = .closed
    session.close()
  }
}
