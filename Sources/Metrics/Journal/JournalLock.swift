internal import Glibc
internal import Synchronization

/// Says that the process which writes a journal is alive.
///
/// A `flock(2)` on the journal itself: the kernel gives it back when the process ends, however it ends, so it cannot be stale, and no number of
/// a process can be mistaken for another's. It holds for whoever sees the same file: other containers of the machine, and other machines where
/// the file system shares such locks (NFS does). Sendable: nothing changes but the descriptor, and that under a lock.
package final class JournalLock: Sendable {
  private let descriptor: Mutex<Int32>

  /// Takes the lock of a journal that exists. nil where it is taken already, or the file system knows no locks: the run is not told from a
  /// crashed one then, until it has ended.
  package init?(journal path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    // Somebody who looks holds it for some microseconds.
    for attempt in 0..<50 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        self.descriptor = Mutex(descriptor)
        return
      }
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      if attempt < 49 { usleep(2_000) }
    }
    close(descriptor)
    return nil
  }

  deinit { release() }

  package func release() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }

  /// Whether the process that writes this journal is still there (it may be stopped). Takes no longer than two system calls.
  package static func isHeld(journal path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }
}
