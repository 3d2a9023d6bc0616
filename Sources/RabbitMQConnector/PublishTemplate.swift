internal import CRabbitMQ
import ChainIO
import ChainProgram

/// A `publish` operation, compiled: its method and header frames as bytes, up to what depends on arguments.
final class PublishTemplate {
  /// A part of a frame's payload.
  private enum Part {
    case literal([UInt8])
    /// At most 255 bytes, after a length of one.
    case shortString(TextTemplate, name: String)
    /// A header table whose values are all text.
    case table([(key: [UInt8], value: TextTemplate)], carriesTrace: Bool)
  }

  enum Outcome {
    /// What identifies the message to a `basic.return`: of exchange and routing key, and of the whole message. 0 unless mandatory.
    case written(route: UInt64, content: UInt64)
    /// Nothing was written.
    case refused(OperationError)
  }

  let exchange: TextTemplate
  let isConfirmed: Bool
  let isMandatory: Bool
  private let body: TextTemplate
  /// The method frame from its first byte on, without the end octet.
  private let method: [Part]
  /// The header frame likewise; its body size stands at `bodySizeOffset`.
  private let header: [Part]
  private static let bodySizeOffset = 11
  /// Everything up to the body, where none of it depends on arguments: the two frames and the beginning of the body's.
  private let head: Head?

  private struct Head {
    /// The template's own: an array is counted each time it is written.
    let bytes: UnsafeMutableRawBufferPointer
    /// Where the header frame begins.
    let headerStart: Int
    let headerBytes: Int
  }
  private static let traceKey = Array("traceparent".utf8)

  /// - Throws: an `OperationError` of class `protocol` that says which key is wrong.
  init(_ operation: Operation, channel: UInt16, tellsTraces: Bool = false) throws(OperationError) {
    func wrong(_ message: String) -> OperationError { OperationError(.protocol, code: "bad-operation", "'publish': \(message)") }
    func text(_ name: String) throws(OperationError) -> TextTemplate? {
      switch operation.operand(name) {
      case nil: return nil
      case .text(let template)?: return template
      case .sql?, .words?, .json?, .textMap?, .flag?, .integer?, .duration?, .choice?, .wordList?: throw wrong("'\(name)' is not text")
      }
    }
    func flag(_ name: String, otherwise: Bool) throws(OperationError) -> Bool {
      guard let operand = operation.operand(name) else { return otherwise }
      guard case .flag(let value) = operand else { throw wrong("'\(name)' is neither true nor false") }
      return value
    }
    guard case .text(let exchange)? = operation.operands.first?.value else { throw wrong("the exchange's name is missing") }
    self.exchange = exchange
    let contentTypeOfBody: String
    switch (operation.operand("json"), operation.operand("text")) {
    case (.json(let template)?, nil):
      body = template
      contentTypeOfBody = "application/json"
    case (nil, .text(let template)?):
      body = template
      contentTypeOfBody = "text/plain"
    default: throw wrong("give exactly one of 'json' and 'text'")
    }
    isConfirmed = try flag("confirm", otherwise: true)
    isMandatory = try flag("mandatory", otherwise: false)
    if isMandatory, !isConfirmed { throw wrong("'mandatory: true' needs 'confirm: true': a returned message is known by its confirm only") }
    let isPersistent = try flag("persistent", otherwise: true)
    let routingKey = try text("routing_key") ?? TextTemplate("")
    let contentType = try text("content_type") ?? TextTemplate(contentTypeOfBody)
    let messageID = try text("message_id")
    var headers: [(key: [UInt8], value: TextTemplate)] = []
    if case .textMap(let entries)? = operation.operand("headers") {
      for entry in entries {
        guard entry.name.utf8.count <= 255 else { throw wrong("a header's name is longer than 255 bytes") }
        headers.append((Array(entry.name.utf8), entry.value))
      }
    }

    // The chain's own traceparent stands before ours.
    let carriesTrace = tellsTraces && !headers.contains { $0.key == PublishTemplate.traceKey }

    var frame: [UInt8] = []
    frame.beginFrame(type: UInt8(AMQP_FRAME_METHOD), channel: channel)
    frame.appendBigEndian(AMQP_BASIC_PUBLISH_METHOD)
    frame.appendBigEndian(UInt16(0))
    method = try PublishTemplate.folded([
      .literal(frame), .shortString(exchange, name: "exchange"), .shortString(routingKey, name: "routing_key"),
      .literal([isMandatory ? 1 : 0]),
    ])

    var flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG
    if !headers.isEmpty || carriesTrace { flags |= AMQP_BASIC_HEADERS_FLAG }
    if messageID != nil { flags |= AMQP_BASIC_MESSAGE_ID_FLAG }
    frame.removeAll()
    frame.beginFrame(type: UInt8(AMQP_FRAME_HEADER), channel: channel)
    frame.appendBigEndian(UInt16(AMQP_BASIC_CLASS))
    frame.appendBigEndian(UInt16(0))
    precondition(frame.count == PublishTemplate.bodySizeOffset, "the body size follows class and weight")
    frame.appendBigEndian(UInt64(0))
    frame.appendBigEndian(UInt16(flags))
    var parts: [Part] = [.literal(frame), .shortString(contentType, name: "content_type")]
    if !headers.isEmpty || carriesTrace { parts.append(.table(headers, carriesTrace: carriesTrace)) }
    parts.append(.literal([isPersistent ? 2 : 1]))
    if let messageID { parts.append(.shortString(messageID, name: "message_id")) }
    header = try PublishTemplate.folded(parts)
    head = PublishTemplate.head(method, header, channel: channel)
  }

