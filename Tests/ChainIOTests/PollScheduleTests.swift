import Testing

@testable import ChainIO

struct PollScheduleTests {
  private let ms: UInt64 = 1_000_000

  @Test func `what is new is due at once, and then about every twentieth of its age`() throws {
    var schedule = PollSchedule(every: nil, seed: 7)
    schedule.add(1, now: 0)
    var now: UInt64 = 0
    var looks: [UInt64] = []
    while now < 10_000 * ms {
      let due = schedule.nextDue()
      now = try #require(due)
      let taken = schedule.takeDue(now: now, limit: 10)
      // It waits for no look while one is under way.
      let next = schedule.nextDue()
      #expect(taken == [1] && next == nil)
      looks.append(now)
      schedule.looked(1, sent: now)
    }
    #expect(looks[0] == 0)
    for (before, after) in zip(looks, looks.dropFirst()) {
      let pause = min(max(before / 20, ms), 250 * ms)
      #expect(after - before >= pause / 2 && after - before <= pause * 3 / 2, "at \(before)")
    }
    // 20 ms at 1 ms, then 5 % more each time up to 5 s, then every 250 ms: about 20 + 113 + 20.
    #expect((120...220).contains(looks.count), "\(looks.count)")
  }

  @Test func `a fixed pause is kept within a quarter, and is never the same twice running`() throws {
    var schedule = PollSchedule(every: 100 * ms, seed: 7)
    schedule.add(1, now: 5)
    var pauses: Set<UInt64> = []
    var now: UInt64 = 5
    for _ in 0..<100 {
      _ = schedule.takeDue(now: now, limit: 10)
      schedule.looked(1, sent: now)
      let due = schedule.nextDue()
      let next = try #require(due)
      pauses.insert(next - now)
      now = next
    }
    #expect(pauses.allSatisfy { $0 >= 75 * ms && $0 <= 125 * ms } && pauses.count > 95)
    let mean = pauses.reduce(0, +) / UInt64(pauses.count)
    #expect(mean > 95 * ms && mean < 105 * ms)
  }

  @Test func `what is due together is looked at together, up to a limit, and what was seen no more`() {
    var schedule = PollSchedule(every: nil, seed: 1)
    for target in 0..<10 { schedule.add(target, now: UInt64(target)) }
    schedule.remove(3)
    let first = schedule.takeDue(now: 100, limit: 4)
    #expect(first == [0, 1, 2, 4])
    schedule.remove(1)
    for target in [0, 1, 2, 4] { schedule.looked(target, sent: 100) }
    let second = schedule.takeDue(now: 100, limit: 100)
    let third = schedule.takeDue(now: 10 * ms, limit: 100)
    #expect(second == [5, 6, 7, 8, 9] && Set(third) == [0, 2, 4] && schedule.count == 8)
    schedule.expedite(now: 11 * ms)
    let all = schedule.takeDue(now: 11 * ms, limit: 100)
    #expect(all.count == 8)
  }

  @Test func `a thing looked for anew is young again, whether a look is under way or not`() {
    var schedule = PollSchedule(every: nil, seed: 1)
    schedule.add(1, now: 0)
    _ = schedule.takeDue(now: 0, limit: 1)
    schedule.looked(1, sent: 4000 * ms)
    let old = schedule.nextDue() ?? 0
    schedule.add(1, now: 4001 * ms)
    let young = schedule.nextDue()
    #expect(old >= 4100 * ms && young == 4001 * ms)
    let taken = schedule.takeDue(now: 4001 * ms, limit: 9)
    schedule.add(1, now: 4002 * ms)
    schedule.looked(1, sent: 4001 * ms)
    let again = schedule.takeDue(now: 4002 * ms, limit: 9)
    #expect(taken == [1] && again == [1])
  }
}
