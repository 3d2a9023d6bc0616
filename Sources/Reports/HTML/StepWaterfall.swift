internal import Metrics

/// Where an iteration's time went: mean time of each step one after the other, with the wait for a connection apart, and then how long
/// each hop took after the step that caused it.
struct StepWaterfall {
  let run: RunRecord
  let width: Double

  /// Steps that span others; drawn as an outline, since the time inside is that of the steps inside.
  private static let groups: Set<String> = ["group", "parallel"]

  /// One line of it. Nanoseconds per iteration.
  struct Line {
    let name: String
    let start: Double
    let poolWait: Double
    let service: Double
    let isGroup: Bool
  }

  struct HopLine {
    let name: String
    let start: Double
    let low: Double
    let high: Double
    let far: Double?
  }

  static func lines(of run: RunRecord) -> [Line] {
    let iterations = Double(run.iterations.completed + run.iterations.failed + run.iterations.unknown)
    guard iterations > 0 else { return [] }
    var lines: [Line] = []
    var cursor = 0.0
    for step in run.steps where step.count > 0 {
      let wait = Double(step.poolWait.sum) / iterations
      let service = Double(step.service.sum) / iterations
      let isGroup = groups.contains(step.info.verb)
      lines.append(Line(name: step.info.id, start: cursor, poolWait: isGroup ? 0 : wait, service: service, isGroup: isGroup))
      if !isGroup { cursor += wait + service }
    }
    return lines
  }

  /// Mean time of an iteration that is in none of its steps: the chain's own work and the waiting for the processor.
  static func remainder(of run: RunRecord) -> Double {
    let steps = lines(of: run).filter { !$0.isGroup }.reduce(0) { $0 + $1.poolWait + $1.service }
    return max(0, (run.service.meanNanoseconds ?? 0) - steps)
  }

  private var hops: [HopLine] {
    let lines = Self.lines(of: run)
    return run.events.flatMap { event -> [HopLine] in
      let origin = event.info.originStep.flatMap { run.stepName($0) }
      let line = lines.first { $0.name == origin }
      let start = line.map { $0.start + $0.poolWait + $0.service } ?? 0
      return event.hops.compactMap { hop in
        guard let high = hop.lagHigh.estimableQuantile(0.5) else { return nil }
        let low = min(hop.lagLow.quantile(0.5) ?? 0, high)
        return HopLine(
          name: "\(event.info.name) → \(hop.info.name)", start: start, low: Double(low), high: Double(high),
          far: hop.lagHigh.estimableQuantile(0.95).map { Double($0) })
      }
    }
  }

  func picture() -> Picture? {
    let lines = Self.lines(of: run)
    let hops = self.hops
    guard !lines.isEmpty else { return nil }
    let longest = (lines.map(\.name) + hops.map(\.name)).map(\.count).max() ?? 8
    let isNarrow = width < 500
    let left = isNarrow ? 8 : min(300, Double(longest) * 7.8 + 16)
    let rowHeight = isNarrow ? 38.0 : 24.0
    let top = 12.0
    let hopTop = top + Double(lines.count) * rowHeight + (hops.isEmpty ? 0 : 26)
    let bottom = hopTop + Double(hops.count) * rowHeight
    var picture = Picture(width: width, height: bottom + 24)
    let end = max(
      lines.map { $0.start + $0.poolWait + $0.service }.max() ?? 1, hops.map { $0.start + $0.high }.max() ?? 1)
    let scale = Scale(.linear, 0, end * 1.02, pixels: left, width - (isNarrow ? 8 : 96))
    for tick in scale.ticks(isNarrow ? 4 : 8) {
      picture.line(scale(tick), top, scale(tick), bottom, "grid")
      picture.tick(scale(tick), bottom + 16, tick == 0 ? "0" : Quantities.tick(tick))
    }
    func label(_ row: Double, _ name: String, _ time: String) {
      if isNarrow {
        picture.text(left, row + 12, name, .start, "h")
        picture.text(width - 8, row + 12, time, .end)
      } else {
        picture.text(left - 8, row + 16, name, .end, "h")
      }
    }
    for (index, line) in lines.enumerated() {
      let row = top + Double(index) * rowHeight
      let y = row + (isNarrow ? 17 : 4)
      let time = Quantities.duration(UInt64(line.poolWait + line.service))
      label(row, line.name, time)
      let (start, middle, end) = (scale(line.start), scale(line.start + line.poolWait), scale(line.start + line.poolWait + line.service))
      if line.isGroup {
        picture.rectangle(start, y, max(2, end - start), 16, "group", hint: "\(line.name): \(time), the steps below", radius: 2)
      } else {
        picture.rectangle(start, y, middle - start, 16, "f-wait", hint: "wait for a connection: \(Quantities.duration(UInt64(line.poolWait)))")
        picture.rectangle(middle, y, max(1.5, end - middle), 16, "f0", hint: "service: \(Quantities.duration(UInt64(line.service)))")
      }
      if !isNarrow { picture.text(end + 6, row + 16, time) }
    }
    if !hops.isEmpty {
      picture.text(left, hopTop - 6, isNarrow ? "median lag between its bounds; thin: p95" : "after the step that causes it: median lag, between its bounds; thin up to p95", .start, "t")
      if isNarrow { picture.line(left, hopTop - 22, width - 8, hopTop - 22, "axis") }
    }
    for (index, hop) in hops.enumerated() {
      let row = hopTop + Double(index) * rowHeight
      let y = row + (isNarrow ? 17 : 4)
      let time = Quantities.interval(UInt64(hop.low), UInt64(hop.high))
      label(row, hop.name, time)
      let (start, low, high) = (scale(hop.start), scale(hop.start + hop.low), scale(hop.start + hop.high))
      picture.rectangle(start, y, max(1.5, low - start), 16, "f5", hint: "not visible before \(Quantities.duration(UInt64(hop.low)))")
      picture.rectangle(low, y, max(1.5, high - low), 16, "f5 soft", hint: "visible by \(Quantities.duration(UInt64(hop.high)))")
      if let far = hop.far, far > hop.high {
        picture.line(high, y + 8, scale(hop.start + far), y + 8, "s s5 thin")
      }
      if !isNarrow { picture.text(max(high, hop.far.map { scale(hop.start + $0) } ?? 0) + 6, row + 16, time) }
    }
    return picture
  }
}
