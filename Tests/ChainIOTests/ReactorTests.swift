import CLinux
import Glibc
import Testing

@testable import ChainIO

struct ReactorTests {
  /// Notes what happened, in order.
  private final class Log {
    var lines: [String] = []
  }

  private final class Pipe {
    let reading: Int32
    let writing: Int32
    init() {
      var ends: [Int32] = [0, 0]
      precondition(pipe(&ends) == 0)
      (reading, writing) = (ends[0], ends[1])
    }
    deinit {
      close(reading)
      close(writing)
    }
    func poke() {
      var byte: UInt8 = 1
      _ = write(writing, &byte, 1)
    }
    func drain() {
      var byte: UInt8 = 0
      _ = read(reading, &byte, 1)
    }
  }

  private final class Source: ReadinessSource {
    let action: (Readiness) -> Void
    init(_ action: @escaping (Readiness) -> Void) { self.action = action }
    func descriptorReady(_ readiness: Readiness, now: UInt64) { action(readiness) }
  }

  private final class Job: ReactorJob {
    let action: (UInt64) -> Void
    init(_ action: @escaping (UInt64) -> Void) { self.action = action }
    func run(now: UInt64) { action(now) }
  }

  private final class Timer: TimerOwner {
    let action: (UInt64) -> Void
    init(_ action: @escaping (UInt64) -> Void) { self.action = action }
    func timerFired(_ timer: ReactorTimer, now: UInt64) { action(now) }
  }

  private final class Flush: TurnFlushable {
    let action: () -> Void
    init(_ action: @escaping () -> Void) { self.action = action }
    func turnEnded(now: UInt64) { action() }
  }

  @Test func `a turn serves descriptors, then timers, then the jobs that these made, then flushes`() throws {
    let reactor = try Reactor()
    let log = Log()
    let pipe = Pipe()
    let flush = Flush { log.lines.append("flush") }
    let second = Job { _ in log.lines.append("job of job") }
    let job = Job { _ in
      log.lines.append("job")
      reactor.enqueue(second)
    }
    let source = Source { _ in
      pipe.drain()
      log.lines.append("descriptor")
      reactor.flushAtTurnEnd(flush)
      reactor.enqueue(job)
    }
    let registration = try reactor.register(pipe.reading, interest: [.readable], source: source)
    let timer = ReactorTimer(owner: Timer { _ in log.lines.append("timer") })
    reactor.arm(timer, at: 1)
    pipe.poke()
    reactor.turn(waitingAtMost: 1_000_000_000)
    #expect(log.lines == ["descriptor", "timer", "job", "job of job", "flush"])
    #expect(reactor.turns == 1)
    reactor.deregister(registration)
  }

  @Test func `a source that is forgotten during a turn is not served in it, nor is the one that took its place`() throws {
    let reactor = try Reactor()
    let log = Log()
    let pipes = [Pipe(), Pipe(), Pipe()]
    var registrations: [Registration] = []
    var replacement: Registration?
    let late = Source { _ in log.lines.append("replacement") }
    for index in 0..<2 {
      let source = Source { _ in
        log.lines.append("source")
        pipes[index].drain()
        // Whichever is served first forgets the other, and another source takes the free place.
        guard replacement == nil else { return }
        reactor.deregister(registrations[1 - index])
        replacement = try? reactor.register(pipes[2].reading, interest: [.readable], source: late)
      }
      registrations.append(try reactor.register(pipes[index].reading, interest: [.readable], source: source))
    }
    pipes[0].poke()
    pipes[1].poke()
    reactor.turn(waitingAtMost: 1_000_000_000)
    #expect(log.lines == ["source"])
    pipes[2].poke()
    reactor.turn(waitingAtMost: 1_000_000_000)
    #expect(log.lines == ["source", "replacement"])
    // Twice does no harm.
    for registration in registrations { reactor.deregister(registration) }
    for registration in registrations { reactor.deregister(registration) }
  }

  @Test func `a timer fires neither early nor late, and a job waiting keeps the reactor from sleeping`() throws {
    let reactor = try Reactor()
    var fired: UInt64 = 0
    let timer = ReactorTimer(owner: Timer { fired = $0 })
    let due = MonotonicClock.now + 3_000_000
    reactor.arm(timer, at: due)
    let deadline = MonotonicClock.now + 2_000_000_000
    while fired == 0, MonotonicClock.now < deadline { reactor.turn(waitingAtMost: 1_000_000_000) }
    #expect(fired >= due && fired < due + 1_000_000_000)
    reactor.enqueue(Job { _ in })
    let began = MonotonicClock.now
    reactor.turn(waitingAtMost: 2_000_000_000)
    #expect(MonotonicClock.now - began < 1_000_000_000)
  }

  /// The alarm is set for the first and stays set; nobody may sleep through the later ones, nor wake up for nothing more than once each.
  @Test(arguments: [100_000, 1_500_000, 3_000_000, 12_000_000] as [UInt64])
  func `a timer that is moved while something else wakes the reactor fires when it is due`(pause: UInt64) throws {
    let reactor = try Reactor()
    let pipe = Pipe()
    let registration = try reactor.register(pipe.reading, interest: [.readable], source: Source { _ in pipe.drain() })
    defer { reactor.deregister(registration) }
    var fired: [UInt64] = []
    let timer = ReactorTimer(owner: Timer { fired.append($0) })
    for _ in 0..<3 {
      reactor.arm(timer, at: MonotonicClock.now + pause)
      pipe.poke()
      reactor.turn(waitingAtMost: 1_000_000_000)
      let due = MonotonicClock.now + pause + 500_000
      reactor.arm(timer, at: due)
      let (turns, count) = (reactor.turns, fired.count)
      while fired.count == count, reactor.turns < turns + 10 { reactor.turn(waitingAtMost: 2_000_000_000) }
      #expect(fired.count == count + 1)
      #expect(fired.last.map { $0 >= due && $0 < due + 1_000_000_000 } == true)
      #expect(reactor.turns <= turns + 3)
    }
  }

