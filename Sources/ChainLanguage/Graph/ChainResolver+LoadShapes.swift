internal import ChainProgram
internal import Diagnostics

/// Loads that change over time, as curves of straight pieces.
extension ChainResolver {
  // Stages

  /// The curve of a list of `{ to, over }` and `{ hold }`; nil with findings.
  ///
  /// - Parameters:
  ///   - value: Reads `to`.
  func stages(_ entry: YAMLEntry, _ shape: MappingShape, from start: Double, _ value: (MappingReader) -> Double?) -> LoadCurve? {
    guard let items = entry.value.items else {
      findings.add(
        .wrongNodeKind, at: entry.value.placeRange, "'stages' is a list, and this is \(entry.value.kindPhrase)",
        help: "of stages such as { to: 50, over: 1m } and { hold: 5m }")
      return nil
    }
    guard !items.isEmpty else {
      findings.add(.emptyLoad, at: entry.value.placeRange, "there is no stage, so nothing would run", help: "such as { to: 50, over: 1m }")
      return nil
    }
    var pieces: [LoadCurve.Piece] = []
    var level = start
    var isWhole = true
    for item in items {
      guard let reader = MappingReader(item, shape, owner: item.range.startPoint, into: &findings) else {
        isWhole = false
        continue
      }
      guard let piece = stage(reader, item, from: level, value) else {
        isWhole = false
        continue
      }
      pieces.append(piece)
      level = piece.to
    }
    guard isWhole, let curve = curve(pieces, at: entry.value.placeRange) else { return nil }
    if let last = pieces.last, last.nanoseconds == 0 {
      findings.add(
        .badValue, at: items[items.count - 1].placeRange, "a jump at the end of the stages changes nothing",
        help: "say 'over' how long the way there takes, or 'hold' it afterwards")
    }
    // At both ends there is nothing to wait for; in the middle it is a pause between two bursts.
    for index in Set([0, items.count - 1]).sorted() {
      let piece = pieces[index]
      guard piece.from == 0, piece.to == 0, piece.nanoseconds > 0 else { continue }
      findings.add(
        .idleStage, at: items[index].placeRange,
        "nothing runs in this stage, with which the load \(index == 0 ? "begins" : "ends")", help: "leave it out")
    }
    return curve
  }

  private func stage(_ reader: MappingReader, _ item: YAMLNode, from level: Double, _ value: (MappingReader) -> Double?) -> LoadCurve.Piece? {
    if let hold = reader["hold"] {
      if let other = reader["to"] ?? reader["over"] {
        findings.add(.badValue, at: other.key.range, "a stage either holds or goes somewhere", help: "make two stages")
      }
      return loadDuration(hold, "hold").map { LoadCurve.Piece(nanoseconds: $0, from: level, to: level) }
    }
    guard reader["to"] != nil else {
      findings.add(.missingKey, at: item.placeRange, "a stage needs 'to' or 'hold'", help: "such as { to: 50, over: 1m } or { hold: 5m }")
      return nil
    }
    let target = value(reader)
    guard let over = reader["over"] else { return target.map { LoadCurve.Piece(nanoseconds: 0, from: $0, to: $0) } }
    let duration = loadDuration(over, "over", help: "leave 'over' out for a jump")
    guard let target, let duration else { return nil }
    return LoadCurve.Piece(nanoseconds: duration, from: level, to: target)
  }

  /// A curve under which something is started, within the limits.
  func curve(_ pieces: [LoadCurve.Piece], at place: SourceRange) -> LoadCurve? {
    var total: UInt64 = 0
    for piece in pieces where total <= Self.loadNanosecondsMax { total += piece.nanoseconds }
    guard total <= Self.loadNanosecondsMax else {
      findings.add(.limitExceeded, at: place, "the load lasts longer than 8784h, which is a year")
      return nil
    }
    let curve = LoadCurve(pieces)
    guard curve.area > 0 else {
      findings.add(.emptyLoad, at: place, "the load stays at 0, so nothing would run")
      return nil
    }
    return curve
  }

  // Spike

