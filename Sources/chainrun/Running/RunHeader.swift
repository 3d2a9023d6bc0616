import ChainIO
import ChainProgram
import ChainRuntime
import Diagnostics
import Glibc
import Metrics

/// The journal's first record: what was run, with what, on what.
enum RunHeader {
  static func make(program: Program, files: SourceFiles, chainFile: String, profile: LoadProfile, seed: UInt64, runID: String) -> JournalStart {
    var start = JournalStart()
    start.runID = runID
    start.versions = [NamedText("chainrun", Version.text)]
    start.host = host()
    start.chain = program.chain
    start.chainFile = chainFile
    start.chainHash = program.chainHash
    start.profile = profile.name
    start.seed = seed
    describe(profile, in: &start)
    start.monotonicNanoseconds = MonotonicClock.now
    start.realtimeNanoseconds = UInt64(max(0, WallClock.now))
    func line(_ range: SourceRange) -> Int { files.position(of: range).line }
    start.steps = program.steps.map { step in
      StepInfo(
        id: step.name, verb: step.verb, method: step.method, connection: step.connection.map { program.connections[$0.index].name },
        line: line(step.range), countsAsOperation: step.connection != nil)
    }
    start.checks = program.checks.map { CheckInfo(step: $0.step.index, text: $0.text, line: line($0.range)) }
    start.measures = program.measures.map(\.name)
    start.thresholds = program.thresholds.map(\.text)
    start.events = program.events.map { event in
      EventInfo(
        name: event.name, originStep: event.origin.index, deadlineNanoseconds: event.deadlineNanoseconds,
        settleNanoseconds: event.settleNanoseconds,
        hops: event.hops.map { hop in
          HopInfo(
            name: hop.name, connection: program.connections[hop.connection.index].name, how: hop.observer == "watch" ? "tracking" : hop.observer,
            target: target(hop))
        })
    }
    return start
  }

  private static func target(_ hop: HopDeclaration) -> String {
    if case .text(let template)? = hop.operand(hop.observer) { return template.literal ?? "" }
    return ""
  }

  private static func describe(_ profile: LoadProfile, in start: inout JournalStart) {
    start.warmUpNanoseconds = profile.warmUpNanoseconds
    switch profile.model {
    case .open(let load):
      start.model = .open
      start.askedArrivalsPerSecond = load.rate
      start.askedNanoseconds = load.durationNanoseconds
      start.askedUsers = load.usersMax
      if load.arrivals == .constant {
        start.askedArrivals = ArrivalSchedule.evenCount(rate: load.rate, durationNanoseconds: load.durationNanoseconds)
      }
      let rate = load.rate == load.rate.rounded() ? String(Int(load.rate)) : String(load.rate)
      start.profileText =
        "\(profile.name): open, \(rate)/s \(load.arrivals) arrivals for \(text(load.durationNanoseconds)), at most \(load.usersMax) users"
        + (load.onSaturation == .drop ? ", dropping" : "")
    case .closed(let load):
      start.model = .closed
      start.askedUsers = load.users
      let users = "\(load.users) user\(load.users == 1 ? "" : "s")"
      switch load.extent {
      case .iterations(let count):
        start.askedArrivals = UInt64(count)
        start.profileText = "\(profile.name): closed, \(users), \(count) iterations in all"
      case .iterationsPerUser(let count):
        start.askedArrivals = UInt64(count * load.users)
        start.profileText = "\(profile.name): closed, \(users), \(count) iterations each"
      case .duration(let nanoseconds):
        start.askedNanoseconds = nanoseconds
        start.profileText = "\(profile.name): closed, \(users) for \(text(nanoseconds))"
      }
    }
  }

  private static func text(_ nanoseconds: UInt64) -> String {
    var bytes: [UInt8] = []
    _ = Value.duration(Int64(clamping: nanoseconds)).appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func host() -> HostInfo {
    var info = HostInfo()
    var names = utsname()
    uname(&names)
    func text<T>(_ field: T) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    info.name = text(names.nodename)
    info.kernel = "\(text(names.sysname)) \(text(names.release)) \(text(names.machine))"
    info.cpusAllowed = CPUAllowance().cpus
    info.reactors = 1
    return info
  }
}
