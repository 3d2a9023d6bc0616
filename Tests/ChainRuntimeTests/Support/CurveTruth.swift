import ChainProgram

/// A second opinion about areas: in numbers with eleven bits more, straight from the definition.
struct CurveTruth {
  let curve: LoadCurve

  /// The area from the start to an instant.
  func area(at nanoseconds: UInt64) -> Float80 {
    var left = Float80(nanoseconds)
    var sum: Float80 = 0
    for piece in curve.pieces {
      let length = Float80(piece.nanoseconds)
      let part = min(left, length)
      let slope = (Float80(piece.to) - Float80(piece.from)) / length
      sum += (Float80(piece.from) + slope * part / 2) * part / 1e9
      left -= part
      if left <= 0 { break }
    }
    return sum
  }

  /// The largest rate on any side of an instant.
  func rate(around nanoseconds: UInt64) -> Double {
    var largest = 0.0
    for (index, piece) in curve.pieces.enumerated() where curve.starts[index] <= nanoseconds + 1 && nanoseconds <= curve.starts[index + 1] + 1 {
      let part = (Double(nanoseconds) - Double(curve.starts[index])) / Double(piece.nanoseconds)
      let value = piece.from + (piece.to - piece.from) * min(1, max(0, part))
      largest = max(largest, value)
    }
    return largest
  }

  /// Pieces of whole rates and lengths; some jump, some rest at 0.
  static func random(_ random: inout SplitMix, rateMax: UInt64) -> LoadCurve {
    var level = random.next() % 3 == 0 ? 0 : Double(random.next() % rateMax)
    var pieces: [LoadCurve.Piece] = []
    for _ in 0..<(random.next() % 7 + 1) {
      let length = (random.next() % 4000 + 1) * milliseconds + random.next() % 1000
      switch random.next() % 4 {
      case 0: pieces.append(LoadCurve.Piece(nanoseconds: length, from: level, to: level))
      case 1:
        level = random.next() % 2 == 0 ? 0 : Double(random.next() % rateMax)
        pieces.append(LoadCurve.Piece(nanoseconds: length, from: level, to: level))
      default:
        let next = random.next() % 4 == 0 ? 0 : Double(random.next() % rateMax) + Double(random.next() % 8) / 8
        pieces.append(LoadCurve.Piece(nanoseconds: length, from: level, to: next))
        level = next
      }
    }
    return LoadCurve(pieces)
  }
}

/// The distance of a sample from a distribution, times the root of its size: above 2.23 with a probability of 1e-4.
/// A. Kolmogorov, 1933; N. Smirnov, 1948.
func kolmogorovSmirnov(_ sample: [Double], _ distribution: (Double) -> Double) -> Double {
  var distance = 0.0
  let count = Double(sample.count)
  for (index, value) in sample.sorted().enumerated() {
    let expected = distribution(value)
    distance = max(distance, abs(expected - Double(index) / count), abs(expected - Double(index + 1) / count))
  }
  return distance * count.squareRoot()
}
