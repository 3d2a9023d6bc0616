internal import ChainProgram
internal import Diagnostics

/// Load profiles. The shapes of loads over time stand in `ChainResolver+LoadShapes`, what users do between iterations in
/// `ChainResolver+UserPauses`.
extension ChainResolver {
  func resolveProfiles() {
    for node in graph.profiles {
      let warmUp = constantDuration(node.warmUp, "warmup") ?? 0
      let gracefulStop = constantDuration(node.gracefulStop, "graceful_stop") ?? 30_000_000_000
      let model: LoadProfile.Model?
      if let closed = node.closed {
        model = self.closed(closed, node.name)
      } else if let open = node.open {
        model = self.open(open, node.name)
      } else {
        model = nil
      }
      let backoff = errorBackoff(node.backoff)
      guard let model else { continue }
      let profile = LoadProfile(
        name: node.name.text, model: model, warmUpNanoseconds: warmUp, gracefulStopNanoseconds: gracefulStop, mix: mix(node), backoff: backoff,
        range: node.range)
      if let duration = profile.loadNanoseconds, warmUp >= duration, let entry = node.warmUp {
        findings.add(
          .warmUpExceedsLoad, at: entry.value.placeRange,
          "the load ends after \(Value.duration(Int64(clamping: duration))), and all of it is warm-up: there will be no figures",
          help: "shorten 'warmup', or let the load last longer")
      }
      builder.program.profiles.append(profile)
    }
    if builder.program.profiles.isEmpty, graph.profiles.isEmpty {
      // Without a profile a chain runs once: enough for a first look.
      builder.program.profiles.append(
        LoadProfile(
          name: "once", model: .closed(ClosedLoad(users: 1, extent: .iterations(1))), warmUpNanoseconds: 0,
          gracefulStopNanoseconds: 30_000_000_000, range: graph.file.range(0, 0)))
    }
  }

  private func closed(_ reader: MappingReader, _ name: YAMLScalar) -> LoadProfile.Model? {
    let extents = ["iterations", "iterations_per_vu", "for", "stages"].compactMap { reader[$0] }
    if extents.isEmpty {
      findings.add(
        .missingKey, at: name.range, "a closed load says how long it runs", help: "one of 'iterations', 'iterations_per_vu', 'for' and 'stages'")
    }
    if let second = extents.dropFirst().first {
      findings.add(.badValue, at: second.key.range, "a closed load has one of 'iterations', 'iterations_per_vu', 'for' and 'stages'")
    }
    let pacing = self.pacing(reader["pacing"])
    let startOffset = self.startOffset(reader["start_offset"])
    if let stages = reader["stages"] {
      if let entry = reader["start_offset"] {
        findings.add(.badValue, at: entry.key.range, "the stages say when users start, so 'start_offset' has no place beside them")
      }
      let users = constantInteger(reader["vus"], "vus", in: 0...100_000)
      guard reader["vus"] == nil || users != nil, let curve = self.stages(stages, LanguageShapes.userStage, from: Double(users ?? 0), { reader in
        self.constantInteger(reader["to"], "to", in: 0...100_000).map(Double.init)
      }) else { return nil }
      return .closed(ClosedLoad(stages: curve, pacing: pacing))
    }
    guard reader["vus"] != nil else {
      findings.add(.missingKey, at: name.range, "a closed load needs 'vus'", help: "virtual users; or 'stages', if their number changes")
      return nil
    }
    let users = constantInteger(reader["vus"], "vus", in: 1...100_000)
    let iterations = constantInteger(reader["iterations"], "iterations", in: 1...1_000_000_000)
    let perUser = constantInteger(reader["iterations_per_vu"], "iterations_per_vu", in: 1...1_000_000_000)
    let duration = loadDuration(reader["for"], "for")
    guard let users else { return nil }
    let extent: ClosedLoad.Extent
    if let iterations {
      extent = .iterations(iterations)
    } else if let perUser {
      extent = .iterationsPerUser(perUser)
    } else if let duration {
      extent = .duration(duration)
    } else {
      return nil
    }
    if let duration, let startOffset, startOffset.nanoseconds >= duration, let entry = reader["start_offset"] {
      findings.add(
        .startOffsetExceedsLoad, at: entry.value.placeRange,
        "users start for \(Value.duration(Int64(clamping: startOffset.nanoseconds))), and the load ends after \(Value.duration(Int64(clamping: duration)))",
        help: "shorten 'start_offset'", related: [Related(reader["for"]?.key.range ?? name.range, "how long the load lasts")])
    }
    return .closed(ClosedLoad(users: users, extent: extent, startOffset: startOffset, pacing: pacing))
  }

