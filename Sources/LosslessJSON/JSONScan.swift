internal import CJSON

/// Reading one member without a document: a tenth of a parse's work, for the small texts that a cache holds and a broker carries.
package enum JSONScan {
  /// Texts beyond this are parsed: several members of one text are then read from one tape.
  package static let bytesMax = 512

  /// The digits of the number, or the content of the string, that an object has under `name`; the last one where the name is repeated.
  ///
  /// - Returns: nil where only ``JSONDocument`` can tell: the text is long, not plain ASCII, has escapes, has no such scalar, or is not JSON.
  package static func plainMember(_ name: UnsafeBufferPointer<UInt8>, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard let base = text.baseAddress, let key = name.baseAddress, text.count <= bytesMax else { return nil }
    var offset = 0
    var count = 0
    let isFound = cjson_plain_member(base.assumingMemoryBound(to: UInt8.self), text.count, key, name.count, &offset, &count) == 1
    return isFound ? UnsafeRawBufferPointer(start: base + offset, count: count) : nil
  }
}
