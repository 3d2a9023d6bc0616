/// A function of the expression language as the checker, the reference page and completion see it.
package struct FunctionSignature: Sendable {
  /// As written: `random.int`, or `after` (also callable as a method on its first argument: `key.after("order:")`).
  package let name: String
  package let parameters: [(name: String, type: ValueType)]
  package let result: ValueType
  package let function: Function
  package let summary: String

  package static let all: [FunctionSignature] = [
    .init(name: "after", parameters: [("text", .string), ("mark", .string)], result: .string, function: .after,
      summary: "What follows the first occurrence of `mark` in `text`; a step error if there is none."),
    .init(name: "before", parameters: [("text", .string), ("mark", .string)], result: .string, function: .before,
      summary: "What precedes the first occurrence of `mark` in `text`; a step error if there is none."),
    .init(name: "lower", parameters: [("text", .string)], result: .string, function: .lower, summary: "The text in lower case."),
    .init(name: "upper", parameters: [("text", .string)], result: .string, function: .upper, summary: "The text in upper case."),
    .init(name: "trim", parameters: [("text", .string)], result: .string, function: .trim, summary: "The text without white space at its ends."),
    .init(name: "length", parameters: [("text", .string)], result: .int, function: .length, summary: "The number of characters (Unicode scalars)."),
    .init(name: "contains", parameters: [("text", .string), ("part", .string)], result: .bool, function: .contains,
      summary: "Whether `part` occurs in `text`."),
    .init(name: "starts_with", parameters: [("text", .string), ("part", .string)], result: .bool, function: .startsWith,
      summary: "Whether `text` starts with `part`."),
    .init(name: "ends_with", parameters: [("text", .string), ("part", .string)], result: .bool, function: .endsWith,
      summary: "Whether `text` ends with `part`."),
    .init(name: "min", parameters: [("a", .int), ("b", .int)], result: .int, function: .minInt, summary: "The smaller of two whole numbers."),
    .init(name: "max", parameters: [("a", .int), ("b", .int)], result: .int, function: .maxInt, summary: "The larger of two whole numbers."),
    .init(name: "random.int", parameters: [("from", .int), ("to", .int)], result: .int, function: .randomInt,
      summary: "A whole number from `from` to `to`, both possible; seeded."),
    .init(name: "random.decimal", parameters: [("from", .decimal), ("to", .decimal)], result: .decimal, function: .randomDecimal,
      summary: "A decimal from `from` to `to` with two digits after the point, or as many as the bounds have; seeded."),
    .init(name: "random.uuid", parameters: [], result: .uuid, function: .randomUUID, summary: "A random (version 4) UUID; seeded."),
    .init(name: "now", parameters: [], result: .instant, function: .now, summary: "The wall clock."),
  ]
}
