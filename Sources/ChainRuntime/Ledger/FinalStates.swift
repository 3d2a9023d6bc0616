import ChainProgram

/// What each event's entry should hold at the end of a run: 32 bytes an event, for at most a million of them.
struct FinalStates {
  struct State {
    /// The id, or the place of its text in `names`.
    fileprivate var id: Int64
    var version: Int64
    /// Of the fields that are compared; see `BodyHash`.
    var body: UInt64
    /// An `EventBook.Origin` in the two lowest bits, then a bit for each hop (below 30) that showed something else already.
    fileprivate var flags: UInt32

    var origin: EventBook.Origin { EventBook.Origin(rawValue: UInt8(flags & 3)) ?? .unclaimed }
    func isMismatchKnown(hop: Int) -> Bool { hop < 30 && flags >> UInt32(hop + 2) & 1 != 0 }
  }

  /// In pieces, so that growing copies nothing.
  private var pieces: [ContiguousArray<State>] = []
  private var names: ContiguousArray<EventID> = []
  private(set) var count = 0
  /// Those for which there was no room.
  private(set) var left: UInt64 = 0
  static let statesMax = 1 << 20
  private static let pieceCount = 1 << 14

  mutating func append(_ id: EventID, version: Int64, body: UInt64, origin: EventBook.Origin, mismatches: UInt32) {
    guard count < FinalStates.statesMax else {
      left += 1
      return
    }
    if count % FinalStates.pieceCount == 0 {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(FinalStates.pieceCount)
    }
    let place: Int64
    if case .int(let number) = id {
      place = number
    } else {
      place = Int64(names.count)
      names.append(id)
    }
    pieces[pieces.count - 1].append(State(id: place, version: version, body: body, flags: UInt32(origin.rawValue) | mismatches << 2))
    count += 1
  }

  subscript(_ place: Int) -> State { pieces[place / FinalStates.pieceCount][place % FinalStates.pieceCount] }
  /// Of an event whose ids are not whole numbers, all have a name.
  func id(_ place: Int) -> EventID {
    let state = self[place]
    return names.isEmpty ? .int(state.id) : names[Int(state.id)]
  }
}

/// What the entry of an ordering key should hold: the newest committed version.
struct KeyState {
  var version = Int64.min
  var id: EventID?
  var body: UInt64 = 0
  /// The highest version whose commit nobody knows the outcome of.
  var uncertain = Int64.min
  var hasCommit = false
  var hasUncertain = false
  /// The highest version that a hop showed with another body.
  var mismatched = Int64.min
}

/// Equal for bodies that a hop must show alike: `12.1` and `12.10` are.
enum BodyHash {
  static func combine(_ value: Value, into hasher: inout Hasher) {
    switch value {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .int(let value), .duration(let value), .instant(let value), .size(let value): hasher.combine(value)
    case .decimal(let value): hasher.combine(value)
    case .float(let value), .rate(let value), .percentage(let value): hasher.combine(value)
    case .string(let value): hasher.combine(value)
    case .uuid(let value): hasher.combine(value)
    case .bytes(let value): hasher.combine(value)
    // The checker lets neither into a body.
    case .json, .list: hasher.combine(1)
    }
  }
}
