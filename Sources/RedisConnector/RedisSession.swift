import ChainIO

/// Told what comes over a session. Called on the reactor's thread.
protocol RedisSessionOwner: AnyObject {
  /// Connected, authenticated, in its database, and audited.
  func sessionReady(_ session: RedisSession, now: UInt64)
  /// Where the next reply is written, which lives until it has; nil forgets it.
  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>?
  /// The oldest unanswered command was answered; on `.error` by `session.errorText`.
  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64)
  /// The connection is gone, or could not be made. Not called after the owner's own `close`.
  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64)
}

/// One connection to Redis that introduces itself: AUTH, SELECT, CLIENT SETNAME and, for reading connections, COMMAND INFO.
final class RedisSession: TransportOwner, TimerOwner {
  // A constant: what every command goes through is not asked whether it is there, and need not be kept alive by a count.
  let transport: SocketTransport
  private let reactor: Reactor
  private let target: RedisTarget
  /// Set by `belong(to:)` before the first `connect`.
  private unowned var owner: (any RedisSessionOwner)!
  private let audit: CommandAudit?
  private let greetings: [Greeting]
  private let greetingBytes: [UInt8]
  /// Let go once the connection is ready: with a connection per user there are thousands.
  private var greetingResult: OperationResult?
  private var state = State.closed
  private var reader = ReplyReader()
  private var attemptTimer: ReactorTimer?

  private enum State {
    case closed
    case connecting
    /// The index of the greeting whose reply comes next.
    case greeting(Int)
    case ready
  }

  private enum Greeting {
    case authenticate
    case select
    case setName
    case commandInfo
  }

  convenience init(reactor: Reactor, target: RedisTarget, audit: CommandAudit? = nil, owner: any RedisSessionOwner) {
    self.init(reactor: reactor, target: target, audit: audit)
    belong(to: owner)
  }

  /// Without an owner yet: for one who keeps its session in a constant.
  init(reactor: Reactor, target: RedisTarget, audit: CommandAudit? = nil) {
    self.reactor = reactor
    self.target = target
    self.audit = audit
    var greetings: [Greeting] = []
    var bytes: [UInt8] = []
    if let user = target.user {
      greetings.append(.authenticate)
      bytes += RESP.command(["AUTH", user, target.password ?? ""])
    } else if let password = target.password {
      greetings.append(.authenticate)
      bytes += RESP.command(["AUTH", password])
    }
    if target.database != 0 {
      greetings.append(.select)
      bytes += RESP.command(["SELECT", String(target.database)])
    }
    greetings.append(.setName)
    bytes += RESP.command(["CLIENT", "SETNAME", "chainrun"])
    if let audit {
      greetings.append(.commandInfo)
      bytes += RESP.command(audit.request)
    }
    self.greetings = greetings
    greetingBytes = bytes
    transport = SocketTransport(reactor: reactor)
    transport.belong(to: self)
  }

  func belong(to owner: any RedisSessionOwner) { self.owner = owner }

  /// Where requests are appended; then call `flushSoon`.
  var output: [UInt8] {
    get { transport.output }
    _modify { yield &transport.output }
  }

  func flushSoon() { transport.flushSoon() }

  /// Bytes appended since the connection was made, and how many of these the kernel took. The latter stays when it is lost.
  var appendedBytes: UInt64 { transport.sentBytes + UInt64(transport.pendingBytes) }
  var sentBytes: UInt64 { transport.sentBytes }

  /// The text of the error reply that `replied` is about.
  var errorText: [UInt8] { reader.errorText }

  /// Starts to connect. Not to be called from inside the owner's callbacks: the reader is made anew.
  ///
  /// - Parameter deadline: Nanoseconds of CLOCK_MONOTONIC, for connecting and introducing together.
  func connect(deadline: UInt64) {
    reader = ReplyReader()
    greetingResult = OperationResult()
    state = .connecting
    let timer = attemptTimer ?? ReactorTimer(owner: self)
    attemptTimer = timer
    reactor.arm(timer, at: deadline)
    transport.connect(to: target.endpoint, address: target.displayAddress, deadline: deadline)
  }

  /// Closes without telling the owner.
  func close() {
    state = .closed
    reader.stop()
    transport.close()
    attemptTimer?.invalidate()
    attemptTimer = nil
  }

  private func lose(_ error: OperationError, now: UInt64) {
    let wasReady = if case .ready = state { true } else { false }
    close()
    let prefix = "cannot connect to \(target.displayAddress): "
    switch error.class {
    case .disconnected where !wasReady, .protocol where !wasReady:
      owner.sessionClosed(self, OperationError(.connect, code: error.code, prefix + error.message), now: now)
    default: owner.sessionClosed(self, error, now: now)
    }
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    switch state {
    case .closed, .ready: return
    case .connecting, .greeting:
      lose(
        OperationError(.connect, code: "timeout", "cannot connect to \(target.displayAddress): no answer by the deadline"), now: now)
    }
  }

  func transportConnected(_ transport: SocketTransport, now: UInt64) {
    state = .greeting(0)
    transport.output.append(contentsOf: greetingBytes)
    transport.flushSoon()
  }

  func transportReceived(_ transport: SocketTransport, _ bytes: UnsafeRawBufferPointer, now: UInt64) {
    do throws(OperationError) {
      try reader.read(bytes, consumer: Replies(session: self, owner: owner), now: now)
    } catch {
      lose(error, now: now)
    }
  }

  func transportClosed(_ transport: SocketTransport, _ error: OperationError, now: UInt64) { lose(error, now: now) }

  /// The replies of one read: whoever is told of them is held once for all.
  private struct Replies: ReplyConsumer {
    let session: RedisSession
    let owner: any RedisSessionOwner

    func replyTarget() -> Unmanaged<OperationResult>? {
      if case .ready = session.state { return owner.replyTarget(session) }
      return session.greetingResult.map(Unmanaged.passUnretained)
    }

    func replied(_ outcome: ReplyOutcome, now: UInt64) { session.replied(outcome, owner, now: now) }
  }

  private func replied(_ outcome: ReplyOutcome, _ owner: any RedisSessionOwner, now: UInt64) {
    switch state {
    case .ready: owner.replied(self, outcome, now: now)
    case .greeting(let index):
      let error = refusal(greetings[index], outcome)
      greetingResult?.clear()
      if let error { return lose(error, now: now) }
      guard index + 1 == greetings.count else {
        state = .greeting(index + 1)
        return
      }
      state = .ready
      greetingResult = nil
      attemptTimer?.disarm()
      owner.sessionReady(self, now: now)
    case .closed, .connecting: preconditionFailure("a reply came over a connection that is not there")
    }
  }

  /// Why the connection is of no use after this answer; nil if it is.
  private func refusal(_ greeting: Greeting, _ outcome: ReplyOutcome) -> OperationError? {
    switch greeting {
    // A name is a courtesy; a server or proxy that has no CLIENT command is no reason to stop, unless it wants a password.
    case .setName where !errorText.starts(with: Array("NOAUTH".utf8)): return nil
    case .authenticate, .select, .setName:
      guard outcome != .value else { return nil }
      let error = OperationError.redis(errorText)
      return OperationError(
        .connect, code: error.code, "cannot connect to \(target.displayAddress): the server says '\(error.code) \(error.message)'")
    case .commandInfo: return greetingResult.flatMap { audit?.refusal(outcome, $0, errorText: errorText) }
    }
  }
}
