internal import CRabbitMQ
import ChainIO

/// What a session tells the channels above it. Called on the reactor's thread.
protocol BrokerSessionOwner: AnyObject {
  /// The virtual host is open; channels may be opened.
  func sessionOpened(_ session: BrokerSession, now: UInt64)
  /// - Parameter frame: Of a channel of ours; valid during the call only.
  func sessionReceived(_ session: BrokerSession, channel: UInt16, _ frame: IncomingFrame, now: UInt64)
  /// `connection.blocked` or `connection.unblocked` came.
  func sessionBlockedChanged(_ session: BrokerSession, now: UInt64)
  /// `handedBytes` has grown.
  func sessionFlushed(_ session: BrokerSession, now: UInt64)
  /// The session is lost. Not called after the owner's own `close`.
  func sessionClosed(_ session: BrokerSession, _ error: OperationError, now: UInt64)
}

/// One AMQP 0-9-1 connection: the handshake, heartbeats, back-pressure notices, and the way to and from its channels.
///
/// librabbitmq encodes and decodes; bytes go through the reactor's transport, so nothing here blocks.
final class BrokerSession: TransportOwner, TimerOwner, TurnFlushable {
  enum Stage {
    case closed
    case connecting
    case awaitingStart
    case awaitingTune
    case awaitingOpenOk
    case open
    /// `close` was called, and the broker's goodbye is awaited for a moment. The owner hears nothing any more and may be gone.
    case closing
  }

  private let reactor: Reactor
  private let address: BrokerAddress
  /// Set by `belong(to:)` before the first `connect`.
  private unowned var owner: (any BrokerSessionOwner)!
  // A constant: what every message goes through is not asked whether it is there, and need not be kept alive by a count.
  private let transport: SocketTransport
  private var decoder: FrameDecoder?
  private(set) var stage = Stage.closed
  /// The broker has stopped reading publishes, for lack of memory or disk.
  private(set) var isBlocked = false
  /// Agreed with the broker.
  private(set) var frameBytesMax = 4096
  /// Nanoseconds; 0 if the broker wants no heartbeats.
  private var heartbeatNanoseconds: UInt64 = 0
  private var timer: ReactorTimer?
  /// Nanoseconds: the end of the handshake's patience.
  private var deadline: UInt64 = 0
  /// Nanoseconds: bytes last came, bytes last went.
  private(set) var receivedNanoseconds: UInt64 = 0
  private var sentNanoseconds: UInt64 = 0
  /// When the oldest request was sent that its caller gave up on without a single byte having come since; `UInt64.max` if there is none.
  private var suspectNanoseconds = UInt64.max
  /// Bytes ever appended, and how many of them the kernel has taken.
  private(set) var appendedBytes: UInt64 = 0
  private(set) var handedBytes: UInt64 = 0
  private var isFlushAsked = false

  static let heartbeatSecondsMax: UInt16 = 30
  /// Silence after which a connection with a call that was given up on is dropped.
  static let suspectSilenceNanoseconds: UInt64 = 5_000_000_000
  private static let tickNanoseconds: UInt64 = 1_000_000_000
  /// How long a goodbye may take. A broker whose client leaves without one writes a warning into its log.
  private static let goodbyeNanoseconds: UInt64 = 500_000_000

  convenience init(reactor: Reactor, address: BrokerAddress, owner: any BrokerSessionOwner) {
    self.init(reactor: reactor, address: address)
    belong(to: owner)
  }

  /// Without an owner yet: for one who keeps its session in a constant.
  init(reactor: Reactor, address: BrokerAddress) {
    self.reactor = reactor
    self.address = address
    transport = SocketTransport(reactor: reactor)
    transport.belong(to: self)
  }

  func belong(to owner: any BrokerSessionOwner) { self.owner = owner }

  var pendingBytes: Int { transport.pendingBytes }
  /// An observer's session, whose reads are watched for their lateness. Set before `connect`.
  var isObserving: Bool {
    get { transport.isObserving }
    set { transport.isObserving = newValue }
  }