  func spike(_ entry: YAMLEntry, _ whole: YAMLEntry?, _ name: YAMLScalar) -> LoadCurve? {
    guard let reader = MappingReader(entry.value, LanguageShapes.spike, owner: entry.key.range, into: &findings) else { return nil }
    if whole == nil {
      findings.add(.missingKey, at: name.range, "an open load with a spike needs 'for'", help: "how long iterations arrive, the spike included")
    }
    let base = reader["base"].flatMap { rate($0, "base", orZero: true) }
    let peak = reader["peak"].flatMap { rate($0, "peak") }
    let at = constantDuration(reader["at"], "at")
    let length = loadDuration(reader["for"], "for")
    guard let duration = loadDuration(whole, "for"), let base, let peak, let at, let length else { return nil }
    var isSound = true
    if peak <= base, let place = reader["peak"] {
      findings.add(
        .spikeBelowBase, at: place.value.placeRange, "the peak of \(Self.text(rate: peak)) is not above the base of \(Self.text(rate: base))",
        help: "for a dip write 'stages'", related: [Related(reader["base"]?.value.placeRange ?? entry.key.range, "the base")])
      isSound = false
    }
    if at > duration || length > duration - at, let place = reader["at"] {
      findings.add(
        .spikeOutsideRun, at: place.value.placeRange,
        "the spike ends after \(Value.duration(Int64(clamping: at &+ length))), and the load after \(Value.duration(Int64(clamping: duration)))",
        help: "let the spike begin earlier, or the load last longer",
        related: [Related(whole?.value.placeRange ?? entry.key.range, "how long the load lasts")])
      isSound = false
    }
    guard isSound else { return nil }
    return LoadCurve([
      LoadCurve.Piece(nanoseconds: at, from: base, to: base), LoadCurve.Piece(nanoseconds: length, from: peak, to: peak),
      LoadCurve.Piece(nanoseconds: duration - at - length, from: base, to: base),
    ])
  }

  // Steps

  func steps(_ entry: YAMLEntry) -> LoadCurve? {
    guard let reader = MappingReader(entry.value, LanguageShapes.steps, owner: entry.key.range, into: &findings) else { return nil }
    let from = reader["from"].flatMap { rate($0, "from", orZero: true) }
    let to = reader["to"].flatMap { rate($0, "to", orZero: true) }
    let by = reader["by"].flatMap { rate($0, "by") }
    let every = loadDuration(reader["every"], "every")
    guard let from, let to, let by, let every, let place = reader["to"] else { return nil }
    let number = ((to - from).magnitude / by).rounded(.down)
    // Rates such as 0.1/s are not exact, so a step may miss by a rounding.
    let nearest = ((to - from).magnitude / by).rounded()
    guard (nearest * by - (to - from).magnitude).magnitude <= 1e-9 * max(from, to) else {
      let direction = to < from ? -1.0 : 1.0
      let before = from + direction * number * by
      let after = before + direction * by
      findings.add(
        .stepNeverReaches, at: place.value.placeRange,
        "steps of \(Self.text(rate: by)) from \(Self.text(rate: from)) go from \(Self.text(rate: before)) to \(Self.text(rate: after)), and never to \(Self.text(rate: to))",
        help: after < 0 ? "write 'to: \(Self.text(rate: before))'" : "write 'to: \(Self.text(rate: before))' or 'to: \(Self.text(rate: after))'",
        related: [Related(reader["by"]?.value.placeRange ?? entry.key.range, "the step")])
      return nil
    }
    guard nearest < 100_000 else {
      findings.add(.limitExceeded, at: place.value.placeRange, "the load has \(Int(min(nearest, 1e15))) steps, and 100000 is the limit")
      return nil
    }
    let count = Int(nearest)
    let pieces = (0...count).map { index -> LoadCurve.Piece in
      let level = index == count ? to : from + (to - from) * Double(index) / Double(max(1, count))
      return LoadCurve.Piece(nanoseconds: every, from: level, to: level)
    }
    return curve(pieces, at: entry.value.placeRange)
  }

  /// As the language writes it, as far as it was written so: two decimals.
  static func text(rate: Double) -> String {
    let hundredths = (rate * 100).rounded() / 100
    return hundredths == hundredths.rounded() ? "\(Int64(hundredths))/s" : "\(hundredths)/s"
  }
}
