import CAllocationCounter
import ChainProgram
import Testing

internal import Glibc

@testable import ChainRuntime

/// Arrivals of rates that change: they stand on the area under the rate, whatever its shape.
@Suite struct ArrivalCurveTests {
  private func load(_ curve: LoadCurve, _ arrivals: OpenLoad.Arrivals = .constant) -> OpenLoad {
    OpenLoad(curve: curve, shape: .stages, arrivals: arrivals, usersMax: 1, onSaturation: .queue)
  }

  private func offsets(_ load: OpenLoad, seed: UInt64 = 1) -> [UInt64] {
    var schedule = ArrivalSchedule(load: load, seed: seed)
    var offsets: [UInt64] = []
    while let offset = schedule.nextOffset() { offsets.append(offset) }
    return offsets
  }

  private func curve(_ pieces: (seconds: Double, from: Double, to: Double)...) -> LoadCurve {
    LoadCurve(pieces.map { LoadCurve.Piece(nanoseconds: UInt64($0.seconds * 1e9), from: $0.from, to: $0.to) })
  }

  /// Whether an instant is the nanosecond in which the area reaches a value.
  private func isWhere(_ area: Float80, is offset: UInt64, _ truth: CurveTruth) -> Bool {
    // Two nanoseconds of rounding to each side, and what the last bits of an area are worth.
    let slack = 1e-12 * (1 + area)
    return truth.area(at: offset - min(offset, 2)) <= area + slack && area <= truth.area(at: offset + 2) + slack
  }

  @Test(arguments: 0..<60 as Range<UInt64>)
  func `the n-th constant arrival is where the area under the rate first exceeds n, across all joints`(seed: UInt64) {
    var random = SplitMix(state: seed)
    let curve = CurveTruth.random(&random, rateMax: 2_000)
    let truth = CurveTruth(curve: curve)
    let all = offsets(load(curve))
    let exact = truth.area(at: curve.durationNanoseconds)
    #expect(UInt64((exact - exact * 1e-15).rounded(.up)) == UInt64(all.count), "seed \(seed)")
    #expect(all == all.sorted() && all.allSatisfy { $0 < curve.durationNanoseconds }, "seed \(seed)")
    for (n, offset) in all.enumerated() {
      let holds = isWhere(Float80(n), is: offset, truth)
      #expect(holds, "seed \(seed): arrival \(n) at \(offset), where the area is \(truth.area(at: offset))")
      if !holds { return }
    }
  }

  @Test func `ramps, spikes and steps have exactly the arrivals of their areas, in each of their parts`() {
    // A ramp to 500/s over 60 s, a hold, a ramp down: 15 000 + 60 000 + 2 500.
    let stages = curve((60, 0, 500), (120, 500, 500), (10, 500, 0))
    let ramp = offsets(load(stages))
    #expect(ramp.count == 77_500)
    #expect(ramp.filter { $0 < 60 * seconds }.count == 15_000 && ramp.filter { $0 >= 180 * seconds }.count == 2_500)
    // Half of the time is a quarter of the area.
    #expect(ramp.filter { $0 < 30 * seconds }.count == 3_750)
    let spike = offsets(load(curve((120, 50, 50), (20, 600, 600), (160, 50, 50))))
    #expect(spike.count == 6_000 + 12_000 + 8_000)
    #expect(spike.filter { $0 >= 120 * seconds && $0 < 140 * seconds }.count == 12_000)
    let levels = (1...12).map { (level: Int) in LoadCurve.Piece(nanoseconds: 10 * seconds, from: Double(50 * level), to: Double(50 * level)) }
    let steps = offsets(load(LoadCurve(levels)))
    for level in 1...12 {
      let part = UInt64(level - 1) * 10 * seconds..<UInt64(level) * 10 * seconds
      #expect(steps.filter { part.contains($0) }.count == 500 * level)
    }
  }

  @Test func `nothing arrives while the rate is 0, and nothing is lost by it`() {
    let all = offsets(load(curve((5, 0, 0), (1, 100, 100), (5, 0, 0), (1, 100, 100), (5, 0, 0))))
    #expect(all.count == 200 && all.first == 5 * seconds)
    #expect(all.allSatisfy { (5 * seconds..<6 * seconds).contains($0) || (11 * seconds..<12 * seconds).contains($0) })
  }

  @Test func `100 000 a second for an hour do not drift by a nanosecond`() {
    let constant = load(LoadCurve(constant: 100_000, nanoseconds: 3600 * seconds))
    #expect(constant.curve.count == 360_000_000)
    var schedule = ArrivalSchedule(load: constant, seed: 1)
    for n in stride(from: UInt64(0), to: 360_000_000, by: 9_973) {
      let offset = schedule.offset(ofArea: Double(n))
      #expect(offset == n * 10_000)
      if offset != n * 10_000 { return }
    }
    // The same in stages: an hour of ramps between 0 and 200 000/s, 120 of them.
    let ramps = LoadCurve((0..<120).map { LoadCurve.Piece(nanoseconds: 30 * seconds, from: $0 % 2 == 0 ? 0 : 200_000, to: $0 % 2 == 0 ? 200_000 : 0) })
    let truth = CurveTruth(curve: ramps)
    #expect(ramps.count == 360_000_000)
    var staged = ArrivalSchedule(load: load(ramps), seed: 1)
    for n in stride(from: UInt64(0), to: 360_000_000, by: 99_991) {
      let offset = staged.offset(ofArea: Double(n))
      // An area of 3.6e8 has bits down to 6e-8, which is less than a nanosecond where the rate is above 60/s.
      let slack: UInt64 = truth.rate(around: offset) < 1000 ? 50 : 2
      let low = truth.area(at: offset - min(offset, slack))
      let high = truth.area(at: offset + slack + 1)
      #expect(low <= Float80(n) && Float80(n) <= high, "arrival \(n) at \(offset)")
      if low > Float80(n) || Float80(n) > high { return }
    }
  }

