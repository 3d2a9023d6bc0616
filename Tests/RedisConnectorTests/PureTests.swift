import ChainIO
import ChainProgram
import Testing

@testable import RedisConnector

struct CommandTableTests {
  @Test func `reading, writing, destroying and unknown commands are told apart`() {
    #expect(RedisCommandTable.effect(ofCommandIn: "get order:?") == .reads)
    #expect(RedisCommandTable.effect(ofCommandIn: "  SET a b") == .writes)
    #expect(RedisCommandTable.effect(ofCommandIn: "flushall") == .destroys("FLUSHALL"))
    #expect(RedisCommandTable.effect(ofCommandIn: "KEYS *") == .reads)
    #expect(RedisCommandTable.effect(ofCommandIn: "EVAL ? 0") == .unclear)
    #expect(RedisCommandTable.effect(ofCommandIn: "CONFIG GET save") == .reads)
    #expect(RedisCommandTable.effect(ofCommandIn: "config set save ''") == .destroys("CONFIG SET"))
    #expect(RedisCommandTable.effect(ofCommandIn: "script flush") == .destroys("SCRIPT FLUSH"))
    #expect(RedisCommandTable.effect(ofCommandIn: "OBJECT ENCODING k") == .reads)
    #expect(RedisCommandTable.effect(ofCommandIn: "") == .unclear)
    #expect(RedisCommandTable.method(ofCommandIn: "hget a b") == "HGET")
  }

  @Test func `what a shared connection cannot carry is refused with the reason`() {
    #expect(RedisCommandTable.refusal(words: ["BLPOP", "q", "0"])?.contains("blocks") == true)
    #expect(RedisCommandTable.refusal(words: ["MULTI"])?.contains("state") == true)
    #expect(RedisCommandTable.refusal(words: ["XREAD", "BLOCK", "0", "STREAMS", "s", "$"])?.contains("blocks") == true)
    #expect(RedisCommandTable.refusal(words: ["XREAD", "COUNT", "1", "STREAMS", "BLOCK", "0"]) == nil)
    #expect(RedisCommandTable.refusal(words: [nil, "x"])?.contains("written out") == true)
    #expect(RedisCommandTable.refusal(words: ["GET", nil]) == nil)
  }
}

struct ServerErrorTests {
  private func error(_ text: String) -> OperationError { .redis(Array(text.utf8)) }

  @Test func `the code is the server's first word and the message the rest of its first line`() {
    let wrong = error("WRONGTYPE Operation against a key holding the wrong kind of value\r\nmore")
    #expect(wrong.code == "WRONGTYPE")
    #expect(wrong.message == "Operation against a key holding the wrong kind of value")
    #expect(error("my own error").code == "ERR")
    #expect(error("my own error").message == "my own error")
    #expect(error("").code == "ERR")
    #expect(error("LOADING").message == "LOADING")
  }

  @Test func `a redirection says that the target is a cluster`() {
    #expect(error("MOVED 3999 127.0.0.1:6381").code == "MOVED")
    #expect(error("MOVED 3999 127.0.0.1:6381").message.contains("cluster"))
  }

  @Test func `arguments do not appear in messages`() {
    #expect(!error("ERR unknown command 'FOO', with args beginning with: 'secret' ").message.contains("secret"))
    #expect(error("ERR unknown command 'FOO', with args beginning with: 'secret' ").message == "unknown command 'FOO'")
    #expect(error("ERR invalid value 'secret' for it").message == "invalid value '…' for it")
    #expect(error("ERR you can't do this").message == "you can't do this")
    #expect(error("ERR " + String(repeating: "x", count: 900)).message.count == 200)
  }
}

struct KeyPatternTests {
  private func matches(_ pattern: String, _ key: String) -> Bool {
    Array(key.utf8).withUnsafeBytes { KeyPattern(pattern).matches($0) }
  }

  @Test func `globs match as Redis matches them`() {
    #expect(matches("order:*", "order:1") && matches("order:*", "order:") && !matches("order:*", "orde"))
    #expect(matches("*", "") && matches("*", "anything"))
    #expect(matches("h?llo", "hallo") && !matches("h?llo", "hllo"))
    #expect(matches("h[ae]llo", "hello") && !matches("h[ae]llo", "hillo"))
    #expect(matches("h[^e]llo", "hallo") && !matches("h[^e]llo", "hello"))
    #expect(matches("h[a-c]llo", "hbllo") && matches("h[c-a]llo", "hbllo") && !matches("h[a-c]llo", "hdllo"))
    #expect(matches("a\\*b", "a*b") && !matches("a\\*b", "axb"))
    #expect(matches("*:line:*", "order:1:line:2") && !matches("*:line:*", "order:1:lines:2"))
    #expect(matches("a*b*c", "aXXbYYbZc") && !matches("a*b*c", "aXXbYYbZ"))
    #expect(matches("[abc", "a") && !matches("[]a", "a"))
    #expect(!matches("", "a") && matches("", ""))
  }

