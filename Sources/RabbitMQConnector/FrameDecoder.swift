internal import CRabbitMQ
import ChainIO

/// A frame from the broker. Its pointers lead into the codec's pools and are valid until the current read has been taken apart.
enum IncomingFrame {
  case method(id: amqp_method_number_t, decoded: UnsafeMutableRawPointer)
  case header(bodyBytes: UInt64, properties: UnsafeMutablePointer<amqp_basic_properties_t>, raw: UnsafeRawBufferPointer)
  case body(UnsafeRawBufferPointer)
  case heartbeat
  /// `AMQP` and a version: the broker speaks another one.
  case protocolHeader
}

/// librabbitmq as a codec: takes bytes apart into frames. Does no input or output of its own.
struct FrameDecoder: ~Copyable {
  private let state: amqp_connection_state_t
  private var frame = amqp_frame_t()

  /// Bytes of the largest frame that we agree to: what a fresh codec accepts, so that it needs no tuning. It also bounds the depth of
  /// a header table, which the library decodes by recursion (a 126 KB table 21 000 deep overflowed a 512 KiB stack).
  static let frameBytesMax = 65_536

  init?() {
    guard let state = amqp_new_connection() else { return nil }
    self.state = state
  }

  deinit { amqp_destroy_connection(state) }

  /// Takes the next frame, or a part of one, from the front of `bytes`.
  ///
  /// - Parameter bytes: Not empty. Afterwards what is left.
  /// - Returns: the channel and the frame; nil when more bytes are needed or the frame is of no known kind.
  /// - Throws: an `OperationError` of class `protocol` when the bytes are not AMQP 0-9-1.
  mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(OperationError) -> (channel: UInt16, frame: IncomingFrame)? {
    let input = amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    let used = amqp_handle_input(state, input, &frame)
    guard used > 0, Int(used) <= bytes.count else {
      throw OperationError(.protocol, code: "bad-frame", "the bytes from the broker are not AMQP 0-9-1")
    }
    bytes = UnsafeRawBufferPointer(rebasing: bytes[Int(used)...])
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_METHOD:
      guard let decoded = frame.payload.method.decoded else { return nil }
      return (frame.channel, .method(id: frame.payload.method.id, decoded: decoded))
    case AMQP_FRAME_HEADER:
      let properties = frame.payload.properties
      guard properties.class_id == 60, let decoded = properties.decoded else {
        throw OperationError(.protocol, code: "bad-frame", "a content header of the broker is not of class basic")
      }
      return (
        frame.channel,
        .header(
          bodyBytes: properties.body_size, properties: decoded.assumingMemoryBound(to: amqp_basic_properties_t.self),
          raw: properties.raw.raw)
      )
    case AMQP_FRAME_BODY: return (frame.channel, .body(frame.payload.body_fragment.raw))
    case AMQP_FRAME_HEARTBEAT: return (frame.channel, .heartbeat)
    case 65: return (0, .protocolHeader)  // 'A': AMQP_PSEUDOFRAME_PROTOCOL_HEADER
    default: return nil
    }
  }

  /// Gives back the memory of the frames of this read. Their pointers are dead afterwards.
  mutating func readEnded() { amqp_maybe_release_buffers(state) }
}