  /// - Parameter deadline: Nanoseconds of CLOCK_MONOTONIC, handshake included.
  func connect(deadline: UInt64) {
    if stage == .closing { release() }
    precondition(stage == .closed, "a session connects once at a time")
    stage = .connecting
    decoder = FrameDecoder()
    isBlocked = false
    frameBytesMax = 4096
    heartbeatNanoseconds = 0
    suspectNanoseconds = .max
    appendedBytes = 0
    handedBytes = 0
    self.deadline = deadline
    let timer = ReactorTimer(owner: self)
    self.timer = timer
    reactor.arm(timer, at: deadline)
    transport.connect(to: address.endpoint, address: address.displayAddress, deadline: deadline)
  }

  // Sending

  /// Appends frames to the output; they go out at the end of this turn.
  func write<Result>(_ body: (inout [UInt8]) throws(OperationError) -> Result) throws(OperationError) -> Result {
    let before = transport.output.count
    let result = try body(&transport.output)
    appendedBytes &+= UInt64(transport.output.count - before)
    transport.flushSoon()
    if !isFlushAsked {
      isFlushAsked = true
      // Behind the transport's own flush, so that `handedBytes` is right when we look.
      reactor.flushAtTurnEnd(self)
    }
    return result
  }

  func sendMethod<Method: BitwiseCopyable>(_ id: amqp_method_number_t, _ method: Method, channel: UInt16) throws(OperationError) {
    try write { output throws(OperationError) in try output.appendMethod(id, method, channel: channel) }
  }

  func turnEnded(now: UInt64) {
    isFlushAsked = false
    flushed(now: now)
  }

  func transportDrained(_ transport: SocketTransport, now: UInt64) { flushed(now: now) }

  private func flushed(now: UInt64) {
    switch stage {
    case .closed, .connecting, .closing: return
    case .awaitingStart, .awaitingTune, .awaitingOpenOk, .open: break
    }
    let handed = appendedBytes - UInt64(transport.pendingBytes)
    guard handed != handedBytes else { return }
    handedBytes = handed
    sentNanoseconds = now
    owner.sessionFlushed(self, now: now)
  }

  /// A caller gave up on something that was sent at `sent`. If the broker stays silent altogether, the session is dropped.
  func suspect(sent: UInt64) {
    if receivedNanoseconds < sent { suspectNanoseconds = min(suspectNanoseconds, sent) }
  }

  // Receiving

  func transportConnected(_ transport: SocketTransport, now: UInt64) {
    stage = .awaitingStart
    receivedNanoseconds = now
    do throws(OperationError) {
      try write { output throws(OperationError) in output.append(contentsOf: [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1]) }
    } catch {
      lose(error, now: now)
    }
  }

  func transportReceived(_ transport: SocketTransport, _ bytes: UnsafeRawBufferPointer, now: UInt64) {
    receivedNanoseconds = now
    suspectNanoseconds = .max
    var rest = bytes
    // Once, and not for each frame: to look whether the owner is still there costs as much as a count. While closing it may be gone.
    let owner = stage == .closing ? nil : self.owner
    do throws(OperationError) {
      while !rest.isEmpty, stage != .closed {
        guard let (channel, frame) = try decoder!.next(&rest) else { continue }
        if channel == 0 {
          try received(frame, now: now)
        } else if stage != .closing {
          guard stage == .open else { throw unexpected("a frame of channel \(channel) before the connection was open") }
          owner?.sessionReceived(self, channel: channel, frame, now: now)
        }
      }
      decoder?.readEnded()
    } catch {
      lose(error, now: now)
    }
  }

  private func unexpected(_ what: String) -> OperationError {
    OperationError(.protocol, code: "unexpected", "the broker at \(address.displayAddress) sent \(what)")
  }

  /// A frame of channel 0.
  private func received(_ frame: IncomingFrame, now: UInt64) throws(OperationError) {
    switch frame {
    case .heartbeat: return
    case .protocolHeader: throw OperationError(.connect, code: "version", "\(address.displayAddress) does not speak AMQP 0-9-1")
    case .header, .body: throw unexpected("content on channel 0")
    case .method(let id, let decoded): try receivedMethod(id, decoded, now: now)
    }
  }

