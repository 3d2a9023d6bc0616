/// An array that grows by a page at a time: growing copies nothing and touches no memory that is not used yet, and an element is reached
/// without asking whether the storage is shared.
///
/// For the records of events, of which a fast run has hundreds of thousands at once: doubling one array of them copied each record twice
/// and touched twice the memory.
struct PagedArray<Element>: ~Copyable {
  private var pages: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
  private var pageCount = 0
  private var pageCapacity = 16
  private(set) var count = 0
  private static var pageShift: Int { 10 }
  private static var pageSize: Int { 1 << pageShift }

  init() { pages = .allocate(capacity: pageCapacity) }

  deinit {
    for page in 0..<pageCount {
      pages[page].deinitialize(count: min(PagedArray.pageSize, count - page << PagedArray.pageShift)).deallocate()
    }
    pages.deallocate()
  }

  /// - Precondition: `index` is below `count`.
  subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress { UnsafePointer(place(index)) }
    @inline(__always) unsafeMutableAddress { place(index) }
  }

  @inline(__always)
  private func place(_ index: Int) -> UnsafeMutablePointer<Element> {
    precondition(index >= 0 && index < count, "an element of this array")
    return pages[index >> PagedArray.pageShift] + (index & (PagedArray.pageSize - 1))
  }

  mutating func append(_ element: consuming Element) {
    if count == pageCount << PagedArray.pageShift { addPage() }
    (pages[count >> PagedArray.pageShift] + (count & (PagedArray.pageSize - 1))).initialize(to: element)
    count += 1
  }

  @inline(never)
  private mutating func addPage() {
    if pageCount == pageCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: pageCapacity * 2)
      larger.update(from: pages, count: pageCount)
      pages.deallocate()
      pages = larger
      pageCapacity *= 2
    }
    (pages + pageCount).initialize(to: .allocate(capacity: PagedArray.pageSize))
    pageCount += 1
  }
}
