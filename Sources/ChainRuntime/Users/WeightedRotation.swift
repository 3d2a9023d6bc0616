/// Deals out choices by weight so that every window of passes has the mix: smooth weighted round-robin, as nginx deals out requests
/// (src/http/ngx_http_upstream_round_robin.c): each pass every choice gains its weight, the richest is taken and pays the total.
///
/// In any run of passes each choice is taken its exact share of times, give or take one (for two choices; less than the number of choices in general).
package struct WeightedRotation: Sendable {
  private let weights: [Int]
  private let total: Int
  private var balance: [Int]

  /// - Parameter seed: Where in its cycle the rotation starts.
  package init(weights: [Int], seed: UInt64) {
    self.weights = weights
    total = weights.reduce(0, +)
    balance = Array(repeating: 0, count: weights.count)
    guard total > 0 else { return }
    var draws = Randomness(seed: seed, stream: 0xB4A9C4, iteration: 0)
    for _ in 0..<draws.next(below: UInt64(min(total, 10_000))) { _ = next() }
  }

  /// The next choice's number; 0 if all weights are 0.
  package mutating func next() -> Int {
    guard weights.count > 1 else { return 0 }
    var richest = 0
    for index in weights.indices {
      balance[index] += weights[index]
      if balance[index] > balance[richest] { richest = index }
    }
    balance[richest] -= total
    return richest
  }
}
