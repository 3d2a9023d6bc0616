import Metrics
import Testing

@Suite struct ErrorTests {
  @Test(arguments: [
    ("duplicate key value violates unique constraint \"orders_pkey\"", "duplicate key value violates unique constraint '…'"),
    ("Key (id)=(42) already exists", "Key (id)=(<n>) already exists"),
    ("order 550e8400-e29b-41d4-a716-446655440000 not found", "order <uuid> not found"),
    ("at 2026-07-30T08:15:00.123+02:00 the", "at <time> the"),
    ("since 2026-07-30 08:15:00 UTC", "since <time> UTC"),
    ("connect to 10.0.0.7:5432 refused", "connect to <address> refused"),
    ("connect to [::1]:6379 refused", "connect to <address> refused"),
    ("peer fe80::1ff:fe23:4567:890a gone", "peer <address> gone"),
    ("no such file /var/lib/x/data.csv.", "no such file <path>."),
    ("token deadbeef0123 expired", "token <hex> expired"),
    ("pointer 0x7ffe1a2b", "pointer <hex>"),
    ("timed out after 2000ms (3 of -4.5)", "timed out after <n>ms (<n> of <n>)"),
    ("can't read INT4 as utf8", "can't read INT4 as utf8"),
    ("column \"a\" of 'b'", "column '…' of '…'"),
    ("two\nlines\u{1b}[31m", "two lines [<n>m"),
    ("an unclosed ' stays", "an unclosed ' stays"),
    (
      "PRECONDITION_FAILED - inequivalent arg 'x' for exchange 'orders' in vhost '/'",
      "PRECONDITION_FAILED - inequivalent arg '…' for exchange '…' in vhost '…'"
    ),
    ("", ""),
  ])
  func `what varies in a message is masked`(_ message: String, _ masked: String) {
    #expect(ErrorMask.mask(message) == masked)
  }

  @Test func `masking any bytes ends, and stays short`() {
    var random = SplitMix(state: 17)
    let alphabet = Array("0123456789abcdef:.-/'\"[]xT Z+%é".unicodeScalars)
    for _ in 0..<3_000 {
      var text = ""
      for _ in 0..<Int(random.next() % 60) { text.unicodeScalars.append(alphabet[Int(random.next() % UInt64(alphabet.count))]) }
      #expect(ErrorMask.mask(text).utf8.count <= ErrorMask.maximumBytes + 16)
    }
    #expect(ErrorMask.mask(String(repeating: "é1 ", count: 5_000)).utf8.count <= ErrorMask.maximumBytes + 16)
  }

  private func fingerprint(_ number: Int) -> ErrorFingerprint {
    ErrorFingerprint(step: number, target: "postgres", errorClass: "constraint", code: "23505", message: "duplicate key")
  }

  @Test func `failures of one kind are one, with first, last, three examples and a true count`() {
    var table = ErrorTable()
    for at in 1...10 { table.record(fingerprint(1), atNanoseconds: UInt64(at * 100)) }
    let failure = table.failures[0]
    #expect(table.failures.count == 1 && failure.count == 10)
    #expect(failure.firstNanoseconds == 100 && failure.lastNanoseconds == 1_000)
    #expect(failure.exampleNanoseconds == [100, 200, 300])
  }

  @Test func `beyond 1000 kinds failures become 'other', and none is lost, also over drains`() {
    var table = ErrorTable()
    var drained: [JournalFailure] = []
    for number in 0..<2_500 {
      table.record(fingerprint(number), atNanoseconds: UInt64(number))
      if number % 400 == 0 { drained += table.drain() }
    }
    drained += table.drain()
    #expect(drained.reduce(0) { $0 + $1.count } == 2_500)
    #expect(Set(drained.map(\.fingerprint)).count == 1_001)
    #expect(drained.filter { $0.fingerprint == .other }.reduce(0) { $0 + $1.count } == 1_500)
    table.record(fingerprint(5), atNanoseconds: 1)
    #expect(table.failures[0].fingerprint == fingerprint(5))
  }
}
