/// Objects that live as long as their list, reached without being counted: an element of an array is, each time it is used.
///
/// Inlinable: called as a function of another module, it would ask the runtime for its generic metadata each time.
package struct HeldObjects<Object: AnyObject>: ~Copyable {
  @usableFromInline let references: UnsafeMutableBufferPointer<Unmanaged<Object>?>

  /// - Parameter objects: Nil where a place has none.
  @inlinable
  package init(_ objects: some Collection<Object?>) {
    references = .allocate(capacity: objects.count)
    for (index, object) in objects.enumerated() { references.initializeElement(at: index, to: object.map { .passRetained($0) }) }
  }

  @inlinable
  package init(_ objects: [Object]) { self.init(objects.map { Optional($0) }) }

  @inlinable
  deinit {
    for reference in references { reference?.release() }
    references.deallocate()
  }

  @inlinable
  package var count: Int { references.count }

  @inlinable
  package func contains(where condition: (Object) -> Bool) -> Bool {
    references.contains { $0?._withUnsafeGuaranteedRef(condition) == true }
  }

  @inlinable @inline(__always)
  package func each(_ body: (Object) -> Void) {
    for index in 0..<references.count { references[index]?._withUnsafeGuaranteedRef(body) }
  }

  /// - Returns: nil where there is no object at the place.
  @inlinable @inline(__always)
  package func ifPresent<Result>(_ index: Int, _ body: (Object) -> Result) -> Result? { references[index]?._withUnsafeGuaranteedRef(body) }

  /// There must be an object at the place.
  @inlinable @inline(__always)
  package func with<Result>(_ index: Int, _ body: (Object) -> Result) -> Result {
    guard let reference = references[index] else { preconditionFailure("no object stands at this place") }
    return reference._withUnsafeGuaranteedRef(body)
  }
}
