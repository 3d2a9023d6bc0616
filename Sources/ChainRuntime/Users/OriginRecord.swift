import ChainProgram

/// What a virtual user knows of one event it is about to cause: whether the origin was submitted, and what identifies it.
struct OriginRecord: ~Copyable {
  /// id, key, version, then the body's fields.
  let values: UnsafeMutablePointer<Value>
  let valueCount: Int
  /// The origin was submitted and its end is not settled.
  var isAttempting = false
  /// The ledger's number for it while it is under way.
  var number: UInt64 = 0
  var isIdentified = false

  init(event: EventDeclaration) {
    valueCount = 3 + event.body.count
    values = .allocate(capacity: valueCount)
    values.initialize(repeating: .null, count: valueCount)
  }

  deinit { values.deinitialize(count: valueCount).deallocate() }

  mutating func reset() {
    isAttempting = false
    isIdentified = false
  }

  mutating func identify(from source: UnsafePointer<Value>) {
    for index in 0..<valueCount { values[index] = source[index] }
    isIdentified = true
  }
}

