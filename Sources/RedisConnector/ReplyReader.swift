internal import CHiredis
import ChainIO

/// What one reply was.
enum ReplyOutcome: UInt8 {
  case value
  /// The server said no; the reader's `errorText` says why.
  case error
  /// Larger than `OperationResult.bytesMax`; its rest was read and forgotten.
  case tooLarge
}

/// Where a reader's replies go.
protocol ReplyConsumer {
  /// Where the reply that comes next is written, which lives until it has; nil forgets it. Asked again whenever more of it has come.
  func replyTarget() -> Unmanaged<OperationResult>?
  /// A reply is complete. May call `ReplyReader.stop`.
  func replied(_ outcome: ReplyOutcome, now: UInt64)
}

/// Turns a connection's bytes into replies, by hiredis' reader with callbacks that write straight into an `OperationResult`.
final class ReplyReader {
  // One owner: made anew for each connection, freed in `deinit`, its pointer stays inside this class.
  private var reader: UnsafeMutablePointer<redisReader>
  private var functions: UnsafeMutablePointer<redisReplyObjectFunctions>
  /// Where the reply under way is written; its consumer keeps it alive meanwhile.
  private var target: Unmanaged<OperationResult>?
  private var outcome = ReplyOutcome.value
  private var isStopped = false
  /// The text of the last error reply, without its dash. Valid inside `replied`.
  private(set) var errorText: [UInt8] = []

  /// Nodes beyond which a reply is too large, as `OperationResult.bytesMax` is for bytes.
  private static let nodesMax = OperationResult.bytesMax / 16
  /// hiredis moves its buffer's rest after each kilobyte of replies, so it is given little at a time.
  private static let sliceBytes = 16 * 1024

  init() {
    functions = .allocate(capacity: 1)
    functions.initialize(
      to: redisReplyObjectFunctions(
        createString: { task, bytes, count in
          ReplyReader.tell(task!) {
            $0.stringArrived(
              type: task!.pointee.type, isNested: task!.pointee.parent != nil, UnsafeRawBufferPointer(start: bytes, count: count))
          }
          return ReplyReader.token
        },
        createArray: { task, count in
          ReplyReader.tell(task!) { $0.arrayArrived(count: Int(count)) }
          return ReplyReader.token
        },
        createInteger: { task, value in
          ReplyReader.tell(task!) { $0.integerArrived(value) }
          return ReplyReader.token
        },
        createNil: { task in
          ReplyReader.tell(task!) { $0.nilArrived() }
          return ReplyReader.token
        },
        freeObject: { _ in }))
    guard let reader = redisReaderCreateWithFunctions(functions) else { preconditionFailure("out of memory") }
    self.reader = reader
    // hiredis gives its buffer back after each large reply otherwise.
    reader.pointee.maxbuf = 1 << 20
    reader.pointee.privdata = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    redisReaderFree(reader)
    functions.deallocate()
  }

  /// Anything but nil: hiredis takes nil for being out of memory.
  private static var token: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

  /// The reader is alive: it is the one that feeds hiredis.
  @inline(__always)
  private static func tell(_ task: UnsafePointer<redisReadTask>, _ body: (ReplyReader) -> Void) {
    Unmanaged<ReplyReader>.fromOpaque(task.pointee.privdata)._withUnsafeGuaranteedRef(body)
  }

  /// Forgets whatever bytes are left; for a consumer that closes its connection while it is told of a reply.
  func stop() { isStopped = true }

  /// Reads on.
  ///
  /// - Throws: an `OperationError` of class `protocol` when the bytes are not RESP2, or one text is larger than a result may be.
  func read(_ bytes: UnsafeRawBufferPointer, consumer: some ReplyConsumer, now: UInt64) throws(OperationError) {
    var offset = 0
    while offset < bytes.count, !isStopped {
      let count = min(ReplyReader.sliceBytes, bytes.count - offset)
      guard redisReaderFeed(reader, bytes.baseAddress!.assumingMemoryBound(to: CChar.self) + offset, count) == REDIS_OK else {
        throw OperationError(.environment, "out of memory")
      }
      offset += count
      while !isStopped {
        target = consumer.replyTarget()
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
          throw OperationError(.protocol, code: "resp", "the server's bytes are not Redis' protocol")
        }
        guard reply != nil else { break }
        let ended = outcome
        outcome = .value
        consumer.replied(ended, now: now)
      }
      target = nil
      if !isStopped, reader.pointee.len - reader.pointee.pos > OperationResult.bytesMax + 2 * ReplyReader.sliceBytes {
        throw OperationError(.protocol, code: "too-large", "a reply is larger than \(OperationResult.bytesMax >> 20) MiB")
      }
    }
  }

  // What hiredis tells

  private func stringArrived(type: Int32, isNested: Bool, _ content: UnsafeRawBufferPointer) {
    if type == REDIS_REPLY_ERROR && !isNested {
      outcome = .error
      errorText.removeAll(keepingCapacity: true)
      errorText.append(contentsOf: content)
    } else {
      write(content.count) { $0.appendText(content) }
    }
  }

  private func arrayArrived(count: Int) { write(0) { $0.appendArray(count: count) } }
  private func integerArrived(_ value: Int64) { write(0) { $0.appendInteger(value) } }
  private func nilArrived() { write(0) { $0.appendNull() } }

  /// Writes to the target if there is one, and room for so many bytes in it.
  @inline(__always)
  private func write(_ count: Int, _ body: (OperationResult) -> Void) {
    guard let target, outcome == .value else { return }
    target._withUnsafeGuaranteedRef { target in
      guard target.bytes.count + count <= OperationResult.bytesMax, target.nodes.count < ReplyReader.nodesMax else {
        outcome = .tooLarge
        return
      }
      body(target)
    }
  }
}

extension OperationResult.Node {
  /// Where a text node's content stands.
  var place: OperationResult.TextRange { .init(offset: offset, length: length) }
}
