/// The command line after the role: `--name value` or `--name=value`.
struct Options {
  var conduct = Conduct()

  static let usage: String = {
    let width = (FaultKind.allCases.map(\.rawValue.count).max() ?? 0) + 8
    func line(_ name: String, _ text: String) -> String {
      "    --" + name + String(repeating: " ", count: max(1, width - name.count)) + text
    }
    return """
      Options of relay, cache and all (`--name value` or `--name=value`):

      \(line("log FILE", "append what is done to FILE, as NDJSON with times of CLOCK_MONOTONIC"))
      \(line("cache-key KIND", "order: 'order:<id>' holds the order; customer: 'customer:<customer_id>' holds the newest; both"))
      \(line("seed N", "another choice of victims and delays; 1 if not given"))

      Faults. SHARE is such as 100/10000 (of each 10 000 consecutive order ids exactly 100) or 1%. An order meets one fault at most, which
      its id and the seed decide. TIME is such as 50ms.

      \(FaultKind.allCases.map { line($0.rawValue + " SHARE", $0.summary) }.joined(separator: "\n"))

      \(line("delay-relay DELAY", "each event waits in the relay: TIME, exp:TIME (exponential, mean) or TIME..TIME (uniform)"))
      \(line("delay-writer DELAY", "each event waits in the cache writer"))
      \(line("skip-late", "the relay reads 'id > last': what commits after a higher id is never seen"))
      \(line("hold TIME", "the longest that reordered events are held back; 4s if not given"))
      \(line("stale-for TIME", "a stale entry is put right after this time; never if not given"))
      \(line("expire-after TIME", "the lifetime of entries that expire early; 100ms if not given"))
      """
  }()

  init(_ arguments: some Sequence<String>) throws {
    var rest = arguments.flatMap { argument -> [String] in
      guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else { return [argument] }
      return [String(argument[..<equals]), String(argument[argument.index(after: equals)...])]
    }[...]
    var faults = Faults.none
    while let name = rest.popFirst() {
      guard name.hasPrefix("--") else { throw PipelineError("'\(name)' is not an option") }
      let option = String(name.dropFirst(2))
      if option == "skip-late" {
        faults.skipsLateRows = true
        continue
      }
      guard let value = rest.popFirst() else { throw PipelineError("'\(name)' needs a value") }
      try Options.set(option, value, in: &faults, of: &conduct)
    }
    faults.plan = try FaultPlan(faults.shares, seed: faults.seed)
    if faults.shares[.stale] != nil, conduct.entries == .order {
      throw PipelineError("'--stale' needs '--cache-key customer': an order's own entry has one version only")
    }
    if faults.shares[.crashRelay] != nil, faults.skipsLateRows {
      throw PipelineError("'--crash-relay' and '--skip-late' exclude each other: what was read and not published would be lost too")
    }
    conduct.faults = faults
  }

  private static func set(_ option: String, _ value: String, in faults: inout Faults, of conduct: inout Conduct) throws {
    if let kind = FaultKind(rawValue: option) {
      faults.shares[kind] = try Share(value)
      return
    }
    switch option {
    case "log": conduct.log = try ActivityLog(path: value)
    case "cache-key":
      guard let entries = CacheEntries(rawValue: value) else {
        throw PipelineError("'--cache-key' is order, customer or both, not '\(value)'")
      }
      conduct.entries = entries
    case "seed":
      guard let seed = UInt64(value) else { throw PipelineError("'--seed' is a number, not '\(value)'") }
      faults.seed = seed
    case "delay-relay": faults.relayDelay = try Delay(value)
    case "delay-writer": faults.writerDelay = try Delay(value)
    case "hold": faults.hold = try Delay.nanoseconds(value)
    case "stale-for": faults.staleFor = try Delay.nanoseconds(value)
    case "expire-after": faults.expireAfter = try Delay.nanoseconds(value)
    default: throw PipelineError("there is no option '--\(option)'")
    }
  }
}
