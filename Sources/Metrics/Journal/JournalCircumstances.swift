internal import LosslessJSON

/// The alternatives of one control step: branches by weight, by value, by condition, or lanes.
package struct ArmsInfo: Hashable, Sendable {
  /// Row of the start record's step table.
  package var step: Int
  package var names: [String]
  /// For each alternative the steps inside it, at any depth.
  package var steps: [[Int]]
  /// Of a weighted choice: which one (``FailureAttribute/Kind/branch``), and its weights.
  package var branch: Int?
  package var weights: [Int]

  package init(step: Int, names: [String], steps: [[Int]], branch: Int? = nil, weights: [Int] = []) {
    self.step = step
    self.names = names
    self.steps = steps
    self.branch = branch
    self.weights = weights
  }
}

package struct FeedInfo: Hashable, Sendable {
  package var name: String
  package var rows: Int

  package init(name: String, rows: Int) {
    self.name = name
    self.rows = rows
  }
}

/// Further attempts that a `retry:` made in a span, by their number from 1.
package struct RetryInterval: Hashable, Sendable {
  package var retry: Int
  package var attempts: [UInt64]

  package init(retry: Int, attempts: [UInt64]) {
    self.retry = retry
    self.attempts = attempts
  }
}

extension ArmsInfo {
  func writeMembers(to json: inout JSONWriter) {
    json.member("step", step)
    json.list("names", names) { $1.string($0) }
    json.list("steps", steps) { list, json in
      json.beginArray()
      for step in list { json.integer(step) }
      json.endArray()
    }
    json.optional("branch", branch)
    json.list("weights", weights) { $1.integer($0) }
  }

  init(_ json: JSONValue) {
    self.init(
      step: json.int("step"), names: json.texts("names"),
      steps: json.list("steps") { $0.elements.compactMap { $0.integer() } }, branch: json.optionalInt("branch"),
      weights: json.list("weights") { $0.integer() ?? 0 })
  }
}
