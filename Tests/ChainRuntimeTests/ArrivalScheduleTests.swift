import ChainProgram
import Testing

internal import Glibc

@testable import ChainRuntime

@Suite struct ArrivalScheduleTests {
  private func offsets(_ load: OpenLoad, seed: UInt64 = 1) -> [UInt64] {
    var schedule = ArrivalSchedule(load: load, seed: seed)
    var offsets: [UInt64] = []
    while let offset = schedule.nextOffset() { offsets.append(offset) }
    return offsets
  }

  @Test func `200 a second for 30 s are exactly 6 000`() {
    #expect(offsets(open(200, 30 * seconds, users: 1)).count == 6000)
  }

  @Test func `an even load has one arrival in each period that begins before the end, whatever the rate and duration`() {
    // The truth in whole numbers: rate = thousandths / 1000; the n-th is before the end if n * 1000 * 1e9 < thousandths * duration.
    var random = SplitMix(state: 4)
    var rates: [UInt64] = [1, 3, 100, 333, 500, 999, 1000, 1001, 1500, 33_333, 99_900, 100_000, 200_000, 333_333, 1_000_000, 12_345_678]
    for _ in 0..<500 { rates.append(random.next() % 50_000_000 + 1) }
    var durations: [UInt64] = [1, milliseconds, 333 * milliseconds, seconds, 3 * seconds, 30 * seconds, 3600 * seconds, 86_400 * seconds]
    for _ in 0..<20 { durations.append(random.next() % 3600 * seconds + random.next() % 1000 * milliseconds) }
    for thousandths in rates {
      for duration in durations {
        let product = Int128(thousandths) * Int128(duration)
        let exact = (product + 999_999_999_999) / 1_000_000_000_000
        let count = LoadCurve(constant: Double(thousandths) / 1000, nanoseconds: duration).count
        #expect(Int128(count) == exact, "\(thousandths)/1000 a second for \(duration) ns")
        if Int128(count) != exact { return }
      }
    }
  }

  @Test(arguments: [200, 1000 / 3.0, 0.1, 7.77, 9999.9])
  func `the n-th arrival is within a nanosecond of n divided by the rate`(rate: Double) {
    for (n, offset) in offsets(open(rate, 100 * seconds, users: 1)).enumerated() {
      let exact = Float80(n) * 1e9 / Float80(rate)
      #expect(abs(Float80(offset) - exact) <= 1)
      if abs(Float80(offset) - exact) > 1 { return }
    }
  }

  @Test func `Poisson gaps are exponential with the rate's mean`() {
    let load = open(500, 200 * seconds, users: 1, .queue, .poisson)
    let all = offsets(load, seed: 3)
    // 100 000 expected; five standard deviations are 1 580.
    #expect(abs(all.count - 100_000) < 1600)
    #expect(all.last! < 200 * seconds)
    var previous = 0.0
    let gaps = all.map { offset -> Double in
      defer { previous = Double(offset) }
      return (Double(offset) - previous) / 1e9
    }.sorted()
    // Kolmogorov and Smirnov: the distance times the root of n is above 2.23 with a probability of 1e-4.
    var distance = 0.0
    for (index, gap) in gaps.enumerated() {
      let expected = 1 - exp(-500 * gap)
      distance = max(distance, abs(expected - Double(index) / Double(gaps.count)), abs(expected - Double(index + 1) / Double(gaps.count)))
    }
    #expect(distance * Double(gaps.count).squareRoot() < 2.23)
  }

  @Test func `the same seed gives the same schedule, another one another`() {
    let load = open(100, 10 * seconds, users: 1, .queue, .poisson)
    #expect(offsets(load, seed: 3) == offsets(load, seed: 3))
    #expect(offsets(load, seed: 3) != offsets(load, seed: 4))
    #expect(offsets(load, seed: 3) == offsets(load, seed: 3).sorted())
  }
}