  private static func head(_ method: [Part], _ header: [Part], channel: UInt16) -> Head? {
    guard method.count == 1, header.count == 1, case .literal(var bytes) = method[0], case .literal(let fields) = header[0] else {
      return nil
    }
    bytes.endFrame(from: 0)
    let headerStart = bytes.count
    bytes += fields
    bytes.endFrame(from: headerStart)
    let headerBytes = bytes.count - headerStart
    bytes.beginFrame(type: UInt8(AMQP_FRAME_BODY), channel: channel)
    let own = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    own.copyBytes(from: bytes)
    return Head(bytes: own, headerStart: headerStart, headerBytes: headerBytes)
  }

  deinit { head?.bytes.deallocate() }

  /// Appends the message's frames.
  ///
  /// - Parameter frameBytesMax: As agreed with the broker.
  func write(
    to output: inout [UInt8], arguments: UnsafePointer<Value>, channel: UInt16, frameBytesMax: Int, trace: TraceParent? = nil
  ) -> Outcome {
    let start = output.count
    let headerStart: Int
    let headerBytes: Int
    if let head {
      output.append(contentsOf: head.bytes)
      headerStart = start + head.headerStart
      headerBytes = head.headerBytes
    } else {
      if let field = PublishTemplate.append(method, to: &output, arguments: arguments, trace: nil) { return refuse(field, &output, start) }
      output.endFrame(from: start)
      headerStart = output.count
      if let field = PublishTemplate.append(header, to: &output, arguments: arguments, trace: trace) {
        return refuse(field, &output, start)
      }
      output.endFrame(from: headerStart)
      headerBytes = output.count - headerStart
      output.beginFrame(type: UInt8(AMQP_FRAME_BODY), channel: channel)
    }
    guard headerBytes <= frameBytesMax else {
      output.removeLast(output.count - start)
      return .refused(
        OperationError(.protocol, code: "too-long", "the message's headers exceed the broker's frame size of \(frameBytesMax) bytes"))
    }
    let bodyStart = headerStart + headerBytes
    body.append(to: &output, arguments: arguments)
    var route: UInt64 = 0
    var content: UInt64 = 0
    if isMandatory {
      output.withUnsafeBytes { bytes in
        // Behind frame header, method id and the reserved short: exchange and routing key with their lengths, then the flags.
        var digest = MessageDigest()
        digest.add(UnsafeRawBufferPointer(rebasing: bytes[(start + 13)..<(headerStart - 2)]))
        route = digest.value
        digest.add(UnsafeRawBufferPointer(rebasing: bytes[(headerStart + PublishTemplate.bodySizeOffset + 8)..<(bodyStart - 1)]))
        digest.add(UnsafeRawBufferPointer(rebasing: bytes[(bodyStart + [UInt8].frameHeaderBytes)...]))
        content = digest.value
      }
    }
    let bodyBytes = output.endBodyFrames(from: bodyStart, channel: channel, frameBytesMax: frameBytesMax)
    output.patch(UInt64(bodyBytes), at: headerStart + PublishTemplate.bodySizeOffset)
    return .written(route: route, content: content)
  }

