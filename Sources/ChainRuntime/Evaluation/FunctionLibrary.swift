import ChainIO
import ChainProgram

/// The functions of `FunctionSignature.all`. Total: bad arguments are step errors.
enum FunctionLibrary {
  static func evaluate(_ function: Function, _ arguments: UnsafeBufferPointer<Value>, draws: inout Randomness) throws(OperationError) -> Value {
    switch function {
    case .after:
      let (text, mark) = (try string(arguments, 0), try string(arguments, 1))
      guard let found = position(of: mark, in: text) else { throw missing(mark) }
      return .string(String(decoding: text.utf8.dropFirst(found + mark.utf8.count), as: UTF8.self))
    case .before:
      let (text, mark) = (try string(arguments, 0), try string(arguments, 1))
      guard let found = position(of: mark, in: text) else { throw missing(mark) }
      return .string(String(decoding: text.utf8.prefix(found), as: UTF8.self))
    case .lower: return .string(try string(arguments, 0).lowercased())
    case .upper: return .string(try string(arguments, 0).uppercased())
    case .trim:
      let text = try string(arguments, 0).unicodeScalars
      let tail = text.drop { $0.properties.isWhitespace }
      var end = tail.endIndex
      while end > tail.startIndex, tail[tail.index(before: end)].properties.isWhitespace { end = tail.index(before: end) }
      return .string(String(tail[tail.startIndex..<end]))
    case .length: return .int(Int64(try string(arguments, 0).unicodeScalars.count))
    case .contains: return .bool(position(of: try string(arguments, 1), in: try string(arguments, 0)) != nil)
    case .startsWith: return .bool(try string(arguments, 0).utf8.starts(with: try string(arguments, 1).utf8))
    case .endsWith: return .bool(try string(arguments, 0).utf8.reversed().starts(with: try string(arguments, 1).utf8.reversed()))
    case .minInt: return .int(min(try int(arguments, 0), try int(arguments, 1)))
    case .maxInt: return .int(max(try int(arguments, 0), try int(arguments, 1)))
    case .randomInt:
      let (low, high) = (try int(arguments, 0), try int(arguments, 1))
      guard low <= high else { throw emptyRange }
      let span = UInt64(bitPattern: high) &- UInt64(bitPattern: low)
      let offset = span == .max ? draws.next() : draws.next(below: span + 1)
      return .int(Int64(bitPattern: UInt64(bitPattern: low) &+ offset))
    case .randomDecimal:
      return .decimal(try randomDecimal(try decimal(arguments, 0), try decimal(arguments, 1), draws: &draws))
    case .randomUUID:
      // RFC 9562, 5.4: version 4, variant 10.
      let high = draws.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
      let low = draws.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
      return .uuid(UUIDBits(high: high, low: low))
    case .now: return .instant(WallClock.now)
    }
  }

  private static func randomDecimal(_ low: Decimal, _ high: Decimal, draws: inout Randomness) throws(OperationError) -> Decimal {
    guard low <= high else { throw emptyRange }
    let scale = max(low.scale, high.scale, 2)
    func units(_ value: Decimal) throws(OperationError) -> Int64 {
      var coefficient = value.coefficient
      for _ in value.scale..<scale {
        let (product, overflowed) = coefficient.multipliedReportingOverflow(by: 10)
        guard !overflowed else { throw OperationError(.value, code: "overflow", "the bounds of random.decimal are too large") }
        coefficient = product
      }
      guard let units = Int64(exactly: coefficient) else {
        throw OperationError(.value, code: "overflow", "the bounds of random.decimal are too large")
      }
      return units
    }
    let (from, to) = (try units(low), try units(high))
    let span = UInt64(bitPattern: to) &- UInt64(bitPattern: from)
    let offset = span == .max ? draws.next() : draws.next(below: span + 1)
    return Decimal(coefficient: Int128(Int64(bitPattern: UInt64(bitPattern: from) &+ offset)), scale: scale)
  }

  private static let emptyRange = OperationError(.value, code: "empty-range", "the lower bound is above the upper one")

  private static func missing(_ mark: String) -> OperationError {
    OperationError(.value, code: "no-match", "the text does not contain '\(mark)'")
  }

  private static func string(_ arguments: UnsafeBufferPointer<Value>, _ index: Int) throws(OperationError) -> String {
    if case .string(let text) = arguments[index] { return text }
    guard case .string(let text) = try Casting.cast(arguments[index], to: .string) else { return "" }
    return text
  }

  private static func int(_ arguments: UnsafeBufferPointer<Value>, _ index: Int) throws(OperationError) -> Int64 {
    guard case .int(let number) = try Casting.cast(arguments[index], to: .int) else { return 0 }
    return number
  }

  private static func decimal(_ arguments: UnsafeBufferPointer<Value>, _ index: Int) throws(OperationError) -> Decimal {
    guard case .decimal(let number) = try Casting.cast(arguments[index], to: .decimal) else { return Decimal(0) }
    return number
  }

  /// The byte offset of the first occurrence; nil if there is none.
  private static func position(of mark: String, in text: String) -> Int? {
    let (mark, text) = (Array(mark.utf8), Array(text.utf8))
    guard !mark.isEmpty else { return 0 }
    guard mark.count <= text.count else { return nil }
    for start in 0...(text.count - mark.count) where text[start..<(start + mark.count)].elementsEqual(mark) { return start }
    return nil
  }
}
