/// Where everything of a drawn chain stands: boxes from top to bottom, alternatives side by side.
///
/// All lengths are in pixels of the drawing. Text is set in a monospaced font, so that its width is known without a font at hand.
struct SVGLayout {
  struct Line {
    enum Style: String { case title, plain, dim, data, check, event }
    let style: Style
    let text: String
  }

  /// A box, measured and then placed.
  final class Box {
    let node: ChainDiagram.Node
    let lines: [Line]
    let arms: [(label: String, boxes: [Box])]
    var x = 0.0
    var y = 0.0
    var width = 0.0
    var height = 0.0
    var headHeight = 0.0
    /// Left edge and width of each arm.
    var columns: [(x: Double, width: Double)] = []

    init(node: ChainDiagram.Node) {
      self.node = node
      lines = SVGLayout.lines(of: node)
      arms = node.arms.map { arm in (arm.label, arm.nodes.map { Box(node: $0) }) }
      measure()
    }

    private func measure() {
      headHeight = Double(lines.count) * SVGLayout.lineHeight + 2 * SVGLayout.padding
      width = max(SVGLayout.widthMin, (lines.map { SVGLayout.width(of: $0.text) }.max() ?? 0) + 2 * SVGLayout.padding)
      height = headHeight
      guard !arms.isEmpty else { return }
      let widths = arms.map { arm in max(SVGLayout.width(of: arm.label) + 16, arm.boxes.map(\.width).max() ?? 0) }
      let inner = widths.reduce(0, +) + Double(arms.count - 1) * SVGLayout.armGap + 2 * SVGLayout.padding
      // Alternatives are spread over a head that is wider than they are.
      let extra = max(0, width - inner) / Double(arms.count)
      width = max(width, inner)
      var left = SVGLayout.padding
      for own in widths {
        columns.append((left, own + extra))
        left += own + extra + SVGLayout.armGap
      }
      height = headHeight + (arms.map { SVGLayout.height(of: $0) }.max() ?? 0) + SVGLayout.padding
    }

    func place(x: Double, y: Double) {
      self.x = x
      self.y = y
      for (arm, column) in zip(arms, columns) {
        var top = y + headHeight + SVGLayout.labelHeight(arm.label)
        for box in arm.boxes {
          box.place(x: x + column.x + (column.width - box.width) / 2, y: top)
          top += box.height + SVGLayout.stepGap
        }
      }
    }

    /// This box and all in it.
    var all: [Box] { [self] + arms.flatMap { $0.boxes.flatMap(\.all) } }
  }

  static let characterWidth = 7.25
  static let lineHeight = 17.0
  static let padding = 10.0
  static let stepGap = 22.0
  static let armGap = 18.0
  static let widthMin = 130.0

  /// Columns of a terminal are what a monospaced font has, too: two for East Asian characters.
  static func width(of text: String) -> Double {
    text.unicodeScalars.reduce(0.0) { $0 + ($1.value >= 0x1100 && $1.value < 0xFFE7 && $1.properties.isIdeographic ? 2 : 1) * characterWidth }
  }

  static func labelHeight(_ label: String) -> Double { label.isEmpty ? 4 : 26 }

  static func height(of arm: (label: String, boxes: [Box])) -> Double {
    labelHeight(arm.label) + arm.boxes.reduce(0) { $0 + $1.height } + Double(max(0, arm.boxes.count - 1)) * stepGap
  }

  static func lines(of node: ChainDiagram.Node) -> [Line] {
    let place = node.place.split(separator: ":").last.map { "  :\($0)" } ?? ""
    var lines = [Line(style: .title, text: node.title + place)]
    let verb = node.verb + (node.connection.map { " on \($0)" } ?? "")
    lines.append(Line(style: .dim, text: node.detail.isEmpty ? verb : "\(verb)  \(node.detail)"))
    lines += node.writes.map { Line(style: .data, text: "\($0.name): \($0.type)") }
    lines += node.checks.map { Line(style: .check, text: "✓ \($0)") }
    lines += node.origins.map { Line(style: .event, text: "◇ starts \($0)") }
    return lines
  }
}
