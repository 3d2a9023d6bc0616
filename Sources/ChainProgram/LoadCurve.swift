/// A rate or a number of users over time: straight pieces, one after the other, without gaps.
///
/// Where one piece ends and the next begins at another value, the curve jumps. Times are nanoseconds since the start of the load, values
/// are per second (rates) or users; an area is a value times seconds.
package struct LoadCurve: Sendable, Hashable {
  package struct Piece: Sendable, Hashable {
    package let nanoseconds: UInt64
    package let from: Double
    package let to: Double

    package init(nanoseconds: UInt64, from: Double, to: Double) {
      self.nanoseconds = nanoseconds
      self.from = from
      self.to = to
    }

    package var area: Double { (from + to) / 2 * Double(nanoseconds) / 1e9 }
  }

  package let pieces: [Piece]
  /// Where each piece begins, and behind them the end; whole, so that no time is lost between two pieces.
  package let starts: [UInt64]
  /// The area before each piece, and behind them the whole.
  package let areas: [Double]

  /// - Parameter pieces: Those without length are left out: they are jumps.
  package init(_ pieces: [Piece]) {
    self.pieces = pieces.filter { $0.nanoseconds > 0 }
    var starts: [UInt64] = [0]
    var areas: [Double] = [0]
    // Neumaier's sum: the error of a recorded curve does not grow with its rows. A. Neumaier, ZAMM 54 (1974), 39-51.
    var sum = 0.0
    var lost = 0.0
    for piece in self.pieces {
      starts.append(starts[starts.count - 1] &+ piece.nanoseconds)
      let area = piece.area
      let next = sum + area
      lost += sum >= area ? (sum - next) + area : (area - next) + sum
      sum = next
      areas.append(sum + lost)
    }
    self.starts = starts
    self.areas = areas
  }

  package init(constant value: Double, nanoseconds: UInt64) {
    self.init([Piece(nanoseconds: nanoseconds, from: value, to: value)])
  }

  package var durationNanoseconds: UInt64 { starts[pieces.count] }
  package var area: Double { areas[pieces.count] }
  package var peak: Double { pieces.reduce(0) { max($0, $1.from, $1.to) } }
  /// Whether the value never changes.
  package var isConstant: Bool { pieces.allSatisfy { $0.from == pieces[0].from && $0.to == pieces[0].from } }

  /// How many whole units the area has room for, the last one begun counting as one: 200/s for 30 s are exactly 6 000.
  ///
  /// Literals, products and sums round; together by less than 1e-15 of the value. What is a whole number but for that is not rounded up.
  package var count: UInt64 { UInt64((area - area * 1e-15).rounded(.up)) }

  /// The area from the start to an instant; past the end, all of it.
  package func area(until nanoseconds: UInt64) -> Double {
    guard nanoseconds < durationNanoseconds else { return area }
    // The last piece that begins at or before the instant.
    var low = 0
    var high = pieces.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= nanoseconds { low = middle } else { high = middle - 1 }
    }
    let piece = pieces[low]
    let part = Double(nanoseconds - starts[low])
    let value = piece.from + (piece.to - piece.from) * part / Double(piece.nanoseconds)
    return areas[low] + (piece.from + value) / 2 * part / 1e9
  }
}
