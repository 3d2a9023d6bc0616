import Diagnostics

/// A text with marks in it, so that no test counts columns: `a: «1»bad«/1» «2/»` has a range `1` and a point `2`.
///
/// A mark's name is any text without `«`, `»` and `/`. Ranges may nest and overlap.
struct MarkedText {
  /// Without the marks.
  let text: String
  /// Byte offsets in `text`.
  let ranges: [String: Range<Int>]

  init(_ marked: String) {
    var text = ""
    var starts: [String: Int] = [:]
    var ranges: [String: Range<Int>] = [:]
    var rest = marked.unicodeScalars[...]
    while let open = rest.firstIndex(of: "«") {
      text.unicodeScalars.append(contentsOf: rest[..<open])
      guard let close = rest[open...].firstIndex(of: "»") else { preconditionFailure("a mark without '»'") }
      let mark = String(rest[rest.index(after: open)..<close])
      let offset = text.utf8.count
      if mark.hasPrefix("/") {
        let name = String(mark.dropFirst())
        guard let start = starts[name] else { preconditionFailure("'«\(mark)»' closes a mark that is not open") }
        ranges[name] = start..<offset
      } else if mark.hasSuffix("/") {
        ranges[String(mark.dropLast())] = offset..<offset
      } else {
        starts[mark] = offset
      }
      rest = rest[rest.index(after: close)...]
    }
    text.unicodeScalars.append(contentsOf: rest)
    precondition(starts.keys.allSatisfy { ranges[$0] != nil }, "a mark is not closed")
    self.text = text
    self.ranges = ranges
  }

  /// The byte offsets of a mark.
  subscript(name: String) -> Range<Int> {
    guard let range = ranges[name] else { preconditionFailure("no mark '\(name)'") }
    return range
  }

  /// The mark with exactly these offsets, or the offsets in words, so that a failed expectation tells where a finding went.
  func mark(at offsets: Range<Int>) -> String {
    if let name = ranges.filter({ $0.value == offsets }).keys.min() { return name }
    let bytes = Array(text.utf8)
    let part = String(decoding: bytes[min(offsets.lowerBound, bytes.count)..<min(offsets.upperBound, bytes.count)], as: UTF8.self)
    return "\(offsets) '\(part)'"
  }

  /// The text as the one file of a program.
  func file(path: String = "test.chain.yaml") -> (files: SourceFiles, file: SourceFile) {
    var files = SourceFiles()
    let file = files.add(path: path, bytes: Array(text.utf8))
    return (files, file)
  }
}
