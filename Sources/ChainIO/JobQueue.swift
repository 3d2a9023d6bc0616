/// The jobs of a reactor, first in, first out, in a ring of plain memory: a job is moved in and moved out again, so that it is counted once.
/// Calls that have ended, of which there are several for each iteration, are not counted at all.
struct JobQueue: ~Copyable {
  enum Entry {
    case job(any ReactorJob)
    case call(Unmanaged<OperationCall>)

    @inline(__always)
    consuming func run(now: UInt64) {
      switch consume self {
      case .job(let job): job.run(now: now)
      case .call(let call): call._withUnsafeGuaranteedRef { $0.tellOwner() }
      }
    }
  }
  private var ring: UnsafeMutablePointer<Entry>
  /// A power of two.
  private var capacity = 64
  private var first = 0
  private var count = 0

  init() { ring = .allocate(capacity: capacity) }

  deinit {
    for offset in 0..<count {
      if case .call(let call) = (ring + ((first + offset) & (capacity - 1))).move() { call.release() }
    }
    ring.deallocate()
  }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ job: any ReactorJob) { append(.job(job)) }

  /// - Parameter call: It has ended, and keeps itself until its owner was told.
  mutating func append(call: OperationCall) { append(.call(.passUnretained(call))) }

  @inline(__always)
  private mutating func append(_ entry: consuming Entry) {
    if count == capacity { grow() }
    (ring + ((first + count) & (capacity - 1))).initialize(to: entry)
    count += 1
  }

  mutating func takeFirst() -> Entry? {
    guard count > 0 else { return nil }
    let entry = (ring + first).move()
    first = (first + 1) & (capacity - 1)
    count -= 1
    return entry
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
    for offset in 0..<count { (larger + offset).moveInitialize(from: ring + ((first + offset) & (capacity - 1)), count: 1) }
    ring.deallocate()
    ring = larger
    first = 0
    capacity *= 2
  }
}
