package import Diagnostics

/// An index into one of the program's tables. A `SlotIndex` never stands where a `ConstantIndex` belongs.
package struct TableIndex<Element>: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let value: UInt16
  /// A table that grows beyond what an index can say is a finding of the compiler (`Program.oversizedTable`), not a trap:
  /// the index stays at the last place, and the program is thrown away.
  package init(_ value: Int) {
    self.value = UInt16(clamping: value)
  }
  package var index: Int { Int(value) }
  package var description: String { "\(value)" }
  package static func < (left: TableIndex, right: TableIndex) -> Bool { left.value < right.value }
}

package enum SlotTag {}
/// A place in a virtual user's frame.
package typealias SlotIndex = TableIndex<SlotTag>
package typealias ConstantIndex = TableIndex<Value>
package typealias OperationIndex = TableIndex<Operation>
package typealias ConnectionIndex = TableIndex<ConnectionDeclaration>
package typealias StepIndex = TableIndex<StepDescription>
package typealias CheckIndex = TableIndex<CheckDescription>
package typealias EventIndex = TableIndex<EventDeclaration>
package typealias FeedIndex = TableIndex<FeedDeclaration>
package typealias TemplateIndex = TableIndex<TextTemplate>
package typealias ResultPathIndex = TableIndex<ResultPath>
package typealias BranchIndex = TableIndex<BranchDescription>
package typealias LanesIndex = TableIndex<LanesDescription>
package typealias MeasureIndex = TableIndex<MeasureDescription>
package typealias RetryIndex = TableIndex<RetryDescription>

/// What a step asks of a connector, compiled once per program. A connector turns it into prepared statements and argument encoders
/// when its driver is made, so that submitting it needs no look-up.
package struct Operation: Sendable {
  package let step: StepIndex
  package let connection: ConnectionIndex
  /// The verb's name in the connector's schema.
  package let verb: String
  package let role: OperationRole
  /// Whether the operation changes the system: decides between `failed` and `unknown` when a connection is lost in mid-flight.
  package let writes: Bool
  /// The main operand and then the verb's keys that were given. Read while preparing, never while running.
  package let operands: [(name: String, value: OperandTemplate)]
  /// Where the arguments stand in the frame: slots `argumentBase ..< argumentBase + argumentCount`, in the order of the templates' argument numbers.
  package let argumentBase: SlotIndex
  package let argumentCount: Int
  package let argumentTypes: [ValueType]
  /// Nanoseconds from submission to the deadline.
  package let timeoutNanoseconds: UInt64

  package init(
    step: StepIndex, connection: ConnectionIndex, verb: String, role: OperationRole, writes: Bool,
    operands: [(name: String, value: OperandTemplate)], argumentBase: SlotIndex, argumentCount: Int, argumentTypes: [ValueType],
    timeoutNanoseconds: UInt64
  ) {
    self.step = step
    self.connection = connection
    self.verb = verb
    self.role = role
    self.writes = writes
    self.operands = operands
    self.argumentBase = argumentBase
    self.argumentCount = argumentCount
    self.argumentTypes = argumentTypes
    self.timeoutNanoseconds = timeoutNanoseconds
  }

  /// The template of the operand or key named; nil if it was not given.
  package func operand(_ name: String) -> OperandTemplate? {
    for operand in operands where operand.name == name { return operand.value }
    return nil
  }
}

/// An operand with its expressions replaced by argument numbers.
package enum OperandTemplate: Sendable {
  /// SQL with `$1`…: parameter *n* is argument `parameters[n - 1]`. An expression used twice is bound twice.
  case sql(text: String, parameters: [Int])
  /// One template per word.
  case words([TextTemplate])
  case text(TextTemplate)
  /// JSON text; argument pieces are encoded as `.json` or `.jsonText`.
  case json(TextTemplate)
  case textMap([(name: String, value: TextTemplate)])
  case flag(Bool)
  case integer(Int64)
  /// Nanoseconds.
  case duration(Int64)
  case choice(String)
  case wordList([String])
}

