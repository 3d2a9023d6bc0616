import ChainIO
package import ChainProgram
import LosslessJSON

extension TableIndex {
  /// `index`, which the optimizer calls as a function where it comes from another module: the step loop asks some fifty times an iteration.
  @inline(__always) var place: Int { Int(value) }
}

/// Executes the expression instructions of a program on a frame. Shared by virtual users and by hop mappings.
///
/// One per reactor. Holds the program's tables as plain memory so that the loop touches no array header, and the caches that make
/// reading a column by name cost one comparison.
package final class Evaluator {
  let program: Program
  /// The instructions, copied once: trivially copyable, so a pointer is all the loop needs.
  let instructions: UnsafeMutableBufferPointer<Instruction>
  private let constants: UnsafeMutableBufferPointer<Value>
  private let paths: UnsafeMutablePointer<CompiledPath>
  private var scratch: [UInt8] = []
  /// By constant, the bytes of those that `loadKeyInt` looks for; else empty.
  private let marks: UnsafeMutableBufferPointer<UnsafeBufferPointer<UInt8>>
  /// By constant, those that are patterns.
  private let patterns: UnsafeMutableBufferPointer<TextPattern?>

  package init(program: Program) {
    self.program = program
    instructions = .allocate(capacity: program.instructions.count)
    _ = instructions.initialize(from: program.instructions)
    constants = .allocate(capacity: program.constants.count)
    _ = constants.initialize(from: program.constants)
    paths = .allocate(capacity: program.resultPaths.count)
    for (index, path) in program.resultPaths.enumerated() { (paths + index).initialize(to: CompiledPath(path)) }
    scratch.reserveCapacity(256)
    marks = .allocate(capacity: program.constants.count)
    marks.initialize(repeating: UnsafeBufferPointer(start: nil, count: 0))
    for case .loadKeyInt(_, let constant) in program.instructions where marks[constant.place].isEmpty {
      guard case .string(let text) = program.constants[constant.place] else { continue }
      let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
      _ = bytes.initialize(from: text.utf8)
      marks[constant.place] = UnsafeBufferPointer(bytes)
    }
    patterns = .allocate(capacity: program.constants.count)
    patterns.initialize(repeating: nil)
    for case .match(_, _, _, let constant) in program.instructions where patterns[constant.place] == nil {
      // The compiler compiled it before; where that was another library, the step error says so.
      if case .string(let pattern) = program.constants[constant.place] { patterns[constant.place] = try? TextPattern(pattern) }
    }
  }

  deinit {
    instructions.deallocate()
    constants.deinitialize().deallocate()
    paths.deinitialize(count: program.resultPaths.count).deallocate()
    for mark in marks { mark.deallocate() }
    marks.deallocate()
    patterns.deinitialize().deallocate()
  }

  /// Runs a block of expression instructions from `entry` to its `end`.
  ///
  /// - Throws: the step error of the first instruction that failed.
  func runBlock(entry: Int, frame: UnsafeMutablePointer<Value>, content: ResultReader, draws: inout Randomness) throws(OperationError) {
    var pc = entry
    try run(&pc, frame: frame, content: content, draws: &draws)
    guard case .end = instructions[pc] else {
      preconditionFailure("a step instruction inside an expression block at \(pc): the lowering broke its contract")
    }
  }

  /// Executes expression and control instructions up to one that is neither: a step's, which is the virtual user's, or the block's end.
  ///
  /// - Parameters:
  ///   - pc: Where to begin, and then the instruction that was met, or that failed.
  ///   - single: Only the first one.
  func run(
    _ pc: inout Int, frame: UnsafeMutablePointer<Value>, content: ResultReader, draws: inout Randomness, single: Bool = false
  ) throws(OperationError) {
    repeat {
      switch instructions[pc] {
      case .constant(let d, let index):
        frame[d.place] = constants[index.place]
      case .move(let d, let a):
        frame[d.place] = frame[a.place]
      case .binary(let operation, let d, let a, let b):
        frame[d.place] = try Arithmetic.evaluate(operation, frame[a.place], frame[b.place])
      case .compare(let comparison, let type, let d, let a, let b):
        frame[d.place] = .bool(Ordering.holds(comparison, type, frame[a.place], frame[b.place]))
      case .not(let d, let a):
        frame[d.place] = .bool(!truth(frame[a.place]))
      case .negate(let d, let a):
        frame[d.place] = try Arithmetic.negate(frame[a.place])
      case .cast(let d, let a, let target):
        frame[d.place] = try Casting.cast(frame[a.place], to: target)
      case .call(let function, let d, let a, let count):
        let arguments = UnsafeBufferPointer(start: frame + a.place, count: Int(count))
        frame[d.place] = try FunctionLibrary.evaluate(function, arguments, draws: &draws)
      case .jsonMember(let d, let a, let name):
        frame[d.place] = jsonMember(frame[a.place], constants[name.place])
      case .element(let d, let a, let b):
        frame[d.place] = element(frame[a.place], frame[b.place])
      case .makeList(let d, let a, let count):
        frame[d.place] = .list(Array(UnsafeBufferPointer(start: frame + a.place, count: Int(count))))
      case .castAll(let container, let d, let a, let target):
        frame[d.place] = try Casting.castAll(frame[a.place], to: container, of: target)
      case .match(let kind, let d, let a, let pattern):
        frame[d.place] = try match(kind, frame[a.place], patterns[pattern.place])
      case .buildText(let d, let a, let template):
        scratch.removeAll(keepingCapacity: true)
        program.templates[template.place].append(to: &scratch, arguments: UnsafePointer(frame + a.place))
        guard scratch.count <= Arithmetic.textBytesMax else {
          scratch = []
          throw Arithmetic.textTooLong
        }
        frame[d.place] = .string(String(decoding: scratch, as: UTF8.self))
      case .loadResult(let d, let path):
        frame[d.place] = try content.load(paths[path.place].path, column: &paths[path.place].column)
      case .loadResultAt(let d, let a, let path):
        let filled = try ResultPath(paths[path.place].path, arguments: frame + a.place)
        frame[d.place] = try content.load(filled, column: &paths[path.place].column)
      case .loadResultInt(let d, let path):
        frame[d.place] = .int(try content.loadInt(paths + path.place))
      case .loadResultDecimal(let d, let path):
        frame[d.place] = .decimal(try content.loadDecimal(paths + path.place))
      case .loadResultJSON(let d, let path):
        frame[d.place] = try content.loadJSON(paths + path.place)
      case .loadPresence(let d, let path):
        frame[d.place] = try content.isPresent(paths + path.place) ? .bool(true) : .null
      case .loadKeyInt(let d, let mark):
        frame[d.place] = .int(try content.loadKeyInt(after: constants[mark.place], marks[mark.place]))
      case .jump(let target):
        pc = Int(target)
        continue
      case .jumpIfFalse(let a, let target):
        if !truth(frame[a.place]) {
          pc = Int(target)
          continue
        }
      case .jumpIfTrue(let a, let target):
        if truth(frame[a.place]) {
          pc = Int(target)
          continue
        }
      case .jumpIfNull(let a, let target):
        if case .null = frame[a.place] {
          pc = Int(target)
          continue
        }
      case .enterStep, .submit, .check, .think, .probeBegin, .probeAgain, .probeEnd, .awaitHop, .originIdentify, .originAcknowledge,
        .originAbort, .drawRow, .log, .fail, .rethrow, .end, .chooseBranch, .count, .runLanes, .stamp, .measure, .retryAgain, .endGroup, .stop:
        return
      }
      pc += 1
    } while !single
  }

  private func truth(_ value: Value) -> Bool {
    if case .bool(let value) = value { return value }
    return false
  }

  private func jsonMember(_ value: Value, _ name: Value) -> Value {
    guard case .json(let json) = value, case .string(let name) = name, let member = json[name], !member.isNull else { return .null }
    return .json(member)
  }

  private func element(_ value: Value, _ position: Value) -> Value {
    guard case .int(let index) = position else { return jsonMember(value, position) }
    guard index >= 0 else { return .null }
    switch value {
    case .json(let json):
      guard let element = json[Int(index)], !element.isNull else { return .null }
      return .json(element)
    case .list(let elements):
      return index < elements.count ? elements[Int(index)] : .null
    case .null, .bool, .int, .decimal, .float, .duration, .instant, .string, .uuid, .bytes, .rate, .size, .percentage:
      return .null
    }
  }

  private func match(_ kind: MatchKind, _ value: Value, _ pattern: TextPattern?) throws(OperationError) -> Value {
    guard case .string(let text) = try Casting.cast(value, to: .string), let pattern else {
      throw OperationError(.value, code: "bad-pattern", "the pattern cannot be compiled here")
    }
    do throws(TextPattern.Failure) {
      switch kind {
      case .test: return .bool(try pattern.matches(text))
      case .extract: return try pattern.extract(text).map { .string($0) } ?? .null
      }
    } catch {
      throw OperationError(.value, code: "match-limit", "the pattern backtracks too much on a text of \(text.utf8.count) bytes")
    }
  }
}

extension ResultPath {
  /// The path with the numbers and names of the slots in the places that were left open.
  init(_ path: ResultPath, arguments: UnsafeMutablePointer<Value>) throws(OperationError) {
    var segments: [Segment] = []
    var used = 0
    for segment in path.segments {
      guard case .argument = segment else {
        segments.append(segment)
        continue
      }
      switch arguments[used] {
      case .int(let index) where index >= 0: segments.append(.index(Int(index)))
      case .string(let name): segments.append(.member(name))
      default: throw OperationError(.value, code: "no-element", "an element is chosen by a number from 0")
      }
      used += 1
    }
    self.init(field: path.field, segments: segments)
  }
}
