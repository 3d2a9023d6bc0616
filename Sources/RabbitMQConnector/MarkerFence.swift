internal import CRabbitMQ
import ChainIO

/// The tap's markers: small messages that we publish through the default exchange straight to the tap's queue, one at a time.
///
/// A queue is first in, first out. A marker that arrives before an event therefore entered the queue before it, and so the exchange
/// routed the event later than the marker was sent.
struct MarkerFence {
  /// The marker's frames; its number stands before the last end octet.
  private var frames: [UInt8] = []
  /// Tells our markers from whatever else somebody may send to the queue.
  private let token: [UInt8]
  private var number: UInt64 = 0
  private var sentInFlightNanoseconds: UInt64?
  /// Nanoseconds: when the last marker that came back was sent, or when the queue was bound, before which nothing could come through it.
  private(set) var provenNanoseconds: UInt64 = 0

  init() {
    var token: [UInt8] = []
    for _ in 0..<4 { token.append(contentsOf: Array(String(UInt32.random(in: 0x1000_0000...UInt32.max), radix: 16).utf8)) }
    self.token = token
  }

  /// Starts anew on another queue.
  ///
  /// - Parameter bindSent: Nanoseconds, before the queue's binding was sent.
  mutating func begin(queue: [UInt8], bindSent: UInt64, channel: UInt16) {
    provenNanoseconds = bindSent
    sentInFlightNanoseconds = nil
    frames.removeAll(keepingCapacity: true)
    frames.beginFrame(type: UInt8(AMQP_FRAME_METHOD), channel: channel)
    frames.appendBigEndian(AMQP_BASIC_PUBLISH_METHOD)
    frames.appendBigEndian(UInt16(0))
    frames.append(0)
    frames.append(UInt8(queue.count))
    frames.append(contentsOf: queue)
    frames.append(0)
    frames.endFrame(from: 0)
    let header = frames.count
    frames.beginFrame(type: UInt8(AMQP_FRAME_HEADER), channel: channel)
    frames.appendBigEndian(UInt16(AMQP_BASIC_CLASS))
    frames.appendBigEndian(UInt16(0))
    frames.appendBigEndian(UInt64(8))
    frames.appendBigEndian(UInt16(AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG))
    frames.append(1)
    frames.append(UInt8(token.count))
    frames.append(contentsOf: token)
    frames.endFrame(from: header)
    let body = frames.count
    frames.beginFrame(type: UInt8(AMQP_FRAME_BODY), channel: channel)
    frames.appendBigEndian(UInt64(0))
    frames.endFrame(from: body)
  }

  var isInFlight: Bool { sentInFlightNanoseconds != nil }
  /// Nanoseconds since which a marker has been under way; nil if none is.
  var inFlightSince: UInt64? { sentInFlightNanoseconds }

  /// Appends the next marker.
  ///
  /// - Parameter now: Nanoseconds, read before the marker can leave: an earlier stamp widens the interval, a later one would break the proof.
  mutating func send(to output: inout [UInt8], now: UInt64) {
    precondition(sentInFlightNanoseconds == nil, "one marker is under way at a time")
    number += 1
    frames.patch(number, at: frames.count - 9)
    output.append(contentsOf: frames)
    sentInFlightNanoseconds = now
  }

  func isMarker(messageID: UnsafeRawBufferPointer) -> Bool { messageID.elementsEqual(token) }

  /// Whether the body is the number of the marker under way; if so, everything that arrives from now on was routed after it was sent.
  mutating func markerArrived(_ body: UnsafeRawBufferPointer) -> Bool {
    guard body.count == 8, let sent = sentInFlightNanoseconds, UInt64(bigEndian: body.loadUnaligned(as: UInt64.self)) == number else {
      return false
    }
    provenNanoseconds = sent
    sentInFlightNanoseconds = nil
    return true
  }
}
