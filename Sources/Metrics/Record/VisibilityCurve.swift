/// P(visible by t after the acknowledgement), between two bounds, on a grid that is the same for every run: ten times a decade from 100 µs on.
package struct VisibilityCurve: Hashable, Sendable {
  package struct Point: Hashable, Sendable {
    /// Nanoseconds after the acknowledgement.
    package var at: UInt64
    /// What had certainly been seen by then, and what may have been, of all committed events. What was never seen is in neither; what an
    /// observer may have missed is in the upper bound.
    package var low: Double
    package var high: Double
  }

  package let points: [Point]

  /// - Parameter settle: Nanoseconds: where the curve ends.
  package init(of hop: HopRecord, settle: UInt64) {
    let counts = hop.counts
    let seen = hop.lagHigh.count
    let unseen = counts.lost &+ counts.unobserved &+ counts.superseded &+ counts.blocked
    let whole = Double(seen &+ unseen)
    guard whole > 0 else {
      points = []
      return
    }
    points = VisibilityCurve.grid(upTo: settle).map { time in
      let low = (hop.lagHigh.share(upTo: time) ?? 0) * Double(seen)
      let high = (hop.lagLow.share(upTo: time) ?? 0) * Double(seen) + Double(counts.unobserved)
      return Point(at: time, low: min(1, low / whole), high: min(1, max(low, high) / whole))
    }
  }

  /// 100 µs, 125 µs, 160 µs, … up to the first that is not below the limit (nanoseconds).
  static func grid(upTo limit: UInt64) -> [UInt64] {
    let steps: [UInt64] = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800]
    var grid: [UInt64] = []
    var unit: UInt64 = 1000
    while true {
      for step in steps {
        grid.append(step * unit)
        if step * unit >= limit || grid.count == 100 { return grid }
      }
      unit *= 10
    }
  }
}
