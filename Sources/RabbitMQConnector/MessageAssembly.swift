internal import CRabbitMQ
import ChainIO

/// Puts messages together that came one after another, and appends each to a result in the form that `OperationResult` describes.
struct MessageAssembly {
  private enum Stage {
    case idle
    case awaitingHeader
    case awaitingBody(left: UInt64)
  }

  private var stage = Stage.idle
  private var key: [UInt8] = []
  private var body: [UInt8] = []
  private var headers: [(name: [UInt8], value: [UInt8])] = []
  /// Messages that are in the result.
  private(set) var count = 0
  /// The messages are more than a result may hold; those beyond are not kept.
  private(set) var isTooLarge = false

  /// Starts with no messages.
  mutating func begin(_ result: OperationResult) {
    stage = .idle
    count = 0
    isTooLarge = false
    result.clear()
    result.appendArray(count: 0)
  }

  var isBetweenMessages: Bool { if case .idle = stage { true } else { false } }

  mutating func messageBegan(key bytes: UnsafeRawBufferPointer) throws(OperationError) {
    guard isBetweenMessages else { throw MessageAssembly.outOfOrder }
    key.removeAll(keepingCapacity: true)
    key.append(contentsOf: bytes)
    body.removeAll(keepingCapacity: true)
    headers.removeAll(keepingCapacity: true)
    stage = .awaitingHeader
  }

  /// - Returns: whether the message is complete with this frame.
  mutating func headerArrived(
    bodyBytes: UInt64, properties: amqp_basic_properties_t, into result: OperationResult
  ) throws(OperationError) -> Bool {
    guard case .awaitingHeader = stage else { throw MessageAssembly.outOfOrder }
    if Int32(bitPattern: properties._flags) & AMQP_BASIC_HEADERS_FLAG != 0 {
      properties.headers.forEachScalar { headers.append((Array($0), Array($1))) }
    }
    let headerBytes = headers.reduce(0) { $0 + $1.name.count + $1.value.count }
    if bodyBytes > OperationResult.bytesMax || result.bytes.count + key.count + headerBytes + Int(bodyBytes) > OperationResult.bytesMax {
      isTooLarge = true
    }
    if bodyBytes == 0 {
      complete(result)
      return true
    }
    stage = .awaitingBody(left: bodyBytes)
    return false
  }

  /// - Returns: whether the message is complete with this frame.
  mutating func bodyArrived(_ bytes: UnsafeRawBufferPointer, into result: OperationResult) throws(OperationError) -> Bool {
    guard case .awaitingBody(let left) = stage, bytes.count <= left else { throw MessageAssembly.outOfOrder }
    if !isTooLarge { body.append(contentsOf: bytes) }
    let rest = left - UInt64(bytes.count)
    if rest == 0 {
      complete(result)
      return true
    }
    stage = .awaitingBody(left: rest)
    return false
  }

  private mutating func complete(_ result: OperationResult) {
    stage = .idle
    guard !isTooLarge else { return }
    result.appendArray(count: 3)
    key.withUnsafeBytes { result.appendText($0) }
    body.withUnsafeBytes { result.appendText($0) }
    result.appendArray(count: headers.count)
    for header in headers {
      result.appendArray(count: 2)
      header.name.withUnsafeBytes { result.appendText($0) }
      header.value.withUnsafeBytes { result.appendText($0) }
    }
    count += 1
    result.setCount(count, ofArrayAt: 0)
  }

  private static var outOfOrder: OperationError {
    OperationError(.protocol, code: "unexpected", "the broker sent the frames of a message out of order")
  }
}
