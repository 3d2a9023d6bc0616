import ChainIO

/// Connects once to see whether a server is there, and closes again.
final class ReachabilityProbe: TransportOwner {
  private var transport: SocketTransport?
  private var completion: ((OperationError?) -> Void)?

  init(reactor: Reactor, completion: @escaping (OperationError?) -> Void) {
    self.completion = completion
    transport = SocketTransport(reactor: reactor, owner: self)
  }

  func start(_ target: HTTPTarget, deadline: UInt64) {
    transport?.connect(to: target.endpoint, address: target.displayAddress, deadline: deadline)
  }

  /// Ends it without telling.
  func cancel() {
    transport?.close()
    completion = nil
  }

  private func end(_ error: OperationError?) {
    transport?.close()
    let completion = completion
    self.completion = nil
    completion?(error)
  }

  func transportConnected(_ transport: SocketTransport, now: UInt64) { end(nil) }
  func transportReceived(_ transport: SocketTransport, _ bytes: UnsafeRawBufferPointer, now: UInt64) {}
  func transportClosed(_ transport: SocketTransport, _ error: OperationError, now: UInt64) { end(error) }
}
