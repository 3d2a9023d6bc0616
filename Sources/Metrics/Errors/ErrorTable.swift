/// Gathers failures by fingerprint, at most ``capacity`` kinds and then `other`, so that counts are never lost.
///
/// Owned by one thread. `drain` each second and write what it returns; readers add the records up again.
package struct ErrorTable: Sendable {
  package static let capacity = 1_000
  package static let exampleLimit = 3

  /// In the order in which each kind was first seen.
  package private(set) var failures: [JournalFailure] = []
  private var positions: [ErrorFingerprint: Int] = [:]
  /// Kinds seen over the table's life: draining does not open room for new ones.
  private var known: Set<ErrorFingerprint> = []
  private let limit: Int

  package init(limit: Int = ErrorTable.capacity) {
    self.limit = limit
  }

  package var isEmpty: Bool { failures.isEmpty }
  package var totalCount: UInt64 { failures.reduce(0) { $0 &+ $1.count } }

  package mutating func record(_ fingerprint: ErrorFingerprint, atNanoseconds: UInt64, attributes: [FailureAttribute] = []) {
    var failure = JournalFailure(fingerprint: fingerprint, atNanoseconds: atNanoseconds)
    for attribute in attributes { failure.attributes.add(attribute) }
    add(failure)
  }

  package mutating func add(_ failure: JournalFailure) {
    guard failure.count > 0 else { return }
    var failure = failure
    if !known.contains(failure.fingerprint) {
      if known.count < limit || failure.fingerprint == .other {
        known.insert(failure.fingerprint)
      } else {
        failure.fingerprint = .other
      }
    }
    guard let position = positions[failure.fingerprint] else {
      failure.exampleNanoseconds = Array(failure.exampleNanoseconds.prefix(Self.exampleLimit))
      positions[failure.fingerprint] = failures.count
      failures.append(failure)
      return
    }
    failures[position].count &+= failure.count
    failures[position].firstNanoseconds = min(failures[position].firstNanoseconds, failure.firstNanoseconds)
    failures[position].lastNanoseconds = max(failures[position].lastNanoseconds, failure.lastNanoseconds)
    failures[position].attributes.add(failure.attributes)
    let room = Self.exampleLimit - failures[position].exampleNanoseconds.count
    failures[position].exampleNanoseconds.append(contentsOf: failure.exampleNanoseconds.prefix(room))
  }

  /// What was gathered since the last call.
  package mutating func drain() -> [JournalFailure] {
    defer {
      failures.removeAll(keepingCapacity: true)
      positions.removeAll(keepingCapacity: true)
    }
    return failures
  }
}
