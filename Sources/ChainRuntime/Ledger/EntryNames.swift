/// How a hop's entries are named, learned from those that were seen: a text with the event's id or its ordering key in one place.
struct EntryNames {
  /// How entries stand to events.
  enum Shape {
    case unknown
    /// One for each event: `order:<id>`.
    case perEvent
    /// One for each ordering key, which holds the newest version: `stock:<key>`.
    case perKey
  }

  private(set) var shape: Shape
  private let hasKey: Bool
  private var prefix: [UInt8] = []
  private var suffix: [UInt8] = []
  /// Names that agreed; below 1 nothing is known.
  private var proofs = 0
  private var tries = 0
  /// Names of events whose id is their key, as the first ones of two sequences are: nobody can tell which of the two stands there.
  private var ties = 0

  init(hasKey: Bool) {
    self.hasKey = hasKey
    shape = hasKey ? .unknown : .perKey
  }

  /// Whether another name would tell more. A hundred that told nothing are enough, of which ties are none.
  var isOpen: Bool { proofs < 5 && tries < 100 && ties < 10_000 }
  var isKnown: Bool { proofs > 0 }
  /// Whether entries are told apart by the ordering key, rather than by the id.
  var areOfKeys: Bool { hasKey && shape == .perKey }

  mutating func learn(_ name: [UInt8], id: EventID, key: EventID?) {
    if hasKey, proofs == 0, id == key {
      ties += 1
      return
    }
    tries += 1
    let idText = Array(id.text.utf8)
    let keyText = hasKey ? key.map { Array($0.text.utf8) } : nil
    if proofs > 0, let word = areOfKeys ? keyText : idText {
      if self.name(of: word) == name {
        proofs += 1
        return
      }
      proofs = 0
    }
    let place = EntryNames.place(of: idText, in: name)
    let keyPlace = keyText.flatMap { EntryNames.place(of: $0, in: name) }
    switch (place, keyPlace) {
    case (let place?, nil): take(place, idText.count, name, hasKey ? .perEvent : .perKey)
    case (nil, let place?): take(place, keyText?.count ?? 0, name, .perKey)
    // Both or neither: another name may tell.
    case (_?, _?), (nil, nil): break
    }
  }

  private mutating func take(_ place: Int, _ count: Int, _ name: [UInt8], _ shape: Shape) {
    self.shape = shape
    prefix = Array(name[..<place])
    suffix = Array(name[(place + count)...])
    proofs = 1
  }

  func name(of word: [UInt8]) -> [UInt8] { prefix + word + suffix }
  func name(of id: EventID) -> [UInt8] {
    var name: [UInt8] = []
    append(id, to: &name)
    return name
  }

  func append(_ id: EventID, to name: inout [UInt8]) {
    name.append(contentsOf: prefix)
    id.append(to: &name)
    name.append(contentsOf: suffix)
  }

  /// Where the word stands with nothing of a word beside it: `order:12` contains `12`, and not `1`.
  private static func place(of word: [UInt8], in name: [UInt8]) -> Int? {
    guard !word.isEmpty, word.count <= name.count else { return nil }
    func isOfWord(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte >= 0x80
    }
    for start in 0...(name.count - word.count) where name[start..<start + word.count].elementsEqual(word) {
      let end = start + word.count
      if start == 0 || !isOfWord(name[start - 1]), end == name.count || !isOfWord(name[end]) { return start }
    }
    return nil
  }
}
