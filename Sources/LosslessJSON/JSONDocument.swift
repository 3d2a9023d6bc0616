internal import CJSON

/// One parsed JSON text: immutable, shared by the values that point into it.
///
/// Numbers keep their text (`12.10`, ids above 2^53). At most ``maximumDepth`` containers may be open at once.
/// A parse makes two allocations: this object and one block for text and tape.
package final class JSONDocument: @unchecked Sendable {
  // Unchecked because of the raw pointers; true because nothing writes the block after `init` and only `deinit` frees it.
  private let storage: UnsafeMutableRawPointer
  let nodes: UnsafePointer<cjson_node>
  let bytes: UnsafePointer<UInt8>

  package static let maximumDepth = 64

  /// Parses a copy of `text`.
  ///
  /// - Parameter maximumBytes: Longer texts are refused with `tooLarge` before anything is read.
  /// - Throws: ``JSONParseError``; nothing else, and never a trap, whatever the bytes.
  package init(parsing text: UnsafeRawBufferPointer, maximumBytes: Int = 16 << 20) throws(JSONParseError) {
    let parsed = try JSONDocument.parse(text, maximumBytes: maximumBytes).get()
    storage = parsed.storage
    nodes = parsed.nodes
    bytes = parsed.bytes
  }

  package init(parsing text: String, maximumBytes: Int = 16 << 20) throws(JSONParseError) {
    var text = text
    let parsed = try text.withUTF8 { JSONDocument.parse(UnsafeRawBufferPointer($0), maximumBytes: maximumBytes) }.get()
    storage = parsed.storage
    nodes = parsed.nodes
    bytes = parsed.bytes
  }

  package init(parsing text: [UInt8], maximumBytes: Int = 16 << 20) throws(JSONParseError) {
    let parsed = try text.withUnsafeBytes { JSONDocument.parse($0, maximumBytes: maximumBytes) }.get()
    storage = parsed.storage
    nodes = parsed.nodes
    bytes = parsed.bytes
  }

  private static func parse(_ text: UnsafeRawBufferPointer, maximumBytes: Int) -> Result<cjson_document, JSONParseError> {
    guard let base = text.baseAddress else { return .failure(JSONParseError(reason: .empty, byteOffset: 0)) }
    var document = cjson_document()
    var offset = 0
    let status = cjson_parse(base.assumingMemoryBound(to: UInt8.self), text.count, max(0, maximumBytes), &document, &offset)
    return status == CJSON_OK ? .success(document) : .failure(JSONParseError(reason: .init(status), byteOffset: offset))
  }

  deinit {
    cjson_free(storage)
  }

  package var root: JSONValue { JSONValue(document: self, index: 0) }
}
