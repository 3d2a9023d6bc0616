import ChainIO
import ChainProgram

/// Which types of a chain go with which types of a database. Values travel as text in both directions.
enum ColumnFit {
  enum Reading {
    case always
    /// Some values of the column's type have the form, others do not.
    case sometimes
    case never
  }

  /// Whether a cast of the column's text can succeed.
  static func reads(_ family: ColumnType.Family, as target: CastTarget) -> Reading {
    switch (target, family) {
    case (.string, _), (.bytes, _): .always
    case (.int, .integer), (.decimal, .integer), (.float, .integer), (.json, .integer): .always
    case (.int, .decimal(let scale)): scale == nil ? .sometimes : scale! <= 0 ? .always : .never
    case (.int, .float): .sometimes
    case (.decimal, .decimal), (.decimal, .float), (.float, .decimal), (.float, .float): .always
    case (.json, .decimal), (.json, .float): .sometimes
    case (.bool, .bool), (.uuid, .uuid), (.instant, .instant), (.json, .json): .always
    case (.instant, .calendar): .sometimes
    case (_, .text): .sometimes
    case (_, .other): .sometimes
    // A JSON document may be a bare number or text.
    case (.int, .json), (.decimal, .json), (.float, .json), (.bool, .json): .sometimes
    case (.int, _), (.decimal, _), (.float, _), (.bool, _), (.duration, _), (.instant, _), (.uuid, _), (.json, _): .never
    }
  }

  /// Whether the server can read the text of any value of the type, as far as types tell.
  static func takes(_ family: ColumnType.Family, _ type: ValueType) -> Bool {
    switch type {
    case .optional(let wrapped), .secret(let wrapped): return takes(family, wrapped)
    // Without a type there is no promise, and the connector refuses lists by itself.
    case .untyped, .null, .invalid, .list, .map, .row, .rows, .messages: return true
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage: break
    }
    switch family {
    case .text, .other: return true
    case .integer: return type == .int
    case .decimal, .float: return type == .int || type == .decimal || type == .float
    case .bool: return type == .bool
    case .uuid: return type == .uuid
    // Dates and spans of time have no literals of their own in a chain: text is how they are written.
    case .instant, .calendar: return type == .instant || type == .string
    case .interval: return type == .duration || type == .string
    case .json: return type == .json || type == .string || type == .int || type == .decimal || type == .bool
    case .bytes: return type == .bytes || type == .string
    }
  }

  /// What a column is read as best.
  static func natural(_ family: ColumnType.Family) -> String {
    switch family {
    case .integer: "int"
    case .decimal: "decimal"
    case .float: "float"
    case .bool: "bool"
    case .uuid: "uuid"
    case .instant: "instant"
    case .json: "json"
    case .bytes: "bytes"
    case .text, .calendar, .interval, .other: "string"
    }
  }

  static func phrase(_ target: CastTarget) -> String {
    switch target {
    case .int, .instant: "an \(target)"
    case .string, .decimal, .float, .bool, .duration, .uuid: "a \(target)"
    case .bytes, .json: "\(target)"
    }
  }

  static func phrase(_ type: ValueType) -> String {
    switch type {
    case .optional(let wrapped): phrase(wrapped)
    case .secret(let wrapped): "a secret \(wrapped)"
    case .int, .instant: "an \(type)"
    case .string, .decimal, .float, .bool, .duration, .uuid, .rate, .size, .percentage, .row: "a \(type)"
    case .bytes, .json, .list, .map, .rows, .untyped, .messages, .null, .invalid: "\(type)"
    }
  }
}
