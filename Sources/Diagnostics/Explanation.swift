/// What `chainrun explain NAME` tells about one kind of finding.
///
/// The examples are compiled by a test: the bad one gives exactly this finding, the good one does not.
package struct Explanation: Sendable {
  package let name: FindingName
  /// What the finding says, in a sentence or two.
  package let meaning: String
  /// Why it is a finding at all: what would go wrong.
  package let why: String
  package let bad: Example
  package let good: Example

  init(_ name: FindingName, _ meaning: String, why: String, bad: Example, good: Example) {
    self.name = name
    self.meaning = meaning
    self.why = why
    self.bad = bad
    self.good = good
  }

  /// A chain, or the part of one that matters.
  package struct Example: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    /// As it is shown.
    package let text: String
    /// A whole file, and not a part that stands below `Explanation.frame`.
    package let isWhole: Bool
    /// Other files that it names, by path.
    package let files: [String: String]

    package init(stringLiteral text: String) {
      self.init(text, isWhole: false)
    }

    init(_ text: String, isWhole: Bool = false, files: [String: String] = [:]) {
      self.text = text
      self.isWhole = isWhole
      self.files = files
    }

    static func whole(_ text: String) -> Example { Example(text, isWhole: true) }

    /// What a compiler is given.
    package var chain: String { isWhole ? text : frame + text }
  }

  /// What stands above an example that is not a whole file.
  package static let frame = """
    version: 1
    chain: example
    connections:
      db: { postgres: $env.ORDERS_DB, access: write }
      ro: { postgres: $env.REPLICA_DB }
      mq: { amqp: $env.ORDERS_MQ, access: publish }
      cache: { redis: $env.ORDERS_CACHE }

    """

  /// All of them, in the order of `FindingName`'s groups.
  package static var all: [Explanation] { files + mappings + names + types + steps + runs + online }
}

extension FindingName {
  /// What `chainrun explain` tells about it; a test holds that each name has one.
  package var explanation: Explanation? { Explanation.all.first { $0.name == self } }
}
