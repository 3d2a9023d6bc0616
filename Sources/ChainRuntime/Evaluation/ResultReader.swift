import ChainIO
import ChainProgram
import Glibc
import LosslessJSON

/// Reads an operation's result, or a sighting's content, along a result path.
///
/// A class only for its JSON cache: the content is parsed at most once, when an expression first asks for `json`.
final class ResultReader {
  private(set) var result: OperationResult { didSet { held = Unmanaged.passUnretained(result) } }
  /// `result`, for what is read for each event: a reference in a variable is counted each time it is used.
  private var held: Unmanaged<OperationResult>
  private var document: JSONDocument?
  /// The message whose content `document` is; -1 for none.
  private var jsonMessage = -1

  init(_ result: OperationResult) {
    self.result = result
    held = Unmanaged.passUnretained(result)
  }

  /// The content has changed: forget what was parsed.
  func contentChanged() {
    document = nil
    jsonMessage = -1
  }

  func read(_ other: OperationResult) {
    result = other
    contentChanged()
  }

  /// - Parameter column: The caller's cache for this path.
  func load(_ path: ResultPath, column: inout Int) throws(OperationError) -> Value {
    switch path.field {
    case .affected: return .int(result.affected)
    case .status: return .int(result.status)
    case .routed: return .bool(result.isRouted)
    case .key: return .string(result.string(result.key))
    case .text:
      // An HTTP answer without a body has an empty one; a watched key that is gone has none.
      guard result.hasBody || result.status > 0 else {
        throw OperationError(.value, code: "no-content", "there is no content to read as text")
      }
      return .string(result.hasBody ? result.string(result.body) : "")
    case .json: return try json(path)
    case .headers: return header(path)
    case .reply: return reply(path)
    case .row, .rows:
      if path.field == .rows, case .member("size")? = path.segments.first { return .int(Int64(result.rowCount)) }
      return value(try cell(path, column: &column))
    case .messages: return try message(path)
    }
  }

  func loadInt(_ path: UnsafeMutablePointer<CompiledPath>) throws(OperationError) -> Int64 {
    if let text = try scalar(path), let number = Casting.integer(utf8: text) { return number }
    guard case .int(let number) = try Casting.cast(load(path.pointee.path, column: &path.pointee.column), to: .int) else { return 0 }
    return number
  }

  func loadDecimal(_ path: UnsafeMutablePointer<CompiledPath>) throws(OperationError) -> Decimal {
    if let text = try scalar(path), let number = Decimal(utf8: text) { return number }
    guard case .decimal(let number) = try Casting.cast(load(path.pointee.path, column: &path.pointee.column), to: .decimal) else {
      return Decimal(0)
    }
    return number
  }

  /// As a cast of what `load` gives, without a string between.
  func loadJSON(_ path: UnsafeMutablePointer<CompiledPath>) throws(OperationError) -> Value {
    if let node = try node(path), case .text = node.kind {
      let bytes = held._withUnsafeGuaranteedRef { $0.bytes(at: OperationResult.TextRange(offset: node.offset, length: node.length)) }
      if let value = Casting.cast(utf8: bytes, to: .json) { return value }
    }
    return try Casting.cast(load(path.pointee.path, column: &path.pointee.column), to: .json)
  }

  /// Whether `load` would give anything but null; fails as it does.
  func isPresent(_ path: UnsafeMutablePointer<CompiledPath>) throws(OperationError) -> Bool {
    if path.pointee.isCell || path.pointee.isReply { return try node(path).map { $0.kind != .null } ?? false }
    if case .null = try load(path.pointee.path, column: &path.pointee.column) { return false }
    return true
  }

  /// The node of a cell or of a whole reply; nil if there is none, or the path leads elsewhere.
  private func node(_ path: UnsafeMutablePointer<CompiledPath>) throws(OperationError) -> OperationResult.Node? {
    if path.pointee.isCell { return try cell(row: path.pointee.row, name: path.pointee.columnName, column: &path.pointee.column) }
    return path.pointee.isReply ? held._withUnsafeGuaranteedRef { $0.nodes.first } : nil
  }

