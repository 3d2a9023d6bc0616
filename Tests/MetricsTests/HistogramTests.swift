import LosslessJSON
import Metrics
import Testing

@Suite struct HistogramTests {
  /// Durations over the whole range, evenly on a logarithmic scale.
  private func durations(_ count: Int, seed: UInt64) -> [UInt64] {
    var random = SplitMix(state: seed)
    return (0..<count).map { _ in
      let bits = random.next() % 41
      return (1 << bits) + random.next() % (1 << bits)
    }
  }

  @Test(arguments: [1, 2, 3, 4])
  func `a bucket is never wider than its digits allow`(digits: Int) {
    let layout = HistogramLayout(digits: digits)
    let share: [UInt64] = [0, 10, 100, 1_000, 10_000]
    var expectedLowest: UInt64 = 0
    for index in 0..<layout.bucketCount {
      let low = layout.lowestValue(at: index)
      let high = layout.highestValue(at: index)
      #expect(low == expectedLowest, "a hole or an overlap before bucket \(index)")
      #expect((high - low) * share[digits] <= max(low, 1))
      #expect(layout.position(of: low).index == index)
      #expect(layout.position(of: min(high, HistogramLayout.rangeNanoseconds)).index == index)
      expectedLowest = high + 1
    }
    #expect(layout.position(of: .max).index == layout.bucketCount - 1)
  }

  @Test func `what was recorded is there for whoever reads, however few values came since the last look`() {
    let (histogram, sum) = (Histogram(), Histogram())
    for number in 1...100 {
      histogram.record(UInt64(number))
      #expect(histogram.count == UInt64((number - 1) % 7 + 1))
      if number % 7 == 0 { histogram.drain(into: sum) }
      let both = Histogram()
      both.add(sum)
      both.add(histogram)
      #expect(both.count == number && both.minNanoseconds == 1 && both.maxNanoseconds == UInt64(number))
      #expect(histogram.snapshot().counts.reduce(0, +) == UInt64(number % 7) && histogram.count == UInt64(number % 7))
    }
    histogram.reset()
    #expect(histogram.isEmpty && histogram.quantile(0.5) == nil && sum.meanNanoseconds == 49.5)
  }

  @Test func `quantiles agree with sorted values to three digits`() throws {
    let seed: UInt64 = 7
    var values = durations(50_000, seed: seed)
    let histogram = Histogram()
    for value in values { histogram.record(value) }
    values.sort()
    for q in [0.0, 0.001, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0] {
      let rank = max(1, Int((q * Double(values.count)).rounded(.up)))
      let truth = values[rank - 1]
      let found = try #require(histogram.quantile(q))
      #expect(found >= truth && Double(found) <= Double(truth) * 1.001 + 1, "seed \(seed), q \(q)")
      #expect(histogram.snapshot().quantile(q) == found)
    }
    #expect(histogram.minNanoseconds == values.first)
    #expect(histogram.maxNanoseconds == values.last)
    #expect(histogram.count == 50_000)
    #expect(histogram.meanNanoseconds == Double(values.reduce(0, +)) / 50_000)
  }

  @Test func `20 microseconds keep three digits`() throws {
    let histogram = Histogram()
    for _ in 0..<100 { histogram.record(20_010) }
    for _ in 0..<100 { histogram.record(20_040) }
    let median = try #require(histogram.quantile(0.5))
    #expect(median >= 20_010 && median < 20_031)
    #expect(histogram.quantile(1) == 20_040)
  }

  @Test func `values above one hour are clamped and counted, and the maximum stays true`() {
    let histogram = Histogram()
    histogram.record(1_000)
    histogram.record(7_200_000_000_000)
    histogram.record(.max / 2)
    #expect(histogram.count == 3 && histogram.clampedCount == 2)
    #expect(histogram.maxNanoseconds == UInt64.max / 2)
    #expect(histogram.snapshot().clampedCount == 2)
  }

  @Test func `a negative difference counts as zero`() {
    let histogram = Histogram()
    histogram.record(difference: -5)
    histogram.record(difference: 7)
    #expect(histogram.minNanoseconds == 0 && histogram.maxNanoseconds == 7)
  }

