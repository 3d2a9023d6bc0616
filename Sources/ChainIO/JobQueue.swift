/// The jobs of a reactor, first in, first out, in a ring of plain memory: a job is moved in and moved out again, so that it is counted once.
struct JobQueue: ~Copyable {
  private var ring: UnsafeMutablePointer<any ReactorJob>
  /// A power of two.
  private var capacity = 64
  private var first = 0
  private var count = 0

  init() { ring = .allocate(capacity: capacity) }

  deinit {
    for offset in 0..<count { (ring + ((first + offset) & (capacity - 1))).deinitialize(count: 1) }
    ring.deallocate()
  }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ job: any ReactorJob) {
    if count == capacity { grow() }
    (ring + ((first + count) & (capacity - 1))).initialize(to: job)
    count += 1
  }

  mutating func takeFirst() -> (any ReactorJob)? {
    guard count > 0 else { return nil }
    let job = (ring + first).move()
    first = (first + 1) & (capacity - 1)
    count -= 1
    return job
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<any ReactorJob>.allocate(capacity: capacity * 2)
    for offset in 0..<count { (larger + offset).moveInitialize(from: ring + ((first + offset) & (capacity - 1)), count: 1) }
    ring.deallocate()
    ring = larger
    first = 0
    capacity *= 2
  }
}
