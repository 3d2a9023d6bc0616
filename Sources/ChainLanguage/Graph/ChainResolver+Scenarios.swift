internal import ChainProgram
internal import Diagnostics

/// Scenarios, and what each virtual user runs once.
extension ChainResolver {
  /// What `setup_vu` captures is a part of every iteration's variables.
  func resolveUserSetup() {
    block = BlockState()
    block.fixed = constants
    collectNames(graph.userSetup)
    var flow: FlowState = [:]
    typed.userSetup = resolveList(graph.userSetup, &flow, StepContext()).steps
    userFlow = flow
    userBlock = block
    builder.program.userSlots = assignedSlots(typed.userSetup).sorted()
  }

  /// Only now it is known what the iterations read of it.
  func finishUserSetup() {
    block = userBlock
    lintUnusedCaptures()
  }

  func resolveScenarios() {
    guard let scenarios = graph.scenarios else {
      typed.scenarios = [scenario(graph.name, weight: 1, graph.stepsRange ?? graph.file.range(0, 0), graph.steps)]
      return
    }
    var total = 0
    for node in scenarios {
      let weight = constantInteger(node.weight, "weight", in: 0...1_000_000) ?? 1
      total += weight
      typed.scenarios.append(scenario(node.name.text, weight: weight, node.name.range, node.steps))
    }
    if total == 0, let first = scenarios.first {
      findings.add(.branchWeightZero, at: first.name.range, "the weights of all scenarios are 0, so nothing would run")
    }
    if typed.scenarios.isEmpty { typed.scenarios = [scenario(graph.name, weight: 1, graph.file.range(0, 0), [])] }
  }

  private func scenario(_ name: String, weight: Int, _ range: SourceRange, _ steps: [StepNode]) -> TypedScenario {
    let others = slotsRead
    slotsRead = []
    let resolved = resolveBlock(steps, readsFeeds: true, seesUserSetup: true)
    var scenario = TypedScenario(name: name, weight: weight, range: range, steps: resolved)
    for (feed, base, count) in feedBases where (base.index..<base.index + count).contains(where: { slotsRead.contains(SlotIndex($0)) }) {
      scenario.feedSlots.append((feed, base))
    }
    slotsRead.formUnion(others)
    return scenario
  }

  /// A profile's shares by scenario; nil without `mix`.
  func mix(_ node: ProfileNode) -> [Int]? {
    guard let place = node.mixRange else { return nil }
    let names = (graph.scenarios ?? []).map(\.name.text)
    var shares = [Int](repeating: 0, count: typed.scenarios.count)
    guard !names.isEmpty else {
      findings.add(.badValue, at: place, "'mix' gives shares of scenarios, and the chain has none", help: "declare them under 'scenarios'")
      return nil
    }
    for entry in node.mix {
      guard let index = names.firstIndex(of: entry.key.text) else {
        reportUnknownName(entry.key, what: "scenario", among: names)
        continue
      }
      guard let scalar = scalar(entry, into: &findings) else { continue }
      if scalar.text.hasSuffix("%") {
        guard let share = LiteralReader.percentage(expressionText(scalar), into: &findings), share >= 0, share <= 1 else { continue }
        shares[index] = Int((share * 10_000).rounded())
      } else if let share = LiteralReader.integer(expressionText(scalar), in: 0...1_000_000, into: &findings) {
        shares[index] = Int(share)
      }
    }
    if shares.allSatisfy({ $0 == 0 }) {
      findings.add(.branchWeightZero, at: place, "the shares of all scenarios are 0, so nothing would run")
      return nil
    }
    if node.mix.contains(where: { $0.value.scalar?.text.hasSuffix("%") == true }),
      let plain = node.mix.first(where: { $0.value.scalar?.text.hasSuffix("%") == false })
    {
      findings.add(.badValue, at: plain.value.placeRange, "the shares of a 'mix' are all percentages or all whole numbers")
    }
    return shares
  }
}
