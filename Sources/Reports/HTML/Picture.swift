internal import Glibc

/// A drawing under way: shapes in, one inline SVG out. Coordinates are CSS pixels at the picture's own width.
///
/// Colours come from the page's style sheet by class, so that a picture follows the reader's light or dark.
struct Picture {
  enum Anchor: String { case start, middle, end }

  let width: Double
  let height: Double
  private var shapes = ""

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// - Parameter hint: Shown by a pointer that rests on it, without a script.
  mutating func rectangle(_ x: Double, _ y: Double, _ w: Double, _ h: Double, _ style: String, hint: String? = nil, radius: Double = 0) {
    guard w > 0, h > 0 else { return }
    let corner = radius > 0 ? " rx=\"\(n(radius))\"" : ""
    shapes += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(w))\" height=\"\(n(h))\"\(corner) class=\"\(style)\""
    if let hint { shapes += "><title>\(Markup.escape(hint))</title></rect>" } else { shapes += "/>" }
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    shapes += "<path d=\"M\(n(x1)) \(n(y1))L\(n(x2)) \(n(y2))\" class=\"\(style)\"/>"
  }

  mutating func text(_ x: Double, _ y: Double, _ text: String, _ anchor: Anchor = .start, _ style: String = "t") {
    shapes += "<text x=\"\(n(x))\" y=\"\(n(y))\""
    if anchor != .start { shapes += " text-anchor=\"\(anchor.rawValue)\"" }
    shapes += " class=\"\(style)\">\(Markup.escape(text))</text>"
  }

  /// A label under a horizontal axis; at the right edge it ends where it would be cut.
  mutating func tick(_ x: Double, _ y: Double, _ label: String) {
    let half = Double(label.count) * 3.6
    if x + half > width { text(width, y, label, .end) } else { text(max(x, half), y, label, .middle) }
  }

  /// A line through the points; a nil interrupts it, and a lone point becomes a dot.
  mutating func polyline(_ points: [(x: Double, y: Double)?], _ style: String) {
    var data = ""
    var isDown = false
    for (index, point) in points.enumerated() {
      guard let point else {
        isDown = false
        continue
      }
      let isLone = !isDown && (index + 1 == points.count || points[index + 1] == nil)
      data += "\(isDown ? "L" : "M")\(n(point.x)) \(n(point.y))" + (isLone ? "h.5" : "")
      isDown = true
    }
    if !data.isEmpty { shapes += "<path d=\"\(data)\" class=\"\(style)\"/>" }
  }

  /// The area between two lines of equally many points.
  mutating func band(_ upper: [(x: Double, y: Double)], _ lower: [(x: Double, y: Double)], _ style: String) {
    let outline = upper + lower.reversed()
    guard let first = outline.first else { return }
    shapes += "<path d=\"M\(n(first.x)) \(n(first.y))" + outline.dropFirst().map { "L\(n($0.x)) \(n($0.y))" }.joined() + "z\" class=\"\(style)\"/>"
  }

  /// A ribbon from a span at the left to one at the right.
  mutating func ribbon(from x1: Double, _ top1: Double, _ bottom1: Double, to x2: Double, _ top2: Double, _ bottom2: Double, _ style: String) {
    guard bottom1 > top1, bottom2 > top2 else { return }
    let middle = n((x1 + x2) / 2)
    shapes +=
      "<path d=\"M\(n(x1)) \(n(top1))C\(middle) \(n(top1)) \(middle) \(n(top2)) \(n(x2)) \(n(top2))L\(n(x2)) \(n(bottom2))"
      + "C\(middle) \(n(bottom2)) \(middle) \(n(bottom1)) \(n(x1)) \(n(bottom1))z\" class=\"\(style)\"/>"
  }

  /// - Parameters:
  ///   - name: Unique on the page; the title and the description are found by it.
  ///   - title: What is shown. `description`: what a reader without the picture should know.
  func svg(name: String, style: String, title: String, description: String) -> String {
    "<svg class=\"\(style)\" viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-labelledby=\"\(name)-t \(name)-d\">"
      + "<title id=\"\(name)-t\">\(Markup.escape(title))</title><desc id=\"\(name)-d\">\(Markup.escape(description))</desc>\(shapes)</svg>"
  }

  /// At most one decimal.
  private func n(_ value: Double) -> String { Quantities.trimmed(value, decimals: 1) }
}

/// Values to pixels, along one axis.
struct Scale {
  enum Kind { case linear, logarithmic }

  let kind: Kind
  let low: Double
  let high: Double
  let start: Double
  let end: Double

  init(_ kind: Kind, _ low: Double, _ high: Double, pixels start: Double, _ end: Double) {
    self.kind = kind
    self.low = low
    self.high = high > low ? high : low + 1
    self.start = start
    self.end = end
  }

  /// Values outside are drawn at the edge.
  func callAsFunction(_ value: Double) -> Double {
    let share: Double
    switch kind {
    case .linear: share = (value - low) / (high - low)
    case .logarithmic: share = log(max(value, low) / low) / log(high / low)
    }
    return start + min(1, max(0, share)) * (end - start)
  }

  /// The value at a share (0 to 1) of the way.
  func value(at share: Double) -> Double {
    switch kind {
    case .linear: low + (high - low) * share
    case .logarithmic: low * exp(log(high / low) * share)
    }
  }

  /// Round values, about `count` of them.
  func ticks(_ count: Int) -> [Double] {
    switch kind {
    case .linear:
      let step = Scale.step(above: (high - low) / Double(max(1, count)))
      var ticks: [Double] = []
      var tick = (low / step).rounded(.up) * step
      while tick <= high * 1.000001, ticks.count < 50 {
        ticks.append(tick)
        tick += step
      }
      return ticks
    case .logarithmic:
      let all = Scale.steps(from: low, to: high)
      if all.count <= count { return all }
      let decades = all.filter { isDecade($0) }
      if decades.count <= 1 { return all }
      let stride = (decades.count + count - 1) / count
      return decades.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
    }
  }

  private func isDecade(_ value: Double) -> Bool {
    let exponent = log10(value)
    return abs(exponent - exponent.rounded()) < 1e-6
  }

  private static func steps(from low: Double, to high: Double) -> [Double] {
    var steps: [Double] = []
    var decade = pow(10, log10(low).rounded(.down))
    while decade <= high {
      for factor in [1.0, 2, 5] where decade * factor >= low * 0.9999 && decade * factor <= high * 1.0001 { steps.append(decade * factor) }
      decade *= 10
    }
    return steps
  }

  /// The next of 1, 2, 5, 10 …
  static func step(above value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    let decade = pow(10, log10(value).rounded(.down))
    return [1.0, 2, 5].map { $0 * decade }.first { $0 >= value * 0.9999 } ?? decade * 10
  }

  static func step(below value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    let decade = pow(10, log10(value).rounded(.down))
    return [5.0, 2].map { $0 * decade }.first { $0 <= value * 1.0001 } ?? decade
  }
}
