internal import Glibc
internal import LosslessJSON

/// What a journal says about the course of a run, in the order in which it happened.
package enum JournalMoment: Sendable {
  case phase(JournalPhase)
  /// What the ledger had counted when the interval that follows ended.
  case ledger(JournalLedger)
  case interval(JournalInterval)
}

extension JournalReader {
  /// Goes through a journal's seconds once more, for what is decided second by second. Lines of other kinds are passed over unread.
  package static func replay(path: String, _ eachMoment: (JournalMoment) -> Void) throws(JournalReadError) {
    guard let file = fopen(path, "re") else { throw .cannotRead(code: errno) }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while true {
      let count = getline(&line, &capacity, file)
      guard count > 0, let line else { return }
      let bytes = UnsafeRawBufferPointer(start: line, count: count)
      // A line without its end was torn by a crash.
      guard bytes.last == UInt8(ascii: "\n") else { return }
      if let moment = moment(bytes) { eachMoment(moment) }
    }
  }

  private static func moment(_ line: UnsafeRawBufferPointer) -> JournalMoment? {
    func root(of kind: JournalKind) -> JSONValue? {
      line.starts(with: #"{"r":"\#(kind.rawValue)""#.utf8) ? parse(line)?.root : nil
    }
    if let json = root(of: .interval) { return .interval(JournalInterval(json)) }
    if let json = root(of: .ledger) { return .ledger(JournalLedger(json)) }
    return root(of: .phase).map { .phase(JournalPhase($0)) }
  }
}
