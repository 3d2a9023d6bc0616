import ChainProgram
import Diagnostics

/// One place where a chain reads a part of an operation's result, and the type that it reads it as.
///
/// Found in the compiled program: what is read between the submission of an operation and the next step is read of its result.
struct ResultReading {
  /// Index into the program's operations.
  let operation: Int
  let path: ResultPath
  /// nil where it stays text.
  let target: CastTarget?
  let range: SourceRange

  /// The column of a row that is read; nil for anything else.
  var column: String? {
    let segments = path.segments[...]
    let name: ResultPath.Segment?
    switch path.field {
    case .row: name = segments.first
    case .rows: name = segments.dropFirst().first
    case .affected, .reply, .status, .headers, .text, .json, .key, .messages, .routed: name = nil
    }
    if case .member(let column)? = name { return column }
    return nil
  }

  static func all(in program: Program) -> [ResultReading] {
    var readings: [ResultReading] = []
    var current: Int?
    for (pc, instruction) in program.instructions.enumerated() {
      if case .submit(let operation) = instruction { current = operation.index }
      if case .enterStep = instruction { current = nil }
      if case .end = instruction { current = nil }
      guard let current, let (path, target) = read(instruction, at: pc, in: program) else { continue }
      readings.append(ResultReading(operation: current, path: program.resultPaths[path.index], target: target, range: program.sources[pc]))
    }
    return readings
  }

  private static func read(_ instruction: Instruction, at pc: Int, in program: Program) -> (ResultPathIndex, CastTarget?)? {
    if case .loadResultInt(_, let path) = instruction { return (path, .int) }
    if case .loadResultDecimal(_, let path) = instruction { return (path, .decimal) }
    if case .loadResultJSON(_, let path) = instruction { return (path, .json) }
    if case .loadPresence(_, let path) = instruction { return (path, nil) }
    if case .loadResult(let slot, let path) = instruction { return (path, castTarget(of: slot, after: pc, in: program)) }
    return nil
  }

  /// A value is cast right after it was loaded, or after the look whether it is null.
  private static func castTarget(of slot: SlotIndex, after pc: Int, in program: Program) -> CastTarget? {
    for instruction in program.instructions[(pc + 1)...].prefix(2) {
      if case .cast(_, let source, let target) = instruction, source == slot { return target }
      guard case .jumpIfNull(let tested, _) = instruction, tested == slot else { return nil }
    }
    return nil
  }
}

/// The word at a place in SQL, for the carets under it.
enum SQLWord {
  /// - Parameter position: A UTF-8 offset.
  static func range(at position: Int, in text: String) -> Range<Int> {
    let bytes = Array(text.utf8)
    guard position < bytes.count else { return bytes.count..<bytes.count }
    func isWord(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...0xff:
        true
      default: false
      }
    }
    var end = position
    if bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'") {
      end = bytes[(position + 1)...].firstIndex(of: bytes[position]).map { $0 + 1 } ?? position + 1
    } else {
      // `o.total` is one name to the server.
      while end < bytes.count, isWord(bytes[end]) || (bytes[end] == UInt8(ascii: ".") && end > position) { end += 1 }
    }
    return position..<max(end, position + 1)
  }
}
