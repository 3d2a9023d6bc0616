internal import CRabbitMQ
import ChainIO
import ChainProgram

/// Sees every message that an exchange routes, through an exclusive queue of its own, and proves by markers how late each was routed.
///
/// Its connection is its own, with two channels: the consumer on one, the markers' publishes on the other. The proof of order needs no second
/// connection: it rests on the queue alone (see `MarkerFence`), whichever way a marker takes to it, and the queue's deliveries to one
/// consumer come in its order. What a shared connection changes is an alarm: the broker then stops reading from us, so markers stand still while
/// deliveries go on; that is announced (`connection.blocked`), widens the intervals, and is no gap.
/// No-ack, exclusive, auto-delete: nothing remains in the broker once the connection is gone. (An exchange that is itself auto-delete and
/// that nobody but the tap has bound goes with it, by the broker's rules.)
final class ExchangeTap: HopObserver, ObserverSessionOwner, TimerOwner {
  private enum Stage {
    /// Nothing is in place.
    case closed
    case openingQuestionChannel
    /// What type the exchange is of.
    case asking
    case openingConsumerChannel
    case openingMarkerChannel
    case declaring
    case binding
    case consuming
    /// Everything is in place; the first marker is under way.
    case proving
    case armed
  }

  private let session: ObserverSession
  private let reactor: Reactor
  private let address: BrokerAddress
  private let exchange: String
  /// What the chain says; nil if it leaves it to us.
  private let givenBindings: TapBindings?
  /// In use, once known.
  private var bindings: TapBindings?
  private var bindingsLeft = 0
  private var stage = Stage.closed
  private var assembly: DeliveryAssembly
  private var fence = MarkerFence()
  /// The queue's name, as the broker chose it.
  private(set) var queue: [UInt8] = []
  /// Nanoseconds: just before the binding was sent, and when everything was in place.
  private var bindSentNanoseconds: UInt64 = 0
  private var consumingNanoseconds: UInt64 = 0
  /// Nanoseconds: the binding was there then, as a later answer proved. A queue whose exchange was deleted is silent otherwise.
  private var boundNanoseconds: UInt64 = 0
  private var rebindSentNanoseconds: UInt64?
  private var jitter = JitterSource()
  private var timers: [ReactorTimer] = []

  private enum Alarm: Int {
    /// The next marker is due.
    case marker
    /// The marker under way is overdue.
    case missing
    /// The binding is to be looked after.
    case rebind
  }

  static let consumerChannel: UInt16 = 1
  static let markerChannel: UInt16 = 2
  static let questionChannel: UInt16 = 3
  /// A marker that does not come back for this long means that the tap does not work.
  static let markerPatienceNanoseconds: UInt64 = 5_000_000_000
  static let livenessIntervalNanoseconds: UInt64 = 1_000_000_000

  let mode = "tap"
  var reason: String { bindings?.reason ?? "" }
  private(set) var operationsSent: UInt64 = 0
  private(set) var fencesSent: UInt64 = 0
  var fencePauseNanoseconds: UInt64 = 1_000_000

  var isFencing = false {
    didSet {
      if isFencing, !oldValue, stage == .armed, !fence.isInFlight { scheduleMarker(now: MonotonicClock.now) }
    }
  }

  /// - Throws: an `OperationError` of class `protocol` when the hop cannot be tapped.
  init(hop: HopDeclaration, sink: any SightingSink, reactor: Reactor, address: BrokerAddress, connectTimeoutNanoseconds: UInt64)
    throws(OperationError)
  {
    guard hop.observer == "tap" else {
      throw OperationError(.protocol, code: "bad-hop", "RabbitMQ has no observer '\(hop.observer)'; it has 'tap'")
    }
    guard case .text(let template)? = hop.operands.first?.value, let exchange = template.literal else {
      throw OperationError(.protocol, code: "bad-hop", "'tap' needs the name of an exchange, without expressions")
    }
    do throws(ObserverRefusal) {
      givenBindings = try TapBindings.given(hop.operands)
    } catch {
      throw OperationError(.protocol, code: "bad-hop", error.message)
    }
    guard !exchange.isEmpty else { throw OperationError(.protocol, code: "default-exchange", ExchangeTap.whyNotDefault) }
    guard exchange.utf8.count <= 255 else {
      throw OperationError(.protocol, code: "too-long", "the exchange's name is longer than the 255 bytes that AMQP allows")
    }
    self.exchange = exchange
    self.reactor = reactor
    self.address = address
    session = ObserverSession(
      sink: sink, reactor: reactor, address: address, connectTimeoutNanoseconds: connectTimeoutNanoseconds, isObserving: true)
    assembly = DeliveryAssembly(readsContent: hop.readsContent)
    timers = (0..<3).map { ReactorTimer(owner: self, tag: $0) }
    session.owner = self
  }

  var undone: String { "did not set up the tap on '\(exchange)'" }

  private static let whyNotDefault =
    "the default exchange cannot be tapped: it routes by queue name only and takes no bindings; publish through an exchange with a name"

