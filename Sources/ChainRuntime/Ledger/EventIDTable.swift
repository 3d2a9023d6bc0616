/// From event id to record number. Whole numbers, which are nearly all ids, go through an open-addressing table of 12 bytes an entry.
struct EventIDTable: ~Copyable {
  private var keys: UnsafeMutablePointer<Int64>
  private var records: UnsafeMutablePointer<Int32>
  private var capacity = 1024
  private var used = 0
  private var others: [EventID: Int32] = [:]
  private static let empty: Int32 = -1

  init() {
    keys = .allocate(capacity: capacity)
    records = .allocate(capacity: capacity)
    records.initialize(repeating: EventIDTable.empty, count: capacity)
  }

  deinit {
    keys.deallocate()
    records.deallocate()
  }

  func find(_ id: EventID) -> Int? {
    guard case .int(let key) = id else { return others[id].map(Int.init) }
    var place = home(key)
    while records[place] != EventIDTable.empty {
      if keys[place] == key { return Int(records[place]) }
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
    while keys[hole] != key || records[hole] == EventIDTable.empty {
      guard records[hole] != EventIDTable.empty else { return }
      hole = (hole + 1) & (capacity - 1)
    }
    used -= 1
    // What stands behind the hole moves up if the way from its home leads over it, so that no search ends too early.
    var next = hole
    while true {
      next = (next + 1) & (capacity - 1)
      guard records[next] != EventIDTable.empty else { break }
      let distance = (next &- home(keys[next])) & (capacity - 1)
      if distance >= (next &- hole) & (capacity - 1) {
        keys[hole] = keys[next]
        records[hole] = records[next]
        hole = next
      }
    }
    records[hole] = EventIDTable.empty
  }

  private mutating func place(_ key: Int64, _ record: Int32) {
    var place = home(key)
    while records[place] != EventIDTable.empty { place = (place + 1) & (capacity - 1) }
    keys[place] = key
    records[place] = record
  }

  private mutating func grow() {
    let (oldKeys, oldRecords, oldCapacity) = (keys, records, capacity)
    capacity *= 2
    keys = .allocate(capacity: capacity)
    records = .allocate(capacity: capacity)
    records.initialize(repeating: EventIDTable.empty, count: capacity)
    for index in 0..<oldCapacity where oldRecords[index] != EventIDTable.empty { place(oldKeys[index], oldRecords[index]) }
    oldKeys.deallocate()
    oldRecords.deallocate()
  }

  /// Fibonacci hashing: the product's highest bits, which depend on all bits of the key. Dense ids spread over the table, and so do
  /// ids that are multiples of a power of two, such as a shard or a time in the upper half.
  private func home(_ key: Int64) -> Int {
    Int(truncatingIfNeeded: (UInt64(bitPattern: key) &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - capacity.trailingZeroBitCount))
  }
}
