import ChainIO

/// Values that were asked for because their keys changed, in the order of the questions.
struct ValueReadQueue {
  struct Read {
    enum Value {
      case pending
      case missing
      case present
    }
    let notBefore: UInt64
    /// Nanoseconds: the notice was read; or the value, where the key changed again in between and the value may be the newer one.
    var seen: UInt64
    let keyHash: UInt64
    var isOvertaken = false
    var value = Value.pending
    var arrivedNanoseconds: UInt64 = 0
    let result: OperationResult
  }

  private var reads = SequenceQueue<Read>()
  /// The number of the oldest read whose value has not come.
  private var nextToArrive = 0
  /// The number of the latest read of each key, by the key's hash. A collision makes a bracket wider, never wrong.
  private var latest: [UInt64: Int] = [:]
  private var spare: ContiguousArray<OperationResult> = []

  /// Where the next value is written.
  var target: OperationResult? { reads.contains(nextToArrive) ? reads[nextToArrive].result : nil }

  /// The least lower bound among the reads that are under way; `UInt64.max` if there are none.
  var earliestNotBefore: UInt64 { reads.isEmpty ? .max : reads[reads.first].notBefore }

  mutating func noticed(_ key: UnsafeRawBufferPointer, notBefore: UInt64, seen: UInt64) {
    let result = spare.popLast() ?? OperationResult()
    result.setKey(key)
    let hash = ValueReadQueue.hash(key)
    if let earlier = latest[hash] { reads[earlier].isOvertaken = true }
    latest[hash] = reads.append(Read(notBefore: notBefore, seen: seen, keyHash: hash, result: result))
  }

  mutating func valueArrived(_ outcome: ReplyOutcome, now: UInt64) {
    guard reads.contains(nextToArrive) else { preconditionFailure("a value that was not asked for") }
    var read = reads[nextToArrive]
    read.arrivedNanoseconds = now
    read.value = .present
    switch outcome {
    case .value:
      if let node = read.result.nodes.first, node.kind == .text {
        read.result.body = node.place
        read.result.hasBody = true
      } else {
        read.value = .missing
      }
    // A key that is no string, or a value beyond all bounds: seen, with nothing to show.
    case .error, .tooLarge: break
    }
    reads[nextToArrive] = read
    nextToArrive += 1
  }

  /// The next read whose value has come. Give it back with `recycle`.
  mutating func popArrived() -> Read? {
    guard reads.first < nextToArrive, !reads.isEmpty else { return nil }
    let number = reads.first
    guard var read = reads.popFirst() else { return nil }
    if latest[read.keyHash] == number { latest[read.keyHash] = nil }
    if read.isOvertaken { read.seen = max(read.seen, read.arrivedNanoseconds) }
    return read
  }

  mutating func recycle(_ read: Read) {
    read.result.clear()
    if spare.count < 1024 { spare.append(read.result) }
  }

  mutating func removeAll() {
    reads = SequenceQueue()
    nextToArrive = 0
    latest.removeAll(keepingCapacity: true)
  }

  /// FNV-1a.
  private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }
}
