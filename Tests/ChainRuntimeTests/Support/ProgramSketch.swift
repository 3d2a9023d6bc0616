import ChainProgram
import Diagnostics

let nowhere = SourceRange(file: FileIndex(0), start: 0, end: 0)

/// A program built by hand: each function appends to a table and returns the index.
struct ProgramSketch {
  var program = Program(chain: "sketch", chainDescription: "", chainHash: "0")

  init(connections: [String] = ["store"], pool: Int = 1000) {
    for name in connections {
      program.connections.append(
        ConnectionDeclaration(
          name: name, kind: "scripted", address: .literal("scripted://\(name)"), access: "write", pool: .size(pool),
          acquireTimeoutNanoseconds: 1_000_000_000, connectTimeoutNanoseconds: 1_000_000_000, options: [], range: nowhere))
    }
  }

  var pc: Int { program.instructions.count }

  mutating func slot(_ name: String = ".t", _ type: ValueType = .int) -> SlotIndex {
    program.slots.append(SlotDescription(name: name, type: type))
    return SlotIndex(program.slots.count - 1)
  }

  /// A slot that holds the value from the start of a frame.
  mutating func slot(holding value: Value) -> SlotIndex {
    let slot = slot()
    program.initialValues.append((slot, value))
    return slot
  }

  /// Slots next to each other.
  mutating func slots(holding values: [Value]) -> SlotIndex {
    let first = SlotIndex(program.slots.count)
    for value in values { _ = slot(holding: value) }
    return first
  }

  mutating func constant(_ value: Value) -> ConstantIndex {
    program.constants.append(value)
    return ConstantIndex(program.constants.count - 1)
  }

  mutating func path(_ field: ResultField, _ segments: [ResultPath.Segment] = []) -> ResultPathIndex {
    program.resultPaths.append(ResultPath(field: field, segments: segments))
    return ResultPathIndex(program.resultPaths.count - 1)
  }

  mutating func step(_ id: String, connection: Int? = 0) -> StepIndex {
    program.steps.append(
      StepDescription(id: id, name: id, method: "DO", verb: "do", range: nowhere, connection: connection.map { ConnectionIndex($0) }))
    return StepIndex(program.steps.count - 1)
  }

  mutating func operation(
    _ step: StepIndex, connection: Int = 0, role: OperationRole = .plain, writes: Bool = true, arguments: SlotIndex = SlotIndex(0),
    count: Int = 0, timeout: UInt64 = 10_000_000_000
  ) -> OperationIndex {
    program.operations.append(
      Operation(
        step: step, connection: ConnectionIndex(connection), verb: "do", role: role, writes: writes, operands: [], argumentBase: arguments,
        argumentCount: count, argumentTypes: Array(repeating: .int, count: count), timeoutNanoseconds: timeout))
    return OperationIndex(program.operations.count - 1)
  }

  mutating func check(_ step: StepIndex, _ text: String) -> CheckIndex {
    program.checks.append(CheckDescription(step: step, text: text, range: nowhere))
    return CheckIndex(program.checks.count - 1)
  }

  mutating func emit(_ instructions: Instruction...) {
    for instruction in instructions {
      program.instructions.append(instruction)
      program.sources.append(nowhere)
    }
  }

  /// A step with one operation: `enterStep`, `submit`.
  @discardableResult
  mutating func call(_ id: String, connection: Int = 0, timeout: UInt64 = 10_000_000_000) -> StepIndex {
    let step = step(id, connection: connection)
    let operation = operation(step, connection: connection, timeout: timeout)
    emit(.enterStep(step), .submit(operation))
    return step
  }

  /// Patches a jump that was emitted with a target not yet known.
  mutating func patch(_ pc: Int, _ instruction: Instruction) { program.instructions[pc] = instruction }

  mutating func handle(_ range: Range<Int>, at target: Int, forgets: Bool = false) {
    program.handlers.append(Handler(range: range, target: target, forgets: forgets))
  }

  /// What an event and its hops map beside the id and the body.
  struct Mapping {
    var hasKey = false
    var hasVersion = false
    /// Hops read them from members `key`, `version` and `run` of the content.
    var hopsReadKey = false
    var hopsReadVersion = false
    var hopsReadRun = false
    /// Hops that hold a state read the id from the content too: their entries have the ordering key's name.
    var cacheIsPerKey = false
    var expires: UInt64?
    /// Of hops that hold a state.
    var guarantees = HopGuarantees()
    var at: TextTemplate?
  }

