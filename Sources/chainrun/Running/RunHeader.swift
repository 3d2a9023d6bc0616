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
    start.connections = program.connections.map(connection)
    start.steps = program.steps.map { step in
      StepInfo(
        id: step.name, verb: step.verb, method: step.method, connection: step.connection.map { program.connections[$0.index].name },
        line: line(step.range), countsAsOperation: step.connection != nil)
    }
    start.serverFigures = program.serverFigures.map { ServerFigureInfo($0) }
    start.checks = program.checks.map { CheckInfo(step: $0.step.index, text: $0.text, line: line($0.range)) }
    start.measures = program.measures.map(\.name)
    start.arms = program.arms.map { arms in
      ArmsInfo(
        step: arms.step.index, names: arms.names, steps: arms.steps.map { $0.map(\.index) }, branch: arms.branch,
        weights: arms.branch.map { program.branches[$0].weights } ?? [])
    }
    start.feeds = program.feeds.map { FeedInfo(name: $0.name, rows: $0.rowCount) }
    start.thresholds = program.thresholds.map(\.text)
    start.events = program.events.map { event in
      EventInfo(
        name: event.name, originStep: event.origin.index, deadlineNanoseconds: event.deadlineNanoseconds,
        settleNanoseconds: event.settleNanoseconds,
        hops: event.hops.map { hop in
          HopInfo(
            name: hop.name, connection: program.connections[hop.connection.index].name, how: how(hop),
            target: target(hop), guarantees: hop.guarantees.promised)
        })
    }
    return start
  }

  /// As far as the chain says; how it is in fact observed is known when the observers are in place.
  private static func how(_ hop: HopDeclaration) -> String {
    guard hop.observer == "watch" else { return hop.observer }
    if case .choice(let way)? = hop.operand("how"), way != "auto" { return way }
    return hop.operand("every") == nil ? "auto" : "poll"
  }

  private static func target(_ hop: HopDeclaration) -> String {
    if case .text(let template)? = hop.operand(hop.observer) { return template.literal ?? "" }
    if case .sql(let text, _)? = hop.operand(hop.observer) { return text }
    return ""
  }

  private static func describe(_ profile: LoadProfile, in start: inout JournalStart) {
    start.warmUpNanoseconds = profile.warmUpNanoseconds
    start.profileText = text(of: profile)
    start.askedNanoseconds = profile.loadNanoseconds
    start.askedUsers = profile.usersMax
    switch profile.model {
    case .open(let load):
      start.model = .open
      // On average over what is measured; a constant rate is its own.
      let measured = load.curve.durationNanoseconds - min(profile.warmUpNanoseconds, load.curve.durationNanoseconds)
      let area = load.curve.area - load.curve.area(until: profile.warmUpNanoseconds)
      start.askedArrivalsPerSecond = load.shape == .constant || measured == 0 ? load.curve.peak : area / (Double(measured) / 1e9)
      start.askedArrivals = ArrivalSchedule.count(of: load, seed: start.seed)
    case .closed(let load):
      start.model = .closed
      start.askedArrivals = load.iterations
    }
  }

  private static func connection(_ declaration: ConnectionDeclaration) -> ConnectionInfo {
    let size =
      switch declaration.pool {
      case .size(let size): size
      case .perUser: 0
      }
    return ConnectionInfo(
      name: declaration.name, kind: declaration.kind, poolSize: size, acquireTimeoutNanoseconds: declaration.acquireTimeoutNanoseconds,
      connectTimeoutNanoseconds: declaration.connectTimeoutNanoseconds)
  }

  static func text(of profile: LoadProfile) -> String { "\(profile.name): \(profile.words)" }

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
