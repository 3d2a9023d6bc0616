internal import CRabbitMQ

extension amqp_bytes_t {
  static var none: amqp_bytes_t { amqp_bytes_t(len: 0, bytes: nil) }

  /// The bytes where they stand: inside a pool of the codec that is recycled after the current read.
  var raw: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len) }

  var text: String { String(decoding: raw, as: UTF8.self) }
}

/// Text and tables for the codec's method structs, alive as long as the arena. Off the hot path: logins and declarations.
struct MethodArena: ~Copyable {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  mutating func bytes(_ text: String) -> amqp_bytes_t { bytes(Array(text.utf8)) }

  mutating func bytes(_ content: [UInt8]) -> amqp_bytes_t {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(content.count, 1), alignment: 1)
    blocks.append(block)
    content.withUnsafeBytes { if let base = $0.baseAddress { block.copyMemory(from: base, byteCount: $0.count) } }
    return amqp_bytes_t(len: content.count, bytes: block)
  }

  mutating func table(_ entries: [amqp_table_entry_t]) -> amqp_table_t {
    let size = MemoryLayout<amqp_table_entry_t>.stride
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(entries.count, 1) * size, alignment: 16)
    blocks.append(block)
    let typed = block.bindMemory(to: amqp_table_entry_t.self, capacity: max(entries.count, 1))
    for (index, entry) in entries.enumerated() { (typed + index).initialize(to: entry) }
    return amqp_table_t(num_entries: Int32(entries.count), entries: typed)
  }

  mutating func entry(_ key: String, _ text: String) -> amqp_table_entry_t {
    var value = amqp_field_value_t()
    value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
    value.value.bytes = bytes(text)
    return amqp_table_entry_t(key: bytes(key), value: value)
  }

  mutating func entry(_ key: String, _ flag: Bool) -> amqp_table_entry_t {
    var value = amqp_field_value_t()
    value.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
    value.value.boolean = flag ? 1 : 0
    return amqp_table_entry_t(key: bytes(key), value: value)
  }

  mutating func entry(_ key: String, _ number: Int64) -> amqp_table_entry_t {
    var value = amqp_field_value_t()
    value.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
    value.value.i64 = number
    return amqp_table_entry_t(key: bytes(key), value: value)
  }

  mutating func entry(_ key: String, _ table: amqp_table_t) -> amqp_table_entry_t {
    var value = amqp_field_value_t()
    value.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
    value.value.table = table
    return amqp_table_entry_t(key: bytes(key), value: value)
  }
}
