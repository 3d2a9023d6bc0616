extension ChainDiagram {
  /// A picture that needs nothing else: steps in boxes from top to bottom, the way of each variable as a rail at the right, events below. Light or
  /// dark as the reader's system is.
  package func svg() -> String {
    var drawing = SVGDrawing(diagram: self)
    return drawing.draw()
  }
}

private struct SVGDrawing {
  let diagram: ChainDiagram
  private var back: [String] = []
  private var front: [String] = []
  private var width = 0.0
  private let margin = 24.0

  init(diagram: ChainDiagram) { self.diagram = diagram }

  mutating func draw() -> String {
    var y = margin
    text(margin, y + 16, diagram.chain, "heading")
    y += 28
    if !diagram.summary.isEmpty {
      text(margin, y + 8, diagram.summary, "dim")
      y += 22
    }
    for connection in diagram.connections {
      text(margin, y + 10, "\(connection.name): \(connection.detail)", "dim")
      y += SVGLayout.lineHeight
    }
    y += 12
    let blocks = diagram.blocks.map { (title: $0.title, boxes: $0.nodes.map { SVGLayout.Box(node: $0) }) }
    let feedBoxes = feeds(&y)
    let column = max(blocks.flatMap { $0.boxes.map(\.width) }.max() ?? 0, 0)
    var boxes: [SVGLayout.Box] = []
    for block in blocks {
      text(margin, y + 12, block.title, "block")
      y += 26
      for (index, box) in block.boxes.enumerated() {
        box.place(x: margin + (column - box.width) / 2, y: y)
        if index > 0 { arrow(margin + column / 2, y - SVGLayout.stepGap, y) }
        y += box.height + SVGLayout.stepGap
        boxes += box.all
        self.box(box)
      }
    }
    width = max(width, margin + column)
    rails(boxes, feedBoxes)
    events(&y)
    let height = y + margin
    let size = "width=\"\(number(width + margin))\" height=\"\(number(height))\" viewBox=\"0 0 \(number(width + margin)) \(number(height))\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" \(size) role="img" aria-label="\(escaped("Steps, data and events of the chain \(diagram.chain)"))">
      <style>\(SVGDrawing.style)</style>
      <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>
      <rect class="page" width="100%" height="100%"/>
      \((back + front).joined(separator: "\n"))
      </svg>

      """
  }

  // Feeds

  private mutating func feeds(_ y: inout Double) -> [String: (x: Double, y: Double)] {
    var places: [String: (x: Double, y: Double)] = [:]
    for feed in diagram.feeds {
      let label = "\(feed.name)  \(feed.detail)"
      let width = SVGLayout.width(of: label) + 2 * SVGLayout.padding
      front.append("<rect class=\"feed\" x=\"\(number(margin))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"28\" rx=\"14\"/>")
      text(margin + SVGLayout.padding, y + 18, label, "plain")
      places[feed.name] = (margin + width, y + 14)
      self.width = max(self.width, margin + width)
      y += 40
    }
    return places
  }

  // Steps

  private mutating func box(_ box: SVGLayout.Box) {
    let kind = box.arms.isEmpty ? (box.node.connection == nil ? "control" : "step") : "around"
    front.append(
      "<rect class=\"\(kind)\" x=\"\(number(box.x))\" y=\"\(number(box.y))\" width=\"\(number(box.width))\" height=\"\(number(box.height))\" rx=\"7\">"
        + "<title>\(escaped(box.node.place))</title></rect>")
    for (index, line) in box.lines.enumerated() {
      text(box.x + SVGLayout.padding, box.y + SVGLayout.padding + 12 + Double(index) * SVGLayout.lineHeight, line.text, line.style.rawValue)
    }
    for (arm, column) in zip(box.arms, box.columns) {
      let middle = box.x + column.x + column.width / 2
      let top = box.y + box.headHeight
      if !arm.label.isEmpty {
        text(middle, top + 14, arm.label, "label", anchor: "middle")
      }
      for (index, inner) in arm.boxes.enumerated() {
        if index > 0 { arrow(middle, inner.y - SVGLayout.stepGap, inner.y) }
        self.box(inner)
      }
    }
    if box.arms.count > 1 {
      for (column, next) in zip(box.columns, box.columns.dropFirst()) {
        let x = box.x + (column.x + column.width + next.x) / 2
        front.append(
          "<path class=\"between\" d=\"M\(number(x)) \(number(box.y + box.headHeight + 4))V\(number(box.y + box.height - SVGLayout.padding))\"/>")
      }
    }
  }

  private mutating func arrow(_ x: Double, _ from: Double, _ to: Double) {
    front.append("<path class=\"flow\" marker-end=\"url(#tip)\" d=\"M\(number(x)) \(number(from))V\(number(to - 1))\"/>")
  }

  // Data: a rail for each variable, from who writes it to who reads it

  private mutating func rails(_ boxes: [SVGLayout.Box], _ feeds: [String: (x: Double, y: Double)]) {
    let right = width + 26
    var rail = 0
    for path in diagram.data {
      let writers = path.writers.compactMap { number in boxes.first { $0.node.number == number } }
      let readers = path.readers.filter { !path.writers.contains($0) }.compactMap { number in boxes.first { $0.node.number == number } }
      guard !readers.isEmpty else { continue }
      let x = right + Double(rail) * 24
      rail += 1
      var starts = writers.map { box in (x: box.x + box.width, y: lineY(box, of: path.variable)) }
      if let feed = path.feed, let place = feeds[feed] { starts.append(place) }
      // Apart from each other by the rail's number, so that two variables read by one step do not share a line.
      let ends = readers.map { box in (x: box.x + box.width, y: box.y + min(box.headHeight - 4, 8 + Double(rail % 5) * 5)) }
      let ys = (starts + ends).map(\.y)
      guard let top = ys.min(), let bottom = ys.max(), let first = starts.map(\.y).min() else { continue }
      let colour = "data\(rail % 5)"
      for start in starts { back.append(line(start.x, start.y, x, colour)) }
      for end in ends {
        back.append(line(end.x, end.y, x, colour))
        front.append("<path class=\"\(colour) head\" d=\"M\(number(end.x + 7)) \(number(end.y - 3.5))l-7 3.5l7 3.5z\"/>")
      }
      for start in starts { front.append("<circle class=\"\(colour) dot\" cx=\"\(number(start.x))\" cy=\"\(number(start.y))\" r=\"3\"/>") }
      back.append("<path class=\"\(colour) rail\" d=\"M\(number(x)) \(number(top))V\(number(bottom))\"/>")
      front.append(
        "<text class=\"\(colour) name\" transform=\"translate(\(number(x + 4)) \(number(first + 4))) rotate(90)\">\(escaped(path.variable.name))</text>")
    }
    if rail > 0 { width = right + Double(rail) * 24 }
  }

  private func line(_ from: Double, _ y: Double, _ to: Double, _ colour: String) -> String {
    "<path class=\"\(colour) rail\" d=\"M\(number(from)) \(number(y))H\(number(to))\"/>"
  }

  /// Where a step's box names the variable that it writes.
  private func lineY(_ box: SVGLayout.Box, of variable: ChainDiagram.Variable) -> Double {
    let index = box.lines.firstIndex { $0.style == .data && $0.text == "\(variable.name): \(variable.type)" } ?? 0
    return box.y + SVGLayout.padding + 8 + Double(index) * SVGLayout.lineHeight
  }

  // Events

  private mutating func events(_ y: inout Double) {
    guard !diagram.events.isEmpty else { return }
    text(margin, y + 12, "events", "block")
    y += 26
    for event in diagram.events {
      let label = "◇ \(event.name)"
      let origin = "from \(event.originTitle), \(event.detail)"
      var x = margin
      let boxWidth = max(SVGLayout.width(of: label), SVGLayout.width(of: origin)) + 2 * SVGLayout.padding
      panel(x, y, boxWidth, [(label, "event"), (origin, "dim")])
      x += boxWidth
      for hop in event.hops {
        var lines = [(hop.name, "title"), (hop.detail, "dim")]
        if !hop.awaitedBy.isEmpty { lines.append(("awaited by " + hop.awaitedBy.map { diagram.titles[$0] }.joined(separator: ", "), "dim")) }
        let hopWidth = (lines.map { SVGLayout.width(of: $0.0) }.max() ?? 0) + 2 * SVGLayout.padding
        front.append("<path class=\"flow\" marker-end=\"url(#tip)\" d=\"M\(number(x)) \(number(y + 27))H\(number(x + 27))\"/>")
        panel(x + 28, y, hopWidth, lines)
        x += 28 + hopWidth
      }
      width = max(width, x)
      y += 54 + SVGLayout.lineHeight + 14
    }
  }

  private mutating func panel(_ x: Double, _ y: Double, _ width: Double, _ lines: [(String, String)]) {
    let height = Double(lines.count) * SVGLayout.lineHeight + 2 * SVGLayout.padding
    front.append("<rect class=\"hop\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\" rx=\"7\"/>")
    for (index, line) in lines.enumerated() {
      text(x + SVGLayout.padding, y + SVGLayout.padding + 12 + Double(index) * SVGLayout.lineHeight, line.0, line.1)
    }
  }

  // Marks

  private mutating func text(_ x: Double, _ y: Double, _ content: String, _ style: String, anchor: String? = nil) {
    let anchor = anchor.map { " text-anchor=\"\($0)\"" } ?? ""
    front.append("<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\"\(anchor)>\(escaped(content))</text>")
    if anchor.isEmpty { width = max(width, x + SVGLayout.width(of: content)) }
  }

  /// One digit after the point is finer than a screen.
  private func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
  }

  /// Text of a chain can hold anything: what XML reads is escaped, and what it does not allow is left out.
  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += " "
      case _ where scalar.properties.generalCategory == .format: continue
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static let style = """
    text{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328;white-space:pre}\
    .heading{font-size:17px;font-weight:600}.block{font-weight:600;fill:#57606a}.title{font-weight:600}.dim{fill:#57606a}\
    .data{fill:#0550ae}.check{fill:#1a7f37}.event{fill:#8250df;font-weight:600}.label{fill:#953800;font-weight:600}\
    .page{fill:#fff}rect{stroke-width:1}.step{fill:#f6f8fa;stroke:#8c959f}.control{fill:#fff;stroke:#8c959f;stroke-dasharray:4 3}\
    .around{fill:#eaeef2;fill-opacity:.55;stroke:#afb8c1}.feed{fill:#ddf4ff;stroke:#54aeff}.hop{fill:#fbefff;stroke:#c297ff}\
    .flow{fill:none;stroke:#57606a;stroke-width:1.4}.tip{fill:#57606a}.between{fill:none;stroke:#afb8c1;stroke-dasharray:2 4}\
    .rail{fill:none;stroke-width:1.3;stroke-opacity:.8}.name{font-size:10.5px}.rail.data0,.dot.data0{stroke:#0969da}.rail.data1,.dot.data1{stroke:#bc4c00}\
    .rail.data2,.dot.data2{stroke:#1a7f37}.rail.data3,.dot.data3{stroke:#8250df}.rail.data4,.dot.data4{stroke:#bf3989}\
    .name.data0,.head.data0,.dot.data0{fill:#0969da}.name.data1,.head.data1,.dot.data1{fill:#bc4c00}.name.data2,.head.data2,.dot.data2{fill:#1a7f37}\
    .name.data3,.head.data3,.dot.data3{fill:#8250df}.name.data4,.head.data4,.dot.data4{fill:#bf3989}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.block,.dim{fill:#9198a1}.data{fill:#79c0ff}.check{fill:#56d364}\
    .event{fill:#d2a8ff}.label{fill:#ffa657}.step{fill:#161b22;stroke:#6e7681}.control{fill:#0d1117;stroke:#6e7681}.around{fill:#21262d;stroke:#484f58}\
    .feed{fill:#0c2d6b;stroke:#388bfd}.hop{fill:#271052;stroke:#8957e5}.flow{stroke:#9198a1}.tip{fill:#9198a1}.between{stroke:#484f58}\
    .rail.data0,.dot.data0{stroke:#58a6ff}.name.data0,.head.data0,.dot.data0{fill:#58a6ff}.rail.data1,.dot.data1{stroke:#ffa657}\
    .name.data1,.head.data1,.dot.data1{fill:#ffa657}.rail.data2,.dot.data2{stroke:#56d364}.name.data2,.head.data2,.dot.data2{fill:#56d364}\
    .rail.data3,.dot.data3{stroke:#d2a8ff}.name.data3,.head.data3,.dot.data3{fill:#d2a8ff}.rail.data4,.dot.data4{stroke:#f778ba}\
    .name.data4,.head.data4,.dot.data4{fill:#f778ba}}
    """
}
