import Foundation
import Synchronization

/// What the pipeline did, as NDJSON: the truth that chainrun's ledger is compared with.
///
///     {"do":"publish","from_ns":81,"to_ns":95,"taken_ns":77,"id":12,"key":3,"version":1,"amount":12.10,"entry":null,
///      "redelivered":false,"fault":null}
///
/// `from_ns` was read before the operation, `to_ns` after its confirm or reply, `taken_ns` when the relay read the row or the writer got the
/// message, all of CLOCK_MONOTONIC. `do` is `publish`, `write`, `omit` (an event that goes no further) or `crash`, and `start` for the
/// first line of each role, which also holds a reading of both clocks. `entry` is the cache's key that was written. `fault` names what makes this line differ from what should be done.
final class ActivityLog: Sendable {
  private let descriptor: Int32
  private let buffer = Mutex<[UInt8]>([])

  init(path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw PipelineError("'\(path)' cannot be written: \(String(cString: strerror(errno)))") }
  }

  deinit {
    flush()
    close(descriptor)
  }

  enum Deed: String {
    case publish, write, omit, crash
  }

  func started(_ role: Role) {
    append(#"{"do":"start","role":"\#(role.rawValue)","monotonic_ns":\#(monotonicNow()),"realtime_ns":\#(realtimeNow())}"#)
  }

  /// - Parameter fault: A `FaultKind`, or `skip-late`.
  func record(
    _ deed: Deed, from: UInt64, to: UInt64, taken: UInt64, _ facts: OrderFacts, entry: String? = nil, isRedelivered: Bool = false,
    fault: String? = nil
  ) {
    func text(_ number: Int64?) -> String { number.map(String.init) ?? "null" }
    func quoted(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "null" }
    append(
      #"{"do":"\#(deed.rawValue)","from_ns":\#(from),"to_ns":\#(to),"taken_ns":\#(taken),"id":\#(facts.id),"key":\#(text(facts.key)),"#
        + #""version":\#(text(facts.version)),"amount":\#(facts.amount ?? "null"),"entry":\#(quoted(entry)),"#
        + #""redelivered":\#(isRedelivered),"fault":\#(quoted(fault))}"#)
  }

  private func append(_ line: String) {
    buffer.withLock { buffer in
      buffer.append(contentsOf: line.utf8)
      buffer.append(UInt8(ascii: "\n"))
    }
  }

  /// Writes what has gathered; called each second and at the end.
  func flush() {
    let bytes = buffer.withLock { buffer in
      defer { buffer.removeAll(keepingCapacity: true) }
      return buffer
    }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, bytes.count - written) }
      guard count > 0 else { return }
      written += count
    }
  }
}
