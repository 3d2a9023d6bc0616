/// Objects that live as long as their list, reached without being counted: an element of an array is, each time it is used.
struct HeldObjects<Object: AnyObject>: ~Copyable {
  private let references: UnsafeMutableBufferPointer<Unmanaged<Object>>

  init(_ objects: [Object]) {
    references = .allocate(capacity: objects.count)
    for (index, object) in objects.enumerated() { references.initializeElement(at: index, to: .passRetained(object)) }
  }

  deinit {
    for reference in references { reference.release() }
    references.deallocate()
  }

  @inline(__always)
  func each(_ body: (Object) -> Void) {
    for index in 0..<references.count { references[index]._withUnsafeGuaranteedRef(body) }
  }

  @inline(__always)
  func with<Result>(_ index: Int, _ body: (Object) -> Result) -> Result { references[index]._withUnsafeGuaranteedRef(body) }
}
