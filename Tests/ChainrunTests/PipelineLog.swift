import Foundation
import LosslessJSON

/// What OrderPipeline says that it did (see `ActivityLog` there), in the order in which it did it.
struct PipelineLog {
  /// One line. Times are nanoseconds of CLOCK_MONOTONIC.
  struct Act {
    let deed: String
    let from, to, taken: UInt64
    let id: Int64
    let key, version: Int64?
    let amount: Double?
    let entry, fault: String?
    /// Whether the broker said that the message had been delivered before.
    let isRedelivered: Bool
  }

  let acts: [Act]

  init(_ path: String) throws {
    acts = try RunResults.text(path).split(separator: "\n").compactMap { line in
      let value = try JSONDocument(parsing: String(line)).root
      guard let deed = value["do"]?.string, let id = value["id"]?.integer(as: Int64.self) else { return nil }
      func time(_ name: String) -> UInt64 { value[name]?.integer(as: UInt64.self) ?? 0 }
      return Act(
        deed: deed, from: time("from_ns"), to: time("to_ns"), taken: time("taken_ns"), id: id, key: value["key"]?.integer(as: Int64.self),
        version: value["version"]?.integer(as: Int64.self), amount: Double(value["amount"]?.numberText ?? ""),
        entry: value["entry"]?.string, fault: value["fault"]?.string, isRedelivered: value["redelivered"]?.bool == true)
    }
  }

  var publishes: [Act] { acts.filter { $0.deed == "publish" } }
  var writes: [Act] { acts.filter { $0.deed == "write" } }
  func count(_ deed: String, _ fault: String) -> Int { acts.reduce(0) { $0 + ($1.deed == deed && $1.fault == fault ? 1 : 0) } }
}
