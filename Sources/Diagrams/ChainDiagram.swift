package import ChainProgram
package import Diagnostics

/// A chain as a graph for people: steps in the order of execution, inside each other as they stand in the file, with the data that goes from one
/// to the other and the events that they cause.
///
/// Made from the compiled program, so it shows what will run, and every construct of the language without knowing any.
package struct ChainDiagram: Sendable {
  package struct Block: Sendable {
    /// `setup`, `steps`, `scenario 'browse'`.
    package let title: String
    package let nodes: [Node]
  }

  package struct Node: Sendable {
    /// Unique in the diagram; a step that is lowered at several places has several.
    package let number: Int
    package let step: StepIndex
    /// The step's name.
    package let title: String
    package let verb: String
    /// The connection's name.
    package let connection: String?
    /// What stands behind the verb in the file, in one short line; empty if that says nothing.
    package let detail: String
    /// `chains/order-flow.chain.yaml:31`
    package let place: String
    package let arms: [Arm]
    package let writes: [Variable]
    package let checks: [String]
    /// Names of the events whose origin it is.
    package let origins: [String]

    var isLoop: Bool { ["repeat", "for_each", "while"].contains(verb) }
    /// Whether none of the alternatives may be taken.
    var mayPassBy: Bool { (verb == "if" && !arms.contains { $0.label == "else" }) || (verb == "switch" && !arms.contains { $0.label == "default" }) }
  }

  /// The steps inside a control step, or one of its alternatives.
  package struct Arm: Sendable {
    /// Empty for a plain body.
    package let label: String
    package let nodes: [Node]
  }

  package struct Variable: Sendable, Hashable {
    package let name: String
    package let type: String
  }

  /// A variable on its way: from the nodes that may have written it to those that read it.
  package struct DataPath: Sendable {
    package let variable: Variable
    /// Numbers of nodes; empty for a feed.
    package let writers: [Int]
    package let feed: String?
    package let readers: [Int]
  }

  package struct Feed: Sendable {
    package let name: String
    package let detail: String
  }

  package struct Event: Sendable {
    package let name: String
    package let origin: Int?
    package let originTitle: String
    package let detail: String
    package let hops: [Hop]
  }

  package struct Hop: Sendable {
    package let name: String
    /// `watch order:* on cache`
    package let detail: String
    /// Numbers of the steps that wait for it.
    package let awaitedBy: [Int]
  }

  package let chain: String
  package let summary: String
  package let connections: [(name: String, detail: String)]
  package let feeds: [Feed]
  package let blocks: [Block]
  package let data: [DataPath]
  package let events: [Event]
  /// Titles of the nodes by their numbers.
  package let titles: [String]

  package init(_ program: Program, in files: SourceFiles) {
    var builder = DiagramBuilder(program: program, files: files)
    self = builder.build()
  }

  init(
    chain: String, summary: String, connections: [(name: String, detail: String)], feeds: [Feed], blocks: [Block], data: [DataPath],
    events: [Event], titles: [String]
  ) {
    self.chain = chain
    self.summary = summary
    self.connections = connections
    self.feeds = feeds
    self.blocks = blocks
    self.data = data
    self.events = events
    self.titles = titles
  }

  /// What a node's variables are read by, in order, by the readers' titles.
  func readers(of variable: Variable, writtenBy node: Int) -> [String] {
    var names: [String] = []
    for path in data where path.variable == variable && path.writers.contains(node) {
      for reader in path.readers where reader != node && !names.contains(titles[reader]) { names.append(titles[reader]) }
    }
    return names
  }
}
