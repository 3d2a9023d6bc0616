/// When each of the things that are looked for is looked at next.
///
/// Adaptive: the pause is 5 % of how long the thing has been looked for, within 1 ms and 250 ms, so that the interval in which it became
/// visible is about 5 % of its lag. Or fixed, as the chain's `every` says. Every pause is jittered: a period that is exactly kept would stay
/// locked to a system that works in batches, however random its start.
package struct PollSchedule {
  private struct Entry {
    let target: Int
    let due: UInt64
    /// Tells this entry from those that an earlier `add` or `looked` left in the heap.
    let stamp: UInt64
  }
  private struct State {
    var since: UInt64
    var stamp: UInt64
  }

  /// A heap, the earliest first. Entries whose stamp is no longer their target's are passed over.
  private var heap: ContiguousArray<Entry> = []
  private var states: [Int: State] = [:]
  private var nextStamp: UInt64 = 1
  private let every: UInt64?
  private var random: UInt64

  package static let pauseNanosecondsMin: UInt64 = 1_000_000
  package static let pauseNanosecondsMax: UInt64 = 250_000_000

  /// - Parameters:
  ///   - every: Nanoseconds between two looks; nil for adaptive ones.
  ///   - seed: Of the jitter.
  package init(every: UInt64?, seed: UInt64) {
    self.every = every
    random = seed
  }

  package var isEmpty: Bool { states.isEmpty }
  package var count: Int { states.count }
  package func contains(_ target: Int) -> Bool { states[target] != nil }

  /// Things due within this time of each other share one request.
  package var slackNanoseconds: UInt64 { every.map { min($0 / 20, 5_000_000) } ?? 100_000 }

  /// Looked for from now on, and looked at as soon as may be. One that is looked for already is young again.
  package mutating func add(_ target: Int, now: UInt64) {
    states[target] = State(since: now, stamp: 0)
    schedule(target, due: now)
  }

  package mutating func remove(_ target: Int) { states[target] = nil }

  package mutating func removeAll() {
    states.removeAll()
    heap.removeAll()
  }

  /// Nanoseconds: when the next look is due; nil if nothing waits for one.
  package mutating func nextDue() -> UInt64? {
    dropStale()
    return heap.first?.due
  }

  /// What is due at `now`, at most `limit`. These wait for no look until `looked` is called for them.
  package mutating func takeDue(now: UInt64, limit: Int) -> [Int] {
    var due: [Int] = []
    while due.count < limit {
      dropStale()
      guard let first = heap.first, first.due <= now &+ slackNanoseconds else { break }
      popFirst()
      states[first.target]?.stamp = 0
      due.append(first.target)
    }
    return due
  }

  /// A look that was sent at `sent` did not end the search.
  package mutating func looked(_ target: Int, sent: UInt64) {
    guard let state = states[target], state.stamp == 0 else { return }
    schedule(target, due: sent &+ pause(age: sent > state.since ? sent - state.since : 0))
  }

  /// Everything is due at `now`, as after a time without looks.
  package mutating func expedite(now: UInt64) {
    heap.removeAll(keepingCapacity: true)
    for target in states.keys.sorted() { schedule(target, due: now) }
  }

  private mutating func pause(age: UInt64) -> UInt64 {
    if let every { return every - every / 4 + next() % max(1, every / 2) }
    let pause = min(max(age / 20, PollSchedule.pauseNanosecondsMin), PollSchedule.pauseNanosecondsMax)
    return pause / 2 + next() % pause
  }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private mutating func next() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var mixed = random
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  // The heap

  private mutating func schedule(_ target: Int, due: UInt64) {
    states[target]?.stamp = nextStamp
    heap.append(Entry(target: target, due: due, stamp: nextStamp))
    nextStamp += 1
    var child = heap.count - 1
    while child > 0, heap[child].due < heap[(child - 1) / 2].due {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func dropStale() {
    while let first = heap.first, states[first.target]?.stamp != first.stamp { popFirst() }
  }

  private mutating func popFirst() {
    guard let last = heap.popLast(), !heap.isEmpty else { return }
    heap[0] = last
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < heap.count else { return }
      let child = left + 1 < heap.count && heap[left + 1].due < heap[left].due ? left + 1 : left
      guard heap[child].due < heap[parent].due else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}
