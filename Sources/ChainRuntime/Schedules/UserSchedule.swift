package import ChainProgram

/// When the number of users of a staged closed load changes, one user at a time where the curve ramps: a pure function of the curve.
///
/// The number is the curve's value rounded to the nearest whole one, so that the area under it, in user seconds, is that under the curve.
/// Takes the same memory for any number of users.
package struct UserSchedule: Sendable {
  private let curve: LoadCurve
  private var piece = 0
  private var users = 0
  /// The piece's first value is reached.
  private var isInside = false

  package init(_ curve: LoadCurve) { self.curve = curve }

  /// The next change: nanoseconds since the start of the load, and the number of users from then on. Ascending; nil after the last one.
  package mutating func nextChange() -> (offset: UInt64, users: Int)? {
    while piece < curve.pieces.count {
      let current = curve.pieces[piece]
      let (first, last) = (whole(current.from), whole(current.to))
      if !isInside {
        isInside = true
        // A jump, or the start.
        guard users == first else {
          users = first
          return (curve.starts[piece], users)
        }
      }
      guard users != last else {
        piece += 1
        isInside = false
        continue
      }
      let isGrowing = last > users
      // The value at which the nearest whole number changes.
      let crossing = Double(users) + (isGrowing ? 0.5 : -0.5)
      users += isGrowing ? 1 : -1
      let part = (crossing - current.from) / (current.to - current.from)
      return (curve.starts[piece] + UInt64(max(0, min(1, part)) * Double(current.nanoseconds)), users)
    }
    return nil
  }

  private func whole(_ value: Double) -> Int { Int(value.rounded()) }
}
