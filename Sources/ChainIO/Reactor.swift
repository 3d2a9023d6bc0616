internal import CLinux
import Glibc
import Synchronization

/// Told that a descriptor is ready. Called on the reactor's thread.
package protocol ReadinessSource: AnyObject {
  func descriptorReady(_ readiness: Readiness, now: UInt64)
}

/// Something to be run on the reactor's thread in this turn, after all descriptors and timers were served.
package protocol ReactorJob: AnyObject {
  func run(now: UInt64)
}

/// Something that gathers work during a turn and does it once at the turn's end, such as a transport's write.
package protocol TurnFlushable: AnyObject {
  func turnEnded(now: UInt64)
}

package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  package static var readable: Readiness { Readiness(rawValue: EPOLLIN.rawValue) }
  package static var writable: Readiness { Readiness(rawValue: EPOLLOUT.rawValue) }
  /// The peer closed or an error is pending; the next read or write tells which. Always reported.
  package static var closed: Readiness { Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue) }
  /// A constant and no array literal: making the set of one costs an allocation and 1 600 instructions, at each descriptor that is ready.
  package static var readableAndWritable: Readiness { Readiness(rawValue: EPOLLIN.rawValue | EPOLLOUT.rawValue) }

  package var isReadable: Bool { rawValue & Readiness.readable.rawValue != 0 }
  package var isClosed: Bool { rawValue & Readiness.closed.rawValue != 0 }
  package var isWritable: Bool { rawValue & Readiness.writable.rawValue != 0 }
  /// A read would tell something: bytes, the end, or what is wrong.
  package var wantsRead: Bool { rawValue & (Readiness.readable.rawValue | Readiness.closed.rawValue) != 0 }
}

/// One descriptor's entry in a reactor. Deregister it before closing the descriptor.
package struct Registration: Sendable, Hashable {
  fileprivate let index: UInt32
  fileprivate let generation: UInt32
}

