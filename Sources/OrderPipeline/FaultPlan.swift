/// Which order meets which fault: at most one each, decided by its id and the seed alone.
///
/// Of any block of consecutive ids as long as the plan, each fault meets exactly as many as was asked. So a run of 10 000 orders without a
/// rolled-back transaction (which uses up an id) under `--lose-relay 100/10000` loses exactly 100, whatever came before it.
struct FaultPlan: Sendable {
  /// The fate of the ids with this remainder: an index into `FaultKind.allCases` plus one, or 0.
  private let fates: [UInt8]

  static let empty = FaultPlan(fates: [])

  private init(fates: [UInt8]) { self.fates = fates }

  /// - Throws: when the shares leave no event to the last of them, or have no common block of a reasonable length.
  init(_ shares: [FaultKind: Share], seed: UInt64) throws {
    var block = 1
    for share in shares.values {
      let step = share.outOf / FaultPlan.greatestCommonDivisor(block, share.outOf)
      guard block * step <= Share.largestBlock else { throw PipelineError("the shares have no common block below \(Share.largestBlock)") }
      block *= step
    }
    var fates = [UInt8](repeating: 0, count: block)
    var used = 0
    for (number, kind) in FaultKind.allCases.enumerated() {
      guard let share = shares[kind] else { continue }
      let victims = share.victims * (block / share.outOf)
      guard used + victims <= block else { throw PipelineError("the shares add up to more than all events") }
      for place in used..<used + victims { fates[place] = UInt8(number + 1) }
      used += victims
    }
    var random = SeededRandom(seed: seed, stream: 0)
    for place in stride(from: block - 1, to: 0, by: -1) { fates.swapAt(place, Int(random.next(below: UInt64(place + 1)))) }
    self.fates = fates
  }

  func fate(of id: Int64) -> FaultKind? {
    guard !fates.isEmpty else { return nil }
    let place = id % Int64(fates.count)
    let fate = fates[Int(place < 0 ? place + Int64(fates.count) : place)]
    return fate == 0 ? nil : FaultKind.allCases[Int(fate) - 1]
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
}

/// SplitMix64: the same numbers for the same seed and stream, everywhere.
struct SeededRandom {
  private var state: UInt64

  init(seed: UInt64, stream: UInt64) {
    state = seed &* 0x9E37_79B9_7F4A_7C15 ^ stream &* 0xD1B5_4A32_D192_ED03
    _ = next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// The bias is below one in 10¹³ for the small bounds of this program.
  mutating func next(below bound: UInt64) -> UInt64 { next() % bound }

  /// In (0, 1].
  mutating func nextFraction() -> Double { Double((next() >> 11) + 1) / 9_007_199_254_740_992 }
}