  @Test func `jobs that make jobs without end do not starve the descriptors`() throws {
    let reactor = try Reactor()
    var runs = 0
    final class Endless: ReactorJob {
      let action: (Endless) -> Void
      init(_ action: @escaping (Endless) -> Void) { self.action = action }
      func run(now: UInt64) { action(self) }
    }
    let job = Endless {
      runs += 1
      reactor.enqueue($0)
    }
    reactor.enqueue(job)
    reactor.turn(waitingAtMost: 0)
    #expect(runs > 0)
    let before = runs
    reactor.turn(waitingAtMost: 0)
    #expect(runs > before)
  }

  @Test func `a timer that always asks for the past does not stop the turn`() throws {
    let reactor = try Reactor()
    var fired = 0
    final class Restless: TimerOwner {
      let action: (ReactorTimer) -> Void
      init(_ action: @escaping (ReactorTimer) -> Void) { self.action = action }
      func timerFired(_ timer: ReactorTimer, now: UInt64) { action(timer) }
    }
    let timer = ReactorTimer(
      owner: Restless { timer in
        fired += 1
        if fired < 1_000_000 { reactor.arm(timer, at: 1) }
      })
    reactor.arm(timer, at: 1)
    reactor.turn(waitingAtMost: 0)
    #expect(fired < 100_000)
    timer.invalidate()
  }

  /// Each takes a tenth of a millisecond. The longest turn is asked for nowhere: on a busy machine it is anybody's.
  @Test(arguments: [false, true])
  func `hundreds of timers or jobs at once are spread over turns, none is lost, and descriptors are served in between`(areTimers: Bool) throws {
    let reactor = try Reactor()
    let ends = Pipe()
    var served = 0
    _ = try reactor.register(ends.reading, interest: .readable, source: Source { _ in served += 1 })
    ends.poke()
    var ran: [Int] = []
    func work(_ number: Int) {
      ran.append(number)
      let end = MonotonicClock.now + 100_000
      while MonotonicClock.now < end {}
    }
    var timers: [ReactorTimer] = []
    for number in 0..<400 {
      if areTimers {
        timers.append(ReactorTimer(owner: Timer { _ in work(number) }))
        reactor.arm(timers[number], at: UInt64(number + 1))
      } else {
        reactor.enqueue(Job { _ in work(number) })
      }
    }
    var turns = 0
    while ran.count < 400, turns < 400 {
      let before = ran.count
      reactor.turn(waitingAtMost: 1_000_000_000)
      turns += 1
      // Three milliseconds' worth, and what the clock is not asked for.
      #expect(ran.count - before <= 48)
    }
    #expect(ran == Array(0..<400))
    #expect(turns >= 9 && served == turns)
    for timer in timers { timer.invalidate() }
  }

  @Test func `messages from other threads arrive once each, in the order of each thread, and wake the reactor`() throws {
    let reactor = try Reactor()
    let mailbox = reactor.mailbox
    final class Inbox: @unchecked Sendable {
      // Unchecked: only messages touch it, and these run on the reactor's thread, which is the test's.
      var numbers: [[Int]] = [[], [], [], []]
    }
    let inbox = Inbox()
    for thread in 0..<4 {
      onThread {
        for number in 0..<5000 { mailbox.post { _ in inbox.numbers[thread].append(number) } }
      }
    }
    let deadline = MonotonicClock.now + 10_000_000_000
    while inbox.numbers.map(\.count).reduce(0, +) < 20_000, MonotonicClock.now < deadline { reactor.turn(waitingAtMost: 1_000_000_000) }
    for numbers in inbox.numbers { #expect(numbers == Array(0..<5000)) }
    #expect(mailbox.postedCount == 20_000)
  }

  @Test func `a message can stop a reactor that runs on its own thread`() throws {
    let stopped = Flag()
    let mailbox = try Mailboxed.start(stopped)
    usleep(20_000)
    mailbox.post { $0.stop() }
    let deadline = MonotonicClock.now + 5_000_000_000
    while !stopped.isSet, MonotonicClock.now < deadline { usleep(1000) }
    #expect(stopped.isSet)
  }

  /// A reactor made and run on a thread of its own.
  private enum Mailboxed {
    static func start(_ stopped: Flag) throws -> ReactorMailbox {
      final class Handover: @unchecked Sendable {
        // Unchecked: written before `isReady` is set, read afterwards.
        var mailbox: ReactorMailbox?
        let isReady = Flag()
      }
      let handover = Handover()
      onThread {
        guard let reactor = try? Reactor() else { return }
        handover.mailbox = reactor.mailbox
        handover.isReady.set()
        reactor.run()
        stopped.set()
      }
      let deadline = MonotonicClock.now + 5_000_000_000
      while !handover.isReady.isSet, MonotonicClock.now < deadline { usleep(1000) }
      return try #require(handover.mailbox)
    }
  }
}
