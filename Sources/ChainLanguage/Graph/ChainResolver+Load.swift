internal import ChainProgram
internal import Diagnostics

/// Load profiles.
extension ChainResolver {
  func resolveProfiles() {
    for node in graph.profiles {
      let warmUp = constantDuration(node.warmUp, "warmup") ?? 0
      let gracefulStop = constantDuration(node.gracefulStop, "graceful_stop") ?? 30_000_000_000
      let model: LoadProfile.Model?
      if let closed = node.closed {
        model = self.closed(closed, node.name)
      } else if let open = node.open {
        model = self.open(open)
      } else {
        model = nil
      }
      guard let model else { continue }
      builder.program.profiles.append(
        LoadProfile(
          name: node.name.text, model: model, warmUpNanoseconds: warmUp, gracefulStopNanoseconds: gracefulStop, mix: mix(node), range: node.range))
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
    let users = constantInteger(reader["vus"], "vus", in: 1...100_000)
    let extents = ["iterations", "iterations_per_vu", "for"].compactMap { reader[$0] }
    if extents.isEmpty, reader["stages"] == nil {
      findings.add(
        .missingKey, at: name.range, "a closed load says how long it runs", help: "one of 'iterations', 'iterations_per_vu' and 'for'")
    }
    if let second = extents.dropFirst().first {
      findings.add(.badValue, at: second.key.range, "a closed load has one of 'iterations', 'iterations_per_vu' and 'for'")
    }
    let iterations = constantInteger(reader["iterations"], "iterations", in: 1...1_000_000_000)
    let perUser = constantInteger(reader["iterations_per_vu"], "iterations_per_vu", in: 1...1_000_000_000)
    let duration = positiveDuration(reader["for"], "for")
    guard let users else { return nil }
    if let iterations { return .closed(ClosedLoad(users: users, extent: .iterations(iterations))) }
    if let perUser { return .closed(ClosedLoad(users: users, extent: .iterationsPerUser(perUser))) }
    return duration.map { .closed(ClosedLoad(users: users, extent: .duration($0))) }
  }

  private func open(_ reader: MappingReader) -> LoadProfile.Model? {
    let rate = reader["rate"].flatMap { self.rate($0) }
    let duration = positiveDuration(reader["for"], "for")
    let arrivals = choice(reader["arrivals"], "arrivals", ["constant", "poisson"])
    let saturation = choice(reader["on_saturation"], "on_saturation", ["queue", "drop"])
    let usersMax = constantInteger(reader["max_vus"], "max_vus", in: 1...100_000) ?? 1_000
    guard let rate, let duration else { return nil }
    return .open(
      OpenLoad(
        rate: rate, durationNanoseconds: duration, arrivals: arrivals == "poisson" ? .poisson : .constant, usersMax: usersMax,
        onSaturation: saturation == "drop" ? .drop : .queue))
  }

  private func positiveDuration(_ entry: YAMLEntry?, _ key: String) -> UInt64? {
    guard let entry, let nanoseconds = constantDuration(entry, key) else { return nil }
    if nanoseconds == 0 {
      findings.add(.badValue, at: entry.value.placeRange, "'\(key)' is longer than nothing")
      return nil
    }
    return nanoseconds
  }

  private func rate(_ entry: YAMLEntry) -> Double? {
    guard let scalar = scalar(entry, into: &findings) else { return nil }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    let value: Double?
    if let whole = template.whole {
      let scope = StepScope(flow: [:], fixed: constants, anywhere: [:])
      let typed = check(whole, scope, Expectation(.type(.rate), "'rate' takes a rate such as 200/s"))
      if case .rate(let rate)? = typed.constant { value = rate } else { value = nil }
    } else {
      value = LiteralReader.rate(expressionText(scalar), into: &findings)
    }
    guard let value else { return nil }
    guard value.isFinite, value > 0, value <= 1_000_000 else {
      findings.add(.badValue, at: scalar.range, "a rate is more than 0 and at most 1000000/s")
      return nil
    }
    return value
  }
}
