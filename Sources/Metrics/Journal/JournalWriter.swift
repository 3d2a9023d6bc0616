internal import Glibc
internal import LosslessJSON
internal import Synchronization

/// Appends records to the journal on a thread of its own, so that no reactor ever waits for a disk.
///
/// Safe to call from any thread. What is appended reaches the file within ``lingerNanoseconds`` plus the time of the write.
/// Records are encoded on the writer's thread. A failing disk never traps or blocks: the first failure is kept, what comes
/// after it is dropped and counted.
package final class JournalWriter: Sendable {
  package let path: String
  /// How long the writer gathers before it writes: at most 50 writes each second, and a crash loses little.
  package static let lingerNanoseconds = 20_000_000
  /// Bytes and records that may wait; more means the disk is stuck, which is a failure as well.
  package static let waitingRecordsMax = 200_000

  private let descriptor: Int32
  private let mailbox = Mutex(Mailbox())
  private let wake: Semaphore
  private let finished: Semaphore

  private struct Mailbox {
    var batches: [@Sendable (inout JSONWriter) -> Void] = []
    var waitingRecords = 0
    var isClosing = false
    var failure: JournalFailureState?
    var failureWasTaken = false
  }

  /// Creates the file (mode 0600) and starts the thread.
  ///
  /// - Throws: if the file exists already or cannot be created.
  package convenience init(creating path: String) throws(JournalFailureState) {
    try self.init(path: path, flags: O_CREAT | O_EXCL)
  }

  /// Appends to a file that exists already; for tests of what a bad device does.
  package convenience init(appendingTo path: String) throws(JournalFailureState) {
    try self.init(path: path, flags: 0)
  }

  private init(path: String, flags: Int32) throws(JournalFailureState) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0o600)
    guard descriptor >= 0 else { throw JournalFailureState(operation: .create, code: errno) }
    wake = Semaphore()
    finished = Semaphore()
    var thread = pthread_t()
    let me = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { me in
        let writer = Unmanaged<JournalWriter>.fromOpaque(me!).takeRetainedValue()
        writer.run()
        return nil
      }, me.toOpaque())
    guard status == 0 else {
      me.release()
      Glibc.close(descriptor)
      throw JournalFailureState(operation: .startThread, code: status)
    }
    pthread_detach(thread)
  }

  /// Hands a record over. Costs a lock and an allocation; call it a few times each second, not for each step.
  package func append(_ record: some JournalRecord) {
    append(count: 1) { record.write(to: &$0) }
  }

  package func append(_ records: [some JournalRecord]) {
    guard !records.isEmpty else { return }
    append(count: records.count) { json in
      for record in records { record.write(to: &json) }
    }
  }

  package func append(_ rows: EventRows) {
    guard !rows.isEmpty else { return }
    append(count: rows.count) { rows.write(to: &$0) }
  }

  private func append(count: Int, _ batch: @escaping @Sendable (inout JSONWriter) -> Void) {
    let isFirst = mailbox.withLock { mailbox in
      guard !mailbox.isClosing, mailbox.failure == nil else {
        mailbox.failure?.lostRecords += count
        return false
      }
      guard mailbox.waitingRecords + count <= Self.waitingRecordsMax || mailbox.batches.isEmpty else {
        mailbox.failure = JournalFailureState(operation: .overrun, code: 0, lostRecords: count)
        return false
      }
      mailbox.batches.append(batch)
      mailbox.waitingRecords += count
      return mailbox.batches.count == 1
    }
    if isFirst { wake.signal() }
  }

  /// Whether so much waits that a caller which can wait should; records are lost beyond twice as much.
  package var isBehind: Bool {
    mailbox.withLock { $0.failure == nil && $0.waitingRecords >= Self.waitingRecordsMax / 2 }
  }

  /// What went wrong, if anything; stays set.
  package var failure: JournalFailureState? {
    mailbox.withLock { $0.failure }
  }

  /// The failure, the first time it is asked for after it happened; nil from then on.
  package func takeFailure() -> JournalFailureState? {
    mailbox.withLock { mailbox in
      guard let failure = mailbox.failure, !mailbox.failureWasTaken else { return nil }
      mailbox.failureWasTaken = true
      return failure
    }
  }

  /// Writes what waits, syncs, and closes the file.
  ///
  /// - Returns: true if everything reached the disk before the deadline. Else ``failure`` tells why; a write that hangs is
  ///   left to its thread.
  package func close(withinNanoseconds deadline: UInt64 = 5_000_000_000) -> Bool {
    mailbox.withLock { $0.isClosing = true }
    wake.signal()
    guard finished.wait(nanoseconds: deadline) else {
      mailbox.withLock { mailbox in
        if mailbox.failure == nil { mailbox.failure = JournalFailureState(operation: .close, code: ETIMEDOUT) }
      }
      return false
    }
    finished.signal()  // a second close returns at once
    return failure == nil
  }

  // The writer's thread.

  private func run() {
    ThreadSignals.leaveToMainThread()
    var json = JSONWriter()
    while true {
      wake.wait()
      if !mailbox.withLock({ $0.isClosing }) {
        var linger = timespec(tv_sec: 0, tv_nsec: Self.lingerNanoseconds)
        nanosleep(&linger, nil)
      }
      let (batches, isClosing) = mailbox.withLock { mailbox in
        defer {
          mailbox.batches.removeAll(keepingCapacity: true)
          mailbox.waitingRecords = 0
        }
        return (mailbox.batches, mailbox.isClosing)
      }
      for batch in batches {
        batch(&json)
        if json.bytes.count > 1 << 20 { flush(&json) }
      }
      flush(&json)
      if isClosing { break }
    }
    if fdatasync(descriptor) != 0 && errno != EINVAL && errno != EROFS { fail(.sync, errno) }
    if Glibc.close(descriptor) != 0 { fail(.close, errno) }
    finished.signal()
  }

  private func flush(_ json: inout JSONWriter) {
    defer { json.reset() }
    guard failure == nil else { return }
    let code = json.bytes.withUnsafeBytes { bytes -> Int32 in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if written < 0 && errno != EINTR {
          return errno
        }
      }
      return 0
    }
    if code != 0 { fail(.write, code) }
  }

  private func fail(_ operation: JournalFailureState.Operation, _ code: Int32) {
    mailbox.withLock { mailbox in
      if mailbox.failure == nil { mailbox.failure = JournalFailureState(operation: operation, code: code) }
    }
  }
}

/// Why the journal is not complete.
package struct JournalFailureState: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Operation: String, Hashable, Sendable {
    case create
    case startThread = "start the thread"
    case write, sync, close
    /// Records came faster than the disk took them.
    case overrun
  }

  package let operation: Operation
  /// errno; 0 where the system had nothing to say.
  package let code: Int32
  /// Records that came after the failure.
  package var lostRecords: Int

  package init(operation: Operation, code: Int32, lostRecords: Int = 0) {
    self.operation = operation
    self.code = code
    self.lostRecords = lostRecords
  }

  package var description: String {
    operation == .overrun
      ? "the journal could not keep up with its records" : "the journal could not \(operation.rawValue): \(String(cString: strerror(code)))"
  }
}
