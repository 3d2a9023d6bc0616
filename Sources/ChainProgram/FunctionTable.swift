/// A function of the expression language as the checker, the reference page and completion see it.
///
/// One name may have several signatures (`min` of ints, of decimals …); the checker takes the one that fits the arguments best, and the
/// first of those that fit equally.
package struct FunctionSignature: Sendable {
  /// Where the reference page has it.
  package enum Section: String, Sendable, CaseIterable {
    case text = "Text"
    case numbers = "Numbers"
    case time = "Time"
    case bytes = "Bytes, hashes and encodings"
    case json = "JSON"
    case lists = "Lists"
    case random = "Random values"
  }

  /// As written: `random.int`, or `after` (also callable as a method on its first argument: `key.after("order:")`).
  package let name: String
  /// `FunctionSignature.anyType` stands for any type `T`, the same throughout the signature.
  package let parameters: [(name: String, type: ValueType)]
  package let result: ValueType
  package let function: Function
  package let summary: String
  package let section: Section
  /// An expression and what it gives with seed 1; a test holds both. Overloads may leave it to the first of their name.
  package let example: (expression: String, result: String)?

  /// Stands for `T` in a signature.
  package static let anyType = ValueType.invalid

  init(
    _ name: String, _ parameters: [(name: String, type: ValueType)], _ result: ValueType, _ function: Function, _ section: Section,
    _ summary: String, example: (expression: String, result: String)? = nil
  ) {
    self.name = name
    self.parameters = parameters
    self.result = result
    self.function = function
    self.section = section
    self.summary = summary
    self.example = example
  }

  package static let all: [FunctionSignature] = textFunctions + numberFunctions + timeFunctions + byteFunctions + jsonFunctions
    + listFunctions + randomFunctions + randomPeople

  /// `min(a: int, b: int): int`
  package var text: String {
    name + "(" + parameters.map { "\($0.name): \(FunctionSignature.shown($0.type))" }.joined(separator: ", ") + "): "
      + FunctionSignature.shown(result)
  }

  /// A type of a signature, `T` where it may be any.
  package static func shown(_ type: ValueType) -> String {
    switch type {
    case .invalid: "T"
    case .list(let element): "list<\(shown(element))>"
    case .optional(let wrapped): shown(wrapped) + "?"
    case .string, .int, .decimal, .float, .bool, .duration, .instant, .uuid, .bytes, .json, .rate, .size, .percentage, .map, .row, .rows,
      .untyped, .messages, .secret, .null:
      "\(type)"
    }
  }
}
