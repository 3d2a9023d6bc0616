/// The static type of an expression, a variable or a member of a result.
package indirect enum ValueType: Sendable, Hashable {
  case string, int, decimal, float, bool, duration, instant, uuid, bytes, json
  /// Literals of their own types: `200/s`, `16KiB`, `0.1%`.
  case rate, size, percentage
  case list(ValueType)
  case map(ValueType)
  /// A row of a feed or of a result: its columns are read with `.name`.
  case row
  /// All rows of a result: `.size`, and `[n]` for one row.
  case rows
  /// Text that came from outside and has no declared type: a column of a row, a header, a Redis reply. Takes the type of what it is
  /// compared with; anything else needs `as T`.
  case untyped
  /// Messages taken from a queue.
  case messages
  case optional(ValueType)
  case secret(ValueType)
  /// The type of the literal `null`.
  case null
  /// An expression that already has a finding: stays silent afterwards.
  case invalid
}

extension ValueType: CustomStringConvertible {
  /// As it is written in a chain: `int`, `list<string>`, `decimal?`.
  package var description: String {
    switch self {
    case .string: "string"
    case .int: "int"
    case .decimal: "decimal"
    case .float: "float"
    case .bool: "bool"
    case .duration: "duration"
    case .instant: "instant"
    case .uuid: "uuid"
    case .bytes: "bytes"
    case .json: "json"
    case .rate: "rate"
    case .size: "size"
    case .percentage: "percentage"
    case .list(let element): "list<\(element)>"
    case .map(let element): "map<\(element)>"
    case .row: "row"
    case .rows: "rows"
    case .untyped: "untyped text"
    case .messages: "messages"
    case .optional(let wrapped): "\(wrapped)?"
    case .secret(let wrapped): "secret<\(wrapped)>"
    case .null: "null"
    case .invalid: "invalid"
    }
  }

  /// The scalar types that `as T`, `capture`, `vars` and feed columns may name.
  package static let nameable: [(name: String, type: ValueType)] = [
    ("string", .string), ("int", .int), ("decimal", .decimal), ("float", .float), ("bool", .bool), ("duration", .duration),
    ("instant", .instant), ("uuid", .uuid), ("bytes", .bytes), ("json", .json),
  ]

  /// Whether a value of this type may be put into text, a path, a Redis argument or an SQL parameter.
  package var mayBecomeText: Bool {
    switch self {
    case .int, .decimal, .bool, .uuid, .string, .instant, .duration, .float, .invalid: true
    case .bytes, .json, .rate, .size, .percentage, .list, .map, .row, .rows, .untyped, .messages, .optional, .secret, .null: false
    }
  }
}
