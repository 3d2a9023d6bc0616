import ChainIO

/// One HTTP/1.0 request over a connection of its own, which the server closes behind its answer: no chunks, no second request.
final class PlainRequest: TransportOwner {
  struct Answer {
    let status: Int
    let header: String
    let body: [UInt8]

    /// Nil if it is no answer of HTTP.
    init?(_ bytes: [UInt8]) {
      guard let end = Answer.headerEnd(bytes) else { return nil }
      header = String(decoding: bytes[..<end], as: UTF8.self)
      body = Array(bytes[(end + 4)...])
      let words = header.prefix { $0 != "\r" && $0 != "\r\n" }.split(separator: " ")
      guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
      self.status = status
    }

    private static func headerEnd(_ bytes: [UInt8]) -> Int? {
      guard bytes.count >= 4 else { return nil }
      return (0...bytes.count - 4).first { bytes[$0] == 13 && bytes[$0 + 1] == 10 && bytes[$0 + 2] == 13 && bytes[$0 + 3] == 10 }
    }
  }

  static let bytesMax = 4 << 20

  private lazy var transport = SocketTransport(reactor: reactor, owner: self)
  private let reactor: Reactor
  private var text = ""
  private var received: [UInt8] = []
  private var completion: ((Answer?, OperationError?) -> Void)?

  init(reactor: Reactor) {
    self.reactor = reactor
  }

  /// - Parameters:
  ///   - deadline: Nanoseconds of CLOCK_MONOTONIC, for connecting.
  ///   - completion: Called once from a turn of its own, unless `cancel` comes first.
  func send(_ text: String, to endpoint: Endpoint, address: String, deadline: UInt64, completion: @escaping (Answer?, OperationError?) -> Void) {
    self.text = text
    self.completion = completion
    transport.connect(to: endpoint, address: address, deadline: deadline)
  }

  func cancel() {
    completion = nil
    transport.close()
  }

  func transportConnected(_ transport: SocketTransport, now: UInt64) {
    transport.output.append(contentsOf: text.utf8)
    transport.flushSoon()
  }

  func transportReceived(_ transport: SocketTransport, _ bytes: UnsafeRawBufferPointer, now: UInt64) {
    guard received.count + bytes.count <= PlainRequest.bytesMax else {
      return finish(nil, OperationError(.protocol, code: "result-too-large", "the answer is larger than \(PlainRequest.bytesMax >> 20) MiB"))
    }
    received.append(contentsOf: bytes)
  }

  func transportClosed(_ transport: SocketTransport, _ error: OperationError, now: UInt64) {
    guard error.code == "EOF" || !received.isEmpty, let answer = Answer(received) else { return finish(nil, error) }
    finish(answer, nil)
  }

  private func finish(_ answer: Answer?, _ error: OperationError?) {
    let completion = completion
    cancel()
    completion?(answer, error)
  }
}

/// RFC 4648, section 4.
enum Base64 {
  static func text(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    var position = 0
    while position < bytes.count {
      let group = (0..<3).map { position + $0 < bytes.count ? bytes[position + $0] : 0 }
      let word = UInt32(group[0]) << 16 | UInt32(group[1]) << 8 | UInt32(group[2])
      for digit in 0..<4 {
        let isPadding = position + digit > bytes.count
        text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(word >> UInt32(18 - 6 * digit) & 63)])
      }
      position += 3
    }
    return String(decoding: text, as: UTF8.self)
  }
}
