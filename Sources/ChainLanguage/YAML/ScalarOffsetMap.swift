/// Which bytes of the file each byte of a scalar's text comes from.
///
/// libyaml gives only where a scalar starts and ends, so the text is read a second time, by its style, and compared with
/// what libyaml made of it. If the two ever differ, the map is empty rather than wrong.
struct ScalarOffsetMap {
  /// Bytes that belong together: either copied one to one, or replaced as a whole (an escape, a folded line break).
  struct Run: Equatable {
    var cooked: Range<Int>
    var raw: Range<Int>
    var isVerbatim: Bool
  }

  private(set) var runs: [Run]
  /// The place of an empty text and of the end of the text.
  private let rawEnd: Int
  /// False if reading the text a second time gave another text.
  let isTraced: Bool

  init(text: String, style: YAMLScalar.Style, range: Range<Int>, bytes: [UInt8]) {
    var text = text
    let found: ScalarRescan? = text.withUTF8 { cooked in
      bytes.withUnsafeBufferPointer { bytes in
        switch style {
        case .plain: Self.traced(ScalarRescan.plain(range, in: bytes), as: cooked)
        case .singleQuoted: Self.traced(ScalarRescan.singleQuoted(range, in: bytes), as: cooked)
        case .doubleQuoted: Self.traced(ScalarRescan.doubleQuoted(range, in: bytes), as: cooked)
        case .literal, .folded:
          ScalarRescan.blockCandidates(range, isFolded: style == .folded, in: bytes) { Self.traced($0, as: cooked) != nil }
        }
      }
    }
    runs = found?.runs ?? []
    rawEnd = found?.runs.last?.raw.upperBound ?? found?.contentStart ?? range.lowerBound
    isTraced = found != nil
  }

  private static func traced(_ rescan: ScalarRescan, as cooked: UnsafeBufferPointer<UInt8>) -> ScalarRescan? {
    rescan.cooked.elementsEqual(cooked) ? rescan : nil
  }

  func rawRange(ofCooked part: Range<Int>) -> Range<Int>? {
    guard isTraced else { return nil }
    guard let first = run(at: part.lowerBound) else { return rawEnd..<rawEnd }
    let start = first.isVerbatim ? first.raw.lowerBound + part.lowerBound - first.cooked.lowerBound : first.raw.lowerBound
    guard !part.isEmpty else { return start..<start }
    guard let last = run(at: part.upperBound - 1) else { return start..<max(start, rawEnd) }
    let end = last.isVerbatim ? last.raw.lowerBound + part.upperBound - last.cooked.lowerBound : last.raw.upperBound
    return start..<max(start, end)
  }

  /// The run that holds a byte of the text, or nil past its end.
  private func run(at offset: Int) -> Run? {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].cooked.upperBound <= offset { low = middle + 1 } else { high = middle }
    }
    return low < runs.count ? runs[low] : nil
  }
}
