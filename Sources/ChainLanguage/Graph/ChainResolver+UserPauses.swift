internal import ChainProgram
internal import Diagnostics

/// What users of a load do between their iterations: when they first start, at what pace they go on, how long they rest after errors.
extension ChainResolver {
  func startOffset(_ entry: YAMLEntry?) -> StartOffset? {
    guard let entry else { return nil }
    guard entry.value.entries != nil else {
      return loadDuration(entry, "start_offset").map { StartOffset(nanoseconds: $0, spread: .even) }
    }
    guard let reader = MappingReader(entry.value, LanguageShapes.startOffset, owner: entry.key.range, into: &findings) else { return nil }
    let spread = choice(reader["spread"], "spread", ["even", "random"])
    return loadDuration(reader["over"], "over").map { StartOffset(nanoseconds: $0, spread: spread == "random" ? .random : .even) }
  }

  func pacing(_ entry: YAMLEntry?) -> Pacing? {
    guard let entry else { return nil }
    guard entry.value.entries != nil else { return loadDuration(entry, "pacing").map(Pacing.constant) }
    guard let reader = MappingReader(entry.value, LanguageShapes.pacing, owner: entry.key.range, into: &findings) else { return nil }
    if let uniform = reader["uniform"] {
      if let other = reader["exponential"] { findings.add(.badValue, at: other.key.range, "'pacing' is either 'uniform' or 'exponential'") }
      guard let bounds = uniform.value.items, bounds.count == 2 else {
        findings.add(
          .badValue, at: uniform.value.placeRange, "'uniform' is a list of the shortest and the longest time", help: "write [800ms, 1200ms]")
        return nil
      }
      guard let shortest = constantDuration(bounds[0], "uniform"), let longest = constantDuration(bounds[1], "uniform") else { return nil }
      guard shortest <= longest, longest > 0, longest <= Self.loadNanosecondsMax else {
        findings.add(.badValue, at: uniform.value.placeRange, "the shortest time comes first, and the longest is more than 0 and at most 8784h")
        return nil
      }
      return .uniform(shortest, longest)
    }
    guard let mean = reader["exponential"] else {
      findings.add(.missingKey, at: entry.key.range, "'pacing' is a duration, 'uniform' or 'exponential'", help: "such as 'pacing: 1s'")
      return nil
    }
    return loadDuration(mean, "exponential").map(Pacing.exponential)
  }

  func errorBackoff(_ entry: YAMLEntry?) -> ErrorBackoff? {
    guard let entry else { return nil }
    guard entry.value.entries != nil else {
      if entry.value.scalar?.text == "none" { return nil }
      return loadDuration(entry, "backoff").map { ErrorBackoff(startNanoseconds: $0, factor: 1, maxNanoseconds: $0, jitter: 0) }
    }
    guard let reader = MappingReader(entry.value, LanguageShapes.errorBackoff, owner: entry.key.range, into: &findings) else { return nil }
    let start = reader["start"] == nil ? 100_000_000 : loadDuration(reader["start"], "start")
    let longest = reader["max"] == nil ? max(start ?? 0, 30_000_000_000) : loadDuration(reader["max"], "max")
    var factor: Double? = 2
    if let entry = reader["factor"], let scalar = scalar(entry, into: &findings) {
      factor = Double(scalar.text).flatMap { $0.isFinite && (1...1_000).contains($0) ? $0 : nil }
      if factor == nil { findings.add(.badLiteral, at: scalar.range, "'factor' is a number from 1 to 1000") }
    }
    var jitter: Double? = 0.5
    if let entry = reader["jitter"], let scalar = scalar(entry, into: &findings) {
      jitter = LiteralReader.percentage(expressionText(scalar), into: &findings)
      if let part = jitter, part > 1 {
        findings.add(.badValue, at: scalar.range, "'jitter' is the part of a rest that may be left out: from 0% to 100%")
        jitter = nil
      }
    }
    guard let start, let longest, let factor, let jitter else { return nil }
    guard start <= longest else {
      findings.add(
        .badValue, at: reader["max"]?.value.placeRange ?? entry.key.range,
        "the longest rest is not shorter than the first one, which is \(Value.duration(Int64(clamping: start)))")
      return nil
    }
    return ErrorBackoff(startNanoseconds: start, factor: factor, maxNanoseconds: longest, jitter: jitter)
  }
}
