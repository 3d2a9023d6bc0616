/// The keys that are looked at, each for one or more events, and what the last look at each showed.
struct PolledKeys {
  private struct Key {
    let text: [UInt8]
    var events: Set<Int> = []
    var lastLook: UInt64 = 0
    /// Of the value that the last look showed; nil if there was none.
    var lastShown: Fingerprint?
  }

  /// Of a value: enough to tell two values of one key apart.
  private struct Fingerprint: Equatable {
    let count: Int
    let hash: UInt64

    /// FNV-1a.
    init(_ bytes: UnsafeRawBufferPointer) {
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      self.hash = hash
      count = bytes.count
    }
  }

  struct Change {
    /// Nanoseconds: the last look that showed another value or none was sent; 0 if there was none.
    let notBefore: UInt64
  }

  private var keys: [Int: Key] = [:]
  private var numbers: [[UInt8]: Int] = [:]
  private var keyOfEvent: [Int: Int] = [:]
  private var next = 0

  /// - Returns: the key's number.
  mutating func add(_ event: Int, _ text: [UInt8]) -> Int {
    let number: Int
    if let known = numbers[text] {
      number = known
    } else {
      number = next
      next += 1
      numbers[text] = number
      keys[number] = Key(text: text)
    }
    keys[number]?.events.insert(event)
    keyOfEvent[event] = number
    return number
  }

  /// - Returns: the key that nobody looks for any more; nil if others do, or the event was not looked for.
  mutating func remove(_ event: Int) -> Int? {
    guard let number = keyOfEvent.removeValue(forKey: event) else { return nil }
    keys[number]?.events.remove(event)
    guard let key = keys[number], key.events.isEmpty else { return nil }
    keys[number] = nil
    numbers[key.text] = nil
    return number
  }

  /// Empty for a key that is no longer looked at.
  func text(_ number: Int) -> [UInt8] { keys[number]?.text ?? [] }

  /// Takes in what a look at the key showed, nil for nothing.
  ///
  /// - Returns: how late it can have become so, if it shows what the look before did not.
  mutating func looked(_ number: Int, _ value: UnsafeRawBufferPointer?, sent: UInt64) -> Change? {
    guard var key = keys[number] else { return nil }
    defer { keys[number] = key }
    let before = key.lastLook
    key.lastLook = sent
    let shown = value.map { Fingerprint($0) }
    if before > 0, shown == key.lastShown { return nil }
    key.lastShown = shown
    return shown == nil ? nil : Change(notBefore: before)
  }
}
