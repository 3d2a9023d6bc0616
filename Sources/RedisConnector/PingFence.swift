/// The lower bound of what a tracked change's time can be.
///
/// The server answers a connection in order, and reads from it only what had arrived when its loop cycle began. So with exactly one PING
/// in flight, a notice that comes after the PONG is of a change that happened after that PING was sent. With two in flight the second may
/// be read in a cycle for which the first had woken the server, and nothing would be proved.
struct PingFence {
  /// Nanoseconds: when the PING in flight was handed over; nil if there is none.
  private(set) var inFlightNanoseconds: UInt64?
  /// Nanoseconds: changes whose notices come from now on happened later than this.
  private(set) var provenNanoseconds: UInt64

  /// - Parameter armed: Nanoseconds, before the command that began the tracking was sent: no earlier change is ever told.
  init(armed: UInt64) { provenNanoseconds = armed }

  mutating func pingSent(at now: UInt64) {
    precondition(inFlightNanoseconds == nil, "exactly one PING may be in flight")
    inFlightNanoseconds = now
  }

  /// - Returns: false if no PING was in flight: the server broke the protocol.
  mutating func pongArrived() -> Bool {
    guard let sent = inFlightNanoseconds else { return false }
    provenNanoseconds = sent
    inFlightNanoseconds = nil
    return true
  }
}
