/// A first-in, first-out queue of record numbers that takes no memory for what was taken out.
struct IndexQueue {
  private var ring: ContiguousArray<Int32> = []
  private var first = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var head: Int { Int(ring[first]) }

  mutating func append(_ number: Int) {
    if count == ring.count {
      var larger: ContiguousArray<Int32> = []
      larger.reserveCapacity(max(64, count * 2))
      for offset in 0..<count { larger.append(ring[(first + offset) & (ring.count - 1)]) }
      while larger.count < max(64, count * 2) { larger.append(0) }
      ring = larger
      first = 0
    }
    ring[(first + count) & (ring.count - 1)] = Int32(truncatingIfNeeded: number)
    count += 1
  }

  mutating func removeFirst() -> Int {
    let number = Int(ring[first])
    first = (first + 1) & (ring.count - 1)
    count -= 1
    return number
  }
}
