import ChainIO
import ChainProgram
import Glibc

extension FunctionLibrary {
  static func text(_ function: Function, _ arguments: Arguments) throws(OperationError) -> Value {
    if function == .join { return .string(try joined(elements(arguments, 0), string(arguments, 1))) }
    let text = try string(arguments, 0)
    switch function {
    case .after:
      let mark = try string(arguments, 1)
      guard let found = position(of: mark, in: text) else { throw missing(mark) }
      return .string(piece(of: text, from: found + mark.utf8.count, to: text.utf8.count))
    case .before:
      let mark = try string(arguments, 1)
      guard let found = position(of: mark, in: text) else { throw missing(mark) }
      return .string(piece(of: text, from: 0, to: found))
    case .lower: return .string(text.lowercased())
    case .upper: return .string(text.uppercased())
    case .trim:
      let scalars = text.unicodeScalars
      let tail = scalars.drop { $0.properties.isWhitespace }
      var end = tail.endIndex
      while end > tail.startIndex, tail[tail.index(before: end)].properties.isWhitespace { end = tail.index(before: end) }
      return .string(String(tail[tail.startIndex..<end]))
    case .length: return .int(Int64(text.unicodeScalars.count))
    case .contains: return .bool(position(of: try string(arguments, 1), in: text) != nil)
    case .startsWith: return .bool(text.utf8.starts(with: try string(arguments, 1).utf8))
    case .endsWith: return .bool(text.utf8.reversed().starts(with: try string(arguments, 1).utf8.reversed()))
    case .replace: return .string(try joined(parts(of: text, at: string(arguments, 1)).map { .string($0) }, string(arguments, 2)))
    case .split: return .list(try parts(of: text, at: string(arguments, 1)).map { .string($0) })
    case .substring:
      let (start, count) = (try int(arguments, 1), try int(arguments, 2))
      guard start >= 0, count >= 0 else { throw negative }
      return .string(String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(Int(start)).prefix(Int(count)))))
    case .padLeft, .padRight:
      let (width, with) = (try int(arguments, 1), try string(arguments, 2))
      guard with.unicodeScalars.count == 1 else {
        throw OperationError(.value, code: "not-one-character", "a text is padded with one character")
      }
      let missing = width.subtractingReportingOverflow(Int64(text.unicodeScalars.count)).partialValue
      guard width > 0, missing > 0 else { return .string(text) }
      let padding = try repeated(with, missing)
      return .string(function == .padLeft ? padding + text : text + padding)
    case .repeat: return .string(try repeated(text, int(arguments, 1)))
    default: throw isNull
    }
  }

  /// The byte offset of the first occurrence; nil if there is none.
  static func position(of mark: String, in text: String) -> Int? {
    var (mark, text) = (mark, text)
    return mark.withUTF8 { mark in
      text.withUTF8 { text in
        guard let first = mark.first else { return 0 }
        var at = 0
        while at + mark.count <= text.count {
          if text[at] == first, memcmp(text.baseAddress! + at, mark.baseAddress!, mark.count) == 0 { return at }
          at += 1
        }
        return nil
      }
    }
  }

  /// The bytes `start ..< end` of a text, which need not lie between characters.
  private static func piece(of text: String, from start: Int, to end: Int) -> String {
    var text = text
    return text.withUTF8 { String(decoding: UnsafeBufferPointer(rebasing: $0[start..<end]), as: UTF8.self) }
  }

  private static func position(of mark: [UInt8], in text: [UInt8], from start: Int) -> Int? {
    guard let first = mark.first else { return start }
    guard mark.count <= text.count - start else { return nil }
    for at in start...(text.count - mark.count) where text[at] == first && text[at..<(at + mark.count)].elementsEqual(mark) { return at }
    return nil
  }

  private static func parts(of text: String, at mark: String) throws(OperationError) -> [String] {
    guard !mark.isEmpty else { throw OperationError(.value, code: "empty-text", "what a text is split at is empty") }
    let (mark, text) = (Array(mark.utf8), Array(text.utf8))
    var parts: [String] = []
    var start = 0
    while let found = position(of: mark, in: text, from: start) {
      parts.append(String(decoding: text[start..<found], as: UTF8.self))
      start = found + mark.count
      guard parts.count < listCountMax else { throw tooLong }
    }
    parts.append(String(decoding: text[start...], as: UTF8.self))
    return parts
  }

  private static func joined(_ parts: [Value], _ mark: String) throws(OperationError) -> String {
    var bytes: [UInt8] = []
    for (index, part) in parts.enumerated() {
      guard case .string(let text) = part else { throw isNull }
      if index > 0 { bytes.append(contentsOf: mark.utf8) }
      bytes.append(contentsOf: text.utf8)
      guard bytes.count <= Arithmetic.textBytesMax else { throw Arithmetic.textTooLong }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func repeated(_ text: String, _ count: Int64) throws(OperationError) -> String {
    guard count >= 0 else { throw negative }
    guard !text.isEmpty else { return "" }
    guard count <= Arithmetic.textBytesMax / text.utf8.count else { throw Arithmetic.textTooLong }
    return String(repeating: text, count: Int(count))
  }

  private static func missing(_ mark: String) -> OperationError {
    OperationError(.value, code: "no-match", "the text does not contain '\(mark)'")
  }
}
