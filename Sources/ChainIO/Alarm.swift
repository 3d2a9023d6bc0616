internal import CLinux
import Glibc

/// What wakes a reactor for its next timer where a wait's own timeout would cost too much.
///
/// A wait with a timeout starts a timer of the kernel's when the thread goes to sleep and takes it back when something else wakes it first.
/// If no other timer of that processor is due earlier, the hardware is set anew both times: on a virtual machine, two exits of some
/// 9 us each (measured by the scheduler's trace points, `docs/performance.md`), around a system call that takes two. The kernel's tick is due
/// within 4 ms, so only nearer timers cost that; and a fence or the next arrival, which is near through several waits, cost it at each.
///
/// The alarm is a timer that stays set while the loop waits and wakes, and is set anew only for something earlier. Nobody takes it back:
/// when its time comes and nothing is due, the loop turns once for nothing.
struct Alarm: ~Copyable {
  /// Nearer than this, the timeout is most likely what ends the wait, and cheaper.
  private static let nearestNanoseconds: UInt64 = 200_000
  /// Farther than this, the kernel's tick comes before, and a timeout costs next to nothing.
  private static let farthestNanoseconds: UInt64 = 8_000_000

  /// Readable from when the alarm goes off, watched by edges: nobody needs to read it.
  let descriptor: Int32
  /// When it goes off next: nanoseconds of CLOCK_MONOTONIC; `UInt64.max` when it will not.
  private var setNanoseconds = UInt64.max

  /// - Throws: an `OperationError` of class `environment` when the process is out of descriptors.
  init() throws(OperationError) {
    descriptor = clinux_timer_descriptor()
    guard descriptor >= 0 else { throw OperationError.system("timerfd_create", errno) }
  }

  deinit { close(descriptor) }

  /// Whether the loop will be woken at `due`, or before; if not, its wait needs a timeout. Sets the alarm if that is the better way.
  mutating func covers(_ due: UInt64, now: UInt64) -> Bool {
    if setNanoseconds <= due { return true }
    let pause = due > now ? due - now : 0
    guard pause >= Alarm.nearestNanoseconds, pause <= Alarm.farthestNanoseconds else { return false }
    guard clinux_timer_set(descriptor, due) == 0 else { return false }
    setNanoseconds = due
    return true
  }

  /// It is `now`: an alarm of before has gone off.
  mutating func timePassed(now: UInt64) {
    if now >= setNanoseconds { setNanoseconds = .max }
  }
}
