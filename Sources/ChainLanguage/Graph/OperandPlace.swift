package import Diagnostics

/// Where the text of an operand stands in its file: what a system says about a compiled text is shown at the bytes that the author wrote.
///
/// Offsets are UTF-8 offsets. *Compiled* text is what the system got (in SQL with `$1` for each `${…}`), *cooked* text is the YAML scalar's.
package struct OperandPlace: Sendable {
  /// The operand as it stands in the file, without quotes.
  package let range: SourceRange
  /// The place of each bound parameter's `${…}`, in order.
  package let parameters: [SourceRange]
  /// Whether carets under all of it make sense.
  package let isOneLine: Bool
  private let map: ScalarOffsetMap
  private let pieces: [Piece]

  private struct Piece {
    let compiled: Range<Int>
    let cooked: Range<Int>
    /// Copied byte for byte: neither an expression nor a text with `$$` in it.
    let isVerbatim: Bool
  }

  init(_ scalar: YAMLScalar, isSQL: Bool) {
    range = scalar.text.isEmpty ? scalar.range : scalar.contentRange
    map = scalar.offsetMap
    isOneLine = !scalar.text.utf8.contains(UInt8(ascii: "\n"))
    var silent = Findings()
    var scanner = SQLScanner()
    var pieces: [Piece] = []
    var parameters: [SourceRange] = []
    var length = 0
    func append(_ count: Int, _ cooked: Range<Int>, isVerbatim: Bool) {
      pieces.append(Piece(compiled: length..<length + count, cooked: cooked, isVerbatim: isVerbatim))
      length += count
    }
    for piece in ScalarTemplate.parse(ExpressionText(scalar), into: &silent).pieces {
      switch piece {
      case .literal(let literal, let cooked, _):
        if isSQL { _ = scanner.scan(literal) }
        append(literal.utf8.count, cooked, isVerbatim: literal.utf8.count == cooked.count)
      case .expression(_, let cooked, let range):
        // As the resolver compiles it: what stands where SQL has no parameter became a question mark.
        if isSQL, scanner.interpolationProblem == nil {
          parameters.append(range)
          append("$\(parameters.count)".utf8.count, cooked, isVerbatim: false)
        } else {
          append(1, cooked, isVerbatim: false)
        }
      }
    }
    self.pieces = pieces
    self.parameters = parameters
  }

  /// The bytes of the file that a part of the compiled text was made from; the whole operand if that cannot be told.
  package func range(ofCompiled part: Range<Int>) -> SourceRange {
    guard let start = cooked(at: part.lowerBound)?.lowerBound, let end = cooked(at: max(part.lowerBound, part.upperBound - 1))?.upperBound,
      start <= end, let raw = map.rawRange(ofCooked: start..<end)
    else { return range }
    return SourceRange(file: range.file, start: raw.lowerBound, end: raw.upperBound)
  }

  /// The cooked bytes behind one compiled byte.
  private func cooked(at offset: Int) -> Range<Int>? {
    guard let piece = pieces.first(where: { $0.compiled.contains(offset) }) else {
      return pieces.last.map { $0.cooked.upperBound..<$0.cooked.upperBound }
    }
    guard piece.isVerbatim else { return piece.cooked }
    let place = piece.cooked.lowerBound + offset - piece.compiled.lowerBound
    return place..<place + 1
  }
}

extension ChainResolver {
  /// Keeps the place of an operand under the range of the key that it stands behind.
  func notePlace(_ key: SourceRange, _ operand: YAMLNode, isSQL: Bool) {
    if let scalar = operand.scalar { operandPlaces[key] = OperandPlace(scalar, isSQL: isSQL) }
  }
}
