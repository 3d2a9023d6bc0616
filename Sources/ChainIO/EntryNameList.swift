/// Names of entries that are to be read, one behind the other in one piece of memory: thousands of names take no thousands of arrays.
package struct EntryNameList {
  private var bytes: [UInt8] = []
  /// For each name, where it ends.
  private var ends: ContiguousArray<Int> = []

  package init() {}

  package init(_ names: some Sequence<[UInt8]>) {
    for name in names { append { $0.append(contentsOf: name) } }
  }

  package var count: Int { ends.count }

  /// Adds the name that `write` appends.
  package mutating func append(_ write: (_ name: inout [UInt8]) -> Void) {
    write(&bytes)
    ends.append(bytes.count)
  }

  package mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// The bytes of one name, valid inside `body` only.
  package func withName<Result>(_ place: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let start = place == 0 ? 0 : ends[place - 1]
    let end = ends[place]
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
  }
}