  @Test func `adding parts gives the whole, by histogram and by snapshot`() {
    let whole = Histogram()
    let first = Histogram()
    let second = Histogram()
    for (index, value) in durations(20_000, seed: 11).enumerated() {
      whole.record(value)
      (index % 3 == 0 ? first : second).record(value)
    }
    let bySnapshot = Histogram()
    bySnapshot.add(first.snapshot())
    bySnapshot.add(second.snapshot())
    #expect(bySnapshot.snapshot() == whole.snapshot())
    second.drain(into: first)
    #expect(first.snapshot() == whole.snapshot())
    #expect(second.isEmpty && second.snapshot() == HistogramSnapshot())
  }

  @Test func `two digits and three digits mix without understating`() throws {
    let coarse = Histogram(digits: 2)
    let fine = Histogram(digits: 3)
    for value in durations(1_000, seed: 3) { coarse.record(value) }
    fine.add(coarse)
    let back = Histogram(digits: 2)
    back.add(fine)
    #expect(back.snapshot().counts == coarse.snapshot().counts)
    for q in [0.1, 0.5, 0.9] { #expect(try #require(fine.quantile(q)) >= #require(coarse.quantile(q))) }
  }

  @Test func `taking a snapshot each second loses nothing`() {
    let recorder = Histogram()
    let total = Histogram()
    let whole = Histogram()
    for (index, value) in durations(10_000, seed: 5).enumerated() {
      recorder.record(value)
      whole.record(value)
      if index % 700 == 0 { total.add(recorder.takeSnapshot()) }
    }
    total.add(recorder.takeSnapshot())
    #expect(recorder.isEmpty)
    #expect(total.snapshot() == whole.snapshot())
  }

  @Test func `a snapshot in the journal reads back the same, bucket for bucket`() throws {
    let histogram = Histogram()
    for value in durations(5_000, seed: 13) { histogram.record(value) }
    histogram.record(.max / 4)
    let snapshot = histogram.snapshot()
    var json = JSONWriter()
    snapshot.write(to: &json)
    #expect(try HistogramSnapshot(JSONDocument(parsing: json.bytes).root) == snapshot)
  }

  @Test(arguments: [#"{"d":9}"#, #"{"d":3,"n":1,"b":[99999999,1]}"#, #"{"d":3,"b":[1]}"#, "[]", #"{"d":3,"b":[1,-1]}"#])
  func `a damaged snapshot gives no buckets and no trap`(_ text: String) throws {
    let snapshot = try HistogramSnapshot(JSONDocument(parsing: text).root)
    #expect(snapshot.indices.isEmpty)
    let histogram = Histogram()
    histogram.add(snapshot)
    _ = histogram.quantile(0.5)
  }

  @Test func `a quantile is given from as many samples as bound it`() {
    #expect([0.5, 0.75, 0.9, 0.95, 0.99, 0.999].map(Quantile.samplesNeeded) == [6, 13, 36, 72, 368, 3_688])
    let histogram = Histogram()
    for _ in 0..<71 { histogram.record(1_000) }
    #expect(histogram.estimableQuantile(0.95) == nil && histogram.estimableQuantile(0.9) != nil)
    histogram.record(1_000)
    #expect(histogram.estimableQuantile(0.95) != nil && histogram.estimableQuantile(0.99) == nil)
    #expect(Histogram().quantile(0.5) == nil)
  }

  @Test func `the bound behind the sample count covers the truth in 97 and a half of 100 cases`() {
    // The largest of 72 uniform values lies below the true p95 with probability 0.95^72 = 2.49 %.
    var random = SplitMix(state: 99)
    let rounds = 20_000
    var misses = 0
    for _ in 0..<rounds {
      if (0..<72).map({ _ in Double.random(in: 0..<1, using: &random) }).max()! < 0.95 { misses += 1 }
    }
    #expect(abs(Double(misses) / Double(rounds) - 0.0249) < 0.005)
  }

  @Test func `the share up to a value steps at the value`() {
    let histogram = Histogram()
    for _ in 0..<3 { histogram.record(1_000) }
    histogram.record(1_000_000)
    #expect(histogram.snapshot().share(upTo: 999) == 0)
    #expect(histogram.snapshot().share(upTo: 1_000) == 0.75)
    #expect(histogram.snapshot().share(upTo: 2_000_000) == 1)
  }
}