  /// The bytes of a text cell, or of the number or text of `json.name`, if they can be had without a parse; valid until the result changes.
  private func scalar(_ path: UnsafeMutablePointer<CompiledPath>) throws(OperationError) -> UnsafeRawBufferPointer? {
    if path.pointee.isCell {
      let node = try cell(row: path.pointee.row, name: path.pointee.columnName, column: &path.pointee.column)
      guard case .text = node.kind else { return nil }
      return held._withUnsafeGuaranteedRef { $0.bytes(at: OperationResult.TextRange(offset: node.offset, length: node.length)) }
    }
    guard let name = path.pointee.member, document == nil else { return nil }
    let body = held._withUnsafeGuaranteedRef { $0.hasBody ? $0.bytes(at: $0.body) : nil }
    return body.flatMap { JSONScan.plainMember(name, in: $0) }
  }

  /// What stands behind the text `mark` in the key: read in place where the key begins with the mark and the rest is a number, as it nearly
  /// always does, else as the two functions one after the other would, with their errors.
  ///
  /// - Parameter bytes: The mark's.
  func loadKeyInt(after mark: Value, _ bytes: UnsafeBufferPointer<UInt8>) throws(OperationError) -> Int64 {
    let key = held._withUnsafeGuaranteedRef { $0.bytes(at: $0.key) }
    if bytes.count > 0, key.count > bytes.count, memcmp(key.baseAddress!, bytes.baseAddress!, bytes.count) == 0,
      let number = Casting.integer(utf8: UnsafeRawBufferPointer(rebasing: key[bytes.count...]))
    {
      return number
    }
    let rest = try withUnsafeTemporaryAllocation(of: Value.self, capacity: 2) { arguments throws(OperationError) in
      arguments.initializeElement(at: 0, to: .string(result.string(result.key)))
      arguments.initializeElement(at: 1, to: mark)
      defer { arguments.deinitialize() }
      return try FunctionLibrary.text(.after, UnsafeBufferPointer(arguments))
    }
    guard case .int(let number) = try Casting.cast(rest, to: .int) else { return 0 }
    return number
  }

  private func cell(_ path: ResultPath, column: inout Int) throws(OperationError) -> OperationResult.Node {
    var row = 0
    var name = ""
    for segment in path.segments {
      switch segment {
      case .index(let index): row = index
      case .member(let member): name = member
      case .argument: break
      }
    }
    return try cell(row: row, name: name, column: &column)
  }

  private func cell(row: Int, name: String, column: inout Int) throws(OperationError) -> OperationResult.Node {
    let known = column
    let node = held._withUnsafeGuaranteedRef { result in
      row < result.rowCount && known < result.columnCount && result.columnNames[known] == name
        ? result.nodes[row * result.columnCount + known] : nil
    }
    if let node { return node }
    guard row < result.rowCount else {
      throw OperationError(.value, code: "no-row", result.rowCount == 0 ? "there is no row" : "there are only \(result.rowCount) rows")
    }
    guard let found = result.columnNames.firstIndex(of: name), found < result.columnCount else {
      throw OperationError(.value, code: "no-column", "the result has no column '\(name)'")
    }
    column = found
    return result.nodes[row * result.columnCount + column]
  }

  private func value(_ node: OperationResult.Node) -> Value {
    switch node.kind {
    case .null: .null
    case .text: .string(result.string(node))
    case .integer: .int(node.integer)
    case .array: .list([])
    }
  }

  private func reply(_ path: ResultPath) -> Value {
    var position = 0
    guard !result.nodes.isEmpty else { return .null }
    for segment in path.segments {
      guard case .index(let index) = segment, result.nodes[position].kind == .array, index < Int(result.nodes[position].length) else { return .null }
      position += 1
      for _ in 0..<index { position = after(position) }
    }
    return tree(position)
  }

