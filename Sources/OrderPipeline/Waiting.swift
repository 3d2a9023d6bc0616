/// Work that is due at a certain time; what is due first comes first, and of two that are due together the one that was added first.
struct Waiting<Work> {
  private var heap: [(due: UInt64, number: UInt64, work: Work)] = []
  private var added: UInt64 = 0

  var nextDue: UInt64? { heap.first?.due }

  mutating func add(_ work: Work, due: UInt64) {
    added += 1
    heap.append((due, added, work))
    var child = heap.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// The next work that was due by `now`, if any.
  mutating func take(dueBy now: UInt64) -> Work? {
    guard let first = heap.first, first.due <= now else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) { least = child }
      if least == parent { return first.work }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool { (heap[a].due, heap[a].number) < (heap[b].due, heap[b].number) }
}
