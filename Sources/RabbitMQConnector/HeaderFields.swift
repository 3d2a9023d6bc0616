internal import CRabbitMQ

extension amqp_table_t {
  /// The table's scalars by name, as text; nested tables and lists are left out.
  ///
  /// - Parameter body: Its bytes are valid during the call only.
  func forEachScalar(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    for index in 0..<Int(num_entries) {
      let entry = entries[index]
      let value = entry.value.value
      func tell(_ text: String) {
        var text = text
        text.withUTF8 { body(entry.key.raw, UnsafeRawBufferPointer($0)) }
      }
      switch amqp_field_value_kind_t(UInt32(entry.value.kind)) {
      case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES: body(entry.key.raw, value.bytes.raw)
      case AMQP_FIELD_KIND_BOOLEAN: tell(value.boolean != 0 ? "true" : "false")
      case AMQP_FIELD_KIND_I8: tell(String(value.i8))
      case AMQP_FIELD_KIND_U8: tell(String(value.u8))
      case AMQP_FIELD_KIND_I16: tell(String(value.i16))
      case AMQP_FIELD_KIND_U16: tell(String(value.u16))
      case AMQP_FIELD_KIND_I32: tell(String(value.i32))
      case AMQP_FIELD_KIND_U32: tell(String(value.u32))
      case AMQP_FIELD_KIND_I64: tell(String(value.i64))
      case AMQP_FIELD_KIND_U64, AMQP_FIELD_KIND_TIMESTAMP: tell(String(value.u64))
      case AMQP_FIELD_KIND_F32: tell(String(value.f32))
      case AMQP_FIELD_KIND_F64: tell(String(value.f64))
      default: break  // nested tables and lists, decimals, nothing
      }
    }
  }
}
