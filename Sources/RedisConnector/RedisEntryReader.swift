import ChainIO

/// Reads keys by pipelined GETs on a connection of its own.
///
/// GET and not MGET: it needs no permission that the observer does not need, and a key of another type or one large value fails alone
/// (of a type that is not text, it is told that the entry is there, without content).
final class RedisEntryReader: EntryReader, RedisSessionOwner, TimerOwner {
  private let reactor: Reactor
  private lazy var session = RedisSession(reactor: reactor, target: target, owner: self)
  private let target: RedisTarget
  private let result = OperationResult()
  private let content = OperationResult()
  private lazy var timer = ReactorTimer(owner: self)
  private(set) var operationsSent: UInt64 = 0

  private struct Reading {
    let names: [[UInt8]]
    let each: (Int, OperationResult?, UInt64) -> Void
    let completion: (OperationError?) -> Void
    var sent = 0
    var answered = 0
  }
  private var reading: Reading?
  private var isReady = false
  private var isConnecting = false
  private var isClosed = false
  /// Requests that are out at once.
  private static let batch = 500

  init(target: RedisTarget, reactor: Reactor) {
    self.target = target
    self.reactor = reactor
  }

  func read(
    _ names: [[UInt8]], deadline: UInt64, each: @escaping (Int, OperationResult?, UInt64) -> Void,
    completion: @escaping (OperationError?) -> Void
  ) {
    precondition(reading == nil && !isClosed, "an entry reader does one thing at a time")
    guard !names.isEmpty else { return completion(nil) }
    reading = Reading(names: names, each: each, completion: completion)
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
    guard let reading, reading.sent < reading.names.count else { return }
    let end = min(reading.names.count, reading.sent + RedisEntryReader.batch)
    for name in reading.names[reading.sent..<end] {
      RESP.appendHeader(UInt8(ascii: "*"), 2, to: &session.output)
      session.output.append(contentsOf: RedisEntryReader.getBytes)
      RESP.appendBulk(name, to: &session.output)
    }
    operationsSent += UInt64(end - reading.sent)
    self.reading?.sent = end
    session.flushSoon()
  }

  private static let getBytes = Array("$3\r\nGET\r\n".utf8)

  func replyTarget(_ session: RedisSession) -> OperationResult? { reading == nil ? nil : result }

  func replied(_ session: RedisSession, _ outcome: ReplyOutcome, now: UInt64) {
    defer { result.clear() }
    guard let current = reading else { return }
    let place = current.answered
    reading?.answered += 1
    switch outcome {
    case .value:
      guard let node = result.nodes.first, node.kind == .text else {
        current.each(place, nil, now)
        break
      }
      show(current, place, node, now: now)
    case .tooLarge: show(current, place, nil, now: now)
    case .error:
      guard session.errorText.starts(with: Array("WRONGTYPE".utf8)) else {
        let error = OperationError.redis(session.errorText)
        return fail(OperationError(.server, code: error.code, "cannot read keys at \(target.displayAddress): \(error.code) \(error.message)"))
      }
      show(current, place, nil, now: now)
    }
    guard let reading else { return }
    if reading.answered == reading.names.count {
      end(nil)
    } else if reading.answered == reading.sent {
      sendMore()
    }
  }

  private func show(_ reading: Reading, _ place: Int, _ node: OperationResult.Node?, now: UInt64) {
    content.clear()
    reading.names[place].withUnsafeBytes { content.setKey($0) }
    if let node { result.withBytes(node.place) { content.setBody($0) } }
    reading.each(place, content, now)
  }

  private func fail(_ error: OperationError) {
    isReady = false
    session.close()
    end(error)
  }

  private func end(_ error: OperationError?) {
    timer.disarm()
    let completion = reading?.completion
    reading = nil
    completion?(error)
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

  func close() {
    isClosed = true
    reading = nil
    session.close()
    timer.invalidate()
  }
}
