internal import CRabbitMQ
import ChainIO

/// Puts a delivery together: method, header and body frames, over as many reads as it takes, into one reused result.
struct DeliveryAssembly {
  enum Completed {
    case message
    /// A marker of ours, its body in the result.
    case marker
  }

  private enum Stage {
    case idle
    case awaitingHeader
    case awaitingBody(left: UInt64)
  }

  let result = OperationResult()
  private var stage = Stage.idle
  /// Came through the default exchange, as markers do.
  private var isDirect = false
  private var isMarker = false
  /// Whether anybody reads more than the key.
  private let readsContent: Bool

  init(readsContent: Bool) { self.readsContent = readsContent }

  mutating func reset() { stage = .idle }

  mutating func deliverArrived(_ deliver: amqp_basic_deliver_t) {
    result.clear()
    result.setKey(deliver.routing_key.raw)
    isDirect = deliver.exchange.len == 0
    isMarker = false
    stage = .awaitingHeader
  }

  /// - Returns: what is complete with this frame; nil if more is to come.
  mutating func headerArrived(
    bodyBytes: UInt64, properties: amqp_basic_properties_t, fence: MarkerFence
  ) throws(OperationError) -> Completed? {
    guard case .awaitingHeader = stage else { throw DeliveryAssembly.outOfOrder }
    let flags = Int32(bitPattern: properties._flags)
    isMarker = isDirect && flags & AMQP_BASIC_MESSAGE_ID_FLAG != 0 && fence.isMarker(messageID: properties.message_id.raw)
    if readsContent, !isMarker, flags & AMQP_BASIC_HEADERS_FLAG != 0 {
      properties.headers.forEachScalar { result.appendHeader(name: $0, value: $1) }
    }
    if wantsBody(bodyBytes) { result.setBody(UnsafeRawBufferPointer(start: nil, count: 0)) }
    if bodyBytes == 0 { return complete() }
    stage = .awaitingBody(left: bodyBytes)
    return nil
  }

  mutating func bodyArrived(_ bytes: UnsafeRawBufferPointer) throws(OperationError) -> Completed? {
    guard case .awaitingBody(let left) = stage, bytes.count <= left else { throw DeliveryAssembly.outOfOrder }
    if result.hasBody { result.extendBody(bytes) }
    let rest = left - UInt64(bytes.count)
    if rest == 0 { return complete() }
    stage = .awaitingBody(left: rest)
    return nil
  }

  /// A body above the cap on results is not kept: reading it is an error then, and the key still tells that the message came.
  private func wantsBody(_ bytes: UInt64) -> Bool { isMarker || (readsContent && bytes <= OperationResult.bytesMax) }

  private mutating func complete() -> Completed {
    stage = .idle
    return isMarker ? .marker : .message
  }

  private static var outOfOrder: OperationError {
    OperationError(.protocol, code: "unexpected", "the broker sent the frames of a message out of order")
  }
}
