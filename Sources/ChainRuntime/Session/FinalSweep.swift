import ChainIO
import ChainProgram

/// At the end of a run: reads every entry that the run touched once more, hop after hop, for the ledger to compare with what was committed.
/// Lives on the reactor's thread.
final class FinalSweep {
  private let completion: () -> Void
  private var pending: [(book: EventBook, hop: HopBook, reader: any EntryReader)] = []
  private var isReading = false
  private var next = 0
  private var names = EntryNameList()
  private var isOver = false
  private(set) var operationsSent: UInt64 = 0

  /// For each hop. A million entries take some ten seconds.
  static let hopNanosecondsMax: UInt64 = 60_000_000_000
  private static let batch = 2000

  /// - Parameter completion: Called once, when everything was read or `cancel` was called.
  init(ledger: Ledger, drivers: [any ConnectionDriver], completion: @escaping () -> Void) {
    self.completion = completion
    for book in ledger.books {
      for hop in book.hops where book.entryCount(hop) > 0 {
        if let reader = drivers[hop.declaration.connection.index].makeEntryReader(hop: hop.declaration) { pending.append((book, hop, reader)) }
      }
    }
  }

  /// Whether there is anything to read.
  var isNeeded: Bool { !pending.isEmpty }

  func begin() { nextHop() }

  private func nextHop() {
    guard !isOver else { return }
    guard let (book, hop, _) = pending.first else { return end() }
    isReading = true
    next = 0
    let now = MonotonicClock.now
    book.beginSweep(hop, now: now)
    hop.sweep?.began = now
    nextBatch(book, hop, count: book.entryCount(hop), deadline: now &+ FinalSweep.hopNanosecondsMax)
  }

  private func nextBatch(_ book: EventBook, _ hop: HopBook, count: Int, deadline: UInt64) {
    let start = next
    let end = min(count, start + FinalSweep.batch)
    guard start < end else { return hopEnded(book, hop, count: count, nil) }
    next = end
    names.removeAll()
    for place in start..<end { names.append { book.appendEntryName(hop, place, to: &$0) } }
    pending.first?.reader.read(
      names, deadline: deadline,
      each: { place, content, _ in book.swept(hop, start + place, content) },
      completion: { error in
        if let error { return self.hopEnded(book, hop, count: count, error) }
        self.nextBatch(book, hop, count: count, deadline: deadline)
      })
  }

  private func hopEnded(_ book: EventBook, _ hop: HopBook, count: Int, _ error: OperationError?) {
    isReading = false
    hop.sweep?.ended = MonotonicClock.now
    hop.sweep?.error = error?.message
    let read = min(UInt64(count), hop.sweep?.entries ?? 0)
    hop.sweep?.unread = UInt64(count) - read + (hop.names.areOfKeys ? 0 : book.finalStates.left)
    closeFirst()
    nextHop()
  }

  private func closeFirst() {
    let reader = pending.removeFirst().reader
    operationsSent &+= reader.operationsSent
    reader.close()
  }

  /// Ends it now: what was not compared is not checkable.
  func cancel() {
    guard !isOver else { return }
    if isReading, let hop = pending.first?.hop { hop.sweep?.error = "the run was interrupted" }
    end()
  }

  private func end() {
    isOver = true
    while !pending.isEmpty { closeFirst() }
    completion()
  }
}
