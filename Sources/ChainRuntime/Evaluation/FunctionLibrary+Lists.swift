import ChainIO
import ChainProgram
import LosslessJSON

extension FunctionLibrary {
  static func list(_ function: Function, _ arguments: Arguments) throws(OperationError) -> Value {
    switch function {
    case .size: return .int(try size(of: arguments[0]))
    case .isIn: return .bool(try isIn(arguments[0], arguments[1]))
    case .listContains: return .bool(try isIn(arguments[1], arguments[0]))
    case .range:
      let (from, to) = (try int(arguments, 0), try int(arguments, 1))
      guard from <= to else { return .list([]) }
      let (span, isTooFar) = to.subtractingReportingOverflow(from)
      guard !isTooFar, span < listCountMax else { throw tooLong }
      return .list((from...to).map { .int($0) })
    case .first: return try elements(arguments, 0).first ?? .null
    case .last: return try elements(arguments, 0).last ?? .null
    case .reverse: return .list(try elements(arguments, 0).reversed())
    case .unique: return .list(try unique(elements(arguments, 0)))
    case .sum: return try sum(elements(arguments, 0))
    case .leastOf, .greatestOf:
      var found = Value.null
      for element in try elements(arguments, 0) {
        if case .null = element { throw isNull }
        if case .null = found { found = element }
        if Ordering.holds(function == .leastOf ? .less : .greater, .decimal, element, found) { found = element }
      }
      return found
    default: throw isNull
    }
  }

  private static func size(of value: Value) throws(OperationError) -> Int64 {
    switch value {
    case .list(let elements): return Int64(elements.count)
    case .bytes(let bytes): return Int64(bytes.count)
    case .json(let json) where json.kind == .array || json.kind == .object: return Int64(json.count)
    case .null: throw isNull
    case .bool, .int, .decimal, .float, .duration, .instant, .string, .uuid, .json, .rate, .size, .percentage:
      throw OperationError(.value, code: "not-list", "the value has no elements to count")
    }
  }

  private static func isIn(_ element: Value, _ container: Value) throws(OperationError) -> Bool {
    switch container {
    case .list(let elements): return elements.contains { Ordering.holds(.equal, .json, element, $0) }
    case .json(let json) where json.kind == .array: return json.elements.contains { equals(element, $0) }
    case .null: throw isNull
    case .bool, .int, .decimal, .float, .duration, .instant, .string, .uuid, .bytes, .json, .rate, .size, .percentage:
      throw OperationError(.value, code: "not-list", "'in' looks into a list or a JSON array, and the value is none")
    }
  }

  /// Numbers by value, texts and truths by kind: `1` is in `[1.0]`, and `"1"` is not.
  private static func equals(_ element: Value, _ json: JSONValue) -> Bool {
    switch (element, json.kind) {
    case (.null, .null): return true
    case (.json(let value), _): return value == json
    case (.bool(let value), .bool): return json.bool == value
    case (.string(let text), .string): return json.string == text
    case (.int, .number), (.decimal, .number), (.float, .number):
      let target: CastTarget = if case .float = element { .float } else { .decimal }
      guard let left = try? Casting.cast(element, to: target), let right = try? Casting.cast(.json(json), to: target) else { return false }
      return Ordering.holds(.equal, .decimal, left, right)
    case (.uuid, .string), (.instant, .string), (.duration, .string):
      let target: CastTarget =
        switch element {
        case .uuid: .uuid
        case .instant: .instant
        default: .duration
        }
      guard let right = try? Casting.cast(.json(json), to: target) else { return false }
      return Ordering.holds(.equal, .json, element, right)
    default: return false
    }
  }

  private static func unique(_ elements: [Value]) throws(OperationError) -> [Value] {
    // Each is compared with all before, so the number has a bound of its own.
    guard elements.count <= 10_000 else { throw OperationError(.value, code: "too-long", "'unique' takes at most 10000 elements") }
    var result: [Value] = []
    for element in elements where !result.contains(where: { Ordering.holds(.equal, .json, $0, element) }) { result.append(element) }
    return result
  }

  private static func sum(_ elements: [Value]) throws(OperationError) -> Value {
    guard var total = elements.first else { return .int(0) }
    for element in elements.dropFirst() {
      let operation: BinaryOperation =
        switch total {
        case .decimal: .addDecimal
        case .float: .addFloat
        case .duration: .addDuration
        default: .addInt
        }
      total = try Arithmetic.evaluate(operation, total, element)
    }
    if case .null = total { throw isNull }
    return total
  }

  static func json(_ function: Function, _ arguments: Arguments) throws(OperationError) -> Value {
    switch function {
    case .toJSON:
      var bytes: [UInt8] = []
      arguments[0].appendJSON(to: &bytes)
      guard bytes.count <= Arithmetic.textBytesMax else { throw Arithmetic.textTooLong }
      return .string(String(decoding: bytes, as: UTF8.self))
    case .parseJSON: return try Casting.cast(.string(string(arguments, 0)), to: .json)
    case .keys:
      guard case .json(let json) = arguments[0] else { throw isNull }
      guard json.kind == .object else { throw OperationError(.value, code: "not-object", "the JSON value is not an object") }
      return .list(json.members.map { .string($0.key) })
    default: throw isNull
    }
  }
}
