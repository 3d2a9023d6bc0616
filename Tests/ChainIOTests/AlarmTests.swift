import CLinux
import Glibc
import Testing

@testable import ChainIO

struct AlarmTests {
  /// Nanoseconds until the kernel's timer goes off; 0 when it will not.
  private func left(of descriptor: Int32) -> Int {
    var time = itimerspec()
    precondition(timerfd_gettime(descriptor, &time) == 0)
    return time.it_value.tv_sec * 1_000_000_000 + time.it_value.tv_nsec
  }

  @Test func `an alarm stays set for what is due later, and is set anew only for what is due earlier`() throws {
    var alarm = try Alarm()
    let now = MonotonicClock.now
    let coversFirst = alarm.covers(now + 5_000_000, now: now)
    #expect(coversFirst)
    #expect(left(of: alarm.descriptor) > 4_000_000 / 2)
    // Later, however far or near to that: the loop wakes up and looks again.
    let coversLater = alarm.covers(now + 5_100_000, now: now + 5_000_000)
    #expect(coversLater)
    let coversFarther = alarm.covers(now + 60_000_000_000, now: now)
    #expect(coversFarther)
    let coversEarlier = alarm.covers(now + 1_000_000, now: now)
    #expect(coversEarlier)
    #expect(left(of: alarm.descriptor) <= 1_000_000)
  }

  @Test(arguments: [0, 199_999, 8_000_001, 10_000_000_000])
  func `what is due at once, very soon or late is left to the wait's own timeout`(pause: UInt64) throws {
    var alarm = try Alarm()
    let now = MonotonicClock.now
    let isCovered = alarm.covers(now + pause, now: now)
    #expect(!isCovered)
    #expect(left(of: alarm.descriptor) == 0)
  }

  @Test func `an alarm that has gone off covers nothing until it is set again`() throws {
    var alarm = try Alarm()
    let now = MonotonicClock.now
    let coversWhileSet = alarm.covers(now + 1_000_000, now: now)
    #expect(coversWhileSet)
    alarm.timePassed(now: now + 999_999)
    let coversToo = alarm.covers(now + 1_000_000, now: now)
    #expect(coversToo)
    alarm.timePassed(now: now + 1_000_000)
    let coversAfter = alarm.covers(now + 20_000_000, now: now + 1_000_000)
    #expect(!coversAfter)
  }
}
