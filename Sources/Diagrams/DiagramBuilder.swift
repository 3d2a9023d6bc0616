import ChainProgram
import Diagnostics

/// Finds the steps' nesting, their alternatives and the ways of the data again in the flat program.
struct DiagramBuilder {
  private let program: Program
  private let files: SourceFiles
  /// Outer before inner, in the order of the code.
  private let extents: [StepExtent]
  /// For each extent the one around it.
  private var parents: [Int?] = []
  private let isNamed: [Bool]

  init(program: Program, files: SourceFiles) {
    self.program = program
    self.files = files
    extents = program.extents.sorted {
      ($0.code.lowerBound, -$0.code.upperBound) < ($1.code.lowerBound, -$1.code.upperBound)
    }
    isNamed = program.slots.map { !$0.name.hasPrefix(".") }
    var open: [Int] = []
    for index in extents.indices {
      while let last = open.last, extents[last].code.upperBound <= extents[index].code.lowerBound { open.removeLast() }
      parents.append(open.last)
      open.append(index)
    }
    adoptLanes()
  }

  /// Lanes stand behind the block that runs them, each up to its own `end`; they belong inside the step that runs them.
  private mutating func adoptLanes() {
    for (pc, instruction) in program.instructions.enumerated() {
      guard case .runLanes(let lanes) = instruction, let runner = owner(pc) else { continue }
      for entry in program.lanes[lanes.index].entries {
        let end = program.instructions[entry...].firstIndex(of: .end) ?? program.instructions.endIndex
        for index in extents.indices where parents[index] == nil && (entry..<end).contains(extents[index].code.lowerBound) {
          parents[index] = runner
        }
      }
    }
  }

  mutating func build() -> ChainDiagram {
    ChainDiagram(
      chain: program.chain, summary: program.chainDescription,
      connections: program.connections.map { connection in
        let pool =
          switch connection.pool {
          case .size(let size): "\(size) connection\(size == 1 ? "" : "s")"
          case .perUser: "one connection for each user"
          }
        return (connection.name, "\(connection.kind), \(connection.access), \(pool)")
      },
      feeds: program.feeds.map { feed in
        let columns = feed.columns.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
        return ChainDiagram.Feed(name: feed.name, detail: "\(feed.rowCount) rows, \(feed.pick.rawValue): \(columns)")
      },
      blocks: blocks(), data: data(), events: events(), titles: extents.map { program.steps[$0.step.index].name })
  }

  // Blocks and nodes

  private func blocks() -> [ChainDiagram.Block] {
    var entries: [(pc: Int, title: String)] = []
    if let pc = program.setupEntry { entries.append((pc, "setup")) }
    if let pc = program.userSetupEntry { entries.append((pc, "setup of each user")) }
    if program.scenarios.count > 1 {
      for scenario in program.scenarios { entries.append((scenario.entry, "scenario '\(scenario.name)', weight \(scenario.weight)")) }
    } else {
      entries.append((program.iterationEntry, "steps"))
    }
    if let pc = program.userTeardownEntry { entries.append((pc, "teardown of each user")) }
    if let pc = program.teardownEntry { entries.append((pc, "teardown")) }
    let roots = extents.indices.filter { parents[$0] == nil }
    return entries.compactMap { entry in
      let next = entries.map(\.pc).filter { $0 > entry.pc }.min() ?? .max
      let own = roots.filter { extents[$0].code.lowerBound >= entry.pc && extents[$0].code.lowerBound < next }
      return own.isEmpty ? nil : ChainDiagram.Block(title: entry.title, nodes: own.map(node))
    }
  }

  private func node(_ index: Int) -> ChainDiagram.Node {
    let step = program.steps[extents[index].step.index]
    return ChainDiagram.Node(
      number: index, step: extents[index].step, title: step.name, verb: step.verb,
      connection: step.connection.map { program.connections[$0.index].name }, detail: detail(step),
      place: "\(files[step.range.file].path):\(files.position(of: step.range).line)", arms: arms(index), writes: writes(index),
      checks: program.checks.filter { $0.step == extents[index].step }.map { SourceLine.oneLine($0.text) },
      origins: program.events.filter { $0.origin == extents[index].step }.map(\.name))
  }

  private func detail(_ step: StepDescription) -> String {
    SourceLine.operand(after: step.range, in: files[step.range.file])
  }

  // Alternatives

  private func arms(_ index: Int) -> [ChainDiagram.Arm] {
    let children = extents.indices.filter { parents[$0] == index }
    guard !children.isEmpty else { return [] }
    if let lanes = lanes(of: index) {
      return zip(lanes.names, lanes.entries).map { name, entry in
        let next = lanes.entries.filter { $0 > entry }.min() ?? .max
        let own = children.filter { extents[$0].code.lowerBound >= entry && extents[$0].code.lowerBound < next }
        return ChainDiagram.Arm(label: name, nodes: own.map(node))
      }
    }
    var groups: [(label: String, children: [Int])] = []
    var from = extents[index].code.lowerBound
    for child in children {
      let gap = from..<extents[child].code.lowerBound
      from = extents[child].code.upperBound
      if groups.isEmpty || startsAlternative(gap) { groups.append((condition(in: gap, of: index), [])) }
      groups[groups.count - 1].children.append(child)
    }
    let labels = self.labels(groups.map(\.label), of: index)
    return zip(labels, groups).map { ChainDiagram.Arm(label: $0, nodes: $1.children.map(node)) }
  }

