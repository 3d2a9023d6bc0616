import ChainProgram

/// Comparison of two values that the checker proved to be of one type, or null.
enum Ordering {
  /// Null equals null only. `<` and its like are false with null on either side; the checker refuses to order what may be null, so
  /// that is never the answer to a question of the chain.
  static func holds(_ comparison: Comparison, _ type: ComparedType, _ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.null, .null): return comparison == .equal
    case (.null, _), (_, .null): return comparison == .notEqual
    case (.int(let a), .int(let b)): return holds(comparison, a, b)
    case (.decimal(let a), .decimal(let b)): return holds(comparison, a, b)
    case (.string(let a), .string(let b)): return holds(comparison, a, b)
    case (.float(let a), .float(let b)), (.rate(let a), .rate(let b)), (.percentage(let a), .percentage(let b)): return holds(comparison, a, b)
    case (.duration(let a), .duration(let b)), (.instant(let a), .instant(let b)), (.size(let a), .size(let b)): return holds(comparison, a, b)
    case (.bool(let a), .bool(let b)): return comparison == .equal ? a == b : a != b
    case (.uuid(let a), .uuid(let b)): return comparison == .equal ? a == b : a != b
    case (.bytes(let a), .bytes(let b)): return comparison == .equal ? a == b : a != b
    case (.json(let a), .json(let b)): return comparison == .equal ? a == b : a != b
    case (.list(let a), .list(let b)):
      let areEqual = a.count == b.count && zip(a, b).allSatisfy { holds(.equal, type, $0, $1) }
      return comparison == .equal ? areEqual : comparison == .notEqual && !areEqual
    default:
      // Values of two types, which the checker lets through nowhere.
      return comparison == .notEqual
    }
  }

  private static func holds<T: Comparable>(_ comparison: Comparison, _ a: T, _ b: T) -> Bool {
    switch comparison {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .greaterOrEqual: a >= b
    }
  }
}
