extension ChainDiagram {
  /// Graphviz: a cluster for each block and each step with steps inside; solid edges for the order, dashed ones for data, dotted ones for events.
  package func dot() -> String {
    var lines = [
      "digraph \(quoted(chain)) {", "  rankdir=TB; compound=true; fontname=\"Helvetica\"; labelloc=t; label=\(quoted(chain));",
      "  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=11]; edge [fontname=\"Helvetica\", fontsize=9];",
    ]
    for feed in feeds { lines.append("  \(quoted("feed " + feed.name)) [shape=cylinder, label=\(quoted(feed.name + "\n" + feed.detail))];") }
    for (index, block) in blocks.enumerated() {
      lines.append("  subgraph \(quoted("cluster block \(index)")) {")
      lines.append("    label=\(quoted(block.title));")
      declare(block.nodes, "    ", &lines)
      lines.append("  }")
      var ends: [(node: Int, label: String)] = []
      connect(block.nodes, &ends, &lines)
    }
    for (index, event) in events.enumerated() {
      for (number, hop) in event.hops.enumerated() {
        lines.append("  \(quoted("hop \(index) \(number)")) [shape=hexagon, style=solid, label=\(quoted("\(event.name).\(hop.name)\n\(hop.detail)"))];")
        if let origin = event.origin { lines.append("  n\(origin) -> \(quoted("hop \(index) \(number)")) [style=dotted];") }
        for node in hop.awaitedBy { lines.append("  \(quoted("hop \(index) \(number)")) -> n\(node) [style=dotted, constraint=false];") }
      }
    }
    for path in data {
      let from = path.feed.map { [quoted("feed " + $0)] } ?? path.writers.map { "n\($0)" }
      for source in from {
        for reader in path.readers where source != "n\(reader)" {
          lines.append("  \(source) -> n\(reader) [style=dashed, color=gray50, fontcolor=gray40, constraint=false, label=\(quoted(path.variable.name))];")
        }
      }
    }
    lines.append("}")
    return lines.joined(separator: "\n") + "\n"
  }

  private func declare(_ nodes: [Node], _ indent: String, _ lines: inout [String]) {
    for node in nodes {
      var text = [node.title, node.verb + (node.connection.map { " on \($0)" } ?? "")]
      if !node.detail.isEmpty { text.append(node.detail) }
      text += node.writes.map { "→ \($0.name): \($0.type)" } + node.checks.map { "✓ \($0)" } + node.origins.map { "◇ starts \($0)" }
      let own = "\(indent)n\(node.number) [label=\(quoted(text.joined(separator: "\n")))];"
      guard !node.arms.isEmpty else {
        lines.append(own)
        continue
      }
      lines.append("\(indent)subgraph \(quoted("cluster step \(node.number)")) {")
      lines.append("\(indent)  label=\"\"; style=rounded; color=gray60;")
      lines.append("  " + own)
      for arm in node.arms { declare(arm.nodes, indent + "  ", &lines) }
      lines.append("\(indent)}")
    }
  }

  /// Edges in the order of execution.
  ///
  /// - Parameter ends: Nodes after which the next one comes, with the label of the way.
  private func connect(_ nodes: [Node], _ ends: inout [(node: Int, label: String)], _ lines: inout [String]) {
    for node in nodes {
      for end in ends { lines.append("  n\(end.node) -> n\(node.number)\(end.label.isEmpty ? "" : " [label=\(quoted(end.label))]");") }
      ends = []
      for arm in node.arms {
        var inner = [(node: node.number, label: arm.label)]
        connect(arm.nodes, &inner, &lines)
        ends += inner
      }
      if node.arms.isEmpty { ends = [(node.number, "")] }
      if node.isLoop {
        for end in ends { lines.append("  n\(end.node) -> n\(node.number) [label=again, constraint=false];") }
        ends = [(node.number, "")]
      } else if node.mayPassBy {
        ends.append((node.number, "otherwise"))
      }
    }
  }

  /// A quoted string of the DOT language: only the quote needs an escape, and a backslash, since it would begin one; lines end with `\n`.
  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
