internal import Glibc

/// A POSIX semaphore whose bounded wait counts on the monotonic clock.
final class Semaphore: @unchecked Sendable {
  // Unchecked because of the pointer; true because sem_t is made for use by many threads and lives as long as this object.
  private let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    semaphore = .allocate(capacity: 1)
    semaphore.initialize(to: sem_t())
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func signal() {
    sem_post(semaphore)
  }

  func wait() {
    while sem_wait(semaphore) != 0 {}  // EINTR only
  }

  /// - Returns: false if the time passed without a signal.
  func wait(nanoseconds: UInt64) -> Bool {
    // sem_timedwait follows the wall clock, which may jump; and this is called once in a run.
    let deadline = monotonicNanoseconds() &+ nanoseconds
    while sem_trywait(semaphore) != 0 {
      if monotonicNanoseconds() >= deadline { return false }
      var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
      nanosleep(&pause, nil)
    }
    return true
  }

  private func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }
}
