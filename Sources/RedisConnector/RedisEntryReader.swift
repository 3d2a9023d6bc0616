import ChainIO

/// Reads keys by pipelined GETs on a connection of its own.
///
/// GET and not MGET: it needs no permission that the observer does not need, and a key of another type or one large value fails alone
/// (of a type that is not text, it is told that the entry is there, without content).
final class RedisEntryReader: EntryReader, RedisSessionOwner, TimerOwner {
  private let reactor: Reactor
  private let session: RedisSession
  private let target: RedisTarget
  private let result = OperationResult()
  private let content = OperationResult()
  private lazy var timer = ReactorTimer(owner: self)
  private(set) var operationsSent: UInt64 = 0

  private var names = EntryNameList()
  private var each: (Int, OperationResult?, UInt64) -> Void = { _, _, _ in }
  /// nil while nothing is read.
  private var completion: ((OperationError?) -> Void)?
  /// Of the names: those that were asked for, and those of which an answer came.
  private var sent = 0
  private var answered = 0
  private var isReady = false
  private var isConnecting = false
  private var isClosed = false
  /// Requests that are out at once.
  private static let batch = 500

  init(target: RedisTarget, reactor: Reactor) {
    self.target = target
    self.reactor = reactor
    session = RedisSession(reactor: reactor, target: target)
    session.belong(to: self)
  }

  func read(
    _ names: EntryNameList, deadline: UInt64, each: @escaping (Int, OperationResult?, UInt64) -> Void,
    completion: @escaping (OperationError?) -> Void
  ) {
    precondition(self.completion == nil && !isClosed, "an entry reader does one thing at a time")
    guard names.count > 0 else { return completion(nil) }
    self.names = names
    self.each = each
    self.completion = completion
    sent = 0
    answered = 0
    reactor.arm(timer, at: deadline)
    if isReady {
      sendMore()
    } else if !isConnecting {
      isConnecting = true
      session.connect(deadline: deadline)
    }
  }

  func sessionReady(_ session: RedisSession, now: UInt64) {
    isConnecting = false
    isReady = true
    sendMore()
  }

  private func sendMore() {
    guard completion != nil, sent < names.count else { return }
    let end = min(names.count, sent + RedisEntryReader.batch)
    for place in sent..<end { names.withName(place) { RESP.appendGet($0, to: &session.output) } }
    operationsSent += UInt64(end - sent)
    sent = end
    session.flushSoon()
  }

  func replyTarget(_ session: RedisSession) -> Unmanaged<OperationResult>? { completion == nil ? nil : .passUnretained(result) }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    defer { result.clear() }
    guard completion != nil else { return }
    let place = answered
    answered += 1
    switch outcome {
    case .value:
      guard let node = result.nodes.first, case .text = node.kind else {
        each(place, nil, now)
        break
      }
      show(place, node, now: now)
    case .tooLarge: show(place, nil, now: now)
    case .error:
      guard session.errorText.starts(with: Array("WRONGTYPE".utf8)) else {
        let error = OperationError.redis(session.errorText)
        let message = "cannot read keys at \(target.displayAddress): \(error.code) \(error.message)"
        return fail(OperationError(.server, code: error.code, message))
      }
      show(place, nil, now: now)
    }
    guard completion != nil else { return }
    if answered == names.count {
      end(nil)
    } else if answered == sent {
      sendMore()
    }
  }

  private func show(_ place: Int, _ node: OperationResult.Node?, now: UInt64) {
    content.clear()
    names.withName(place) { content.setKey($0) }
    if let node { content.setBody(result.bytes(at: node.place)) }
    each(place, content, now)
  }

  private func fail(_ error: OperationError) {
    isReady = false
    session.close()
    end(error)
  }

  private func end(_ error: OperationError?) {
    timer.disarm()
    let ended = completion
    forget()
    ended?(error)
  }

  func sessionClosed(_ session: RedisSession, _ error: OperationError, now: UInt64) {
    isReady = false
    isConnecting = false
    end(error)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) {
    isConnecting = false
    fail(OperationError(.timeout, code: "deadline", "\(target.displayAddress) did not answer for all keys by the deadline"))
  }

  private func forget() {
    completion = nil
    each = { _, _, _ in }
  }

  func close() {
    isClosed = true
    forget()
    session.close()
    timer.invalidate()
  }
}
