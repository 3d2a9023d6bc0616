/// What makes two failures the same failure: where, against what, of which class and code, and the masked message.
package struct ErrorFingerprint: Hashable, Sendable {
  /// Row of the start record's step table; nil outside of steps (setup, observers).
  package var step: Int?
  /// The kind of target: `postgres`, `rabbitmq`, `redis`, `http`; empty for the chain's own failures.
  package var target: String
  /// What kind of failure: `timeout`, `refused`, `constraint`, `check`, `other`.
  package var errorClass: String
  /// The system's own code: SQLSTATE, AMQP reply code, Redis error word, HTTP status, errno name; may be empty.
  package var code: String
  /// Masked (``ErrorMask``), so that values do not split one cause into thousands, or reach a report.
  package var message: String

  /// Masks `message`.
  package init(step: Int?, target: String, errorClass: String, code: String, message: String) {
    self.init(step: step, target: target, errorClass: errorClass, code: code, maskedMessage: ErrorMask.mask(message))
  }

  package init(step: Int?, target: String, errorClass: String, code: String, maskedMessage: String) {
    self.step = step
    self.target = target
    self.errorClass = errorClass
    self.code = code
    self.message = maskedMessage
  }

  /// What failures are counted as once there are too many fingerprints.
  package static let other = ErrorFingerprint(
    step: nil, target: "", errorClass: "other", code: "", maskedMessage: "failures beyond the first 1000 kinds")
}