  /// Why a hop cannot be tapped; nil if it can, as far as can be told without the broker.
  static func refusal(_ operands: [(name: String, value: OperandTemplate)]) -> ObserverRefusal? {
    do throws(ObserverRefusal) {
      _ = try TapBindings.given(operands)
    } catch {
      return error
    }
    guard case .text(let template)? = operands.first?.value, template.literal?.isEmpty == true else { return nil }
    return ObserverRefusal("tap", whyNotDefault)
  }

  private func alarm(_ alarm: Alarm, at nanoseconds: UInt64) { reactor.arm(timers[alarm.rawValue], at: nanoseconds) }
  private func silence(_ alarm: Alarm) { timers[alarm.rawValue].disarm() }

  // Arming

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) { session.arm(deadline: deadline, completion: completion) }

  func sessionOpened(now: UInt64) throws(OperationError) {
    bindings = givenBindings
    rebindSentNanoseconds = nil
    if bindings == nil {
      stage = .openingQuestionChannel
      try session.openChannel(ExchangeTap.questionChannel)
    } else {
      stage = .openingConsumerChannel
      try session.openChannel(ExchangeTap.consumerChannel)
    }
  }

  /// See `TapBindings`.
  private func askType() throws(OperationError) {
    stage = .asking
    var arena = MethodArena()
    var declare = amqp_exchange_declare_t()
    declare.exchange = arena.bytes(exchange)
    declare.type = arena.bytes("direct")
    declare.arguments = arena.table([arena.entry("alternate-exchange", true)])
    defer { withExtendedLifetime(arena) {} }
    try session.sendMethod(AMQP_EXCHANGE_DECLARE_METHOD, declare, channel: ExchangeTap.questionChannel)
  }

  private func typeArrived(_ close: amqp_channel_close_t) throws(OperationError) {
    try session.sendMethod(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), channel: ExchangeTap.questionChannel)
    bindings = try TapBindings.everything(
      from: exchange, type: TapBindings.exchangeType(refusalCode: close.reply_code, text: close.reply_text.text))
    stage = .openingConsumerChannel
    try session.openChannel(ExchangeTap.consumerChannel)
  }

  func frameArrived(_ frame: IncomingFrame, channel: UInt16, now: UInt64) throws(OperationError) {
    switch frame {
    case .method(let id, let decoded): try received(id, decoded, channel: channel, now: now)
    case .header(let bodyBytes, let properties, _):
      guard channel == ExchangeTap.consumerChannel else { return }
      if let completed = try assembly.headerArrived(bodyBytes: bodyBytes, properties: properties.pointee, fence: fence) { arrived(completed, now: now) }
    case .body(let bytes):
      guard channel == ExchangeTap.consumerChannel else { return }
      if let completed = try assembly.bodyArrived(bytes) { arrived(completed, now: now) }
    case .heartbeat, .protocolHeader: break
    }
  }

  private func received(_ id: amqp_method_number_t, _ decoded: UnsafeMutableRawPointer, channel: UInt16, now: UInt64) throws(OperationError)
  {
    switch (id, stage) {
    case (AMQP_BASIC_DELIVER_METHOD, _):
      assembly.deliverArrived(decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee)
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .openingQuestionChannel): try askType()
    case (AMQP_CHANNEL_CLOSE_METHOD, .asking) where channel == ExchangeTap.questionChannel:
      try typeArrived(decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee)
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .openingConsumerChannel):
      stage = .openingMarkerChannel
      try session.openChannel(ExchangeTap.markerChannel)
    case (AMQP_CHANNEL_OPEN_OK_METHOD, .openingMarkerChannel):
      stage = .declaring
      var declare = amqp_queue_declare_t()
      declare.exclusive = 1
      declare.auto_delete = 1
      try session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, declare, channel: ExchangeTap.consumerChannel)
    case (AMQP_QUEUE_DECLARE_OK_METHOD, .declaring):
      stage = .binding
      queue = Array(decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee.queue.raw)
      try bind()
    case (AMQP_QUEUE_BIND_OK_METHOD, .binding):
      bindingsLeft -= 1
      guard bindingsLeft == 0 else { break }
      stage = .consuming
      try consume()
    case (AMQP_QUEUE_BIND_OK_METHOD, .armed):
      if let sent = rebindSentNanoseconds { boundNanoseconds = sent }
      rebindSentNanoseconds = nil
      alarm(.rebind, at: now + ExchangeTap.livenessIntervalNanoseconds)
    case (AMQP_BASIC_CONSUME_OK_METHOD, .consuming):
      stage = .proving
      consumingNanoseconds = now
      fence.begin(queue: queue, bindSent: bindSentNanoseconds, channel: ExchangeTap.markerChannel)
      sendMarker(now: now)
    case (AMQP_BASIC_CANCEL_METHOD, _):
      throw OperationError(.disconnected, code: "cancelled", "the broker cancelled the tap on '\(exchange)'")
    case (AMQP_CHANNEL_CLOSE_METHOD, _):
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      throw OperationError(.server, code: reply.code, "cannot tap '\(exchange)': \(reply.text)")
    default: break
    }
  }

  private func bind() throws(OperationError) {
    guard let bindings else { preconditionFailure("a tap binds when it knows how") }
    bindSentNanoseconds = MonotonicClock.now
    boundNanoseconds = bindSentNanoseconds
    bindingsLeft = bindings.routingKeys.count
    for key in bindings.routingKeys { try bind(key, bindings) }
  }

  private func bind(_ key: String, _ bindings: TapBindings) throws(OperationError) {
    var arena = MethodArena()
    var bind = amqp_queue_bind_t()
    bind.queue = arena.bytes(queue)
    bind.exchange = arena.bytes(exchange)
    bind.routing_key = arena.bytes(key)
    if !bindings.headers.isEmpty {
      var entries = [arena.entry("x-match", bindings.match)]
      for header in bindings.headers { entries.append(arena.entry(header.name, header.value)) }
      bind.arguments = arena.table(entries)
    }
    defer { withExtendedLifetime(arena) {} }
    try session.sendMethod(AMQP_QUEUE_BIND_METHOD, bind, channel: ExchangeTap.consumerChannel)
  }

  /// An exchange that is deleted takes the binding along, and nobody tells: binding again, which changes nothing, is refused then.
  private func bindAgain(now: UInt64) {
    guard let bindings, let key = bindings.routingKeys.first, rebindSentNanoseconds == nil, !session.isBlocked else {
      return alarm(.rebind, at: now + ExchangeTap.livenessIntervalNanoseconds)
    }
    rebindSentNanoseconds = MonotonicClock.now
    operationsSent += 1
    fencesSent += 1
    session.attempt(now: now) { () throws(OperationError) in try bind(key, bindings) }
  }

  private func consume() throws(OperationError) {
    var arena = MethodArena()
    var consume = amqp_basic_consume_t()
    consume.queue = arena.bytes(queue)
    consume.consumer_tag = arena.bytes("chainrun")
    consume.no_ack = 1
    consume.exclusive = 1
    defer { withExtendedLifetime(arena) {} }
    try session.sendMethod(AMQP_BASIC_CONSUME_METHOD, consume, channel: ExchangeTap.consumerChannel)
  }

  // Messages and markers

  private func arrived(_ completed: DeliveryAssembly.Completed, now: UInt64) {
    switch completed {
    case .message:
      session.sink?.sighted(Sighting(notBefore: fence.provenNanoseconds, seen: now, content: assembly.result))
    case .marker:
      let result = assembly.result
      guard result.withBytes(result.body, { fence.markerArrived($0) }) else { return }
      silence(.missing)
      if stage == .proving { proved() }
      if stage == .armed { scheduleMarker(now: now) }
    }
  }

  private func proved() {
    stage = .armed
    alarm(.rebind, at: MonotonicClock.now + ExchangeTap.livenessIntervalNanoseconds)
    session.proved(since: consumingNanoseconds)
  }

  private func scheduleMarker(now: UInt64) {
    let interval = isFencing ? fencePauseNanoseconds : ExchangeTap.livenessIntervalNanoseconds
    alarm(.marker, at: now + jitter.next(from: interval / 2, to: interval / 2 * 3))
  }

  private func sendMarker(now: UInt64) {
    guard !fence.isInFlight, !session.isBlocked else { return }
    session.attempt(now: now) { () throws(OperationError) in
      try session.write { output throws(OperationError) in fence.send(to: &output, now: MonotonicClock.now) }
    }
    operationsSent += 1
    fencesSent += 1
    alarm(.missing, at: now + ExchangeTap.markerPatienceNanoseconds)
  }

  func sessionBlockedChanged(now: UInt64) {
    if session.isBlocked {
      // The broker does not read what we send: a marker that stands still proves nothing.
      silence(.missing)
      silence(.marker)
    } else if fence.isInFlight {
      alarm(.missing, at: now + ExchangeTap.markerPatienceNanoseconds)
    } else if stage == .armed {
      scheduleMarker(now: now)
    }
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    // A tag of our own timers, made from the alarms' numbers.
    switch Alarm(rawValue: timer.tag)! {
    case .marker: if stage == .armed { sendMarker(now: now) }
    case .missing:
      session.lose(
        OperationError(.disconnected, code: "silent", "the tap's marker did not come back from \(address.displayAddress)"), now: now)
    case .rebind: if stage == .armed { bindAgain(now: now) }
    }
  }

  // Losses

  func sessionLost(_ error: OperationError) -> UInt64 {
    stage = .closed
    for timer in timers { timer.disarm() }
    assembly.reset()
    // Markers go past the exchange: they say nothing of one that is gone.
    return error.code == "404" ? min(fence.provenNanoseconds, boundNanoseconds) : fence.provenNanoseconds
  }

  func close() {
    stage = .closed
    for timer in timers { timer.invalidate() }
    session.close()
  }
}
