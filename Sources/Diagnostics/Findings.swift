/// Collects what is wrong with a set of files; a check adds to it and goes on.
package struct Findings: Sendable {
  private var collected: [Finding] = []
  private var seen: Set<Finding> = []
  package private(set) var errorCount = 0
  package private(set) var warningCount = 0
  /// Findings that were not kept because `limit` was reached; their errors are still counted.
  package private(set) var droppedCount = 0
  private let limit: Int

  /// - Parameter limit: Findings kept; a hostile file must not fill the memory or the screen.
  package init(limit: Int = 1_000) {
    self.limit = limit
  }

  package var isEmpty: Bool { collected.isEmpty }
  package var count: Int { collected.count }
  /// Whether what is added from now on is only counted, so that a message costs nothing but time.
  package var isFull: Bool { collected.count >= limit }
  package var hasErrors: Bool { errorCount > 0 }

  /// Adds one finding; the same one a second time is ignored.
  package mutating func append(_ finding: Finding) {
    // Nothing is hashed any more once the limit is reached: then one that comes twice is counted twice.
    guard isFull || !seen.contains(finding) else { return }
    switch finding.severity {
    case .error: errorCount += 1
    case .warning: warningCount += 1
    case .note: break
    }
    guard !isFull else {
      droppedCount += 1
      return
    }
    seen.insert(finding)
    collected.append(finding)
  }

  /// Builds a finding and adds it.
  package mutating func add(
    _ name: FindingName, at range: SourceRange, _ message: String, label: String? = nil, help: String? = nil,
    related: [Related] = [], fix: Fix? = nil
  ) {
    append(Finding(name, at: range, message, label: label, help: help, related: related, fix: fix))
  }

  /// By file, start, end and name; findings that agree in all of these stay in the order in which they came.
  package var sorted: [Finding] {
    collected.enumerated().sorted { left, right in
      if left.element.range != right.element.range { return left.element.range < right.element.range }
      if left.element.name != right.element.name { return left.element.name.rawValue < right.element.name.rawValue }
      return left.offset < right.offset
    }.map(\.element)
  }
}
