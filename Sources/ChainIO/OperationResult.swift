/// What an operation returned, or what a sighting showed, in one neutral form for all connectors.
///
/// A connector writes it, expressions read it. It is reused: `clear` keeps the memory, so a warmed-up result takes no allocation.
/// Content is a flat list of nodes in pre-order over one byte arena.
///
/// Messages taken from a queue (`ResultField.messages`) are an array of messages; `nodes` begins with it. A message is an array of three:
/// its routing key as text, its body as text (the bytes as they came; whether they are JSON shows when `.json` is read), and its headers as
/// an array with one array of two texts, name and value, for each:
///
///     array(2)                                          messages.size == 2
///       array(3) "order.created" "{\"id\":1}" array(1)     messages[0].key, .text and .json
///         array(2) "x-run" "r1"                         messages[0].headers["x-run"]
///       array(3) "order.created" "" array(0)
package final class OperationResult {
  package struct Node {
    package enum Kind: UInt8 {
      case null
      /// `offset ..< offset + length` of the arena.
      case text
      /// `integer`
      case integer
      /// `length` children follow, each with its own descendants.
      case array
    }
    package var kind: Kind
    package var length: UInt32
    package var offset: UInt32
    package var integer: Int64
  }

  /// A view of a result's nodes: plain memory, with its bounds checked.
  package struct Nodes: RandomAccessCollection {
    fileprivate let base: UnsafePointer<Node>
    package let count: Int

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }
    /// Of its own: the library's is generic, and not specialized for another module's type.
    package var first: Node? { count > 0 ? base[0] : nil }
    package subscript(position: Int) -> Node {
      precondition(position >= 0 && position < count, "a node of this result")
      return base[position]
    }
  }

  /// Text by place in the arena.
  package struct TextRange {
    package var offset: UInt32
    package var length: UInt32
    package static let empty = TextRange(offset: 0, length: 0)

    package init(offset: UInt32, length: UInt32) {
      self.offset = offset
      self.length = length
    }
  }

  /// The arena's bytes, valid until something is appended or cleared.
  package var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: arena, count: byteCount) }
  /// Valid until something is appended or cleared.
  package var nodes: Nodes { Nodes(base: nodeStorage, count: nodeCount) }
  // Plain memory, grown by doubling: what every operation writes and reads takes no uniqueness check and no reference count.
  private var arena: UnsafeMutablePointer<UInt8>
  private var byteCount = 0
  private var byteCapacity = 0
  private var nodeStorage: UnsafeMutablePointer<Node>
  private var nodeCount = 0
  private var nodeCapacity = 0
  /// PostgreSQL: row-major cells in `nodes`, `rowCount` × `columnCount`.
  package var rowCount = 0
  package var columnCount = 0
  package var columnNames: [String] = []
  package var affected: Int64 = 0
  /// HTTP status.
  package var status: Int64 = 0
  /// Whether a published message was routed.
  package var isRouted = true
  /// The content: HTTP body, message body, watched value.
  package var body = TextRange.empty
  package var hasBody = false
  /// The watched key, or the message's routing key.
  package var key = TextRange.empty
  package private(set) var headers: ContiguousArray<(name: TextRange, value: TextRange)> = []
  /// Bytes beyond which a connector refuses a result.
  package static let bytesMax = 16 << 20

  /// Takes no memory before something is written.
  package init() {
    arena = .allocate(capacity: 0)
    nodeStorage = .allocate(capacity: 0)
  }

  deinit {
    arena.deallocate()
    nodeStorage.deallocate()
  }

  package func clear() {
    byteCount = 0
    nodeCount = 0
    if !headers.isEmpty { headers.removeAll(keepingCapacity: true) }
    rowCount = 0
    columnCount = 0
    affected = 0
    status = 0
    isRouted = true
    body = .empty
    hasBody = false
    key = .empty
  }

  /// Asks for its memory: it will be written soon.
  package func prefetch() { UpcomingMemory.fetch(Unmanaged.passUnretained(self).toOpaque(), bytes: 136) }

  /// Asks for where its content will stand, once its own memory is there.
  package func prefetchContent() {
    UpcomingMemory.fetch(arena, bytes: 64)
    UpcomingMemory.fetch(nodeStorage, bytes: MemoryLayout<Node>.stride)
  }

  // Writing

  package func appendBytes(_ content: UnsafeRawBufferPointer) -> TextRange {
    let offset = byteCount
    guard let base = content.baseAddress, content.count > 0 else { return TextRange(offset: UInt32(offset), length: 0) }
    if content.count > byteCapacity - offset { growArena(by: content.count) }
    (arena + offset).update(from: base.assumingMemoryBound(to: UInt8.self), count: content.count)
    byteCount = offset + content.count
    return TextRange(offset: UInt32(offset), length: UInt32(content.count))
  }

  private func append(_ node: Node) {
    if nodeCount == nodeCapacity { growNodes() }
    (nodeStorage + nodeCount).initialize(to: node)
    nodeCount += 1
  }

  @inline(never)
  private func growArena(by count: Int) {
    byteCapacity = max(64, byteCapacity * 2, byteCount + count)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCapacity)
    larger.update(from: arena, count: byteCount)
    arena.deallocate()
    arena = larger
  }

  @inline(never)
  private func growNodes() {
    nodeCapacity = max(4, nodeCapacity * 2)
    let larger = UnsafeMutablePointer<Node>.allocate(capacity: nodeCapacity)
    larger.update(from: nodeStorage, count: nodeCount)
    nodeStorage.deallocate()
    nodeStorage = larger
  }

  package func appendNull() { append(Node(kind: .null, length: 0, offset: 0, integer: 0)) }
  package func appendInteger(_ value: Int64) { append(Node(kind: .integer, length: 0, offset: 0, integer: value)) }
  package func appendArray(count: Int) { append(Node(kind: .array, length: UInt32(count), offset: 0, integer: 0)) }

  /// Says how many children the array at `position` of `nodes` has got, where that was not known when it was appended.
  package func setCount(_ count: Int, ofArrayAt position: Int) {
    precondition(position >= 0 && position < nodeCount, "the array was appended before")
    nodeStorage[position].length = UInt32(count)
  }

  package func appendText(_ content: UnsafeRawBufferPointer) {
    let place = appendBytes(content)
    append(Node(kind: .text, length: place.length, offset: place.offset, integer: 0))
  }

  package func setBody(_ content: UnsafeRawBufferPointer) {
    body = appendBytes(content)
    hasBody = true
  }

  /// More of a body that comes in parts; nothing else may be appended in between.
  package func extendBody(_ content: UnsafeRawBufferPointer) {
    if !hasBody { return setBody(content) }
    body.length += appendBytes(content).length
  }

  package func setKey(_ content: UnsafeRawBufferPointer) { key = appendBytes(content) }

  package func appendHeader(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    headers.append((appendBytes(name), appendBytes(value)))
  }

  // Reading

  /// The bytes at a place, valid until something is appended or cleared.
  package func bytes(at place: TextRange) -> UnsafeRawBufferPointer {
    precondition(Int(place.offset) + Int(place.length) <= byteCount, "a place in this arena")
    return UnsafeRawBufferPointer(start: arena + Int(place.offset), count: Int(place.length))
  }

  /// The bytes at a place, valid inside `read` only.
  @inline(__always)
  package func withBytes<Result>(_ place: TextRange, _ read: (UnsafeRawBufferPointer) -> Result) -> Result {
    withExtendedLifetime(self) { read(bytes(at: place)) }
  }

  package func string(_ place: TextRange) -> String {
    withBytes(place) { String(decoding: $0, as: UTF8.self) }
  }

  package func string(_ node: Node) -> String { string(TextRange(offset: node.offset, length: node.length)) }
}
