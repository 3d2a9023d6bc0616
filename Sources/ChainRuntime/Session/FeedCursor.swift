import ChainIO
import ChainProgram

/// Hands out the rows of one feed. Confined to the reactor.
final class FeedCursor {
  let feed: FeedDeclaration
  private let index: Int
  private let seed: UInt64
  private var next = 0

  init(feed: FeedDeclaration, index: Int, seed: UInt64) {
    self.feed = feed
    self.index = index
    self.seed = seed
  }

  /// The row for an iteration; nil when the feed is exhausted.
  ///
  /// A random row is a function of (seed, feed, iteration); the others are handed out in order.
  func row(iteration: UInt64) -> Int? {
    guard feed.rowCount > 0 else { return nil }
    switch feed.pick {
    case .random:
      var draws = Randomness(seed: seed, stream: 0xFEED &+ UInt64(index), iteration: iteration)
      return Int(draws.next(below: UInt64(feed.rowCount)))
    case .sequential, .unique:
      if next == feed.rowCount {
        guard feed.onExhaustion == .again else { return nil }
        next = 0
      }
      defer { next += 1 }
      return next
    }
  }
}