  /// An event with hops `names`; each hop's mapping reads the id from the key (or the member `id` of the JSON content) and the body fields
  /// from members of the content.
  mutating func event(
    _ name: String, origin: StepIndex, idType: ValueType = .int, body: [(name: String, type: ValueType)] = [],
    deadline: UInt64 = 1_000_000_000, settle: UInt64 = 2_000_000_000, mapping: Mapping = Mapping(), hops: [(name: String, observer: String)]
  ) -> EventIndex {
    var declarations: [HopDeclaration] = []
    for hop in hops {
      let start = pc
      func member(_ name: String, _ type: ValueType, _ sketch: inout ProgramSketch) -> SlotIndex {
        let shown = sketch.slot()
        let member = sketch.path(.json, [.member(name)])
        sketch.emit(.loadResult(d: shown, member), .cast(d: shown, a: shown, type == .int ? .int : .string))
        return shown
      }
      var run: (entry: Int, slot: SlotIndex)?
      if mapping.hopsReadRun {
        run = (pc, member("run", .string, &self))
        emit(.end)
      }
      let entry = run == nil ? start : pc
      let id: SlotIndex
      if mapping.cacheIsPerKey, hop.observer != "tap" {
        id = member("id", idType, &self)
      } else {
        id = slot()
        let key = path(.key)
        emit(.loadResult(d: id, key))
        switch idType {
        case .int: emit(.cast(d: id, a: id, .int))
        case .uuid: emit(.cast(d: id, a: id, .uuid))
        default: break
        }
      }
      let keySlot = mapping.hopsReadKey ? member("key", .int, &self) : nil
      let versionSlot = mapping.hopsReadVersion ? member("version", .int, &self) : nil
      var bodySlots: [SlotIndex?] = []
      for field in body { bodySlots.append(member(field.name, field.type, &self)) }
      emit(.end)
      declarations.append(
        HopDeclaration(
          name: hop.name, connection: ConnectionIndex(0), observer: hop.observer, operands: mapping.at.map { [("at", .text($0))] } ?? [], mappingEntry: entry, idSlot: id,
          keySlot: keySlot, versionSlot: versionSlot, bodySlots: bodySlots,
          readsContent: !body.isEmpty || mapping.cacheIsPerKey || mapping.hopsReadKey || mapping.hopsReadVersion, run: run,
          expiresNanoseconds: hop.observer == "tap" ? nil : mapping.expires,
          guarantees: hop.observer == "tap" ? HopGuarantees() : mapping.guarantees, range: nowhere))
    }
    program.events.append(
      EventDeclaration(
        name: name, origin: origin, idType: idType, hasKey: mapping.hasKey, hasVersion: mapping.hasVersion, body: body,
        deadlineNanoseconds: deadline, settleNanoseconds: settle, hops: declarations, range: nowhere))
    return EventIndex(program.events.count - 1)
  }

  /// A block of its own, ended with `end`; returns where it begins.
  mutating func block(_ body: (inout ProgramSketch) -> Void) -> Int {
    let entry = pc
    body(&self)
    emit(.end)
    return entry
  }

  mutating func lanes(_ join: LanesDescription.Join, _ entries: [Int]) -> LanesIndex {
    let step = step("parallel", connection: nil)
    program.lanes.append(LanesDescription(step: step, join: join, names: entries.map { "lane \($0)" }, entries: entries))
    return LanesIndex(program.lanes.count - 1)
  }

  /// `parallel:` over blocks written before.
  mutating func parallel(_ join: LanesDescription.Join, _ entries: [Int]) {
    let lanes = lanes(join, entries)
    emit(.enterStep(program.lanes[lanes.index].step), .runLanes(lanes))
  }

  /// `retry:` around a body, as the compiler writes it.
  mutating func retry(
    _ errors: [String], max: Int, pause: UInt64 = milliseconds, factor: Double = 2, pauseMax: UInt64 = seconds,
    _ body: (inout ProgramSketch) -> Void
  ) {
    program.retries.append(
      RetryDescription(errors: errors, attemptsMax: max, pauseNanoseconds: pause, factor: factor, pauseMaxNanoseconds: pauseMax))
    let index = RetryIndex(program.retries.count - 1)
    let attempts = slot()
    emit(.constant(d: attempts, constant(.int(0))))
    let start = pc
    body(&self)
    let end = pc
    emit(.jump(target: UInt32(end + 3)), .retryAgain(index, attempts: attempts, target: UInt32(start)), .rethrow)
    handle(start..<end, at: end + 1)
  }

  mutating func measure(_ name: String) -> MeasureIndex {
    program.measures.append(MeasureDescription(name: name, range: nowhere))
    return MeasureIndex(program.measures.count - 1)
  }

  /// The iteration starts at the next instruction.
  mutating func beginIteration() { program.iterationEntry = pc }
}

func profile(
  closed users: Int, _ extent: ClosedLoad.Extent, warmUp: UInt64 = 0, graceful: UInt64 = 200_000_000
) -> LoadProfile {
  LoadProfile(
    name: "test", model: .closed(ClosedLoad(users: users, extent: extent)), warmUpNanoseconds: warmUp, gracefulStopNanoseconds: graceful,
    range: nowhere)
}

func open(
  _ rate: Double, _ duration: UInt64, users: Int, _ saturation: OpenLoad.Saturation = .queue, _ arrivals: OpenLoad.Arrivals = .constant
) -> OpenLoad {
  OpenLoad(rate: rate, durationNanoseconds: duration, arrivals: arrivals, usersMax: users, onSaturation: saturation)
}

func profile(open load: OpenLoad, warmUp: UInt64 = 0, graceful: UInt64 = 200_000_000) -> LoadProfile {
  LoadProfile(name: "test", model: .open(load), warmUpNanoseconds: warmUp, gracefulStopNanoseconds: graceful, range: nowhere)
}

let milliseconds: UInt64 = 1_000_000
let seconds: UInt64 = 1_000_000_000
