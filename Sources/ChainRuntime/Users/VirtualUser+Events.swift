import ChainIO
import ChainProgram
import Metrics

/// What the ledger is told of the origins of events.
extension VirtualUser {
  enum OriginEnd { case failed, unknown, completed, interrupted }

  func acknowledge(_ event: Int) {
    guard origins[event].isAttempting, origins[event].isIdentified else { return }
    ledger.committed(
      event: event, UnsafePointer(origins[event].values), sent: call.startedNanoseconds, acknowledged: call.endedNanoseconds)
    endOrigin(event)
  }

  func settleOrigin(_ event: Int, _ ending: OperationCall.Ending) {
    guard origins[event].isAttempting else { return }
    let values = origins[event].isIdentified ? UnsafePointer(origins[event].values) : nil
    switch ending {
    case .failed: ledger.rolledBack(event: event, values, at: lastStamp)
    // An origin that ended well and was never acknowledged (a capture failed): it happened, and nobody knows under which id.
    case .unknown, .ok: ledger.unknown(event: event, values, sent: call.startedNanoseconds, at: lastStamp)
    }
    endOrigin(event)
  }

  /// After the ledger has been told what became of it, so that fences do not stop in between.
  private func endOrigin(_ event: Int) {
    ledger.originEnded(event: event, origins[event].number)
    origins[event].reset()
  }

  func settleOrigins(_ end: OriginEnd) {
    for event in 0..<eventCount where origins[event].isAttempting {
      switch end {
      case .failed: settleOrigin(event, .failed)
      case .unknown, .completed: settleOrigin(event, .unknown)
      case .interrupted: settleOrigin(event, call.lease == nil ? .unknown : .failed)
      }
    }
  }
}
