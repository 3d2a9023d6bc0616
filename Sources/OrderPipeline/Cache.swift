internal import CHiredis
import Foundation

/// A blocking Redis connection that sends its commands in batches, for one thread.
final class Cache {
  private let context: UnsafeMutablePointer<redisContext>
  private var pendingReplies = 0

  init(_ address: CacheAddress) throws {
    guard let context = redisConnectWithTimeout(address.host, address.port, timeval(tv_sec: 5, tv_usec: 0)) else {
      throw PipelineError("Redis: out of memory")
    }
    self.context = context
    guard context.pointee.err == 0 else { throw failure("connecting") }
    redisSetTimeout(context, timeval(tv_sec: 5, tv_usec: 0))
    if let password = address.password {
      append(address.user.isEmpty ? ["AUTH", password] : ["AUTH", address.user, password])
    }
    append(["SELECT", String(address.database)])
    try flush()
  }

  deinit { redisFree(context) }

  /// Nothing is sent before `flush`.
  func append(_ arguments: [String]) {
    let copies = arguments.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var pointers = copies.map { UnsafePointer<CChar>($0) }
    redisAppendCommandArgv(context, Int32(copies.count), &pointers, arguments.map(\.utf8.count))
    pendingReplies += 1
  }

  /// Appends `SET order:<id> <body> EX 3600`; nothing is sent before `flush`.
  func appendOrder(id: Int64, body: UnsafeRawBufferPointer) {
    var key = "order:\(id)"
    key.withUTF8 { key in
      // hiredis copies the arguments before it returns.
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: 5) { pointers in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 5) { lengths in
          func put(_ index: Int, _ bytes: UnsafeRawPointer?, _ count: Int) {
            pointers.initializeElement(at: index, to: bytes?.assumingMemoryBound(to: CChar.self))
            lengths.initializeElement(at: index, to: count)
          }
          func put(_ index: Int, _ word: StaticString) { put(index, word.utf8Start, word.utf8CodeUnitCount) }
          put(0, "SET")
          put(1, key.baseAddress, key.count)
          put(2, body.baseAddress, body.count)
          put(3, "EX")
          put(4, "3600")
          redisAppendCommandArgv(context, 5, pointers.baseAddress, lengths.baseAddress)
        }
      }
    }
    pendingReplies += 1
  }

  /// Sends what was appended and reads all the replies.
  func flush() throws {
    while pendingReplies > 0 {
      var raw: UnsafeMutableRawPointer?
      guard redisGetReply(context, &raw) == REDIS_OK, let raw else { throw failure("reading a reply") }
      defer { freeReplyObject(raw) }
      pendingReplies -= 1
      let reply = raw.assumingMemoryBound(to: redisReply.self).pointee
      if reply.type == REDIS_REPLY_ERROR { throw PipelineError("Redis: \(String(cString: reply.str))") }
    }
  }

  private func failure(_ operation: String) -> PipelineError {
    let text = withUnsafeBytes(of: context.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return PipelineError("Redis, \(operation): \(text)")
  }
}
