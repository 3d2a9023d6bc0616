import ChainProgram
import Testing

@testable import ChainRuntime

/// The number of users over time, and the pauses of each.
@Suite struct UserScheduleTests {
  private func changes(_ curve: LoadCurve) -> [(offset: UInt64, users: Int)] {
    var schedule = UserSchedule(curve)
    var changes: [(offset: UInt64, users: Int)] = []
    while let change = schedule.nextChange() { changes.append(change) }
    return changes
  }

  private func piece(_ length: UInt64, _ from: Double, _ to: Double) -> LoadCurve.Piece { LoadCurve.Piece(nanoseconds: length, from: from, to: to) }

  @Test func `users of a ramp start one at a time, each in the middle of its share, and retire in the same way`() {
    let all = changes(LoadCurve([piece(10 * seconds, 0, 5), piece(5 * seconds, 5, 5), piece(10 * seconds, 5, 0)]))
    #expect(all.map(\.users) == [1, 2, 3, 4, 5, 4, 3, 2, 1, 0])
    #expect(all.map(\.offset) == [1, 3, 5, 7, 9, 16, 18, 20, 22, 24].map { $0 * seconds })
  }

  @Test func `a jump is one change`() {
    let all = changes(LoadCurve([piece(seconds, 3, 3), piece(seconds, 10, 10), piece(seconds, 2, 2), piece(0, 9, 9)]))
    #expect(all.map(\.users) == [3, 10, 2] && all.map(\.offset) == [0, seconds, 2 * seconds])
    // The jump behind the end has no time to happen in.
    #expect(changes(LoadCurve([])).isEmpty)
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `the user seconds of any stages are the area under them`(seed: UInt64) {
    var random = SplitMix(state: seed)
    var level = Double(random.next() % 50)
    var pieces: [LoadCurve.Piece] = []
    for _ in 0..<(random.next() % 6 + 1) {
      let next = random.next() % 3 == 0 ? level : Double(random.next() % 400)
      let from = random.next() % 5 == 0 ? Double(random.next() % 100) : level
      pieces.append(piece((random.next() % 100_000 + 1) * 1_000_003, from, next))
      level = next
    }
    let curve = LoadCurve(pieces)
    let all = changes(curve)
    #expect(all.map(\.offset) == all.map(\.offset).sorted(), "seed \(seed)")
    #expect(all.allSatisfy { $0.offset < curve.durationNanoseconds && $0.users >= 0 && Double($0.users) <= curve.peak }, "seed \(seed)")
    // Where nothing jumps, one user at a time.
    let joints = Set(curve.starts)
    for (before, after) in zip(all, all.dropFirst()) where !joints.contains(after.offset) {
      #expect(abs(before.users - after.users) == 1, "seed \(seed) at \(after.offset)")
    }
    var area: Float80 = 0
    for (index, change) in all.enumerated() {
      let end = index + 1 < all.count ? all[index + 1].offset : curve.durationNanoseconds
      area += Float80(change.users) * Float80(end - change.offset)
    }
    let truth = CurveTruth(curve: curve).area(at: curve.durationNanoseconds) * 1e9
    // Each change is rounded to a nanosecond.
    #expect(abs(area - truth) <= Float80(2 * all.count + 2), "seed \(seed): \(area) and \(truth)")
    #expect(all.last?.users == (all.isEmpty ? nil : Int(level)), "seed \(seed)")
  }

  @Test func `pauses after errors double up to the longest, and jitter only shortens them`() {
    let plain = ErrorBackoff(startNanoseconds: 100, factor: 2, maxNanoseconds: 1_500, jitter: 0)
    #expect((1...7).map { plain.pause(failures: $0, unit: 0.9) } == [100, 200, 400, 800, 1500, 1500, 1500])
    #expect(plain.pause(failures: 1_000_000_000, unit: 0) == 1500)
    let jittered = ErrorBackoff(startNanoseconds: 1000, factor: 3, maxNanoseconds: 5_000, jitter: 0.5)
    #expect(jittered.pause(failures: 1, unit: 0) == 1000 && jittered.pause(failures: 1, unit: 0.5) == 750)
    #expect(jittered.pause(failures: 2, unit: 0.999_999) == 1500 && jittered.pause(failures: 3, unit: 0) == 5000)
    let constant = ErrorBackoff(startNanoseconds: 700, factor: 1, maxNanoseconds: 700, jitter: 0)
    #expect(Set((1...50).map { constant.pause(failures: $0, unit: 0.3) }) == [700])
  }

  @Test func `start offsets spread the users over the time and not beyond`() {
    let even = StartOffset(nanoseconds: 10 * seconds, spread: .even)
    #expect((0..<5).map { even.offset(user: $0, of: 5, unit: 0.7) } == [0, 2, 4, 6, 8].map { $0 * seconds })
    let random = StartOffset(nanoseconds: 10 * seconds, spread: .random)
    #expect(random.offset(user: 3, of: 5, unit: 0) == 0 && random.offset(user: 3, of: 5, unit: 0.9999) < 10 * seconds)
  }

  @Test func `paces have the distribution that they say`() {
    #expect(Pace.draw(.constant(50), seed: 1, iteration: 7) == 50)
    let uniform = (0..<10_000 as Range<UInt64>).map { Double(Pace.draw(.uniform(1_000_000, 3_000_000), seed: 1, iteration: $0)) }
    #expect(kolmogorovSmirnov(uniform) { min(1, max(0, ($0 - 1e6) / 2e6)) } < 2.23)
    let exponential = (0..<10_000 as Range<UInt64>).map { Double(Pace.draw(.exponential(5_000_000), seed: 1, iteration: $0)) }
    #expect(abs(exponential.reduce(0, +) / 10_000 - 5e6) < 5 * 5e4)
    #expect(Pace.draw(.exponential(5_000_000), seed: 1, iteration: 3) == Pace.draw(.exponential(5_000_000), seed: 1, iteration: 3))
  }
}
