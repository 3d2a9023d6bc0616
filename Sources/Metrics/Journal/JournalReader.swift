internal import Glibc
internal import LosslessJSON

/// Turns a journal back into a run record: the one source of every report, also after a crash.
package enum JournalReader {
  /// Reads the file in pieces; memory grows with the run's seconds and steps, not with its events.
  ///
  /// - Parameters:
  ///   - eachEventRow: Called with every event row, in the journal's order.
  ///   - eachInterval: Called with every interval record, in the journal's order.
  package static func read(
    path: String, eachEventRow: (EventRowLine) throws(JournalReadError) -> Void = { (_) throws(JournalReadError) in },
    eachInterval: (JournalInterval) throws(JournalReadError) -> Void = { (_) throws(JournalReadError) in }
  ) throws(JournalReadError) -> RunRecord {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotRead(code: errno) }
    defer { close(descriptor) }

    var builder = RunRecordBuilder()
    var room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { room.deallocate() }
    var filled = 0
    while true {
      // As large as the longest line.
      if filled == room.count {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: room.count * 2, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(room))
        room.deallocate()
        room = larger
      }
      let count = Glibc.read(descriptor, room.baseAddress! + filled, room.count - filled)
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(code: errno)
      }
      if count == 0 { break }
      filled += count
      let text = UnsafeRawBufferPointer(rebasing: room[..<filled])
      let used = try consumeLines(of: text, isLast: false, into: &builder, eachInterval, eachEventRow)
      filled -= used
      memmove(room.baseAddress!, room.baseAddress! + used, filled)
    }
    let text = UnsafeRawBufferPointer(rebasing: room[..<filled])
    _ = try consumeLines(of: text, isLast: true, into: &builder, eachInterval, eachEventRow)
    return try builder.finish()
  }

  /// Reads the first record only.
  package static func readStart(path: String) throws(JournalReadError) -> JournalStart {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotRead(code: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while !bytes.contains(UInt8(ascii: "\n")) {
      let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(code: errno)
      }
      if count == 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    let document = bytes.withUnsafeBytes { parse(UnsafeRawBufferPointer(rebasing: $0[..<end])) }
    guard let root = document?.root, root["r"]?.string == JournalStart.kind.rawValue else { throw .noStart }
    let start = JournalStart(root)
    guard start.format == JournalStart.currentFormat else { throw .unsupportedFormat(start.format) }
    return start
  }

  /// As ``read(path:eachEventRow:eachInterval:)``, from memory.
  package static func read(
    bytes: [UInt8], eachEventRow: (EventRowLine) throws(JournalReadError) -> Void = { (_) throws(JournalReadError) in },
    eachInterval: (JournalInterval) throws(JournalReadError) -> Void = { (_) throws(JournalReadError) in }
  ) throws(JournalReadError) -> RunRecord {
    var builder = RunRecordBuilder()
    try bytes.withUnsafeBufferPointer { (bytes) throws(JournalReadError) in
      _ = try consumeLines(of: UnsafeRawBufferPointer(bytes), isLast: true, into: &builder, eachInterval, eachEventRow)
    }
    return try builder.finish()
  }

  /// - Returns: how many bytes were used.
  private static func consumeLines(
    of text: UnsafeRawBufferPointer, isLast: Bool, into builder: inout RunRecordBuilder,
    _ eachInterval: (JournalInterval) throws(JournalReadError) -> Void,
    _ eachEventRow: (EventRowLine) throws(JournalReadError) -> Void
  ) throws(JournalReadError) -> Int {
    var start = 0
    while start < text.count {
      // One line for each event and hop: far more than all others together. Its end is found by reading it.
      if let row = PlainEventRow(in: text, at: start),
        case let end = start + row.byteCount, end < text.count ? text[end] == UInt8(ascii: "\n") : isLast
      {
        builder.add(row)
        try eachEventRow(.plain(row))
        start = end + 1
        continue
      }
      let newline = newline(in: text, from: start)
      // The last line of a crashed run may be torn: without its newline it counts only if it is complete.
      if newline == nil && !isLast { break }
      let end = newline ?? text.count
      if let document = parse(UnsafeRawBufferPointer(rebasing: text[start..<end])) {
        switch builder.add(document.root) {
        case .row(let row): try eachEventRow(.general(row))
        case .interval(let interval): try eachInterval(interval)
        case .nothing: break
        }
      } else if newline != nil && end > start {
        builder.record.damagedLines += 1
      }
      start = end + 1
    }
    return min(start, text.count)
  }

  private static func newline(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
    memchr(text.baseAddress! + start, Int32(UInt8(ascii: "\n")), text.count - start).map { UnsafeRawPointer($0) - text.baseAddress! }
  }

  static func parse(_ line: UnsafeRawBufferPointer) -> JSONDocument? { try? JSONDocument(parsing: line, maximumBytes: 64 << 20) }
}

/// Why a journal gives no run record.
package enum JournalReadError: Error, Hashable, Sendable, CustomStringConvertible {
  case cannotRead(code: Int32)
  /// No start record: not a journal, or the run ended before it began.
  case noStart
  case unsupportedFormat(Int)
  /// From the caller's own handling of an event row, such as a full disk.
  case rowNotHandled(code: Int32)

  package var description: String {
    switch self {
    case .cannotRead(let code): "the journal cannot be read: \(String(cString: strerror(code)))"
    case .noStart: "the journal has no start record"
    case .unsupportedFormat(let format): "the journal has format \(format), and this program reads \(JournalStart.currentFormat)"
    case .rowNotHandled(let code): "an event row could not be passed on: \(String(cString: strerror(code)))"
    }
  }
}