  private func receivedMethod(_ id: amqp_method_number_t, _ decoded: UnsafeMutableRawPointer, now: UInt64) throws(OperationError) {
    switch (id, stage) {
    case (_, .closing):
      // Whatever it says, it is over; unless these are notices that crossed our goodbye.
      if id == AMQP_CONNECTION_CLOSE_OK_METHOD || id == AMQP_CONNECTION_CLOSE_METHOD { release() }
    case (AMQP_CONNECTION_START_METHOD, .awaitingStart):
      try start(decoded.assumingMemoryBound(to: amqp_connection_start_t.self).pointee)
      stage = .awaitingTune
    case (AMQP_CONNECTION_TUNE_METHOD, .awaitingTune):
      try tune(decoded.assumingMemoryBound(to: amqp_connection_tune_t.self).pointee)
      stage = .awaitingOpenOk
    case (AMQP_CONNECTION_OPEN_OK_METHOD, .awaitingOpenOk):
      stage = .open
      if let timer { reactor.arm(timer, at: now + BrokerSession.tickNanoseconds) }
      owner.sessionOpened(self, now: now)
    case (AMQP_CONNECTION_CLOSE_METHOD, _):
      let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      let isLogin = stage != .open
      try sendMethod(AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t(), channel: 0)
      transport.turnEnded(now: now)
      if isLogin {
        throw OperationError(.connect, code: reply.code, "\(address.displayAddress) refused the connection: \(reply.text)")
      }
      throw OperationError(.disconnected, code: reply.code, "the broker closed the connection: \(reply.text)")
    case (AMQP_CONNECTION_BLOCKED_METHOD, .open), (AMQP_CONNECTION_UNBLOCKED_METHOD, .open):
      isBlocked = id == AMQP_CONNECTION_BLOCKED_METHOD
      owner.sessionBlockedChanged(self, now: now)
    default: throw unexpected("'\(String(cString: amqp_method_name(id)))' out of turn")
    }
  }

  private func start(_ start: amqp_connection_start_t) throws(OperationError) {
    guard start.mechanisms.text.split(separator: " ").contains("PLAIN") else {
      throw OperationError(.connect, code: "mechanism", "\(address.displayAddress) does not offer the login mechanism PLAIN")
    }
    var arena = MethodArena()
    let capabilities = arena.table([
      arena.entry("publisher_confirms", true), arena.entry("basic.nack", true), arena.entry("connection.blocked", true),
      // Without it a wrong password shows as a bare end of file.
      arena.entry("consumer_cancel_notify", true), arena.entry("authentication_failure_close", true),
    ])
    let properties = arena.table([
      arena.entry("product", "chainrun"), arena.entry("connection_name", "chainrun"), arena.entry("capabilities", capabilities),
    ])
    let method = amqp_connection_start_ok_t(
      client_properties: properties, mechanism: arena.bytes("PLAIN"),
      response: arena.bytes([0] + Array(address.user.utf8) + [0] + Array(address.password.utf8)), locale: arena.bytes("en_US"))
    defer { withExtendedLifetime(arena) {} }
    try sendMethod(AMQP_CONNECTION_START_OK_METHOD, method, channel: 0)
  }

  private func tune(_ tune: amqp_connection_tune_t) throws(OperationError) {
    let limit = tune.frame_max == 0 ? UInt32.max : max(tune.frame_max, 4096)
    frameBytesMax = Int(min(limit, UInt32(FrameDecoder.frameBytesMax)))
    let heartbeat = min(tune.heartbeat, BrokerSession.heartbeatSecondsMax)
    heartbeatNanoseconds = UInt64(heartbeat) * 1_000_000_000
    try sendMethod(
      AMQP_CONNECTION_TUNE_OK_METHOD,
      amqp_connection_tune_ok_t(channel_max: tune.channel_max, frame_max: UInt32(frameBytesMax), heartbeat: heartbeat), channel: 0)
    var arena = MethodArena()
    let open = amqp_connection_open_t(virtual_host: arena.bytes(address.virtualHost), capabilities: .none, insist: 0)
    defer { withExtendedLifetime(arena) {} }
    try sendMethod(AMQP_CONNECTION_OPEN_METHOD, open, channel: 0)
  }

