/// Told when its timer fires.
package protocol TimerOwner: AnyObject {
  /// Called on the reactor's thread, at or after the time asked for. The timer is disarmed when this is called.
  func timerFired(_ timer: ReactorTimer, now: UInt64)
}

/// A timer that is re-armed far more often than it fires, such as an operation's deadline.
///
/// Moving it later or disarming it costs two stores: its place in the heap stays and is corrected when the old time comes.
/// Belongs to one reactor and is used on its thread only.
package final class ReactorTimer {
  /// The timer keeps its owner alive while it is armed; `invalidate` breaks the cycle.
  fileprivate var owner: (any TimerOwner)?
  /// When it should fire; `UInt64.max` while disarmed.
  package fileprivate(set) var dueNanoseconds = UInt64.max
  /// When the heap looks at it next; `UInt64.max` while it is not in the heap.
  fileprivate var heapNanoseconds = UInt64.max
  /// The owner's own mark to tell several timers apart.
  package let tag: Int

  package convenience init(owner: any TimerOwner, tag: Int = 0) {
    self.init(tag: tag)
    self.owner = owner
  }

  /// Without an owner yet: for one who keeps its timer in a constant. `belong(to:)` comes before the timer is armed.
  package init(tag: Int) { self.tag = tag }

  package func belong(to owner: any TimerOwner) { self.owner = owner }

  package var isArmed: Bool { dueNanoseconds != .max }

  /// Disarms the timer. Costs one store.
  package func disarm() { dueNanoseconds = .max }

  /// Disarms for ever and lets go of the owner.
  package func invalidate() {
    dueNanoseconds = .max
    owner = nil
  }
}

/// A binary heap of timers, ordered by the time at which each must be looked at.
struct TimerHeap: ~Copyable {
  private struct Entry {
    var nanoseconds: UInt64
    var timer: Unmanaged<ReactorTimer>
  }
  private var entries: UnsafeMutablePointer<Entry>
  private var count = 0
  private var capacity = 256

  init() { entries = .allocate(capacity: capacity) }

  deinit {
    for index in 0..<count { entries[index].timer.release() }
    entries.deallocate()
  }

  /// When the earliest timer fires; `UInt64.max` if none is armed. Entries at the top whose timer was moved or disarmed go first, or back to
  /// where it stands now: nobody wakes up for them, and timers fire in the order of their times.
  mutating func earliestNanoseconds() -> UInt64 {
    while count > 0 {
      let nanoseconds = entries[0].nanoseconds
      let isCurrent = entries[0].timer._withUnsafeGuaranteedRef { timer in
        timer.heapNanoseconds == nanoseconds && timer.dueNanoseconds == nanoseconds
      }
      if isCurrent { return nanoseconds }
      let timer = pop().timer.takeRetainedValue()
      // Unless it was armed earlier since, and another entry stands for it.
      guard timer.heapNanoseconds == nanoseconds else { continue }
      timer.heapNanoseconds = .max
      if timer.isArmed { arm(timer, at: timer.dueNanoseconds) }
    }
    return .max
  }

  /// Arms `timer` for `nanoseconds`.
  mutating func arm(_ timer: ReactorTimer, at nanoseconds: UInt64) {
    timer.dueNanoseconds = nanoseconds
    // Later than its place in the heap: the heap finds out when that time comes.
    guard nanoseconds < timer.heapNanoseconds else { return }
    // Earlier, or absent. An older entry that is still in the heap is recognised as stale by its time.
    timer.heapNanoseconds = nanoseconds
    push(Entry(nanoseconds: nanoseconds, timer: Unmanaged.passRetained(timer)))
  }

  /// Takes out the next timer that is due at `now`; nil if there is none.
  mutating func popDue(now: UInt64) -> ReactorTimer? {
    let earliest = earliestNanoseconds()
    guard earliest != .max, earliest <= now else { return nil }
    let timer = pop().timer.takeRetainedValue()
    timer.heapNanoseconds = .max
    timer.dueNanoseconds = .max
    return timer
  }

  private mutating func push(_ entry: Entry) {
    if count == capacity {
      let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
      larger.moveInitialize(from: entries, count: count)
      entries.deallocate()
      entries = larger
      capacity *= 2
    }
    var index = count
    count += 1
    (entries + index).initialize(to: entry)
    while index > 0 {
      let parent = (index - 1) / 2
      guard entries[index].nanoseconds < entries[parent].nanoseconds else { break }
      swap(&entries[index], &entries[parent])
      index = parent
    }
  }

  private mutating func pop() -> Entry {
    let top = entries[0]
    count -= 1
    if count > 0 {
      entries[0] = entries[count]
      var index = 0
      while true {
        let left = 2 * index + 1
        guard left < count else { break }
        let right = left + 1
        let smaller = right < count && entries[right].nanoseconds < entries[left].nanoseconds ? right : left
        guard entries[smaller].nanoseconds < entries[index].nanoseconds else { break }
        swap(&entries[index], &entries[smaller])
        index = smaller
      }
    }
    return top
  }
}

extension ReactorTimer {
  /// Tells the owner. The reactor's own call.
  func fire(now: UInt64) { owner?.timerFired(self, now: now) }
}