  private func open(_ reader: MappingReader, _ name: YAMLScalar) -> LoadProfile.Model? {
    let shapes = ["stages", "spike", "step", "curve"].compactMap { reader[$0] }
    if let second = shapes.dropFirst().first {
      findings.add(.badValue, at: second.key.range, "an open load has one of 'rate' with 'for', 'stages', 'spike', 'step' and 'curve'")
    }
    let shape = shapes.first?.key.text
    for key in ["rate", "for"] {
      let isTaken = key == "rate" ? shape == nil || shape == "stages" : shape == nil || shape == "spike"
      if !isTaken, let entry = reader[key], let shape {
        findings.add(.badValue, at: entry.key.range, "'\(shape)' says that itself, so '\(key)' has no place beside it")
      }
    }
    let arrivals = choice(reader["arrivals"], "arrivals", ["constant", "poisson", "uniform"])
    let saturation = choice(reader["on_saturation"], "on_saturation", ["queue", "drop"])
    let usersMax = constantInteger(reader["max_vus"], "max_vus", in: 1...100_000) ?? 1_000
    guard let (curve, words) = rateCurve(reader, shapes.first, name) else { return nil }
    return .open(
      OpenLoad(
        curve: curve, shape: words, arrivals: arrivals == "poisson" ? .poisson : arrivals == "uniform" ? .uniform : .constant, usersMax: usersMax,
        onSaturation: saturation == "drop" ? .drop : .queue))
  }

  private func rateCurve(_ reader: MappingReader, _ shape: YAMLEntry?, _ name: YAMLScalar) -> (LoadCurve, OpenLoad.Shape)? {
    switch shape?.key.text {
    case "stages"?:
      guard let shape, let start = reader["rate"].map({ rate($0, "rate", orZero: true) }) ?? 0 else { return nil }
      return stages(shape, LanguageShapes.rateStage, from: start) { reader in
        reader["to"].flatMap { self.rate($0, "to", orZero: true) }
      }.map { ($0, .stages) }
    case "spike"?: return shape.flatMap { spike($0, reader["for"], name) }.map { ($0, .spike) }
    case "step"?: return shape.flatMap { steps($0) }.map { ($0, .step) }
    case "curve"?: return shape.flatMap { recordedRate($0) }
    default:
      for key in ["rate", "for"] where reader[key] == nil {
        findings.add(
          .missingKey, at: name.range, "an open load needs '\(key)'",
          help: key == "rate" ? "such as 'rate: 200/s'; or 'stages', 'spike', 'step' or 'curve', if it changes" : "how long iterations arrive")
      }
      let rate = reader["rate"].flatMap { self.rate($0, "rate") }
      guard let duration = loadDuration(reader["for"], "for"), let rate else { return nil }
      return (LoadCurve(constant: rate, nanoseconds: duration), .constant)
    }
  }

  // Values

  /// A year: what is longer is a mistake, and sums of it stay within their type.
  static let loadNanosecondsMax: UInt64 = 366 * 86_400_000_000_000

  /// More than nothing, and at most a year.
  func loadDuration(_ entry: YAMLEntry?, _ key: String, help: String? = nil) -> UInt64? {
    guard let entry, let nanoseconds = constantDuration(entry, key) else { return nil }
    if nanoseconds == 0 {
      findings.add(.badValue, at: entry.value.placeRange, "'\(key)' is longer than nothing", help: help)
      return nil
    }
    guard nanoseconds <= Self.loadNanosecondsMax else {
      findings.add(.badValue, at: entry.value.placeRange, "'\(key)' is at most 8784h, which is a year")
      return nil
    }
    return nanoseconds
  }

  /// Arrivals per second.
  func rate(_ entry: YAMLEntry, _ key: String, orZero: Bool = false) -> Double? {
    guard let scalar = scalar(entry, into: &findings) else { return nil }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    let value: Double?
    if let whole = template.whole {
      let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
      let typed = check(whole, scope, Expectation(.type(.rate), "'\(key)' takes a rate such as 200/s"))
      if case .rate(let rate)? = typed.constant { value = rate } else { value = nil }
    } else {
      value = LiteralReader.rate(expressionText(scalar), into: &findings)
    }
    guard let value else { return nil }
    guard value.isFinite, value >= 0, value > 0 || orZero, value <= Self.rateMax else {
      findings.add(.badValue, at: scalar.range, orZero ? "a rate is at most 1000000/s" : "a rate is more than 0 and at most 1000000/s")
      return nil
    }
    return value
  }

  static let rateMax = 1_000_000.0
}
