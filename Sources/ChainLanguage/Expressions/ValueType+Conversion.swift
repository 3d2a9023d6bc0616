internal import ChainProgram

extension ValueType {
  /// Without `?` and `secret<>`.
  var plain: ValueType {
    switch self {
    case .optional(let wrapped), .secret(let wrapped): wrapped.plain
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row,
      .rows, .untyped, .messages, .null, .invalid:
      self
    }
  }

  var isOptional: Bool {
    switch self {
    case .optional: true
    case .secret(let wrapped): wrapped.isOptional
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row,
      .rows, .untyped, .messages, .null, .invalid:
      false
    }
  }

  var isSecret: Bool {
    switch self {
    case .secret: true
    case .optional(let wrapped): wrapped.isSecret
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .list, .map, .row,
      .rows, .untyped, .messages, .null, .invalid:
      false
    }
  }

  /// Whether its type is only known at run time, so that a comparison casts it.
  var isFlexible: Bool {
    switch self {
    case .untyped, .json: true
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .rate, .size, .percentage, .list, .map, .row, .rows,
      .messages, .optional, .secret, .null, .invalid:
      false
    }
  }

  var isList: Bool {
    if case .list = self { true } else { false }
  }

  /// What `as` can make of a value at run time; nil for a type that has no cast.
  var castTarget: CastTarget? {
    switch self {
    case .string: .string
    case .int: .int
    case .decimal: .decimal
    case .float: .float
    case .bool: .bool
    case .duration: .duration
    case .instant: .instant
    case .uuid: .uuid
    case .bytes: .bytes
    case .json: .json
    case .rate, .size, .percentage, .list, .map, .row, .rows, .untyped, .messages, .optional, .secret, .null, .invalid: nil
    }
  }

  /// How values of the type are compared; nil if they are not.
  var comparedType: ComparedType? {
    switch self {
    case .string: .string
    case .int: .int
    case .decimal: .decimal
    case .float: .float
    case .bool: .bool
    case .duration: .duration
    case .instant: .instant
    case .uuid: .uuid
    case .bytes: .bytes
    case .json: .json
    case .rate: .rate
    case .size: .size
    case .percentage: .percentage
    case .list, .map, .row, .rows, .untyped, .messages, .optional, .secret, .null, .invalid: nil
    }
  }

  var hasOrder: Bool {
    switch self {
    case .string, .int, .decimal, .float, .duration, .instant, .rate, .size, .percentage: true
    case .bool, .uuid, .bytes, .json, .list, .map, .row, .rows, .untyped, .messages, .optional, .secret, .null, .invalid: false
    }
  }

  /// Whether `as` may turn a value of this plain type into the other: text is parsed, a scalar is written as text, numbers convert.
  func canBeCast(to target: ValueType) -> Bool {
    if self == target { return true }
    return switch self {
    case .untyped, .json, .null: true
    case .string: true
    case .int, .decimal, .float: [.int, .decimal, .float, .string].contains(target)
    case .bool, .uuid, .instant, .duration, .bytes: target == .string
    case .rate, .size, .percentage, .list, .map, .row, .rows, .messages, .optional, .secret, .invalid: false
    }
  }

  /// Whether a JSON value can be made of it.
  var mayBecomeJSON: Bool {
    switch self {
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .json, .untyped, .null, .invalid: true
    case .list(let element): element.mayBecomeJSON
    case .optional(let wrapped): wrapped.mayBecomeJSON
    case .bytes, .rate, .size, .percentage, .map, .row, .rows, .messages, .secret: false
    }
  }

  /// Whether a variable can hold it.
  var mayBeHeld: Bool {
    switch self {
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .invalid: true
    case .list(let wrapped), .map(let wrapped), .optional(let wrapped), .secret(let wrapped): wrapped.mayBeHeld
    case .row, .rows, .untyped, .messages, .null: false
    }
  }
}
