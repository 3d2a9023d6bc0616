import Testing

@testable import ChainProgram

@Suite struct TextPatternTests {
  @Test(arguments: [
    ("^order-[0-9]+$", "order-42", true, "order-42"), ("([a-z]+)=([0-9]+)", "x a=1", true, "a"), ("ä.", "xäö", true, "äö"), ("b", "ac", false, nil),
    ("", "", true, ""), ("(a)|b", "b", true, nil), ("a\\Kb", "ab", true, "b"), ("(?i)ORDER", "my order", true, "order"),
  ] as [(String, String, Bool, String?)])
  func `a pattern finds what PCRE2 finds`(pattern: String, text: String, isFound: Bool, group: String?) throws {
    let compiled = try TextPattern(pattern)
    #expect(try compiled.matches(text) == isFound)
    #expect(try compiled.extract(text) == group)
  }

  @Test func `a pattern that is none says what is wrong and where`() {
    for (pattern, phrase, offset) in [("(a", "missing closing parenthesis", 2), ("ab[c", "missing terminating ]", 4)] {
      do throws(TextPattern.Mistake) {
        _ = try TextPattern(pattern)
        Issue.record("'\(pattern)' was compiled")
      } catch {
        #expect(error.message.contains(phrase) && error.offset == offset, "\(error)")
      }
    }
  }

  @Test func `a match that backtracks without end is given up, soon`() throws {
    let compiled = try TextPattern("^(a+)+$")
    let started = ContinuousClock.now
    #expect(throws: TextPattern.Failure.limit) { try compiled.matches(String(repeating: "a", count: 60) + "!") }
    #expect(ContinuousClock.now - started < .seconds(2))
    // The pattern goes on working.
    #expect(try compiled.matches("aaa"))
  }

  @Test func `SHA-256 and HMAC give the digests of their standards`() {
    #expect(SHA256.hexadecimal(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    // RFC 4231, cases 2 and 6 (a key longer than a block).
    #expect(
      SHA256.hexadecimal(SHA256.authentication(of: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      SHA256.hexadecimal(
        SHA256.authentication(of: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8), key: [UInt8](repeating: 0xAA, count: 131)))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }
}