  /// The place of the node that follows the one at `position` and all that is under it.
  private func after(_ position: Int) -> Int {
    var pending = 1
    var place = position
    while pending > 0 {
      pending -= 1
      if result.nodes[place].kind == .array { pending += Int(result.nodes[place].length) }
      place += 1
    }
    return place
  }

  private func tree(_ position: Int) -> Value {
    let node = result.nodes[position]
    guard node.kind == .array else { return value(node) }
    var elements: [Value] = []
    var place = position + 1
    for _ in 0..<node.length {
      elements.append(tree(place))
      place = after(place)
    }
    return .list(elements)
  }

  private func header(_ path: ResultPath) -> Value {
    guard case .member(let name)? = path.segments.first else { return .null }
    for header in result.headers {
      // Header names are ASCII and compared without regard to case (RFC 9110, 5.1).
      let matches = result.withBytes(header.name) { bytes in
        bytes.count == name.utf8.count && zip(bytes, name.utf8).allSatisfy { $0 == $1 || ($0 | 0x20 == $1 | 0x20 && $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) }
      }
      if matches { return .string(result.string(header.value)) }
    }
    return .null
  }

  // Messages of `peek` and `consume`: an array of messages, each an array of its key, its text and an array of headers, each of which is
  // an array of its name and its value.

  private func message(_ path: ResultPath) throws(OperationError) -> Value {
    let count = result.nodes.isEmpty ? 0 : Int(result.nodes[0].length)
    guard case .index(let index)? = path.segments.first else { return .int(Int64(count)) }
    guard index < count else {
      throw OperationError(.value, code: "no-message", count == 0 ? "there is no message" : "there are only \(count) messages")
    }
    var place = 1
    for _ in 0..<index { place = after(place) }
    guard result.nodes[place].kind == .array, result.nodes[place].length >= 3, path.segments.count > 1,
      case .member(let part) = path.segments[1]
    else { return .null }
    let key = place + 1
    let text = after(key)
    switch part {
    case "key": return value(result.nodes[key])
    case "text": return value(result.nodes[text])
    case "headers":
      guard path.segments.count > 2, case .member(let name) = path.segments[2] else { return .null }
      let headers = after(text)
      var place = headers + 1
      for _ in 0..<result.nodes[headers].length {
        if result.nodes[place].length == 2, result.string(result.nodes[place + 1]) == name { return value(result.nodes[place + 2]) }
        place = after(place)
      }
      return .null
    case "json":
      if jsonMessage != index {
        let node = result.nodes[text]
        let bytes = OperationResult.TextRange(offset: node.offset, length: node.length)
        guard node.kind == .text, let parsed = result.withBytes(bytes, { try? JSONDocument(parsing: $0) }) else {
          throw OperationError(.value, code: "not-json", "the content of the message is not JSON")
        }
        document = parsed
        jsonMessage = index
      }
      guard let root = document?.root else { return .null }
      return descend(root, path.segments[2...])
    default: return .null
    }
  }

  private func json(_ path: ResultPath) throws(OperationError) -> Value {
    guard result.hasBody else { throw OperationError(.value, code: "no-content", "there is no content to read as JSON") }
    if document == nil {
      let parsed = result.withBytes(result.body) { bytes in try? JSONDocument(parsing: bytes) }
      guard let parsed else { throw OperationError(.value, code: "not-json", "the content is not JSON") }
      document = parsed
    }
    guard let root = document?.root else { return .null }
    return descend(root, path.segments[...])
  }

  private func descend(_ root: JSONValue, _ segments: ArraySlice<ResultPath.Segment>) -> Value {
    var value = root
    for segment in segments {
      switch segment {
      case .member(let name):
        guard let member = value[name] else { return .null }
        value = member
      case .index(let index):
        guard let element = value[index] else { return .null }
        value = element
      case .argument: return .null
      }
    }
    return value.isNull ? .null : .json(value)
  }
}
