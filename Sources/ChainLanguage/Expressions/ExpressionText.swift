package import Diagnostics

/// The text of a scalar with the way from its bytes to the bytes of the file.
///
/// Offsets in this folder that are called *cooked* are UTF-8 offsets in `text`, after YAML's quotes, escapes and folding.
package struct ExpressionText {
  package let text: String
  let bytes: [UInt8]
  private let rangeOfCooked: (Range<Int>) -> SourceRange

  /// - Parameter range: The place in the file of a cooked part of the text; for a YAML scalar its `rawRange(ofCookedUTF8:)`.
  package init(_ text: String, range: @escaping (Range<Int>) -> SourceRange) {
    self.text = text
    self.bytes = Array(text.utf8)
    self.rangeOfCooked = range
  }

  /// A text that stands in the file byte for byte, from `start` on.
  package init(_ text: String, in file: SourceFile, at start: Int) {
    self.init(text) { file.range(start + $0.lowerBound, start + $0.upperBound) }
  }

  package func range(_ cooked: Range<Int>) -> SourceRange { rangeOfCooked(cooked) }

  /// All of the text.
  package var wholeRange: SourceRange { range(0..<bytes.count) }

  func string(_ cooked: Range<Int>) -> String { String(decoding: bytes[cooked], as: UTF8.self) }
}

extension ExpressionText {
  /// The text of a YAML scalar, each part of which knows the bytes that it was written with.
  package init(_ scalar: YAMLScalar) {
    self.init(scalar.text) { scalar.rawRange(ofCookedUTF8: $0) }
  }
}
