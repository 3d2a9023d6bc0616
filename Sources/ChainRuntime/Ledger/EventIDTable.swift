/// From event id to record number. Whole numbers, which are nearly all ids, go through an open-addressing table of 16 bytes an entry.
struct EventIDTable: ~Copyable {
  private struct Entry {
    var key: Int64 = 0
    var record = EventIDTable.empty
  }

  private var entries: UnsafeMutablePointer<Entry>
  private var capacity = 1024
  private var used = 0
  private var others: [EventID: Int32] = [:]
  private static let empty: Int32 = -1

  init() {
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: Entry(), count: capacity)
  }

  deinit { entries.deallocate() }

  func find(_ id: EventID) -> Int? {
    guard case .int(let key) = id else { return others[id].map(Int.init) }
    var place = home(key)
    while entries[place].record != EventIDTable.empty {
      if entries[place].key == key { return Int(entries[place].record) }
      place = (place + 1) & (capacity - 1)
    }
    return nil
  }

  /// - Precondition: the id is not in the table.
  mutating func insert(_ id: EventID, record: Int) {
    guard case .int(let key) = id else {
      others[id] = Int32(record)
      return
    }
    if used * 2 >= capacity { grow() }
    place(key, Int32(record))
    used += 1
  }

  /// Forgets an id; nothing if it is not in the table.
  mutating func remove(_ id: EventID) {
    guard case .int(let key) = id else {
      others.removeValue(forKey: id)
      return
    }
    var hole = home(key)
    while entries[hole].key != key || entries[hole].record == EventIDTable.empty {
      guard entries[hole].record != EventIDTable.empty else { return }
      hole = (hole + 1) & (capacity - 1)
    }
    used -= 1
    // What stands behind the hole moves up if the way from its home leads over it, so that no search ends too early.
    var next = hole
    while true {
      next = (next + 1) & (capacity - 1)
      guard entries[next].record != EventIDTable.empty else { break }
      let distance = (next &- home(entries[next].key)) & (capacity - 1)
      if distance >= (next &- hole) & (capacity - 1) {
        entries[hole] = entries[next]
        hole = next
      }
    }
    entries[hole].record = EventIDTable.empty
  }

  private mutating func place(_ key: Int64, _ record: Int32) {
    var place = home(key)
    while entries[place].record != EventIDTable.empty { place = (place + 1) & (capacity - 1) }
    entries[place] = Entry(key: key, record: record)
  }

  private mutating func grow() {
    let (old, oldCapacity) = (entries, capacity)
    capacity *= 2
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: Entry(), count: capacity)
    for index in 0..<oldCapacity where old[index].record != EventIDTable.empty { place(old[index].key, old[index].record) }
    old.deallocate()
  }

  /// Ids that follow each other stand side by side, since they are looked for at about the same time: the last four bits are kept, and
  /// what is above them is spread by Fibonacci hashing (the product's highest bits, which depend on all bits of the key), so that multiples of a power of two, such
  /// as a shard or a time in the upper half, do not meet.
  private func home(_ key: Int64) -> Int {
    let block = (UInt64(bitPattern: key) >> 4 &* 0x9E37_79B9_7F4A_7C15) >> UInt64(68 - capacity.trailingZeroBitCount)
    return Int(truncatingIfNeeded: block << 4 | UInt64(bitPattern: key) & 15)
  }
}
