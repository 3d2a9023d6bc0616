internal import ChainProgram
internal import Diagnostics

/// Feeds: reads and types their rows before the run.
extension ChainResolver {
  func resolveFeeds(readFile: FileReader) {
    for node in graph.feeds {
      if constants[node.name.text] != nil {
        findings.add(.duplicateName, at: node.name.range, "the name '\(node.name.text)' is taken by a variable")
        continue
      }
      guard let feed = feed(node, readFile: readFile) else {
        feedBindings[node.name.text] = .invalid
        continue
      }
      let index = FeedIndex(builder.program.feeds.count)
      builder.program.feeds.append(feed)
      let base = builder.declareRun(feed.columns.map { ("\(feed.name).\($0.name)", $0.type) })
      feedBases.append((index, base, feed.columns.count))
      let members = feed.columns.enumerated().map { offset, column in
        (
          name: column.name,
          binding: NameBinding.variable(
            NameBinding.Variable(slot: SlotIndex(base.index + offset), type: column.type, captured: node.name.range))
        )
      }
      feedBindings[node.name.text] = .namespace(
        NameBinding.Namespace(title: "feed '\(feed.name)'", noun: "column", members: members))
    }
  }

  /// Rows are drawn only of feeds that something reads.
  func finishFeeds() {
    for (feed, base, count) in feedBases where (base.index..<base.index + count).contains(where: { slotsRead.contains(SlotIndex($0)) }) {
      typed.feedSlots.append((feed, base))
    }
  }

  private func feed(_ node: FeedNode, readFile: FileReader) -> FeedDeclaration? {
    let pick = choice(node.pick, "pick", FeedDeclaration.Pick.allCases.map(\.rawValue)).flatMap(FeedDeclaration.Pick.init) ?? .sequential
    let exhaustion =
      choice(node.exhausted, "exhausted", FeedDeclaration.Exhaustion.allCases.map(\.rawValue))
      .flatMap(FeedDeclaration.Exhaustion.init) ?? (pick == .unique ? .stop : .again)
    if pick == .unique, exhaustion == .again, let entry = node.exhausted {
      findings.add(
        .badValue, at: entry.value.placeRange, "'pick: unique' gives no row twice", help: "write 'exhausted: stop', or pick otherwise")
    }
    var columns: [(name: String, type: ValueType, range: SourceRange)] = []
    var hasBadType = false
    for entry in node.columns {
      if let type = typeName(entry) { columns.append((entry.key.text, type, entry.key.range)) } else { hasBadType = true }
    }
    guard let source = node.path else { return nil }
    guard let scalar = source.scalar, !scalar.isNull else {
      findings.add(.wrongNodeKind, at: source.placeRange, "a feed's source is the path of a file, and this is \(source.kindPhrase)")
      return nil
    }
    guard !columns.isEmpty else {
      if !hasBadType, node.columns.isEmpty, node.columnsRange != node.name.range { findings.add(.missingKey, at: node.columnsRange, "a feed reads at least one column") }
      return nil
    }
    let path = besidePath(graph.file.path, scalar.text)
    let bytes: [UInt8]
    switch readFile(path) {
    case .failure(let failure):
      findings.add(.feedUnreadable, at: scalar.range, "'\(shown(path))' could not be read: \(failure.reason)")
      return nil
    case .success(let content): bytes = content
    }
    guard bytes.count <= options.feedBytesMax, files.count < 1_000 else {
      findings.add(.limitExceeded, at: scalar.range, "the feed has \(bytes.count) bytes, and \(options.feedBytesMax) is the limit")
      return nil
    }
    let file = files.add(path: path, bytes: bytes)
    let read =
      switch node.format {
      case .csv: cells(of: file, columns, named: scalar)
      case .json: jsonCells(of: file, columns, named: scalar)
      case .ndjson: lineCells(of: file, columns, named: scalar)
      }
    guard let cells = read, !hasBadType else { return nil }
    return FeedDeclaration(
      name: node.name.text, columns: columns.map { ($0.name, $0.type) }, pick: pick, onExhaustion: exhaustion, cells: cells)
  }

  /// All rows, row-major; nil with findings if the file does not fit its columns.
  private func cells(of file: SourceFile, _ columns: [(name: String, type: ValueType, range: SourceRange)], named: YAMLScalar) -> [Value]? {
    var reader = CSVReader(file)
    guard let header = reader.next() else {
      findings.add(.feedUnreadable, at: named.range, "'\(shown(file.path))' is empty, and its first line names the columns")
      return nil
    }
    let names = header.map(\.text)
    var places: [Int] = []
    for column in columns {
      if let place = names.firstIndex(of: column.name) {
        places.append(place)
      } else {
        findings.add(
          .unknownName, at: column.range, "'\(shown(file.path))' has no column '\(shown(column.name))'",
          help: nearestName(to: column.name, among: names).map { "did you mean '\($0)'?" } ?? "its columns: \(listPhrase(names))")
      }
    }
    guard places.count == columns.count else { return nil }
    var cells: [Value] = []
    var badCells = 0
    while let record = reader.next() {
      if record.count != names.count {
        badCells += 1
        if badCells <= 10, let first = record.first, let last = record.last {
          findings.add(
            .feedUnreadable, at: first.range.union(last.range), "this row has \(record.count) cells, and the first line has \(names.count)")
        }
        continue
      }
      for (column, place) in zip(columns, places) {
        let cell = record[place]
        if let value = plainLiteral(cell.text, as: column.type) {
          cells.append(value)
        } else if badCells < 10,
          let value = literal(ExpressionText(cell.text) { _ in cell.range }, as: column.type, what: "column '\(column.name)'")
        {
          cells.append(value)
        } else {
          badCells += 1
        }
      }
    }
    if let range = reader.unclosedQuote {
      findings.add(.feedUnreadable, at: range, "this quote is not closed")
      return nil
    }
    guard badCells == 0 else { return nil }
    if cells.isEmpty {
      findings.add(.feedUnreadable, at: named.range, "'\(shown(file.path))' has no rows")
      return nil
    }
    return cells
  }
}
