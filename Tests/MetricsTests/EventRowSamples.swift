import Metrics

/// Random event rows, of which about every second one has nothing to escape or quote.
struct EventRowSamples {
  /// To be told where a test fails.
  let seed = UInt64.random(in: 0 ... .max)
  var generator: SplitMix

  init() { generator = SplitMix(state: seed) }

  struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private static let texts = [
    "", "a,b", "O'Brien \"x\" \\", "Grüße 😀", "line\nend\u{7f}\t", "0f8fad5b-d9cb-469f-a165-70867728950e", "1/2:3", " ", ",",
    "-0", "a\rb", "]}\"", "a\u{7f}b",
  ]

  mutating func row() -> JournalEventRow {
    let isOdd = Bool.random(using: &generator)
    return JournalEventRow(
      event: Int.random(in: 0...12, using: &generator), hop: Int.random(in: 0...3, using: &generator), id: text(isOdd),
      key: maybe { $0.text(isOdd) }, version: maybe { $0.text(isOdd) }, sentNanoseconds: maybe { $0.number(isOdd) },
      ackedNanoseconds: maybe { $0.number(isOdd) }, lowNanoseconds: maybe { $0.number(isOdd) }, highNanoseconds: maybe { $0.number(isOdd) },
      outcome: Bool.random(using: &generator) ? .ok : EventOutcome.allCases.randomElement(using: &generator)!,
      anomalies: Int.random(in: 0..<4, using: &generator) > 0 ? [] : Array(EventAnomaly.allCases.shuffled(using: &generator).prefix(3)))
  }

  mutating func text(_ isOdd: Bool) -> String {
    if isOdd, Int.random(in: 0..<3, using: &generator) == 0 { return Self.texts.randomElement(using: &generator)! }
    if Bool.random(using: &generator) {
      return String(Int64(truncatingIfNeeded: generator.next()) >> Int64.random(in: 0..<64, using: &generator))
    }
    // Printable ASCII without a quote and a backslash.
    let letters = (0..<Int.random(in: 1..<40, using: &generator)).map { _ in UInt8.random(in: 0x23..<0x5C, using: &generator) }
    return String(decoding: letters, as: UTF8.self)
  }

  /// - Parameter isOdd: Also beyond 18 digits, which only the general reader takes.
  private mutating func number(_ isOdd: Bool) -> UInt64 {
    let number = generator.next() >> UInt64.random(in: 0..<64, using: &generator)
    return isOdd ? number : number % 1_000_000_000_000_000_000
  }

  private mutating func maybe<Value>(_ make: (inout EventRowSamples) -> Value) -> Value? {
    Bool.random(using: &generator) ? make(&self) : nil
  }
}
