import ChainIO

/// Values that were asked for because their keys changed, in the order of the questions.
struct ValueReadQueue: ~Copyable {
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
    /// The queue owns it: it is counted once, when it is made.
    let result: Unmanaged<OperationResult>

    mutating func arrived(_ outcome: ReplyOutcome, now: UInt64) {
      arrivedNanoseconds = now
      value = .present
      switch outcome {
      case .value:
        let isText = result._withUnsafeGuaranteedRef { result in
          guard let node = result.nodes.first, case .text = node.kind else { return false }
          result.body = node.place
          result.hasBody = true
          return true
        }
        if !isText { value = .missing }
      // A key that is no string, or a value beyond all bounds: seen, with nothing to show.
      case .error, .tooLarge: break
      }
    }
  }

  private var reads = SequenceQueue<Read>()
  /// The number of the oldest read whose value has not come.
  private var nextToArrive = 0
  /// The number of the latest read of each key, by the key's hash. A collision makes a bracket wider, never wrong.
  private var latest = LatestReads()
  private var spare: ContiguousArray<Unmanaged<OperationResult>> = []

  deinit {
    for result in spare { result.release() }
    for number in reads.first..<reads.next { reads[number].result.release() }
  }

  /// Where the next value is written.
  var target: Unmanaged<OperationResult>? { reads.contains(nextToArrive) ? reads[nextToArrive].result : nil }

  /// The least lower bound among the reads that are under way; `UInt64.max` if there are none.
  var earliestNotBefore: UInt64 { reads.isEmpty ? .max : reads[reads.first].notBefore }

  mutating func noticed(_ key: UnsafeRawBufferPointer, notBefore: UInt64, seen: UInt64) {
    let result = spare.popLast() ?? .passRetained(OperationResult())
    // Notices come in bursts: the next one's.
    spare.last?._withUnsafeGuaranteedRef { $0.prefetch() }
    result._withUnsafeGuaranteedRef { $0.setKey(key) }
    let hash = ValueReadQueue.hash(key)
    let number = reads.append(Read(notBefore: notBefore, seen: seen, keyHash: hash, result: result))
    if let earlier = latest.note(number, of: hash) { reads[earlier].isOvertaken = true }
  }

  mutating func valueArrived(_ outcome: ReplyOutcome, now: UInt64) {
    guard reads.contains(nextToArrive) else { preconditionFailure("a value that was not asked for") }
    reads[nextToArrive].arrived(outcome, now: now)
    nextToArrive += 1
    prefetchNext()
  }

  /// The memory of those that come next: the second one's own, and where the first one's value will stand.
  private func prefetchNext() {
    guard nextToArrive < reads.next else { return }
    reads[nextToArrive].result._withUnsafeGuaranteedRef { $0.prefetchContent() }
    if nextToArrive + 1 < reads.next { reads[nextToArrive + 1].result._withUnsafeGuaranteedRef { $0.prefetch() } }
  }

  /// The next read whose value has come. Give it back with `recycle`.
  mutating func popArrived() -> Read? {
    guard reads.first < nextToArrive, !reads.isEmpty else { return nil }
    let number = reads.first
    guard var read = reads.popFirst() else { return nil }
    latest.forget(number, of: read.keyHash)
    if read.isOvertaken { read.seen = max(read.seen, read.arrivedNanoseconds) }
    return read
  }

  mutating func recycle(_ read: Read) {
    read.result._withUnsafeGuaranteedRef { $0.clear() }
    if spare.count < 1024 { spare.append(read.result) } else { read.result.release() }
  }

  mutating func removeAll() {
    while let read = reads.popFirst() { recycle(read) }
    reads = SequenceQueue()
    nextToArrive = 0
    latest = LatestReads()
  }

  /// FNV-1a.
  private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }
}

/// The latest read of each key that is under way, by the key's hash: open addressing, half empty, for the few hundred that there are.
struct LatestReads {
  private struct Place {
    var hash: UInt64 = 0
    /// -1: empty.
    var number = -1
  }
  private var places = ContiguousArray(repeating: Place(), count: 64)
  private var count = 0

  /// - Returns: the read of this key that was the latest so far, if it is still under way.
  mutating func note(_ number: Int, of hash: UInt64) -> Int? {
    var at = home(hash)
    while places[at].number >= 0 {
      if places[at].hash == hash {
        defer { places[at].number = number }
        return places[at].number
      }
      at = (at + 1) & (places.count - 1)
    }
    places[at] = Place(hash: hash, number: number)
    count += 1
    if count * 2 > places.count { grow() }
    return nil
  }

  /// The read has come: unless there is a later one, nothing of this key is under way any more.
  mutating func forget(_ number: Int, of hash: UInt64) {
    var hole = home(hash)
    while places[hole].number >= 0, places[hole].hash != hash { hole = (hole + 1) & (places.count - 1) }
    guard places[hole].number == number else { return }
    count -= 1
    // Whoever could have stood in the hole moves there.
    var at = (hole + 1) & (places.count - 1)
    while places[at].number >= 0 {
      if (at &- home(places[at].hash)) & (places.count - 1) >= (at &- hole) & (places.count - 1) {
        places[hole] = places[at]
        hole = at
      }
      at = (at + 1) & (places.count - 1)
    }
    places[hole].number = -1
  }

  private mutating func grow() {
    let old = places
    places = ContiguousArray(repeating: Place(), count: old.count * 2)
    for place in old where place.number >= 0 {
      var at = home(place.hash)
      while places[at].number >= 0 { at = (at + 1) & (places.count - 1) }
      places[at] = place
    }
  }

  /// The key's hash is mixed well in its upper half only.
  private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32 ^ hash) & (places.count - 1) }
}
