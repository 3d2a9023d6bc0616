import ChainIO

/// Calls that wait for a free transfer, first come first served. Taking one out of the middle is constant time, too.
struct CallQueue {
  /// A power of two; sequence number s stands at s modulo the capacity.
  private var ring: ContiguousArray<OperationCall?> = ContiguousArray(repeating: nil, count: 64)
  private var head = 0
  private var tail = 0
  private(set) var count = 0

  /// - Returns: The call's sequence number, to `remove` it by.
  mutating func append(_ call: OperationCall) -> Int {
    if tail - head == ring.count { grow() }
    ring[tail & (ring.count - 1)] = call
    tail += 1
    count += 1
    return tail - 1
  }

  mutating func remove(_ sequence: Int) {
    precondition(sequence >= head && sequence < tail && ring[sequence & (ring.count - 1)] != nil, "the call is not waiting")
    ring[sequence & (ring.count - 1)] = nil
    count -= 1
    skipRemoved()
  }

  var first: OperationCall? { head < tail ? ring[head & (ring.count - 1)] : nil }

  mutating func popFirst() -> OperationCall? {
    guard let call = first else { return nil }
    ring[head & (ring.count - 1)] = nil
    head += 1
    count -= 1
    skipRemoved()
    return call
  }

  private mutating func skipRemoved() {
    while head < tail, ring[head & (ring.count - 1)] == nil { head += 1 }
  }

  private mutating func grow() {
    var larger = ContiguousArray<OperationCall?>(repeating: nil, count: 2 * ring.count)
    for sequence in head..<tail { larger[sequence & (larger.count - 1)] = ring[sequence & (ring.count - 1)] }
    ring = larger
  }
}
