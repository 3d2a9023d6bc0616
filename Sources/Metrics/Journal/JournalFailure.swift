package import LosslessJSON

/// Failures of one fingerprint since the last such record: one line stands for many, so an outage does not flood the disk.
///
/// Fill it for a single failure (`count: 1`), or let an ``ErrorTable`` gather them and drain it each second.
package struct JournalFailure: JournalRecord, Hashable {
  package static let kind = JournalKind.failure

  package var fingerprint: ErrorFingerprint
  package var count: UInt64
  /// CLOCK_MONOTONIC nanoseconds.
  package var firstNanoseconds: UInt64
  package var lastNanoseconds: UInt64
  /// Up to three instants, the earliest ones.
  package var exampleNanoseconds: [UInt64]
  /// Under which circumstances, as far as they are known: at most 64 different ones in a record.
  package var attributes = FailureAttributeCounts()

  package init(
    fingerprint: ErrorFingerprint, count: UInt64 = 1, firstNanoseconds: UInt64, lastNanoseconds: UInt64, exampleNanoseconds: [UInt64]
  ) {
    self.fingerprint = fingerprint
    self.count = count
    self.firstNanoseconds = firstNanoseconds
    self.lastNanoseconds = lastNanoseconds
    self.exampleNanoseconds = exampleNanoseconds
  }

  package init(fingerprint: ErrorFingerprint, atNanoseconds: UInt64) {
    self.init(
      fingerprint: fingerprint, firstNanoseconds: atNanoseconds, lastNanoseconds: atNanoseconds, exampleNanoseconds: [atNanoseconds])
  }

  package func writeMembers(to json: inout JSONWriter) {
    json.optional("step", fingerprint.step)
    json.member("target", fingerprint.target)
    json.member("class", fingerprint.errorClass)
    json.member("code", fingerprint.code)
    json.member("message", fingerprint.message)
    json.member("count", count)
    json.member("first_ns", firstNanoseconds)
    json.member("last_ns", lastNanoseconds)
    json.list("examples", exampleNanoseconds) { $1.unsigned($0) }
    attributes.write(to: &json)
  }

  package init(_ json: JSONValue) {
    self.init(
      fingerprint: ErrorFingerprint(
        step: json.optionalInt("step"), target: json.text("target"), errorClass: json.text("class"), code: json.text("code"),
        maskedMessage: json.text("message")),
      count: json.unsigned("count"), firstNanoseconds: json.unsigned("first_ns"), lastNanoseconds: json.unsigned("last_ns"),
      exampleNanoseconds: json.list("examples") { $0.integer() ?? 0 })
    attributes = FailureAttributeCounts(json)
  }
}