  @Test func `a recorded curve of many rows adds up as exactly as a short one`() {
    var random = SplitMix(state: 5)
    // A tenth has no exact binary form: plain sums of 100 000 of them are off by more than the tolerance.
    let pieces = (0..<100_000).map { _ in LoadCurve.Piece(nanoseconds: 100 * milliseconds, from: 0.1, to: 0.1 + Double(random.next() % 1)) }
    #expect(LoadCurve(pieces).count == 1_000)
    let halves = LoadCurve(pieces)
    #expect(abs(Float80(halves.area(until: 5_000 * seconds)) - 500) < 1e-9)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `Poisson gaps are exponential when they are measured in area, whatever the rate does`(seed: UInt64) {
    var random = SplitMix(state: 1000 + seed)
    var curve = CurveTruth.random(&random, rateMax: 3_000)
    while curve.area < 500 { curve = CurveTruth.random(&random, rateMax: 3_000) }
    let truth = CurveTruth(curve: curve)
    let all = offsets(load(curve, .poisson), seed: seed)
    // Six standard deviations.
    #expect(abs(Double(all.count) - curve.area) < 6 * curve.area.squareRoot(), "seed \(seed)")
    #expect(all == all.sorted() && all.allSatisfy { $0 < curve.durationNanoseconds }, "seed \(seed)")
    var previous: Float80 = 0
    let gaps = all.map { offset -> Double in
      let area = truth.area(at: offset)
      defer { previous = area }
      return Double(area - previous)
    }
    #expect(kolmogorovSmirnov(gaps) { 1 - exp(-max(0, $0)) } < 2.23, "seed \(seed)")
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `uniform arrivals are one in each unit of area, anywhere in it`(seed: UInt64) {
    var random = SplitMix(state: 2000 + seed)
    let curve = CurveTruth.random(&random, rateMax: 2_000)
    let truth = CurveTruth(curve: curve)
    let all = offsets(load(curve, .uniform), seed: seed)
    #expect(all.count == offsets(load(curve)).count && all == all.sorted(), "seed \(seed)")
    var places: [Double] = []
    for (n, offset) in all.enumerated() {
      // To the nanosecond.
      let low = truth.area(at: offset - min(offset, 1))
      let high = truth.area(at: offset + 1)
      #expect(high >= Float80(n) - 1e-9 && low <= Float80(n + 1) + 1e-9, "seed \(seed): arrival \(n) at \(offset)")
      if n + 1 < all.count { places.append(Double(low) - Double(n)) }
    }
    guard places.count > 50 else { return }
    #expect(kolmogorovSmirnov(places) { min(1, max(0, $0)) } < 2.23, "seed \(seed)")
  }

  @Test func `the same seed gives the same schedule, another one another`() {
    let curve = self.curve((1, 0, 300), (1, 300, 50))
    for arrivals in [OpenLoad.Arrivals.poisson, .uniform] {
      #expect(offsets(load(curve, arrivals), seed: 3) == offsets(load(curve, arrivals), seed: 3))
      #expect(offsets(load(curve, arrivals), seed: 3) != offsets(load(curve, arrivals), seed: 4))
    }
    #expect(offsets(load(curve), seed: 3) == offsets(load(curve), seed: 4))
  }

  @Test func `what is known about the number of arrivals before the run is what arrives`() {
    let stages = curve((2, 0, 300), (1.3, 300, 300), (0.7, 300, 10))
    for arrivals in [OpenLoad.Arrivals.constant, .uniform, .poisson] {
      #expect(ArrivalSchedule.count(of: load(stages, arrivals), seed: 9) == UInt64(offsets(load(stages, arrivals), seed: 9).count))
    }
    #expect(ArrivalSchedule.count(of: load(LoadCurve(constant: 100_000, nanoseconds: 10 * seconds), .poisson), seed: 9) == nil)
  }

  @Test(arguments: [OpenLoad.Arrivals.constant, .poisson, .uniform])
  func `an arrival allocates nothing`(arrivals: OpenLoad.Arrivals) {
    let stages = curve((2, 0, 3000), (1, 3000, 3000), (2, 3000, 10))
    var schedule = ArrivalSchedule(load: load(stages, arrivals), seed: 1)
    _ = schedule.nextOffset()
    let before = callocationcounter_thread_count()
    var count = 0
    while schedule.nextOffset() != nil { count += 1 }
    #expect(callocationcounter_thread_count() - before == 0 && count > 6_000)
  }
}
