import ChainIO
import ChainProgram

/// What a `retry:` lets pass.
enum RetryRule {
  /// Whether the error's class or code is among those listed; SQL conditions may be given by name.
  static func matches(_ retry: RetryDescription, _ error: OperationError) -> Bool {
    retry.errors.contains { listed in
      listed == error.class.rawValue || listed == error.code || sqlState[listed].map { $0 == error.code } ?? false
    }
  }

  /// The pause before the next attempt: grows by the factor, at most the maximum, and a random half of it is taken away, so that users who failed
  /// together do not come back together.
  ///
  /// - Parameters:
  ///   - attempt: 0 for the first further attempt.
  ///   - unit: A random number in [0, 1).
  static func pause(_ retry: RetryDescription, attempt: Int, unit: Double) -> UInt64 {
    var pause = Double(retry.pauseNanoseconds)
    for _ in 0..<min(attempt, 64) { pause = min(pause * retry.factor, Double(retry.pauseMaxNanoseconds)) }
    return UInt64(min(pause, Double(retry.pauseMaxNanoseconds)) * (1 - unit / 2))
  }

  /// Condition names of PostgreSQL, manual, appendix A: those that a repetition can help with.
  static let sqlState: [String: String] = [
    "serialization_failure": "40001", "deadlock_detected": "40P01", "lock_not_available": "55P03", "unique_violation": "23505",
    "foreign_key_violation": "23503", "query_canceled": "57014", "admin_shutdown": "57P01", "cannot_connect_now": "57P03",
    "too_many_connections": "53300", "transaction_rollback": "40000",
  ]
}