  // Time

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    switch stage {
    case .closed: return
    case .closing: release()
    case .connecting:
      lose(OperationError(.connect, code: "timeout", "cannot connect to \(address.displayAddress): no answer by the deadline"), now: now)
    case .awaitingStart, .awaitingTune, .awaitingOpenOk:
      lose(
        OperationError(.connect, code: "timeout", "\(address.displayAddress) did not finish the AMQP handshake by the deadline"), now: now)
    case .open: tick(timer, now: now)
    }
  }

  private func tick(_ timer: ReactorTimer, now: UInt64) {
    // `receivedNanoseconds` may lie behind the turn's own stamp.
    let silence = now > receivedNanoseconds ? now - receivedNanoseconds : 0
    if heartbeatNanoseconds > 0 {
      if silence > 2 * heartbeatNanoseconds {
        return lose(
          OperationError(.disconnected, code: "heartbeat", "\(address.displayAddress) was silent for two heartbeat intervals"), now: now)
      }
      if now > sentNanoseconds, now - sentNanoseconds >= heartbeatNanoseconds / 2, transport.pendingBytes == 0 {
        try? write { output throws(OperationError) in output.appendHeartbeat() }
      }
    }
    if suspectNanoseconds != .max, !isBlocked, now > suspectNanoseconds, now - suspectNanoseconds > BrokerSession.suspectSilenceNanoseconds
    {
      return lose(
        OperationError(.disconnected, code: "silent", "\(address.displayAddress) was silent while replies were overdue"), now: now)
    }
    reactor.arm(timer, at: now + BrokerSession.tickNanoseconds)
  }

  // Ending

  func transportClosed(_ transport: SocketTransport, _ error: OperationError, now: UInt64) {
    switch stage {
    case .closing: release()
    case .closed, .connecting, .open: lose(error, now: now)
    case .awaitingStart, .awaitingTune, .awaitingOpenOk:
      let moment = stage == .awaitingTune ? "after the login: are user and password right?" : "during the AMQP handshake"
      lose(OperationError(.connect, code: error.code, "\(address.displayAddress) closed the connection \(moment)"), now: now)
    }
  }

  /// Drops the connection and tells the owner.
  func lose(_ error: OperationError, now: UInt64) {
    guard stage != .closed else { return }
    if stage == .closing { return release() }
    release()
    owner.sessionClosed(self, error, now: now)
  }

  /// Closes without telling the owner. Says goodbye if nothing else is waiting to be sent; while the reactor turns, the broker's answer is
  /// awaited for a moment, and the broker deletes what was exclusive in either case.
  func close() {
    if stage == .closing { return }
    guard stage == .open, transport.pendingBytes == 0, let timer else { return release() }
    let close = amqp_connection_close_t(reply_code: 200, reply_text: .none, class_id: 0, method_id: 0)
    try? transport.output.appendMethod(AMQP_CONNECTION_CLOSE_METHOD, close, channel: 0)
    stage = .closing
    // Until it fires or is invalidated, the timer keeps this session alive.
    reactor.arm(timer, at: MonotonicClock.now + BrokerSession.goodbyeNanoseconds)
    transport.turnEnded(now: reactor.now)
  }

  private func release() {
    stage = .closed
    timer?.invalidate()
    timer = nil
    transport.close()
  }
}

/// A reply code and the broker's own words: the first line, at most 200 characters.
struct ServerReply {
  let code: String
  let text: String

  init(code: UInt16, text: amqp_bytes_t) {
    self.code = String(code)
    let line = text.text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
    self.text = String(line.prefix(200))
  }

  /// The exchange that the broker names (`no exchange 'orders' in vhost '/'`); nil if it names none.
  var exchange: String? {
    guard let start = text.firstRange(of: "exchange '") else { return nil }
    let rest = text[start.upperBound...]
    guard let end = rest.firstIndex(of: "'") else { return nil }
    return String(rest[..<end])
  }
}
