internal import CRabbitMQ
import ChainIO

/// Frames, appended to a transport's output. A frame is type (1 byte), channel (2), payload length (4), payload, 0xCE.
extension [UInt8] {
  static var frameHeaderBytes: Int { 7 }
  /// Beside the payload.
  static var frameOverheadBytes: Int { 8 }

  mutating func appendBigEndian<Number: FixedWidthInteger>(_ number: Number) {
    var swapped = number.bigEndian
    Swift.withUnsafeBytes(of: &swapped) { append(contentsOf: $0) }
  }

  mutating func patch<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
    withUnsafeMutableBytes { $0.storeBytes(of: number.bigEndian, toByteOffset: offset, as: Number.self) }
  }

  mutating func beginFrame(type: UInt8, channel: UInt16) {
    append(type)
    appendBigEndian(channel)
    appendBigEndian(UInt32(0))
  }

  /// Writes the length of the frame that began at `start` and its end octet.
  mutating func endFrame(from start: Int) {
    patch(UInt32(count - start - Self.frameHeaderBytes), at: start + 3)
    append(0xCE)
  }

  mutating func appendHeartbeat() {
    append(contentsOf: [8, 0, 0, 0, 0, 0, 0, 0xCE])
  }

  /// Appends one method frame, encoded by the library.
  ///
  /// - Throws: an `OperationError` of class `protocol` when the method does not fit a frame of 4 KiB, the least that every broker takes.
  mutating func appendMethod<Method: BitwiseCopyable>(_ id: amqp_method_number_t, _ method: Method, channel: UInt16) throws(OperationError)
  {
    let start = count
    beginFrame(type: UInt8(AMQP_FRAME_METHOD), channel: channel)
    appendBigEndian(id)
    var method = method
    let length = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { scratch in
      let length = amqp_encode_method(id, &method, amqp_bytes_t(len: 4000, bytes: scratch.baseAddress))
      if length > 0 { append(contentsOf: UnsafeRawBufferPointer(rebasing: scratch[0..<Int(length)])) }
      return length
    }
    guard length >= 0 else {
      removeLast(count - start)
      throw OperationError(.protocol, code: "too-long", "a name, user or password is too long for an AMQP method")
    }
    endFrame(from: start)
  }

  /// Cuts the body frame that began at `start` into frames of at most `frameBytesMax`, and ends the last one. A body of no bytes has no frame.
  ///
  /// - Returns: The body's bytes.
  mutating func endBodyFrames(from start: Int, channel: UInt16, frameBytesMax: Int) -> Int {
    let header = Self.frameHeaderBytes
    let overhead = Self.frameOverheadBytes
    let body = count - start - header
    let payloadMax = frameBytesMax - overhead
    if body == 0 {
      removeLast(header)
    } else if body <= payloadMax {
      endFrame(from: start)
    } else {
      // Make room for the further frames' edges, then move the parts to their places from the last one on.
      let frames = (body + payloadMax - 1) / payloadMax
      append(contentsOf: repeatElement(0, count: (frames - 1) * overhead))
      withUnsafeMutableBytes { bytes in
        for part in stride(from: frames - 1, through: 0, by: -1) {
          let length = Swift.min(payloadMax, body - part * payloadMax)
          let target = start + part * (payloadMax + overhead)
          let source = bytes.baseAddress! + start + header + part * payloadMax
          (bytes.baseAddress! + target + header).copyMemory(from: source, byteCount: length)
          bytes[target] = UInt8(AMQP_FRAME_BODY)
          bytes.storeBytes(of: channel.bigEndian, toByteOffset: target + 1, as: UInt16.self)
          bytes.storeBytes(of: UInt32(length).bigEndian, toByteOffset: target + 3, as: UInt32.self)
          if part < frames - 1 { bytes[target + header + length] = 0xCE }
        }
      }
      append(0xCE)
    }
    return body
  }
}