  private func refuse(_ field: String, _ output: inout [UInt8], _ start: Int) -> Outcome {
    output.removeLast(output.count - start)
    return .refused(PublishTemplate.tooLong(field))
  }

  private static func tooLong(_ field: String) -> OperationError {
    OperationError(.protocol, code: "too-long", "'\(field)' is longer than the 255 bytes that AMQP allows; nothing was sent")
  }

  /// - Returns: The name of a field that is too long; nil if all was appended.
  private static func append(
    _ parts: [Part], to output: inout [UInt8], arguments: UnsafePointer<Value>, trace: TraceParent?
  ) -> String? {
    for part in parts {
      switch part {
      case .literal(let bytes): output.append(contentsOf: bytes)
      case .shortString(let template, let name):
        let start = output.count
        output.append(0)
        template.append(to: &output, arguments: arguments)
        let length = output.count - start - 1
        guard length <= 255 else { return name }
        output[start] = UInt8(length)
      case .table(let entries, let carriesTrace):
        let start = output.count
        output.appendBigEndian(UInt32(0))
        for entry in entries {
          output.append(UInt8(entry.key.count))
          output.append(contentsOf: entry.key)
          output.append(UInt8(AMQP_FIELD_KIND_UTF8.rawValue))
          let valueStart = output.count
          output.appendBigEndian(UInt32(0))
          entry.value.append(to: &output, arguments: arguments)
          output.patch(UInt32(output.count - valueStart - 4), at: valueStart)
        }
        if carriesTrace, let trace {
          output.append(UInt8(traceKey.count))
          output.append(contentsOf: traceKey)
          output.append(UInt8(AMQP_FIELD_KIND_UTF8.rawValue))
          output.appendBigEndian(UInt32(TraceParent.byteCount))
          trace.append(to: &output)
        }
        output.patch(UInt32(output.count - start - 4), at: start)
      }
    }
    return nil
  }

  /// The parts with everything that depends on no argument turned into bytes, and neighbouring bytes joined.
  private static func folded(_ parts: [Part]) throws(OperationError) -> [Part] {
    var folded: [Part] = []
    var literal: [UInt8] = []
    let noArguments = UnsafePointer<Value>(bitPattern: MemoryLayout<Value>.alignment)!
    for part in parts {
      let isLiteral =
        switch part {
        case .literal: true
        case .shortString(let template, _): template.literal != nil
        case .table(let entries, let carriesTrace): !carriesTrace && entries.allSatisfy { $0.value.literal != nil }
        }
      if isLiteral {
        if let field = append([part], to: &literal, arguments: noArguments, trace: nil) { throw tooLong(field) }
      } else {
        if !literal.isEmpty { folded.append(.literal(literal)) }
        literal = []
        folded.append(part)
      }
    }
    if !literal.isEmpty { folded.append(.literal(literal)) }
    return folded
  }
}

/// FNV-1a, 64 bits: tells returned messages apart, where the broker says which one it returns by sending it back whole.
struct MessageDigest {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  mutating func addShortString(_ bytes: UnsafeRawBufferPointer) {
    var length = UInt8(truncatingIfNeeded: bytes.count)
    withUnsafeBytes(of: &length) { add($0) }
    add(bytes)
  }
}
