/// Objects that live as long as their list, reached without being counted: an element of an array is, each time it is used.
package struct HeldObjects<Object: AnyObject>: ~Copyable {
  private let references: UnsafeMutableBufferPointer<Unmanaged<Object>?>

  package init(_ objects: some Collection<Object?>) {
    references = .allocate(capacity: objects.count)
    for (index, object) in objects.enumerated() { references.initializeElement(at: index, to: object.map { .passRetained($0) }) }
  }

  package init(_ objects: [Object]) { self.init(objects.map { Optional($0) }) }

  deinit {
    for reference in references { reference?.release() }
    references.deallocate()
  }

  package var count: Int { references.count }

  @inline(__always)
  package func each(_ body: (Object) -> Void) {
    for reference in references { reference?._withUnsafeGuaranteedRef(body) }
  }

  /// - Returns: nil where there is no object at the place.
  @inline(__always)
  package func ifPresent<Result>(_ index: Int, _ body: (Object) -> Result) -> Result? { references[index]?._withUnsafeGuaranteedRef(body) }

  /// There must be an object at the place.
  @inline(__always)
  package func with<Result>(_ index: Int, _ body: (Object) -> Result) -> Result {
    guard let reference = references[index] else { preconditionFailure("no object at place \(index)") }
    return reference._withUnsafeGuaranteedRef(body)
  }
}
