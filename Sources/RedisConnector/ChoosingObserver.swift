import ChainIO
import ChainProgram

/// Observes in the best way that the server and its permissions allow: tries one after the other when it is armed, and then stands for the
/// one that could be.
///
/// Trying is the only question whose answer is certain: `ACL DRYRUN` needs Redis 7 and a right of administration, and a server's version does
/// not say what a proxy in front of it lets through.
final class ChoosingObserver: SeekingObserver {
  struct Candidate {
    let mode: String
    /// The argument says why those before it could not be; empty for the first.
    let make: (String) -> any HopObserver
  }

  private let candidates: [Candidate]
  /// Behind the message when none of them can be.
  private let advice: String
  private(set) var current: (any HopObserver)?
  /// The current one, if it wants to know what is on its way.
  private var seeker: (any SeekingObserver)?
  var isSeeking: Bool { seeker?.isSeeking == true }
  private var refusals: [(mode: String, error: OperationError)] = []
  private var isClosed = false

  init(_ candidates: [Candidate], advice: String) {
    self.candidates = candidates
    self.advice = advice
  }

  func arm(deadline: UInt64, completion: @escaping (OperationError?) -> Void) { tryNext(0, deadline: deadline, completion: completion) }

  private func tryNext(_ index: Int, deadline: UInt64, completion: @escaping (OperationError?) -> Void) {
    let observer = candidates[index].make(refusals.map { "not \($0.mode): \($0.error.message)" }.joined(separator: "; "))
    observer.isFencing = isFencing
    current = observer
    seeker = observer as? any SeekingObserver
    observer.arm(deadline: deadline) { [self] error in
      guard let error, !isClosed else { return completion(error) }
      guard ChoosingObserver.isRefusal(error) else { return completion(error) }
      observer.close()
      refusals.append((candidates[index].mode, error))
      if index + 1 < candidates.count { return tryNext(index + 1, deadline: deadline, completion: completion) }
      completion(
        OperationError(
          .connect, code: error.code, refusals.map { "\($0.mode): \($0.error.message)" }.joined(separator: "; ") + advice))
    }
  }

  /// Whether the server said no to this way of observing, so that another may do.
  private static func isRefusal(_ error: OperationError) -> Bool {
    error.class == .connect && ["NOPERM", "ERR", "keyspace-off"].contains(error.code)
  }

  var isFencing = false {
    didSet { current?.isFencing = isFencing }
  }
  var fencePauseNanoseconds: UInt64 {
    get { current?.fencePauseNanoseconds ?? 1_000_000 }
    set { current?.fencePauseNanoseconds = newValue }
  }

  func close() {
    isClosed = true
    current?.close()
  }

  var mode: String { current?.mode ?? candidates[0].mode }
  var reason: String { current?.reason ?? "" }
  var operationsSent: UInt64 { current?.operationsSent ?? 0 }
  var fencesSent: UInt64 { current?.fencesSent ?? 0 }
  var countsRepeats: Bool { current?.countsRepeats ?? false }
  var followsChanges: Bool { current?.followsChanges ?? true }

  func seek(_ number: Int, id: Value, place: [UInt8]) { seeker?.seek(number, id: id, place: place) }
  func forget(_ number: Int) { seeker?.forget(number) }
  func absentSince(_ number: Int) -> UInt64 { seeker?.absentSince(number) ?? 0 }
}