/// An epoll loop on the thread that calls `run`.
///
/// Everything attached to a reactor (drivers, virtual users, timers) lives on that thread and is not `Sendable`; other threads reach it
/// through its `mailbox` only. A turn is: wait; serve ready descriptors; fire due timers; run the jobs that those made ready; flush.
/// Jobs run after the descriptors so that a driver is never re-entered while it reads its replies.
package final class Reactor {
  package let mailbox: ReactorMailbox
  private let epoll: Int32
  private var sources: [Slot] = []
  private var freeSlots: [UInt32] = []
  private var timers = TimerHeap()
  private var alarm: Alarm
  private var jobs = JobQueue()
  private var flushables: ContiguousArray<any TurnFlushable> = []
  private var isStopping = false
  private let events: UnsafeMutablePointer<epoll_event>
  private static let eventCapacity = 512
  /// What the kernel tells for descriptors of the reactor's own: indices that no source has.
  private static let mailboxMark = UInt64.max, alarmMark = UInt64.max - 1
  /// The loop runs for a few microseconds at a time, and each time it waits for a processor everything it measures is late. The shortest
  /// slice that the kernel gives, so that it is run before the busy threads of servers on the same machine.
  private static let sliceNanoseconds: UInt = 100_000
  /// Shared by all transports of this reactor: bytes are consumed before the read returns.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

  /// Kept alive with the reactor, and how a mailbox message finds what it is for: the run on this reactor.
  package var attachment: AnyObject?

  /// When the current turn began: nanoseconds of CLOCK_MONOTONIC.
  package private(set) var now = MonotonicClock.now
  /// How long the longest turn took, waiting excluded: nanoseconds. Reset by whoever reports it.
  package var turnNanosecondsMax: UInt64 = 0
  package private(set) var turns: UInt64 = 0
  private var turnStart: UInt64 = 0

  /// The turns so far, and the one under way until here, were of something that is over: connecting, of which each password costs
  /// milliseconds.
  package func forgetTurns() {
    turnNanosecondsMax = 0
    turnStart = MonotonicClock.now
  }
  /// How late the observers' bytes were read. Reset by whoever reports it.
  package var observerReads = ObserverReads()

  private struct Slot {
    var source: (any ReadinessSource)? {
      didSet { address = source.map { UnsafeRawPointer(Unmanaged.passUnretained($0 as AnyObject).toOpaque()) } }
    }
    /// The source's, to ask for its memory without touching it.
    private(set) var address: UnsafeRawPointer?
    var generation: UInt32
    var descriptor: Int32
    var interest: Readiness
  }

  /// - Throws: an `OperationError` of class `environment` when the process is out of descriptors.
  package init() throws(OperationError) {
    epoll = clinux_epoll_create()
    guard epoll >= 0 else { throw OperationError.system("epoll_create1", errno) }
    mailbox = try ReactorMailbox()
    alarm = try Alarm()
    events = .allocate(capacity: Reactor.eventCapacity)
    guard clinux_epoll_add(epoll, mailbox.descriptor, EPOLLIN.rawValue, Reactor.mailboxMark) == 0 else {
      throw OperationError.system("epoll_ctl", errno)
    }
    guard clinux_epoll_add(epoll, alarm.descriptor, EPOLLIN.rawValue | EPOLLET.rawValue, Reactor.alarmMark) == 0 else {
      throw OperationError.system("epoll_ctl", errno)
    }
  }

  deinit {
    close(epoll)
    events.deallocate()
    readBuffer.deallocate()
  }

  /// Runs turns until `stop`. Call on the thread that is to be the reactor's.
  ///
  /// - Parameter takesShortSlices: Whether the scheduler is asked for short slices, so that what is due is done on time beside busy threads.
  ///   Where nothing is due at a set time they only cost: the thread is taken off its processor more often (closed load, 64 users, five
  ///   pairs of runs beside compilers: 0.35 to 0.63 times an iteration instead of 0.32 to 0.42, and more CPU in each pair).
  package func run(takesShortSlices: Bool = false) {
    clinux_set_timer_slack(1)
    if takesShortSlices { clinux_set_slice(Reactor.sliceNanoseconds) }
    isStopping = false
    while !isStopping { turn(waitingAtMost: 1_000_000_000) }
  }

  /// Ends `run` after the current turn.
  package func stop() { isStopping = true }

  /// One turn; for `run` and for tests.
  package func turn(waitingAtMost limit: UInt64) {
    var timeout = limit
    if !jobs.isEmpty || !flushables.isEmpty {
      timeout = 0
    } else {
      let earliest = timers.earliestNanoseconds()
      if earliest != .max {
        let current = MonotonicClock.now
        if !alarm.covers(earliest, now: current) { timeout = min(limit, earliest > current ? earliest - current : 0) }
      }
    }
    let count = clinux_epoll_wait(epoll, events, Int32(Reactor.eventCapacity), timeout)
    now = MonotonicClock.now
    turnStart = now
    alarm.timePassed(now: now)
    if count > 0 {
      for position in 0..<Int(count) { prefetchSource(of: events[position]) }
      for position in 0..<Int(count) { serve(events[position]) }
    }
    fireTimers()
    runJobs()
    flush()
    turns &+= 1
    let spent = MonotonicClock.now - turnStart
    if spent > turnNanosecondsMax { turnNanosecondsMax = spent }
  }

  /// Asks for the memory of whom the event is for.
  private func prefetchSource(of event: epoll_event) {
    var event = event
    let index = Int(clinux_epoll_data(&event) >> 32)
    guard index < sources.count, let address = sources[index].address else { return }
    UpcomingMemory.fetch(address, bytes: 192)
  }

  private func serve(_ event: epoll_event) {
    var event = event
    let data = clinux_epoll_data(&event)
    if data == Reactor.mailboxMark {
      for message in mailbox.takeAll() { message(self) }
      return
    }
    let index = Int(data >> 32)
    guard index < sources.count, sources[index].generation == UInt32(truncatingIfNeeded: data), let source = sources[index].source else { return }
    source.descriptorReady(Readiness(rawValue: event.events), now: now)
  }

  /// A timer may be armed for the past when it fires; the bound keeps one that always is from stopping the turn.
  private func fireTimers() {
    var burst = Burst()
    while !burst.isOver(), let timer = timers.popDue(now: now) { timer.fire(now: now) }
  }

  /// Jobs may add jobs; those run in the same turn, up to a bound that keeps a busy chain, or ten thousand users that start together, from
  /// starving the descriptors.
  private func runJobs() {
    var burst = Burst()
    while !burst.isOver(), let job = jobs.takeFirst() { job.run(now: now) }
  }

  /// Timers, and then jobs, may each go on for so long in one turn: what is left waits for the next one, which waits for nothing. An iteration
  /// that fails may cost fifty microseconds, and a broker that takes nothing lets hundreds fail at once. The clock is read before each 16th of
  /// them only, so that a turn with few reads none; what went before in the turn does not count, or a loop with many descriptors would never
  /// come to its jobs.
  private struct Burst {
    private static let nanosecondsMax: UInt64 = 3_000_000
    private var count = 0
    private var start: UInt64 = 0

    @inline(__always)
    mutating func isOver() -> Bool {
      count += 1
      guard count & 15 == 0 else { return false }
      let now = MonotonicClock.now
      if start == 0 { start = now }
      return now &- start > Burst.nanosecondsMax
    }
  }

  private func flush() {
    // Whoever is told may ask for more, of the same turn.
    var position = 0
    while position < flushables.count {
      flushables[position].turnEnded(now: now)
      position += 1
    }
    flushables.removeAll(keepingCapacity: true)
  }

  /// Runs `job` in this turn (or the next, when called outside one).
  package func enqueue(_ job: any ReactorJob) { jobs.append(job) }

  /// As `enqueue`, for a call that has ended. It is not counted: it keeps itself until its owner was told.
  func enqueue(call: OperationCall) { jobs.append(call: call) }

  /// Calls `flushable` once at the end of this turn. The caller keeps itself from asking twice.
  package func flushAtTurnEnd(_ flushable: any TurnFlushable) { flushables.append(flushable) }

  /// Fires `timer` at `nanoseconds` of CLOCK_MONOTONIC, or at once if that has passed. Replaces what it was armed for.
  package func arm(_ timer: ReactorTimer, at nanoseconds: UInt64) { timers.arm(timer, at: nanoseconds) }

  // Descriptors

  package func register(_ descriptor: Int32, interest: Readiness, source: any ReadinessSource) throws(OperationError) -> Registration {
    let index: UInt32
    if let free = freeSlots.popLast() {
      index = free
    } else {
      index = UInt32(sources.count)
      sources.append(Slot(source: nil, generation: 0, descriptor: -1, interest: []))
    }
    let generation = sources[Int(index)].generation &+ 1
    sources[Int(index)] = Slot(source: source, generation: generation, descriptor: descriptor, interest: interest)
    let data = UInt64(index) << 32 | UInt64(generation)
    guard clinux_epoll_add(epoll, descriptor, interest.rawValue | EPOLLRDHUP.rawValue, data) == 0 else {
      sources[Int(index)].source = nil
      freeSlots.append(index)
      throw OperationError.system("epoll_ctl", errno)
    }
    return Registration(index: index, generation: generation)
  }

  /// Changes what a descriptor is watched for. Costs a system call only if it changes.
  package func setInterest(_ interest: Readiness, for registration: Registration) {
    let index = Int(registration.index)
    precondition(sources[index].generation == registration.generation, "a registration was used after it was given back")
    guard sources[index].interest != interest else { return }
    sources[index].interest = interest
    let data = UInt64(registration.index) << 32 | UInt64(registration.generation)
    let status = clinux_epoll_modify(epoll, sources[index].descriptor, interest.rawValue | EPOLLRDHUP.rawValue, data)
    precondition(status == 0, "epoll_ctl refused to modify a registered descriptor: errno \(errno)")
  }

  /// Forgets the descriptor; an event of it that is still in this turn's batch is dropped.
  package func deregister(_ registration: Registration) {
    let index = Int(registration.index)
    guard sources[index].generation == registration.generation, sources[index].source != nil else { return }
    // The descriptor may have been closed by a library already; the kernel has forgotten it then.
    _ = clinux_epoll_delete(epoll, sources[index].descriptor)
    sources[index].source = nil
    sources[index].generation &+= 1
    freeSlots.append(registration.index)
  }
}

@available(*, unavailable)
extension Reactor: Sendable {}

/// The one way into a reactor from another thread.
package final class ReactorMailbox: Sendable {
  package typealias Message = @Sendable (Reactor) -> Void
  let descriptor: Int32
  private let messages = Mutex<[Message]>([])
  /// Messages posted so far. A test compares it with the iterations: it must not grow with them.
  private let posted = Atomic<UInt64>(0)

  init() throws(OperationError) {
    descriptor = clinux_eventfd()
    guard descriptor >= 0 else { throw OperationError.system("eventfd", errno) }
  }

  deinit { close(descriptor) }

  package var postedCount: UInt64 { posted.load(ordering: .relaxed) }

  /// Runs `message` on the reactor's thread, soon. Never blocks.
  package func post(_ message: @escaping Message) {
    messages.withLock { $0.append(message) }
    posted.wrappingAdd(1, ordering: .relaxed)
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  func takeAll() -> [Message] {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
    return messages.withLock { queue in
      let taken = queue
      queue.removeAll()
      return taken
    }
  }
}
