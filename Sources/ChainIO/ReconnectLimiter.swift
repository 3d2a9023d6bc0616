package import ChainProgram

/// When lost connections may be tried again: at most so many of one declared connection in any second, however many were lost at once.
///
/// A server that comes back would have to serve the logins of a whole pool in the same moment, and of all its clients' pools. So attempts stand at
/// least a fixed time apart (a bucket of one token), and up to half of that more, at random: clients that lost theirs together drift apart.
package struct ReconnectLimiter: Sendable {
  private let spacingNanoseconds: UInt64
  /// Nanoseconds: the last attempt that was granted.
  private var last: UInt64 = 0
  private var random: UInt64

  package static let perSecondDefault = 50

  /// - Parameter perSecond: 0 for no limit.
  package init(perSecond: Int, seed: UInt64 = MonotonicClock.now) {
    spacingNanoseconds = perSecond > 0 ? 1_000_000_000 / UInt64(perSecond) : 0
    random = seed
  }

  /// As the connection's `reconnects_per_second` says.
  package init(_ declaration: ConnectionDeclaration) {
    guard case .integer(let perSecond)? = declaration.option("reconnects_per_second") else {
      self.init(perSecond: ReconnectLimiter.perSecondDefault)
      return
    }
    self.init(perSecond: Int(clamping: max(0, perSecond)))
  }

  /// The key with which a connector offers it.
  package static let key = KeySchema(
    "reconnects_per_second", .integer, summary: "How many lost connections may be opened again in a second; 50 if not given, 0 for no limit.")

  /// Takes the next place in line.
  ///
  /// - Parameter earliest: Nanoseconds: not before then.
  /// - Returns: Nanoseconds: when to try.
  package mutating func reserve(earliest: UInt64) -> UInt64 {
    guard spacingNanoseconds > 0 else { return earliest }
    // SplitMix64, as everywhere where nothing depends on the quality.
    random &+= 0x9E37_79B9_7F4A_7C15
    var mixed = random
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    let jitter = (mixed ^ (mixed >> 31)) % max(1, spacingNanoseconds / 2)
    last = last == 0 ? earliest : max(earliest, last &+ spacingNanoseconds &+ jitter)
    return last
  }
}
