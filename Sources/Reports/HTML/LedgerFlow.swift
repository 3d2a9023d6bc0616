internal import Metrics

/// An event's ledger as a flow: what was attempted, what of it was committed, and what became of that at each hop.
///
/// Heights are shares of the attempted events, but nothing that exists is thinner than two pixels.
struct LedgerFlow {
  let event: EventRecord
  let width: Double

  struct Block {
    let name: String
    let count: UInt64
    let style: String
    /// Goes on to the next hop.
    let isPassing: Bool
  }

  struct Column {
    let title: String
    let blocks: [Block]
  }

  static func columns(of event: EventRecord) -> [Column] {
    var columns: [Column] = []
    if let counts = event.counts {
      columns.append(
        Column(
          title: "attempted",
          blocks: [
            Block(name: "committed", count: counts.committed, style: "f-good", isPassing: true),
            Block(name: "unknown", count: counts.unknown, style: "f-doubt", isPassing: false),
            Block(name: "rolled back", count: counts.rolledBack, style: "f-grey", isPassing: false),
          ]))
    }
    for hop in event.hops {
      let counts = hop.counts
      columns.append(
        Column(
          title: hop.info.name,
          blocks: [
            Block(name: "ok", count: counts.ok, style: "f-good", isPassing: true),
            Block(name: "late", count: counts.late, style: "f-doubt", isPassing: true),
            Block(name: "superseded", count: counts.superseded, style: "f-grey", isPassing: true),
            Block(name: "unobserved", count: counts.unobserved, style: "f-doubt soft", isPassing: true),
            Block(name: "lost", count: counts.lost, style: "f-bad", isPassing: false),
            Block(name: "blocked", count: counts.blocked, style: "f-bad soft", isPassing: false),
            Block(name: "not decided yet", count: event.undecided(at: hop), style: "f-grey soft", isPassing: false),
          ]))
    }
    return columns.map { Column(title: $0.title, blocks: $0.blocks.filter { $0.count > 0 }) }
  }

  func picture() -> Picture? {
    let columns = Self.columns(of: event)
    let most = columns.map { $0.blocks.reduce(0) { $0 + $1.count } }.max() ?? 0
    guard most > 0 else { return nil }
    return width < 500 ? upright(columns, most) : across(columns, most)
  }

  /// Columns from left to right, with ribbons between them.
  private func across(_ columns: [Column], _ most: UInt64) -> Picture {
    let (top, height, bar) = (26.0, 130.0, 20.0)
    let labels = max(150, min(220, width / Double(columns.count)))
    var picture = Picture(width: width, height: top + height + 30)
    let step = columns.count > 1 ? (width - labels - bar) / Double(columns.count - 1) : 0
    var passing: (x: Double, top: Double, bottom: Double)?
    for (index, column) in columns.enumerated() {
      let x = Double(index) * step
      picture.text(x, 14, column.title, .start, "h")
      let heights = Self.heights(column.blocks, most, height)
      var y = top
      let going = zip(column.blocks, heights).filter { $0.0.isPassing || $0.0.name == "lost" }.reduce(0) { $0 + $1.1 }
      if let passing { picture.ribbon(from: passing.x, passing.top, passing.bottom, to: x, top, top + going, "ribbon") }
      let passed = zip(column.blocks, heights).filter(\.0.isPassing).reduce(0) { $0 + $1.1 }
      passing = passed > 0 ? (x + bar, top, top + passed) : nil
      var labelY = top
      for (block, blockHeight) in zip(column.blocks, heights) {
        picture.rectangle(x, y, bar, blockHeight, block.style, hint: "\(block.name): \(Quantities.count(block.count))")
        labelY = max(labelY, y + min(blockHeight / 2, 20))
        picture.text(x + bar + 6, labelY + 4, "\(Quantities.count(block.count)) \(block.name)", .start, "t")
        labelY += 16
        y += blockHeight
      }
    }
    return picture
  }

  /// Columns one below the other, as bars: a phone has no room for ribbons.
  private func upright(_ columns: [Column], _ most: UInt64) -> Picture {
    let rows = columns.reduce(0) { $0 + 1 + $1.blocks.count }
    var picture = Picture(width: width, height: Double(rows) * 20 + Double(columns.count) * 8 + 4)
    var y = 14.0
    for column in columns {
      picture.text(0, y, column.title, .start, "h")
      y += 8
      for block in column.blocks {
        let length = max(2, Double(block.count) / Double(most) * (width - 150))
        picture.rectangle(0, y, length, 14, block.style)
        picture.text(length + 6, y + 11, "\(Quantities.count(block.count)) \(block.name)")
        y += 20
      }
      y += 20
    }
    return picture
  }

  private static func heights(_ blocks: [Block], _ most: UInt64, _ height: Double) -> [Double] {
    blocks.map { max(2, Double($0.count) / Double(most) * height) }
  }
}
