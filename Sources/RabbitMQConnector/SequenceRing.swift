/// A queue whose elements are also reached by their sequence numbers: confirms by delivery tag, waiting calls by ticket.
///
/// Taking one from the middle leaves a hole that is skipped. Does not allocate once it has grown.
struct SequenceRing<Element> {
  private var slots: ContiguousArray<Element?>
  private var mask: UInt64
  /// The oldest sequence number that still has an element; `next` when there is none.
  private(set) var head: UInt64
  /// The number that the next element gets.
  private(set) var next: UInt64
  private(set) var count = 0

  init(first: UInt64 = 1) {
    slots = ContiguousArray(repeating: nil, count: 64)
    mask = 63
    head = first
    next = first
  }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ element: consuming Element) -> UInt64 {
    if next - head > mask { grow() }
    let sequence = next
    slots[Int(sequence & mask)] = element
    next += 1
    count += 1
    return sequence
  }

  private mutating func grow() {
    var larger = ContiguousArray<Element?>(repeating: nil, count: slots.count * 2)
    let largerMask = UInt64(larger.count - 1)
    for sequence in head..<next { larger[Int(sequence & largerMask)] = slots[Int(sequence & mask)] }
    slots = larger
    mask = largerMask
  }

  func contains(_ sequence: UInt64) -> Bool { sequence >= head && sequence < next && slots[Int(sequence & mask)] != nil }

  /// The element with that number; nil if it was taken.
  subscript(_ sequence: UInt64) -> Element? {
    get { sequence >= head && sequence < next ? slots[Int(sequence & mask)] : nil }
    set {
      guard contains(sequence) else { return }
      slots[Int(sequence & mask)] = newValue
      if newValue == nil {
        count -= 1
        skipHoles()
      }
    }
  }

  /// Takes the element with that number; nil if it was taken before or never was.
  mutating func take(_ sequence: UInt64) -> Element? {
    guard sequence >= head, sequence < next else { return nil }
    let index = Int(sequence & mask)
    guard let element = slots[index].take() else { return nil }
    count -= 1
    if sequence == head { skipHoles() }
    return element
  }

  var first: Element? { count == 0 ? nil : slots[Int(head & mask)] }

  mutating func popFirst() -> Element? { take(head) }

  private mutating func skipHoles() {
    while head < next, slots[Int(head & mask)] == nil { head += 1 }
  }

  /// Empties the ring; the next element gets the number `first`.
  mutating func reset(first: UInt64) {
    while popFirst() != nil {}
    head = first
    next = first
  }
}