  /// Between two steps that follow each other there is no way out; between two alternatives there is one to the end.
  private func startsAlternative(_ gap: Range<Int>) -> Bool {
    gap.contains { pc in
      switch program.instructions[pc] {
      case .jump, .end: true
      default: false
      }
    }
  }

  /// The condition in the gap, as it stands in the file; empty if there is none.
  private func condition(in gap: Range<Int>, of index: Int) -> String {
    let verb = program.steps[extents[index].step.index].range
    var whole: SourceRange?
    for pc in gap {
      switch program.instructions[pc] {
      case .jumpIfFalse, .jumpIfTrue, .jumpIfNull:
        let range = program.sources[pc]
        guard range != verb, range.file == verb.file else { continue }
        whole = whole?.union(range) ?? range
      default: continue
      }
    }
    return whole.map { SourceLine.oneLine(files[$0.file].text(of: $0)) } ?? ""
  }

  /// The lanes that the step's own code runs.
  private func lanes(of index: Int) -> LanesDescription? {
    for pc in extents[index].code where owner(pc) == index {
      if case .runLanes(let lanes) = program.instructions[pc] { return program.lanes[lanes.index] }
    }
    return nil
  }

  private func labels(_ conditions: [String], of index: Int) -> [String] {
    let step = extents[index].step
    if let branch = program.branches.first(where: { $0.step == step }), branch.names.count == conditions.count {
      let total = branch.weights.reduce(0, +)
      return zip(branch.names, branch.weights).map { "\($0), \($1) of \(total)" }
    }
    switch program.steps[step.index].verb {
    case "if": return conditions.enumerated().map { $1.isEmpty ? "else" : ($0 == 0 ? "then" : "elif \($1)") }
    case "switch": return conditions.map { $0.isEmpty ? (conditions.count == 1 ? "" : "default") : $0 }
    default: return conditions.count == 1 ? [""] : conditions
    }
  }

  // Data

  private func owner(_ pc: Int) -> Int? { extents.indices.last { extents[$0].code.contains(pc) } }

  private func variable(_ slot: SlotIndex) -> ChainDiagram.Variable {
    ChainDiagram.Variable(name: program.slots[slot.index].name, type: program.slots[slot.index].type.description)
  }

  private func writes(_ index: Int) -> [ChainDiagram.Variable] {
    var found: [ChainDiagram.Variable] = []
    for pc in extents[index].code where owner(pc) == index {
      if let d = program.instructions[pc].destination, isNamed[d.index], !found.contains(variable(d)) { found.append(variable(d)) }
    }
    return found
  }

  private func data() -> [ChainDiagram.DataPath] {
    var writers: [Int: [Int]] = [:]
    var readers: [Int: [Int]] = [:]
    var order: [Int] = []
    func add(_ node: Int, _ slot: Int, to table: inout [Int: [Int]]) {
      if !table[slot, default: []].contains(node) { table[slot, default: []].append(node) }
      if !order.contains(slot) { order.append(slot) }
    }
    for (pc, instruction) in program.instructions.enumerated() {
      guard let node = owner(pc) else { continue }
      if let d = instruction.destination, isNamed[d.index] { add(node, d.index, to: &writers) }
      for slot in instruction.sources(in: program) where isNamed[slot.index] { add(node, slot.index, to: &readers) }
    }
    var feeds: [Int: String] = [:]
    for instruction in program.instructions {
      guard case .drawRow(let feed, let d) = instruction else { continue }
      for column in program.feeds[feed.index].columns.indices { feeds[d.index + column] = program.feeds[feed.index].name }
    }
    return order.compactMap { slot in
      guard feeds[slot] != nil || writers[slot] != nil, let readers = readers[slot] else { return nil }
      return ChainDiagram.DataPath(
        variable: variable(SlotIndex(slot)), writers: writers[slot] ?? [], feed: feeds[slot], readers: readers)
    }
  }

  // Events

  private func events() -> [ChainDiagram.Event] {
    program.events.enumerated().map { eventIndex, event in
      let hops = event.hops.enumerated().map { hopIndex, hop in
        let awaiting = program.instructions.indices.filter { pc in
          if case .awaitHop(_, let other, let number, _, _) = program.instructions[pc] { return other.index == eventIndex && number == hopIndex }
          return false
        }
        var detail = hop.observer
        if case .text(let template)? = hop.operand(hop.observer), let literal = template.literal { detail += " " + literal }
        return ChainDiagram.Hop(
          name: hop.name, detail: "\(detail) on \(program.connections[hop.connection.index].name)", awaitedBy: awaiting.compactMap(owner))
      }
      return ChainDiagram.Event(
        name: event.name, origin: extents.firstIndex { $0.step == event.origin }, originTitle: program.steps[event.origin.index].name,
        detail: "late after \(Value.duration(Int64(clamping: event.deadlineNanoseconds))), lost after "
          + "\(Value.duration(Int64(clamping: event.settleNanoseconds)))",
        hops: hops)
    }
  }
}