  @Test func `the literal prefix ends at the first special character`() {
    #expect(KeyPattern("order:*").literalPrefix == Array("order:".utf8))
    #expect(KeyPattern("a\\*b[cd]").literalPrefix == Array("a*b".utf8))
    #expect(KeyPattern("*x").literalPrefix.isEmpty)
    #expect(KeyPattern("plain").literalPrefix == Array("plain".utf8))
  }

  @Test(.timeLimit(.minutes(1))) func `a hostile pattern costs no exponential time`() {
    #expect(!matches(String(repeating: "*a", count: 40) + "b", String(repeating: "a", count: 5000)))
  }
}

struct PingFenceTests {
  @Test func `a notice is bounded by the last ping that was answered before it`() {
    var fence = PingFence(armed: 5)
    #expect(fence.provenNanoseconds == 5)
    fence.pingSent(at: 10)
    #expect(fence.provenNanoseconds == 5)
    let wasAsked = fence.pongArrived()
    #expect(wasAsked)
    #expect(fence.provenNanoseconds == 10)
    let wasAskedAgain = fence.pongArrived()
    #expect(!wasAskedAgain)
  }
}

struct ValueReadQueueTests {
  private func noticed(_ queue: inout ValueReadQueue, _ key: String, _ notBefore: UInt64, _ seen: UInt64) {
    Array(key.utf8).withUnsafeBytes { queue.noticed($0, notBefore: notBefore, seen: seen) }
  }

  @Test func `a value that may be newer than its notice is bounded by its own arrival`() {
    var queue = ValueReadQueue()
    noticed(&queue, "a", 10, 20)
    noticed(&queue, "b", 10, 20)
    noticed(&queue, "a", 20, 30)
    #expect(queue.earliestNotBefore == 10)
    for arrival: UInt64 in [40, 41, 42] {
      queue.target?.takeUnretainedValue().appendNull()
      queue.valueArrived(.error, now: arrival)
    }
    var seen: [UInt64] = []
    while let read = queue.popArrived() {
      seen.append(read.seen)
      queue.recycle(read)
    }
    #expect(seen == [40, 20, 30])
    #expect(queue.earliestNotBefore == .max)
  }
}

struct SequenceQueueTests {
  @Test func `entries keep their order and their numbers while the ring grows`() {
    var queue = SequenceQueue<Int>()
    var model: [Int] = []
    var random = SmallRandom(seed: 7)
    var value = 0
    for _ in 0..<20_000 {
      if random.next() % 5 < 3 {
        let number = queue.append(value)
        #expect(queue[number] == value)
        model.append(value)
        value += 1
      } else {
        #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
      }
      #expect(queue.count == model.count)
    }
  }
}

struct AddressTests {
  @Test func `an address gives host, port, user, password and database`() throws {
    let target = try RedisTarget(address: "redis://me:p%40ss@127.0.0.1:7001/3")
    #expect(target.displayAddress == "127.0.0.1:7001")
    #expect(target.user == "me" && target.password == "p@ss" && target.database == 3)
    let plain = try RedisTarget(address: "redis://127.0.0.1")
    #expect(plain.displayAddress == "127.0.0.1:6379" && plain.user == nil && plain.password == nil && plain.database == 0)
    #expect(try RedisTarget(address: "redis://:secret@127.0.0.1/").password == "secret")
  }

  @Test(arguments: [
    "rediss://:hush@127.0.0.1", "redis://:hush@127.0.0.1/x", "http://:hush@127.0.0.1", "redis://:hush@127.0.0.1?a=b", ":hush@",
  ])
  func `a wrong address is refused without showing the password`(_ address: String) {
    let error = #expect(throws: OperationError.self) { try RedisTarget(address: address) }
    #expect(error?.class == .connect)
    #expect(error?.message.contains("hush") == false)
    if address.hasPrefix("rediss") { #expect(error?.message.contains("TLS is not supported yet") == true) }
  }
}
