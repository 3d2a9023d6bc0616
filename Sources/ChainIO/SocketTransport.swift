internal import CLinux
import Glibc

/// What a transport tells the protocol above it. Called on the reactor's thread.
package protocol TransportOwner: AnyObject {
  func transportConnected(_ transport: SocketTransport, now: UInt64)
  /// - Parameters:
  ///   - bytes: Valid during the call only.
  ///   - now: Nanoseconds, stamped when the bytes were read.
  func transportReceived(_ transport: SocketTransport, _ bytes: UnsafeRawBufferPointer, now: UInt64)
  /// The connection is gone, for the reason given. Called once, and not after the owner's own `close`.
  func transportClosed(_ transport: SocketTransport, _ error: OperationError, now: UInt64)
  /// Bytes that the kernel had refused for a while have gone out, all or some: `pendingBytes` tells. Not called for the flush at a turn's end.
  func transportDrained(_ transport: SocketTransport, now: UInt64)
}

extension TransportOwner {
  package func transportDrained(_ transport: SocketTransport, now: UInt64) {}
}

/// A non-blocking TCP connection that gathers what is written in a turn into one `send` at its end.
package final class SocketTransport: ReadinessSource, TurnFlushable, TimerOwner {
  private let reactor: Reactor
  /// Set by `belong(to:)` before the first `connect`.
  private unowned var owner: (any TransportOwner)!
  private var descriptor: Int32 = -1
  private var registration: Registration?
  private var isConnecting = false
  private var connectTimer: ReactorTimer?
  private var address = ""
  /// Bytes waiting to be sent, from `sent` on. Append here and call `flushSoon`.
  package var output: [UInt8] = []
  private var sent = 0
  /// Bytes that the kernel has taken since the connection was made. Stays when the connection is lost, so that its owner can tell
  /// what cannot have reached the peer.
  package private(set) var sentBytes: UInt64 = 0
  private var isFlushAsked = false
  /// An observer's connection: how long its bytes lay in the kernel is counted in `reactor.observerReads`. Set before `connect`.
  package var isObserving = false
  /// Tells a failure of an earlier attempt from one of this.
  private var attempt = 0

  package convenience init(reactor: Reactor, owner: any TransportOwner) {
    self.init(reactor: reactor)
    belong(to: owner)
  }

  /// Without an owner yet: for one who keeps its transport in a constant, which nobody need keep alive by a count while it is used.
  package init(reactor: Reactor) {
    self.reactor = reactor
    // Little: with a connection per user there are thousands, and each larger piece would touch a page of its own. It grows with its use.
    output.reserveCapacity(256)
  }

  package func belong(to owner: any TransportOwner) { self.owner = owner }

  deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

  package var isOpen: Bool { descriptor >= 0 && !isConnecting }
  /// Bytes that the kernel has not taken yet.
  package var pendingBytes: Int { output.count - sent }

  /// Starts to connect.
  ///
  /// - Parameters:
  ///   - address: For messages: `host:port`.
  ///   - deadline: Nanoseconds of CLOCK_MONOTONIC; then the owner is told `timeout`.
  package func connect(to endpoint: Endpoint, address: String, deadline: UInt64) {
    precondition(descriptor < 0, "a transport connects once at a time")
    self.address = address
    attempt += 1
    output.removeAll(keepingCapacity: true)
    sent = 0
    sentBytes = 0
    isConnecting = true
    descriptor = clinux_stream_socket(endpoint.family)
    guard descriptor >= 0 else { return failSoon(OperationError.system("socket", errno)) }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, 4)
    if isObserving { _ = clinux_enable_receive_stamps(descriptor) }
    let status = endpoint.address.withUnsafeBytes { clinux_connect(descriptor, $0.baseAddress, UInt32($0.count)) }
    let number = errno
    guard status == 0 || number == EINPROGRESS else { return failSoon(connectError(number)) }
    do throws(OperationError) {
      registration = try reactor.register(descriptor, interest: .writable, source: self)
    } catch {
      return failSoon(error)
    }
    let timer = ReactorTimer(owner: self)
    connectTimer = timer
    reactor.arm(timer, at: deadline)
  }

  /// Reports a failure from a turn of its own, so that the owner is never called from inside `connect`.
  private func failSoon(_ error: OperationError) { reactor.enqueue(FailureJob(transport: self, attempt: attempt, error: error)) }

  private final class FailureJob: ReactorJob {
    let transport: SocketTransport
    let attempt: Int
    let error: OperationError
    init(transport: SocketTransport, attempt: Int, error: OperationError) {
      self.transport = transport
      self.attempt = attempt
      self.error = error
    }
    func run(now: UInt64) { if transport.attempt == attempt { transport.lose(error, now: now) } }
  }

  private func connectError(_ number: Int32) -> OperationError {
    let error = OperationError.system("connect", number, class: .connect)
    return OperationError(.connect, code: error.code, "cannot connect to \(address): \(String(cString: strerror(number)).lowercased())")
  }

  package func timerFired(_ timer: ReactorTimer, now: UInt64) {
    if isConnecting { lose(OperationError(.connect, code: "timeout", "cannot connect to \(address): no answer by the deadline"), now: now) }
  }

  /// Sends what was appended to `output` at the end of this turn.
  package func flushSoon() {
    if !isFlushAsked {
      isFlushAsked = true
      reactor.flushAtTurnEnd(self)
    }
  }

  package func turnEnded(now: UInt64) {
    isFlushAsked = false
    flush(now: now)
  }

  private func flush(now: UInt64) {
    guard isOpen, sent < output.count else { return }
    let (written, number) = output.withUnsafeBytes { bytes in
      let count = clinux_send(descriptor, bytes.baseAddress! + sent, UInt(bytes.count - sent))
      return (count, errno)
    }
    if written > 0 {
      sent += written
      sentBytes += UInt64(written)
    }
    if sent == output.count {
      output.removeAll(keepingCapacity: true)
      sent = 0
      setInterest(.readable)
    } else if written >= 0 || number == EAGAIN || number == EINTR {
      if sent > 1 << 16 {
        output.removeFirst(sent)
        sent = 0
      }
      setInterest(.readableAndWritable)
    } else {
      lose(OperationError.system("send", number, class: .disconnected), now: now)
    }
  }

  private func setInterest(_ interest: Readiness) {
    if let registration { reactor.setInterest(interest, for: registration) }
  }

  package func descriptorReady(_ readiness: Readiness, now: UInt64) {
    if isConnecting {
      var number: Int32 = 0
      var length = socklen_t(4)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &length)
      guard number == 0 else { return lose(connectError(number), now: now) }
      isConnecting = false
      connectTimer?.invalidate()
      connectTimer = nil
      setInterest(.readable)
      owner.transportConnected(self, now: now)
      return
    }
    if readiness.isWritable {
      flush(now: now)
      if isOpen { owner.transportDrained(self, now: now) }
    }
    if readiness.wantsRead { receive() }
  }

  private func receive() {
    // A short read means that the socket is empty; the bound keeps one fast peer from starving the others.
    for _ in 0..<8 {
      guard isOpen else { return }
      let buffer = reactor.readBuffer
      var arrived: Int64 = 0
      let count =
        isObserving
        ? clinux_receive_stamped(descriptor, buffer.baseAddress!, UInt(buffer.count), &arrived)
        : clinux_receive(descriptor, buffer.baseAddress!, UInt(buffer.count))
      let number = errno
      let stamp = MonotonicClock.now
      if arrived != 0 { reactor.observerReads.read(arrived: arrived, now: WallClock.now) }
      if count > 0 {
        owner.transportReceived(self, UnsafeRawBufferPointer(rebasing: buffer[0..<count]), now: stamp)
        if count < buffer.count { return }
      } else if count == 0 {
        return lose(OperationError(.disconnected, code: "EOF", "\(address) closed the connection"), now: stamp)
      } else if number == EAGAIN {
        return
      } else if number != EINTR {
        return lose(OperationError.system("recv", number, class: .disconnected), now: stamp)
      }
    }
  }

  private func lose(_ error: OperationError, now: UInt64) {
    guard descriptor >= 0 || isConnecting else { return }
    close()
    owner.transportClosed(self, error, now: now)
  }

  /// Closes without telling the owner. The transport may connect again afterwards.
  package func close() {
    connectTimer?.invalidate()
    connectTimer = nil
    if let registration { reactor.deregister(registration) }
    registration = nil
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
    isConnecting = false
    output.removeAll(keepingCapacity: true)
    sent = 0
  }
}
