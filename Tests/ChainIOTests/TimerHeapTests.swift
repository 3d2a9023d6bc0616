import Testing

@testable import ChainIO

struct TimerHeapTests {
  private final class Owner: TimerOwner {
    func timerFired(_ timer: ReactorTimer, now: UInt64) {}
  }

  /// SplitMix64, so that a failure can be run again.
  private struct Random {
    var state: UInt64
    mutating func next(below bound: UInt64) -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return (mixed ^ (mixed >> 31)) % bound
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func `whatever is armed, moved and disarmed, exactly what is due fires, in the order of its times`(_ seed: UInt64) {
    var random = Random(state: seed)
    var heap = TimerHeap()
    let owner = Owner()
    let timers = (0..<60).map { ReactorTimer(owner: owner, tag: $0) }
    var model: [Int: UInt64] = [:]
    var now: UInt64 = 1000
    for step in 0..<20_000 {
      let timer = timers[Int(random.next(below: 60))]
      switch random.next(below: 10) {
      case 0..<6:
        // Sometimes in the past.
        let due = now + random.next(below: 200) - 20
        heap.arm(timer, at: due)
        model[timer.tag] = due
      case 6..<8:
        timer.disarm()
        model[timer.tag] = nil
      default:
        now += random.next(below: 40)
        var fired: [UInt64] = []
        while let due = heap.popDue(now: now) {
          guard let time = model.removeValue(forKey: due.tag) else {
            Issue.record("timer \(due.tag) fired though it was not armed, seed \(seed), step \(step)")
            return
          }
          fired.append(time)
          #expect(!due.isArmed)
          // Re-armed from its own firing.
          if random.next(below: 4) == 0 {
            heap.arm(due, at: now + 1 + random.next(below: 50))
            model[due.tag] = due.dueNanoseconds
          }
        }
        if fired != fired.sorted() { Issue.record("out of order: \(fired), seed \(seed), step \(step)") }
        if let left = model.values.min(), left <= now {
          Issue.record("what was due at \(left) did not fire by \(now), seed \(seed), step \(step)")
        }
        // Nobody is to wake up for a timer that was moved or disarmed.
        let earliest = heap.earliestNanoseconds()
        #expect(earliest == model.values.min() ?? .max)
      }
      for (tag, due) in model where timers[tag].dueNanoseconds != due { Issue.record("timer \(tag) has lost its time") }
    }
  }

  @Test func `a timer that is moved later fires once, at the later time`() {
    var heap = TimerHeap()
    let timer = ReactorTimer(owner: Owner())
    heap.arm(timer, at: 10)
    for due: UInt64 in [20, 30, 40] { heap.arm(timer, at: due) }
    #expect(heap.popDue(now: 39) == nil)
    #expect(heap.popDue(now: 40) === timer)
    #expect(heap.popDue(now: 1000) == nil)
    let earliest = heap.earliestNanoseconds()
    #expect(earliest == .max)
  }

  @Test func `a heap that goes away lets go of its timers`() {
    weak var timer: ReactorTimer?
    do {
      var heap = TimerHeap()
      let strong = ReactorTimer(owner: Owner())
      timer = strong
      for due: UInt64 in [50, 40, 30] { heap.arm(strong, at: due) }
      #expect(heap.popDue(now: 30) === strong)
    }
    #expect(timer == nil)
  }
}
