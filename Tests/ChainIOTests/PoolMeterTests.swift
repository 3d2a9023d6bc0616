import ChainIO
import Testing

@Suite struct PoolMeterTests {
  private let ms: UInt64 = 1_000_000

  @Test func `connection-seconds in use are counted to the moment they are asked for`() {
    var meter = PoolMeter()
    meter.changed(busy: 2, waiting: 0, now: 100 * ms)
    meter.changed(busy: 5, waiting: 0, now: 150 * ms)
    let first = meter.take(now: 200 * ms)
    #expect(first.busyNanoseconds == (2 * 50 + 5 * 50) * ms)
    // What goes on, goes on; and a stamp of a turn that began before the question changes nothing.
    meter.changed(busy: 0, waiting: 0, now: 190 * ms)
    let second = meter.take(now: 300 * ms)
    #expect(second.busyNanoseconds == 0 && second.waits == 0 && second.exhaustions == [])
  }

  @Test func `every call that waits is counted once, and the time in which any did is one span`() {
    var meter = PoolMeter()
    meter.changed(busy: 1, waiting: 0, now: 0)
    meter.changed(busy: 1, waiting: 1, now: 10 * ms)
    meter.changed(busy: 1, waiting: 2, now: 20 * ms)
    meter.changed(busy: 1, waiting: 1, now: 30 * ms)
    meter.changed(busy: 1, waiting: 2, now: 35 * ms)
    meter.changed(busy: 1, waiting: 0, now: 60 * ms)
    let reading = meter.take(now: 100 * ms)
    #expect(reading.waits == 3 && reading.exhaustedNanoseconds == 50 * ms)
    #expect(reading.exhaustions == [10 * ms...60 * ms])
  }

  @Test func `short spans are in the sum only, and short pauses do not part long ones`() {
    var meter = PoolMeter()
    func crowd(_ from: UInt64, _ to: UInt64) {
      meter.changed(busy: 1, waiting: 1, now: from * ms)
      meter.changed(busy: 1, waiting: 0, now: to * ms)
    }
    crowd(10, 15)
    crowd(100, 120)
    crowd(125, 127)
    crowd(200, 230)
    let reading = meter.take(now: 300 * ms)
    #expect(reading.waits == 4 && reading.exhaustedNanoseconds == 57 * ms)
    #expect(reading.exhaustions == [100 * ms...127 * ms, 200 * ms...230 * ms])
  }

  @Test func `a span that goes on when it is asked for is told in two parts that touch`() {
    var meter = PoolMeter()
    meter.changed(busy: 3, waiting: 4, now: 995 * ms)
    let first = meter.take(now: 1000 * ms)
    meter.changed(busy: 3, waiting: 0, now: 1004 * ms)
    let second = meter.take(now: 2000 * ms)
    #expect(first.exhaustions == [995 * ms...1000 * ms] && first.waits == 4)
    #expect(second.exhaustedNanoseconds == 4 * ms && second.waits == 0)
  }

  @Test(arguments: [1, 7, 50, 1000]) func `in no second are there more attempts than allowed, and none is early`(perSecond: Int) {
    var limiter = ReconnectLimiter(perSecond: perSecond, seed: 42)
    var granted: [UInt64] = []
    // Two hundred connections are lost at once; half a minute later, ten more.
    for index in 0..<200 { granted.append(limiter.reserve(earliest: 5_000 * ms + UInt64(index % 13) * ms)) }
    let late = granted[199] + 30_000 * ms
    for _ in 0..<10 { granted.append(limiter.reserve(earliest: late)) }
    #expect(granted[0] == 5_000 * ms && granted[200] == late)
    for (index, moment) in granted.enumerated() {
      let inSecond = granted[index...].prefix { $0 < moment + 1_000 * ms }.count
      #expect(inSecond <= perSecond + (perSecond == 1 ? 0 : 1))
    }
    // Jitter: the distances are not all the same.
    #expect(Set(zip(granted, granted.dropFirst()).map { $1 - $0 }).count > 20)
    // On the average, half of the jitter: no slower than two thirds of what is allowed.
    let span = Double(granted[199] - granted[0]) / 1e9
    #expect(span < 200 / Double(perSecond) * 1.5 + 0.1)
  }

  @Test func `no limit is no limit`() {
    var limiter = ReconnectLimiter(perSecond: 0)
    #expect((0..<50).allSatisfy { _ in limiter.reserve(earliest: 77) == 77 })
  }
}
