extension ChainDiagram {
  /// An indented tree for the terminal: steps, what they capture and who reads it, then the events with their hops.
  package func text() -> String {
    var lines = [chain + (summary.isEmpty ? "" : ": " + summary)]
    table("connections", connections.map { ($0.name, $0.detail) }, &lines)
    table("feeds", feeds.map { feed in (feed.name, feed.detail + arrow(readers(ofFeed: feed.name))) }, &lines)
    for block in blocks {
      lines += ["", block.title]
      write(block.nodes, "", &lines)
    }
    guard !events.isEmpty else { return lines.joined(separator: "\n") + "\n" }
    lines += ["", "events"]
    for event in events {
      lines.append("◇ \(event.name)  from \(event.originTitle), \(event.detail)")
      for (index, hop) in event.hops.enumerated() {
        lines.append((index == event.hops.count - 1 ? "└─ " : "├─ ") + "\(hop.name)  \(hop.detail)" + arrow(hop.awaitedBy.map { titles[$0] }))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func table(_ title: String, _ rows: [(name: String, detail: String)], _ lines: inout [String]) {
    guard !rows.isEmpty else { return }
    lines += ["", title]
    let width = rows.map(\.name.count).max() ?? 0
    for row in rows { lines.append("  " + row.name + String(repeating: " ", count: width - row.name.count + 2) + row.detail) }
  }

  private func write(_ nodes: [Node], _ indent: String, _ lines: inout [String]) {
    for (index, node) in nodes.enumerated() {
      let isLast = index == nodes.count - 1
      lines.append(indent + (isLast ? "└─ " : "├─ ") + head(node))
      let inner = indent + (isLast ? "   " : "│  ")
      let under = inner + (node.arms.isEmpty ? "     " : "│    ")
      for variable in node.writes { lines.append(under + "\(variable.name): \(variable.type)" + arrow(readers(of: variable, writtenBy: node.number))) }
      for check in node.checks { lines.append(under + "✓ " + check) }
      for event in node.origins { lines.append(under + "◇ starts \(event)") }
      guard node.arms.count > 1 || node.arms.contains(where: { !$0.label.isEmpty }) else {
        if let arm = node.arms.first { write(arm.nodes, inner, &lines) }
        continue
      }
      for (number, arm) in node.arms.enumerated() {
        let isLastArm = number == node.arms.count - 1
        lines.append(inner + (isLastArm ? "└─ " : "├─ ") + "[\(arm.label)]")
        write(arm.nodes, inner + (isLastArm ? "   " : "│  "), &lines)
      }
    }
  }

  private func head(_ node: Node) -> String {
    "\(node.title)  \(node.verb)" + (node.connection.map { " on \($0)" } ?? "") + (node.detail.isEmpty ? "" : "  \(node.detail)") + "  (\(node.place))"
  }

  private func arrow(_ names: [String]) -> String { names.isEmpty ? "" : "  → " + names.joined(separator: ", ") }

  func readers(ofFeed feed: String) -> [String] {
    var names: [String] = []
    for path in data where path.feed == feed {
      for reader in path.readers where !names.contains(titles[reader]) { names.append(titles[reader]) }
    }
    return names
  }
}
