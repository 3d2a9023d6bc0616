package import Diagnostics

/// A text in a YAML file: what it says, how it was written, and which bytes of the file each part of it comes from.
package final class YAMLScalar {
  package enum Style: Sendable, Hashable, CaseIterable {
    case plain
    case singleQuoted
    case doubleQuoted
    /// A block after `|`: line breaks stay.
    case literal
    /// A block after `>`: line breaks become spaces.
    case folded
  }

  /// The text after escapes and folding.
  package let text: String
  package let style: Style
  /// With quotes or the block's indicator, without anchor and tag, without trailing line breaks.
  package let range: SourceRange
  /// What an explicit `!!int` and the like say; nil without a tag.
  let explicitType: YAMLCoreTag?
  private let file: SourceFile
  private var cachedMap: ScalarOffsetMap?

  init(text: String, style: Style, range: SourceRange, explicitType: YAMLCoreTag?, file: SourceFile) {
    self.text = text
    self.style = style
    self.range = range
    self.explicitType = explicitType
    self.file = file
  }

  /// The bytes of the file that a part of the text comes from.
  ///
  /// A character that was written as an escape gives the whole escape, a folded line break all the space around it. An empty
  /// part gives the empty range before the character that follows, or after the text. If the text cannot be traced (which
  /// would be a fault of ours) it is the whole scalar.
  /// - Parameter part: UTF-8 offsets in `text`; what lies past the end counts as the end.
  /// - Complexity: logarithmic in the number of escapes and lines, after a first call that reads the scalar once.
  package func rawRange(ofCookedUTF8 part: Range<Int>) -> SourceRange {
    offsetMap.rawRange(ofCooked: part).map(file.range) ?? range
  }

  /// All of the text as it stands in the file, without quotes.
  package var contentRange: SourceRange {
    rawRange(ofCookedUTF8: 0..<text.utf8.count)
  }

  var offsetMap: ScalarOffsetMap {
    if let cachedMap { return cachedMap }
    let map = ScalarOffsetMap(text: text, style: style, range: range.offsets, bytes: file.bytes)
    cachedMap = map
    return map
  }
}
