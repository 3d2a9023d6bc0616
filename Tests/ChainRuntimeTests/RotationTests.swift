import ChainIO
import ChainProgram
import Metrics
import Testing

@testable import ChainRuntime

@Suite(.serialized) struct RotationTests {
  private func take(_ count: Int, of weights: [Int], seed: UInt64) -> [Int] {
    var rotation = WeightedRotation(weights: weights, seed: seed)
    return (0..<count).map { _ in rotation.next() }
  }

  /// The largest distance of any choice from its share, over all windows of the passes, in passes.
  ///
  /// With p(t) the distance over the first t passes, a window's is p(t₂) − p(t₁): the largest is the difference of the extremes.
  private func deviation(_ passes: [Int], _ weights: [Int]) -> Double {
    let total = Double(weights.reduce(0, +))
    return weights.indices.map { choice in
      var (distance, low, high) = (0.0, 0.0, 0.0)
      let share = Double(weights[choice]) / total
      for pass in passes {
        distance += (pass == choice ? 1 : 0) - share
        low = min(low, distance)
        high = max(high, distance)
      }
      return high - low
    }.max() ?? 0
  }

  @Test func `in every window of passes each of two branches has its share to within one`() {
    var draws = SplitMix(state: 11)
    for _ in 0..<200 {
      let weights = [Int(draws.next() % 100) + 1, Int(draws.next() % 100) + 1]
      let worst = deviation(take(5000, of: weights, seed: draws.next()), weights)
      #expect(worst <= 1 + 1e-6, "\(weights): \(worst)")
    }
  }

  @Test func `in every window of passes each of several branches has its share to within their number less one`() {
    var draws = SplitMix(state: 12)
    var worst = 0.0
    for _ in 0..<400 {
      let weights = (0..<(3 + Int(draws.next() % 6))).map { _ in Int(draws.next() % 50) }
      guard weights.contains(where: { $0 > 0 }) else { continue }
      let found = deviation(take(3000, of: weights, seed: draws.next()), weights)
      #expect(found <= Double(weights.count - 1), "\(weights): \(found)")
      worst = max(worst, found)
    }
    // It is a bound that is reached within a factor, not a formality.
    #expect(worst > 1)
  }

  @Test func `a branch without weight is never taken`() {
    for weights in [[0, 5], [5, 0], [0, 0, 1], [0, 3, 0, 2, 0], [0, 1, 1]] {
      for seed in 0..<20 as Range<UInt64> { #expect(take(2000, of: weights, seed: seed).allSatisfy { weights[$0] > 0 }, "\(weights)") }
    }
  }

  @Test func `a hundred thousand passes have the mix exactly`() {
    for (weights, seed) in [([70, 25, 5], 3), ([1, 1], 4), ([999, 1], 5), ([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 10, 1], 6)] as [([Int], UInt64)] {
      let total = weights.reduce(0, +)
      let passes = take(100_000 / total * total, of: weights, seed: seed)
      for choice in weights.indices { #expect(passes.count { $0 == choice } == passes.count / total * weights[choice]) }
    }
  }

  @Test func `the seed decides where the cycle begins, and nothing else`() {
    let weights = [5, 3, 2]
    #expect(take(50, of: weights, seed: 1) == take(50, of: weights, seed: 1))
    let starts = Set((0..<40 as Range<UInt64>).map { take(10, of: weights, seed: $0) })
    #expect(starts.count > 3 && starts.count <= 10)
    #expect(starts.allSatisfy { passes in weights.indices.map { choice in passes.count { $0 == choice } } == weights })
  }

  // In the program

  private func branched(_ weights: [Int]) -> Program {
    var sketch = ProgramSketch()
    let step = sketch.step("branch", connection: nil)
    sketch.program.branches.append(BranchDescription(step: step, weights: weights, names: weights.indices.map { "b\($0)" }))
    let chosen = sketch.slot()
    let work = sketch.step("work")
    let operation = sketch.operation(work, arguments: chosen, count: 1)
    sketch.beginIteration()
    sketch.emit(.enterStep(step), .chooseBranch(BranchIndex(0), d: chosen), .enterStep(work), .submit(operation), .end)
    return sketch.program
  }

  @Test func `the branch's mix holds over all users together`() throws {
    let weights = [6, 3, 1, 0]
    var draws = SplitMix(state: 5)
    let script = Script { _ in .ok(after: draws.next() % 3 == 0 ? 0 : draws.next() % milliseconds) }
    let stage = try Stage(branched(weights), script)
    let executor = ClosedExecutor(load: ClosedLoad(users: 7, extent: .iterations(5000)), context: stage.context)
    try #require(stage.run(executor))
    let chosen = script.submitted.map { Int($0.arguments[0].description)! }
    #expect(weights.indices.map { choice in chosen.count { $0 == choice } } == [3000, 1500, 500, 0])
    #expect(deviation(chosen, weights) <= 3)
    executor.retire()
  }

  // Scenarios

  private func scenarios(_ weights: [Int]) -> Program {
    var sketch = ProgramSketch()
    for (number, weight) in weights.enumerated() {
      let entry = sketch.block { $0.call("scenario \(number)") }
      sketch.program.scenarios.append(ScenarioDescription(name: "s\(number)", entry: entry, weight: weight))
    }
    sketch.program.iterationEntry = sketch.program.scenarios[0].entry
    return sketch.program
  }

  @Test(arguments: [false, true], [[5, 3, 2], [1, 0, 9]])
  func `scenarios have their exact shares of thousands of iterations`(isOpen: Bool, mix: [Int]) throws {
    let script = Script { $0.number % 3 == 0 ? .ok(after: milliseconds / 2) : .ok() }
    let stage = try Stage(scenarios([5, 3, 2]), script)
    // A profile's own mix goes before the scenarios' weights.
    let asked = mix == [5, 3, 2] ? nil : mix
    if isOpen {
      let executor = OpenExecutor(load: open(10_000, 300 * milliseconds, users: 20), mix: asked, seed: 3, context: stage.context)
      try #require(stage.run(executor))
      executor.retire()
    } else {
      let executor = ClosedExecutor(load: ClosedLoad(users: 9, extent: .iterations(3000)), mix: asked, context: stage.context)
      try #require(stage.run(executor))
      executor.retire()
    }
    let steps = script.submitted.map(\.step)
    #expect((0..<3).map { number in steps.count { $0 == number } } == mix.map { $0 * 300 })
    #expect(deviation(steps, mix) <= 2)
  }
}
