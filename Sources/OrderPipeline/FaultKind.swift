/// What can be done to one event; the raw value is the option's name without the dashes and stands in the log.
enum FaultKind: String, CaseIterable, Sendable {
  case loseRelay = "lose-relay"
  case duplicateRelay = "duplicate-relay"
  case reorderKey = "reorder-key"
  case reorderAcross = "reorder-across"
  case wrongBodyRelay = "wrong-body-relay"
  case crashRelay = "crash-relay"
  case phantomRelay = "phantom-relay"
  case leak

  case loseWriter = "lose-writer"
  case duplicateWriter = "duplicate-writer"
  case stale
  case wrongBodyWriter = "wrong-body-writer"
  case crashWriter = "crash-writer"
  case expire
  case phantomWriter = "phantom-writer"

  /// One line of the usage text.
  var summary: String {
    switch self {
    case .loseRelay: "the row is deleted and never published"
    case .duplicateRelay: "published twice"
    case .reorderKey: "held until 20 ms after the next event of its key was published, at most --hold"
    case .reorderAcross: "held until 20 ms after an event of another key was published; the order within its key stays"
    case .wrongBodyRelay: "published with another amount"
    case .crashRelay: "the relay breaks off between publishing and deleting the row: published again"
    case .phantomRelay: "an event that nobody ever wrote is published besides"
    case .leak: "published although its transaction was rolled back (found by sequences, which no rollback undoes)"
    case .loseWriter: "consumed and acknowledged, never written"
    case .duplicateWriter: "written, and written again 100 ms later"
    case .stale: "written again 100 ms after the next version of its key, for good or for --stale-for (needs --cache-key customer)"
    case .wrongBodyWriter: "written with another amount"
    case .crashWriter: "the writer breaks off between writing and acknowledging: delivered and written again"
    case .expire: "expires after --expire-after instead of an hour"
    case .phantomWriter: "an entry that nobody ever published is written besides"
    }
  }

  var isRelays: Bool {
    switch self {
    case .loseRelay, .duplicateRelay, .reorderKey, .reorderAcross, .wrongBodyRelay, .crashRelay, .phantomRelay, .leak: true
    case .loseWriter, .duplicateWriter, .stale, .wrongBodyWriter, .crashWriter, .expire, .phantomWriter: false
    }
  }
}
