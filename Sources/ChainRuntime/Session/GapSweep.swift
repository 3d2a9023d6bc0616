import ChainIO

/// After an observer's gap at one hop: reads the entries at which events are outstanding. Lives on the reactor's thread.
final class GapSweep {
  private let book: EventBook
  private let hop: HopBook
  private let gapStart: UInt64
  private let reader: any EntryReader
  private var isStopped = false

  static let nanosecondsMax: UInt64 = 5_000_000_000

  init(book: EventBook, hop: Int, gapStart: UInt64, reader: any EntryReader) {
    self.book = book
    self.hop = book.hops[hop]
    self.gapStart = gapStart
    self.reader = reader
  }

  func begin() {
    let entries = book.outstanding(hop)
    guard !entries.isEmpty else { return stop() }
    let asked = MonotonicClock.now
    reader.read(
      EntryNameList(entries.lazy.map(\.name)), deadline: asked &+ GapSweep.nanosecondsMax,
      each: { place, content, now in
        self.book.sweptAfterGap(
          self.hop, records: entries[place].records, content: content, gapStart: self.gapStart, asked: asked, now: now)
      },
      // What was not answered stays hidden by the gap.
      completion: { _ in self.stop() })
  }

  func stop() {
    guard !isStopped else { return }
    isStopped = true
    reader.close()
  }

  var operationsSent: UInt64 { reader.operationsSent }
}
