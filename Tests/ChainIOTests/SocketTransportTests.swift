import CLinux
import Glibc
import Synchronization
import Testing

@testable import ChainIO

struct SocketTransportTests {
  private final class Owner: TransportOwner {
    var connected = 0
    var received: [UInt8] = []
    var errors: [OperationError] = []
    var onReceive: ((SocketTransport) -> Void)?
    func transportConnected(_ transport: SocketTransport, now: UInt64) { connected += 1 }
    func transportReceived(_ transport: SocketTransport, _ bytes: UnsafeRawBufferPointer, now: UInt64) {
      received.append(contentsOf: bytes)
      onReceive?(transport)
    }
    func transportClosed(_ transport: SocketTransport, _ error: OperationError, now: UInt64) { errors.append(error) }
  }

  /// A listening socket on loopback; accepts only when told to.
  private final class Listener: Sendable {
    let descriptor: Int32
    let port: UInt16
    init(backlog: Int32 = 16) {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      port = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          _ = bind(descriptor, generic, length)
          listen(descriptor, backlog)
          getsockname(descriptor, generic, &length)
        }
        return UInt16(bigEndian: pointer.pointee.sin_port)
      }
    }
    deinit { close(descriptor) }
    func acceptOne() -> Int32 { accept(descriptor, nil, nil) }
    func endpoint() throws -> Endpoint { try Endpoint.resolve(host: "127.0.0.1", port: port) }
  }

  @discardableResult
  private func run(_ reactor: Reactor, for seconds: UInt64 = 5, until isDone: () -> Bool) -> Bool {
    let deadline = MonotonicClock.now + seconds * 1_000_000_000
    while !isDone() {
      guard MonotonicClock.now < deadline else { return false }
      reactor.turn(waitingAtMost: 5_000_000)
    }
    return true
  }

  private func connected(_ reactor: Reactor, _ owner: Owner, _ listener: Listener) throws -> (SocketTransport, Int32) {
    let transport = SocketTransport(reactor: reactor, owner: owner)
    transport.connect(to: try listener.endpoint(), address: "127.0.0.1:\(listener.port)", deadline: MonotonicClock.now + 2_000_000_000)
    #expect(!transport.isOpen)
    let peer = listener.acceptOne()
    run(reactor) { owner.connected == 1 }
    #expect(transport.isOpen)
    return (transport, peer)
  }

  @Test func `thirty-two megabytes reach a slow reader whole and in order`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let (transport, peer) = try connected(reactor, owner, Listener())
    let total = 32 << 20
    let sum = Mutex<(count: Int, inOrder: Bool)>((0, true))
    onThread {
      var buffer = [UInt8](repeating: 0, count: 100_003)
      var count = 0
      while count < total {
        let got = recv(peer, &buffer, buffer.count, 0)
        guard got > 0 else { return }
        let start = count
        let inOrder = (0..<got).allSatisfy { buffer[$0] == UInt8(truncatingIfNeeded: (start + $0) % 251) }
        count += got
        sum.withLock { $0 = (count, $0.inOrder && inOrder) }
        if count % 7 == 0 { usleep(100) }
      }
    }
    var appended = 0
    while appended < total {
      let chunk = min(1 << 20, total - appended)
      transport.output.append(contentsOf: (appended..<(appended + chunk)).map { UInt8(truncatingIfNeeded: $0 % 251) })
      appended += chunk
      transport.flushSoon()
      reactor.turn(waitingAtMost: 1_000_000)
    }
    #expect(run(reactor, for: 20) { sum.withLock { $0.count } == total })
    #expect(sum.withLock { $0.inOrder } && transport.pendingBytes == 0 && transport.sentBytes == UInt64(total))
    transport.close()
    close(peer)
  }

  @Test func `what the peer does not take stays counted as unsent when the connection is lost`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let (transport, peer) = try connected(reactor, owner, Listener())
    transport.output.append(contentsOf: [UInt8](repeating: 1, count: 64 << 20))
    transport.flushSoon()
    run(reactor, for: 1) { transport.sentBytes > 0 }
    #expect(transport.pendingBytes > 0)
    close(peer)
    #expect(run(reactor) { !owner.errors.isEmpty })
    #expect(owner.errors.count == 1 && owner.errors[0].class == .disconnected)
    #expect(transport.sentBytes > 0 && transport.sentBytes < 64 << 20 && !transport.isOpen && transport.pendingBytes == 0)
  }

  @Test func `one turn's writes are one send`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let (transport, peer) = try connected(reactor, owner, Listener())
    for _ in 0..<10 {
      transport.output.append(7)
      transport.flushSoon()
    }
    #expect(transport.sentBytes == 0)
    reactor.turn(waitingAtMost: 0)
    #expect(transport.sentBytes == 10)
    transport.close()
    close(peer)
  }

  @Test func `a refused connection is told once, with address and cause`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let endpoint: Endpoint
    let port: UInt16
    do {
      let listener = Listener()
      endpoint = try listener.endpoint()
      port = listener.port
    }
    let transport = SocketTransport(reactor: reactor, owner: owner)
    transport.connect(to: endpoint, address: "there:\(port)", deadline: MonotonicClock.now + 2_000_000_000)
    #expect(owner.errors.isEmpty)
    #expect(run(reactor) { !owner.errors.isEmpty })
    run(reactor, for: 1) { owner.errors.count > 1 }
    #expect(owner.errors == [OperationError(.connect, code: "ECONNREFUSED", "cannot connect to there:\(port): connection refused")])
  }

  @Test func `a peer that does not answer is given up at the deadline`() throws {
    let reactor = try Reactor()
    // A full backlog drops further SYNs.
    let listener = Listener(backlog: 0)
    var owners: [Owner] = []
    var transports: [SocketTransport] = []
    let began = MonotonicClock.now
    for _ in 0..<6 {
      let owner = Owner()
      let transport = SocketTransport(reactor: reactor, owner: owner)
      transport.connect(to: try listener.endpoint(), address: "deaf", deadline: began + 300_000_000)
      owners.append(owner)
      transports.append(transport)
    }
    #expect(run(reactor, for: 3) { owners.allSatisfy { $0.connected + $0.errors.count == 1 } })
    let late = owners.flatMap(\.errors)
    #expect(!late.isEmpty && late.allSatisfy { $0.class == .connect && $0.code == "timeout" })
    #expect(MonotonicClock.now - began >= 300_000_000)
    for transport in transports { transport.close() }
  }

  @Test func `the last bytes before the peer closed are received, then the end is told once`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let (transport, peer) = try connected(reactor, owner, Listener())
    onThread {
      var bytes = [UInt8](repeating: 9, count: 300_000)
      _ = send(peer, &bytes, bytes.count, 0)
      close(peer)
    }
    #expect(run(reactor) { !owner.errors.isEmpty })
    #expect(owner.received.count == 300_000)
    #expect(owner.errors.count == 1 && owner.errors[0].code == "EOF" && !transport.isOpen)
  }

  @Test func `an owner may close, or connect anew, while it receives`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let listener = Listener()
    let (transport, peer) = try connected(reactor, owner, listener)
    let endpoint = try listener.endpoint()
    owner.onReceive = { transport in
      transport.close()
      transport.connect(to: endpoint, address: "again", deadline: MonotonicClock.now + 2_000_000_000)
    }
    var byte: UInt8 = 1
    _ = send(peer, &byte, 1, 0)
    #expect(run(reactor) { owner.connected == 2 })
    #expect(owner.errors.isEmpty && transport.isOpen)
    transport.close()
    close(peer)
  }

  @Test func `a failure of an earlier attempt is not told to a later one`() throws {
    let reactor = try Reactor()
    let owner = Owner()
    let listener = Listener()
    let transport = SocketTransport(reactor: reactor, owner: owner)
    // An address that the kernel refuses at once.
    let good = try listener.endpoint()
    let bad = Endpoint(address: Array(good.address.prefix(4)), family: good.family, numericHost: "")
    transport.connect(to: bad, address: "bad", deadline: MonotonicClock.now + 2_000_000_000)
    transport.close()
    transport.connect(to: good, address: "good", deadline: MonotonicClock.now + 2_000_000_000)
    #expect(run(reactor) { owner.connected == 1 || !owner.errors.isEmpty })
    #expect(owner.connected == 1 && owner.errors.isEmpty)
    transport.close()
  }
}
