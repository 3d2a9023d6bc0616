internal import ChainProgram
internal import Diagnostics
internal import LosslessJSON

/// Feeds of JSON objects: one array of them, or one on each line.
extension ChainResolver {
  typealias FeedColumn = (name: String, type: ValueType, range: SourceRange)

  /// All rows of one JSON array, row-major; nil with findings if they do not fit.
  func jsonCells(of file: SourceFile, _ columns: [FeedColumn], named: YAMLScalar) -> [Value]? {
    let document: JSONDocument
    do throws(JSONParseError) { document = try JSONDocument(parsing: Array(file.bytes), maximumBytes: options.feedBytesMax) } catch {
      let place = min(error.byteOffset, file.bytes.count)
      findings.add(.feedUnreadable, at: file.range(place, place), "this is not JSON: \(error.reason)")
      return nil
    }
    guard document.root.kind == .array else {
      findings.add(.feedUnreadable, at: named.range, "'\(shown(file.path))' is not a JSON array of objects")
      return nil
    }
    var rows = RowReader(columns: columns)
    for (index, row) in document.root.elements.enumerated() {
      rows.read(row, at: file.range(0, 0), "row \(index + 1)", self)
    }
    return finish(rows, file, named)
  }

  /// All rows of a file with one JSON object on each line.
  func lineCells(of file: SourceFile, _ columns: [FeedColumn], named: YAMLScalar) -> [Value]? {
    let bytes = file.bytes
    var rows = RowReader(columns: columns)
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      defer { start = end + 1 }
      guard !bytes[start..<end].allSatisfy({ $0 <= UInt8(ascii: " ") }) else { continue }
      do throws(JSONParseError) {
        let document = try JSONDocument(parsing: Array(bytes[start..<end]), maximumBytes: options.feedBytesMax)
        rows.read(document.root, at: file.range(start, end), "this row", self)
      } catch {
        let place = min(start + error.byteOffset, end)
        rows.badCells += 1
        if rows.badCells <= 10 { findings.add(.feedUnreadable, at: file.range(place, place), "this is not JSON: \(error.reason)") }
      }
    }
    return finish(rows, file, named)
  }

  private func finish(_ rows: RowReader, _ file: SourceFile, _ named: YAMLScalar) -> [Value]? {
    guard rows.badCells == 0 else { return nil }
    if rows.cells.isEmpty {
      findings.add(.feedUnreadable, at: named.range, "'\(shown(file.path))' has no rows")
      return nil
    }
    return rows.cells
  }

  private struct RowReader {
    let columns: [FeedColumn]
    var cells: [Value] = []
    /// Cells with findings, of which the first ten are shown.
    var badCells = 0

    init(columns: [FeedColumn]) { self.columns = columns }

    mutating func read(_ row: JSONValue, at range: SourceRange, _ what: String, _ resolver: ChainResolver) {
      guard row.kind == .object else {
        badCells += 1
        if badCells <= 10 { resolver.findings.add(.feedUnreadable, at: range, "\(what) is no JSON object") }
        return
      }
      for column in columns {
        guard let member = row[column.name] else {
          badCells += 1
          if badCells <= 10 { resolver.findings.add(.feedUnreadable, at: range, "\(what) has no member '\(shown(column.name))'") }
          continue
        }
        if let value = resolver.feedValue(member, as: column.type) {
          cells.append(value)
        } else {
          badCells += 1
          if badCells <= 10 {
            resolver.findings.add(.badLiteral, at: range, "'\(shown(column.name))' of \(what) is not written as \(column.type)")
          }
        }
      }
    }
  }

  /// A JSON value as a value of a column's type; a number keeps its text until here.
  fileprivate func feedValue(_ value: JSONValue, as type: ValueType) -> Value? {
    switch type {
    case .json: return .json(value)
    case .bool: return value.bool.map { .bool($0) }
    case .string: return value.string.map { .string($0) }
    case .int, .decimal, .float:
      guard let text = value.numberText ?? value.string else { return nil }
      return plainLiteral(text, as: type)
    case .uuid, .bytes: return value.string.flatMap { plainLiteral($0, as: type) }
    case .duration, .rate, .size, .percentage:
      guard let text = value.string else { return nil }
      let literal = LiteralReader.value(text)
      return literal.type == type ? literal.value : nil
    case .instant, .list, .map, .row, .rows, .untyped, .messages, .optional, .secret, .null, .invalid: return nil
    }
  }
}
