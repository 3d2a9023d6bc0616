import ChainProgram

/// What each event's entry should hold at the end of a run: 6 bytes an event (4 more with a version), for at most four million of them.
///
/// Half a body's hash and half a version are kept: an entry that shows something else shows the same half once in four thousand million times.
/// Ids that do not lie within 32 000 of their neighbours' take six bytes more.
struct FinalStates {
  struct State {
    /// The lower half of the version.
    var version: UInt32
    /// The lower half of the hash of the fields that are compared; see `BodyHash`.
    var body: UInt32
    /// An `EventBook.Origin` in the two lowest bits, then a bit for each hop (below 30) that showed something else already.
    fileprivate var flags: UInt32

    var origin: EventBook.Origin { EventBook.Origin(rawValue: UInt8(flags & 3)) ?? .unclaimed }
    func isMismatchKnown(hop: Int) -> Bool { hop < 30 && flags >> UInt32(hop + 2) & 1 != 0 }
    func hasVersion(_ other: Int64) -> Bool { UInt32(truncatingIfNeeded: other) == version }
    func hasBody(_ other: UInt64) -> Bool { UInt32(truncatingIfNeeded: other) == body }
  }

  /// The states of so many events that follow each other.
  private struct Piece {
    /// What `offsets` count from.
    let base: Int64
    var offsets: ContiguousArray<Int16> = []
    /// In place of `offsets`, once an id lies too far from the base.
    var ids: ContiguousArray<Int64> = []
    var bodies: ContiguousArray<UInt32> = []
    var versions: ContiguousArray<UInt32> = []

    init(base: Int64, hasVersion: Bool) {
      self.base = base
      offsets.reserveCapacity(FinalStates.pieceCount)
      bodies.reserveCapacity(FinalStates.pieceCount)
      if hasVersion { versions.reserveCapacity(FinalStates.pieceCount) }
    }

    mutating func append(_ id: Int64) {
      if ids.isEmpty, let offset = Int16(exactly: id.subtractingReportingOverflow(base).overflow ? Int64.max : id - base) {
        offsets.append(offset)
        return
      }
      if ids.isEmpty {
        ids.reserveCapacity(FinalStates.pieceCount)
        ids.append(contentsOf: offsets.lazy.map { [base] in base + Int64($0) })
        offsets = []
      }
      ids.append(id)
    }

    func id(_ place: Int) -> Int64 { ids.isEmpty ? base + Int64(offsets[place]) : ids[place] }
  }

  private let hasVersion: Bool
  /// In pieces, so that growing copies nothing.
  private var pieces: [Piece] = []
  private var names: ContiguousArray<EventID> = []
  /// The flags of those that are not simply committed.
  private var flags: [Int32: UInt32] = [:]
  private(set) var count = 0
  /// Those for which there was no room.
  private(set) var left: UInt64 = 0
  static let statesMax = 1 << 22
  private static let pieceCount = 1 << 14
  private static let committed = UInt32(EventBook.Origin.committed.rawValue)

  init(hasVersion: Bool) { self.hasVersion = hasVersion }

  mutating func append(_ id: EventID, version: Int64, body: UInt64, origin: EventBook.Origin, mismatches: UInt32) {
    guard count < FinalStates.statesMax else {
      left += 1
      return
    }
    let place: Int64
    if case .int(let number) = id {
      place = number
    } else {
      place = Int64(names.count)
      names.append(id)
    }
    if count % FinalStates.pieceCount == 0 { pieces.append(Piece(base: place, hasVersion: hasVersion)) }
    pieces[pieces.count - 1].append(place)
    pieces[pieces.count - 1].bodies.append(UInt32(truncatingIfNeeded: body))
    if hasVersion { pieces[pieces.count - 1].versions.append(UInt32(truncatingIfNeeded: version)) }
    let mark = UInt32(origin.rawValue) | mismatches << 2
    if mark != FinalStates.committed { flags[Int32(count)] = mark }
    count += 1
  }

  subscript(_ place: Int) -> State {
    let (piece, position) = (place / FinalStates.pieceCount, place % FinalStates.pieceCount)
    return State(
      version: hasVersion ? pieces[piece].versions[position] : 0, body: pieces[piece].bodies[position],
      flags: flags.isEmpty ? FinalStates.committed : flags[Int32(place)] ?? FinalStates.committed)
  }

  /// Of an event whose ids are not whole numbers, all have a name.
  func id(_ place: Int) -> EventID {
    let id = pieces[place / FinalStates.pieceCount].id(place % FinalStates.pieceCount)
    return names.isEmpty ? .int(id) : names[Int(id)]
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

/// Equal for bodies that a hop must show alike: `12.1` and `12.10` are. Nobody chooses bodies so that their hashes meet, so numbers, of which
/// there is one for each event and one more at its end, are mixed by two multiplications each; the rest goes through the library's hash.
struct BodyHash {
  private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func combine(_ field: Value) {
    switch field {
    case .null: mix(0)
    case .bool(let value): mix(value ? 1 : 2)
    case .int(let value), .duration(let value), .instant(let value), .size(let value): mix(UInt64(bitPattern: value))
    case .decimal(let value):
      guard let (coefficient, scale) = value.shortest else { return mix(value.hashValue) }
      mix(UInt64(bitPattern: coefficient))
      mix(UInt64(scale))
    case .float(let value), .rate(let value), .percentage(let value): mix(value.hashValue)
    case .string(let value): mix(value.hashValue)
    case .uuid(let value): mix(value.hashValue)
    case .bytes(let value): mix(value.hashValue)
    // The checker lets neither into a body.
    case .json, .list: mix(1)
    }
  }

  private mutating func mix(_ hash: Int) { mix(UInt64(bitPattern: Int64(hash))) }

  /// The finalizer of SplitMix64, over what there was and what comes.
  private mutating func mix(_ bits: UInt64) {
    var mixed = (value ^ bits) &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    value = mixed ^ mixed >> 31
  }
}
