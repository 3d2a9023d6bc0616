/// A first-in first-out ring whose entries are found again by the number they were given.
struct SequenceQueue<Element> {
  private var elements: ContiguousArray<Element?>
  /// The number of the oldest entry.
  private(set) var first = 0
  /// The number that the next entry gets.
  private(set) var next = 0

  /// Small: with a connection per user there are thousands of these, with one command in each.
  init() { elements = ContiguousArray(repeating: nil, count: 8) }

  var count: Int { next - first }
  var isEmpty: Bool { next == first }

  func contains(_ number: Int) -> Bool { number >= first && number < next }

  /// The entry with this number, which must be in the queue.
  subscript(number: Int) -> Element {
    get {
      guard let element = elements[number & (elements.count - 1)] else { preconditionFailure("no entry \(number) in the queue") }
      return element
    }
    _modify {
      precondition(contains(number), "no entry \(number) in the queue")
      yield &elements[number & (elements.count - 1)]!
    }
  }

  /// - Returns: the entry's number.
  @discardableResult
  mutating func append(_ element: Element) -> Int {
    if count == elements.count { grow() }
    elements[next & (elements.count - 1)] = element
    next += 1
    return next - 1
  }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    let index = first & (elements.count - 1)
    let element = elements[index]
    elements[index] = nil
    first += 1
    return element
  }

  private mutating func grow() {
    var larger = ContiguousArray<Element?>(repeating: nil, count: elements.count * 2)
    for number in first..<next { larger[number & (larger.count - 1)] = elements[number & (elements.count - 1)] }
    elements = larger
  }
}