/// Literal text with places for arguments.
package struct TextTemplate: Sendable, Hashable {
  package let pieces: [TextPiece]
  // The pieces once more, in the form in which they are appended: an array inside an enum is counted each time it is looked at.
  /// The bytes of all literals, behind one another.
  private let literals: [UInt8]
  private let parts: [Part]

  /// A literal and the argument behind it, if any.
  private struct Part: Hashable {
    var literal: Range<Int>
    var argument: Int?
    var encoding = ArgumentEncoding.text
  }

  package init(_ pieces: [TextPiece]) {
    self.pieces = pieces
    var literals: [UInt8] = []
    var parts: [Part] = []
    var start = 0
    for piece in pieces {
      switch piece {
      case .literal(let bytes): literals += bytes
      case .argument(let number, let encoding):
        parts.append(Part(literal: start..<literals.count, argument: number, encoding: encoding))
        start = literals.count
      }
    }
    if start < literals.count { parts.append(Part(literal: start..<literals.count, argument: nil)) }
    self.literals = literals
    self.parts = parts
  }

  package init(_ literal: String) { self.init([.literal(Array(literal.utf8))]) }

  /// The text, if there are no arguments in it.
  package var literal: String? {
    var bytes: [UInt8] = []
    for piece in pieces {
      switch piece {
      case .literal(let literal): bytes += literal
      case .argument: return nil
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

package enum TextPiece: Sendable, Hashable {
  case literal([UInt8])
  case argument(Int, ArgumentEncoding)
}

package enum ArgumentEncoding: UInt8, Sendable, Hashable {
  /// As `Value.appendText`.
  case text
  /// As text, percent-encoded as one URL path segment or query value (RFC 3986 unreserved characters stay).
  case percent
  /// As one JSON value.
  case json
  /// As text inside a JSON string: escaped, without the quotes.
  case jsonText
}

extension TextTemplate {
  /// Appends the text with `arguments` put in. Does not allocate once `buffer` has grown.
  ///
  /// - Parameter arguments: The operation's arguments; the pieces' numbers index them.
  package func append(to buffer: inout [UInt8], arguments: UnsafePointer<Value>) {
    literals.withUnsafeBufferPointer { literals in
      parts.withUnsafeBufferPointer { parts in
        for part in parts {
          if !part.literal.isEmpty { buffer.append(contentsOf: UnsafeBufferPointer(rebasing: literals[part.literal])) }
          guard let number = part.argument else { continue }
          switch part.encoding {
          case .text: _ = arguments[number].appendText(to: &buffer)
          case .json: arguments[number].appendJSON(to: &buffer)
          case .percent: TextTemplate.appendEncoded(arguments[number], .percent, to: &buffer)
          case .jsonText: TextTemplate.appendEncoded(arguments[number], .jsonText, to: &buffer)
          }
        }
      }
    }
  }

  /// Appends the value's text and then encodes what was appended, in place from the back: no other buffer is needed.
  private static func appendEncoded(_ value: Value, _ encoding: ArgumentEncoding, to buffer: inout [UInt8]) {
    let start = buffer.count
    _ = value.appendText(to: &buffer)
    let end = buffer.count
    var extra = 0
    for index in start..<end { extra += encodedCount(buffer[index], encoding) - 1 }
    guard extra > 0 else { return }
    for _ in 0..<extra { buffer.append(0) }
    var target = buffer.count
    for index in (start..<end).reversed() {
      let byte = buffer[index]
      let count = encodedCount(byte, encoding)
      target -= count
      write(byte, encoding, count, to: &buffer, at: target)
    }
  }

  /// Bytes that one byte of text becomes.
  private static func encodedCount(_ byte: UInt8, _ encoding: ArgumentEncoding) -> Int {
    switch encoding {
    case .percent: isUnreserved(byte) ? 1 : 3
    case .jsonText: byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") ? 2 : byte < 0x20 ? 6 : 1
    case .text, .json: 1
    }
  }

  /// RFC 3986, 2.3.
  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func write(_ byte: UInt8, _ encoding: ArgumentEncoding, _ count: Int, to buffer: inout [UInt8], at place: Int) {
    func hex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10 }
    switch count {
    case 2:
      buffer[place] = UInt8(ascii: "\\")
      buffer[place + 1] = byte
    case 3:
      buffer[place] = UInt8(ascii: "%")
      buffer[place + 1] = hex(byte >> 4)
      buffer[place + 2] = hex(byte & 15)
    case 6:
      for (offset, letter) in "\\u00".utf8.enumerated() { buffer[place + offset] = letter }
      buffer[place + 4] = hex(byte >> 4)
      buffer[place + 5] = hex(byte & 15)
    default: buffer[place] = byte
    }
  }
}

/// A step as reports and findings name it.
package struct StepDescription: Sendable {
  /// The step's `id`, or one made from its verb and place (`sql_2`).
  package let id: String
  /// The step's `name`, if it has one: shown instead of the id.
  package let name: String
  /// The Locust-format files' `Type` column.
  package let method: String
  package let verb: String
  package let range: SourceRange
  /// The connection it uses; nil for control steps.
  package let connection: ConnectionIndex?

  package init(id: String, name: String, method: String, verb: String, range: SourceRange, connection: ConnectionIndex?) {
    self.id = id
    self.name = name
    self.method = method
    self.verb = verb
    self.range = range
    self.connection = connection
  }
}

package struct CheckDescription: Sendable {
  package let step: StepIndex
  /// The check as its author wrote it.
  package let text: String
  package let range: SourceRange

  package init(step: StepIndex, text: String, range: SourceRange) {
    self.step = step
    self.text = text
    self.range = range
  }
}

/// What an expression reads of a result: a field and the way down from it.
package struct ResultPath: Sendable, Hashable {
  package enum Segment: Sendable, Hashable {
    case member(String)
    case index(Int)
    /// An index that is only known at run time: the next of the numbers in the slots of `Instruction.loadResultAt`.
    case argument
  }
  package let field: ResultField
  package let segments: [Segment]
  /// Segments `.argument` of one path.
  package static let argumentCountMax = 8

  package init(field: ResultField, segments: [Segment]) {
    self.field = field
    self.segments = segments
  }
}
