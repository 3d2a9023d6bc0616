import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

@Suite struct EvaluatorTests {
  /// Runs a block that leaves its answer in the slot that the closure returns.
  private func evaluate(content: (OperationResult) -> Void = { _ in }, _ write: (inout ProgramSketch) -> SlotIndex) -> String {
    var sketch = ProgramSketch()
    let answer = write(&sketch)
    sketch.emit(.end)
    let evaluator = Evaluator(program: sketch.program)
    let frame = UnsafeMutablePointer<Value>.allocate(capacity: sketch.program.slots.count)
    frame.initialize(repeating: .null, count: sketch.program.slots.count)
    defer { frame.deinitialize(count: sketch.program.slots.count).deallocate() }
    for (slot, value) in sketch.program.initialValues { frame[slot.index] = value }
    var draws = Randomness(seed: 1, stream: 0, iteration: 0)
    let result = OperationResult()
    content(result)
    return outcome { () throws(OperationError) in
      try evaluator.runBlock(entry: 0, frame: frame, content: ResultReader(result), draws: &draws)
      return frame[answer.index]
    }
  }

  @Test func `constants, moves, negation and comparison write their slots`() {
    #expect(
      evaluate { sketch in
        let (a, b, c) = (sketch.slot(), sketch.slot(holding: .int(4)), sketch.slot())
        let five = sketch.constant(.int(5))
        sketch.emit(.constant(d: a, five), .binary(.addInt, d: a, a: a, b: b), .negate(d: a, a: a), .move(d: c, a: a))
        return c
      } == "-9")
    #expect(
      evaluate { sketch in
        let (a, b) = (sketch.slots(holding: [.int(4), .int(5)]), sketch.slot())
        sketch.emit(.compare(.less, .int, d: b, a: a, b: SlotIndex(a.index + 1)), .not(d: b, a: b))
        return b
      } == "false")
  }

  @Test(arguments: [(Value.bool(true), "1"), (.bool(false), "2"), (.null, "2")])
  func `a jump is taken only by what it asks for`(condition: Value, expected: String) {
    let answer = evaluate { sketch in
      let (a, d) = (sketch.slot(holding: condition), sketch.slot(holding: .int(1)))
      let two = sketch.constant(.int(2))
      sketch.emit(.jumpIfTrue(a: a, target: 2), .constant(d: d, two))
      return d
    }
    #expect(answer == expected)
    let inverse = evaluate { sketch in
      let (a, d) = (sketch.slot(holding: condition), sketch.slot(holding: .int(2)))
      let one = sketch.constant(.int(1))
      sketch.emit(.jumpIfFalse(a: a, target: 2), .constant(d: d, one))
      return d
    }
    #expect(inverse == expected)
  }

  /// Contents of a result, and what to read of them.
  private static var readings: [(write: (OperationResult) -> Void, path: ResultPath)] {
    func row(_ write: @escaping (OperationResult) -> Void) -> (OperationResult) -> Void {
      {
        ($0.rowCount, $0.columnCount, $0.columnNames) = (1, 1, ["note"])
        write($0)
      }
    }
    func text(_ text: String) -> (OperationResult) -> Void {
      { result in text.withCString { result.appendText(UnsafeRawBufferPointer(start: $0, count: text.utf8.count)) } }
    }
    func array(_ write: @escaping (OperationResult) -> Void) -> (OperationResult) -> Void {
      {
        $0.appendArray(count: 1)
        write($0)
      }
    }
    let cell = ResultPath(field: .row, segments: [.member("note")])
    let reply = ResultPath(field: .reply, segments: [])
    let content = ResultPath(field: .text, segments: [])
    let texts = ["{\"a\": 12.10}", "[1, 2]", "null", "", "{\"a\": ", "7"]
    return texts.map { (row(text($0)), cell) } + texts.map { (text($0), reply) } + [
      (row { $0.appendNull() }, cell), (row { $0.appendInteger(3) }, cell), ({ _ in }, cell),
      ({ $0.appendNull() }, reply), ({ $0.appendInteger(3) }, reply), ({ _ in }, reply), (array(text("{}")), reply),
      (array(text("{}")), ResultPath(field: .reply, segments: [.index(0)])),
      ({ $0.affected = 2 }, ResultPath(field: .affected, segments: [])),
      ({ $0.setBody(UnsafeRawBufferPointer(start: nil, count: 0)) }, content), ({ _ in }, content),
    ]
  }

  @Test(arguments: 0..<readings.count)
  func `a part of a result read straight as JSON, or looked at for null, is what the way over its value gives`(_ number: Int) {
    let (write, path) = Self.readings[number]
    func read(_ emit: (inout ProgramSketch, SlotIndex, ResultPathIndex) -> Void) -> String {
      evaluate(content: write) { sketch in
        let d = sketch.slot()
        sketch.program.resultPaths.append(path)
        emit(&sketch, d, ResultPathIndex(sketch.program.resultPaths.count - 1))
        return d
      }
    }
    let straight = read { $0.emit(.loadResultJSON(d: $1, $2)) }
    let longWay = read { $0.emit(.loadResult(d: $1, $2), .cast(d: $1, a: $1, .json)) }
    #expect(straight == longWay)
    let value = read { $0.emit(.loadResult(d: $1, $2)) }
    let presence = read { $0.emit(.loadPresence(d: $1, $2)) }
    #expect(presence == (value == "null" || value.hasPrefix("!") ? value : "true"))
  }

  @Test func `jumpIfNull tells null from everything else`() {
    for (value, expected) in [(Value.null, "1"), (.int(0), "2"), (.string(""), "2")] {
      let answer = evaluate { sketch in
        let (a, d) = (sketch.slot(holding: value), sketch.slot(holding: .int(1)))
        let two = sketch.constant(.int(2))
        sketch.emit(.jumpIfNull(a: a, target: 2), .constant(d: d, two))
        return d
      }
      #expect(answer == expected)
    }
  }

  @Test func `members and elements that are not there are null`() {
    func member(_ value: Value, _ name: String) -> String {
      evaluate { sketch in
        let (a, d) = (sketch.slot(holding: value), sketch.slot())
        let constant = sketch.constant(.string(name))
        sketch.emit(.jsonMember(d: d, a: a, constant))
        return d
      }
    }
    func element(_ value: Value, _ index: Value) -> String {
      evaluate { sketch in
        let (a, d) = (sketch.slots(holding: [value, index]), sketch.slot())
        sketch.emit(.element(d: d, a: a, b: SlotIndex(a.index + 1)))
        return d
      }
    }
    #expect(member(json(#"{"a": 1}"#), "a") == "1" && member(json(#"{"a": null}"#), "a") == "null" && member(json("[1]"), "a") == "null")
    #expect(member(.null, "a") == "null" && member(.int(1), "a") == "null")
    #expect(element(json("[4, null]"), .int(0)) == "4" && element(json("[4, null]"), .int(1)) == "null")
    #expect(element(json("[4]"), .int(1)) == "null" && element(json("[4]"), .int(-1)) == "null" && element(json("{}"), .int(0)) == "null")
    #expect(element(.list([.int(9)]), .int(0)) == "9" && element(.list([.int(9)]), .int(1)) == "null")
    #expect(element(.list([.int(9)]), .int(.max)) == "null" && element(json("[4]"), .int(.max)) == "null" && element(.null, .int(0)) == "null")
  }

  @Test func `text is built from a template and its arguments`() {
    #expect(
      evaluate { sketch in
        let a = sketch.slots(holding: [.int(7), .string("a b&\"")])
        let d = sketch.slot()
        sketch.program.templates.append(
          TextTemplate([.literal(Array("o=".utf8)), .argument(0, .text), .literal(Array(";".utf8)), .argument(1, .percent)]))
        sketch.emit(.buildText(d: d, a: a, TemplateIndex(0)))
        return d
      } == "\"o=7;a%20b%26%22\"")
  }

  @Test func `casts and calls pass their step errors on`() {
    #expect(
      evaluate { sketch in
        let a = sketch.slot(holding: .string("x"))
        sketch.emit(.cast(d: a, a: a, .int))
        return a
      } == "!not-int")
    #expect(
      evaluate { sketch in
        let a = sketch.slots(holding: [.string("x"), .string("y")])
        sketch.emit(.call(.after, d: a, a: a, count: 2))
        return a
      } == "!no-match")
  }
}
