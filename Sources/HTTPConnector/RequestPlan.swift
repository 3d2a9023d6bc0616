internal import CCurl
import ChainIO
import ChainProgram
import Glibc

/// One `http` step, compiled: what never changes as the bytes that libcurl takes, and templates for the rest.
///
/// Made with a driver and kept as long; libcurl reads `staticHeaders` and a fixed body in place.
final class RequestPlan {
  /// How libcurl is to send it.
  enum Shape {
    /// GET, or another method without a body and without a length.
    case bare
    case head
    /// With a body, even if an empty one: libcurl's POST with the method's own name.
    case withBody
  }

  enum Text {
    case fixed(FixedText)
    case template(TextTemplate)
  }

  let method: String
  let shape: Shape
  /// Whether the method changes nothing at the server.
  let isReading: Bool
  /// As declared in the program: decides between `failed` and `unknown`.
  let writes: Bool
  let url: Text
  let body: Text
  /// Headers with expressions in them; they are put before the static ones.
  let dynamicHeaders: [(name: String, value: TextTemplate)]
  let staticHeaders: UnsafeMutablePointer<curl_slist>?

  init(_ operation: Operation, target: HTTPTarget, defaults: HTTPHeaders) throws(OperationError) {
    guard case .text(let request)? = operation.operands.first?.value else { throw RequestPlan.wrong("the request is missing") }
    let (method, path) = try RequestPlan.split(request)
    self.method = method
    isReading = RequestMethod.reading.contains(method)
    writes = operation.writes
    url = try RequestPlan.text(RequestPlan.url(base: target.base, path: path))

    var headers = HTTPHeaders()
    if let authorization = target.authorization { headers.put("Authorization", TextTemplate(authorization)) }
    for entry in defaults.entries { headers.put(entry.name, entry.value) }
    if let own = operation.operand("headers") { try headers.put(own, in: "an 'http' step") }

    let content: TextTemplate?
    switch (operation.operand("json"), operation.operand("text")) {
    case (nil, nil): content = nil
    case (.json(let template)?, nil):
      content = template
      if !headers.has("content-type") { headers.put("Content-Type", TextTemplate("application/json")) }
    case (nil, .text(let template)?):
      content = template
      if !headers.has("content-type") { headers.put("Content-Type", TextTemplate("text/plain; charset=utf-8")) }
    default: throw RequestPlan.wrong("give only one of 'json' and 'text'")
    }
    switch operation.operand("content_type") {
    case nil: break
    case .text(let template)?:
      guard content != nil else { throw RequestPlan.wrong("'content_type' needs a body: 'json' or 'text'") }
      headers.put("Content-Type", template)
    default: throw RequestPlan.wrong("'content_type' is not text")
    }
    if method == "HEAD" {
      guard content == nil else { throw RequestPlan.wrong("a HEAD request has no body") }
      shape = .head
    } else if content != nil || ["POST", "PUT", "PATCH"].contains(method) {
      shape = .withBody
    } else {
      shape = .bare
    }
    body = try RequestPlan.text(content ?? TextTemplate(""))

    var dynamic: [(name: String, value: TextTemplate)] = []
    // "Expect: 100-continue" would hold back a large body for a second; a POST without a body would claim to be a form.
    var lines = ["Expect:"]
    if !headers.has("content-type") { lines.append("Content-Type:") }
    for entry in headers.entries {
      if let literal = entry.value.literal {
        lines.append(RequestPlan.headerLine(entry.name, literal))
      } else {
        dynamic.append(entry)
      }
    }
    dynamicHeaders = dynamic
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines {
      guard let longer = curl_slist_append(list, line) else { throw OperationError(.environment, "out of memory") }
      list = longer
    }
    staticHeaders = list
  }

  deinit { curl_slist_free_all(staticHeaders) }

  private static func wrong(_ message: String) -> OperationError { OperationError(.protocol, code: "bad-operation", "'http': \(message)") }

  /// libcurl takes a header without a value only with a semicolon in the colon's place (CURLOPT_HTTPHEADER).
  private static func headerLine(_ name: String, _ value: String) -> String { value.isEmpty ? "\(name);" : "\(name): \(value)" }

  /// The method, and the template of what follows it.
  private static func split(_ request: TextTemplate) throws(OperationError) -> (method: String, path: [TextPiece]) {
    guard case .literal(let first)? = request.pieces.first else { throw wrong("a request begins with its method: 'GET /path'") }
    let trimmed = first.drop { $0 == UInt8(ascii: " ") }
    let word = trimmed.prefix { $0 != UInt8(ascii: " ") }
    let method = String(decoding: word, as: UTF8.self)
    guard RequestMethod.isMethod(method) else { throw wrong("a request begins with its method in capitals: 'GET /path'") }
    let rest = trimmed.dropFirst(word.count).drop { $0 == UInt8(ascii: " ") }
    guard rest.first == UInt8(ascii: "/") else { throw wrong("the path of a request begins with '/'") }
    return (method, [.literal(Array(rest))] + request.pieces.dropFirst())
  }

  /// The whole URL. Every expression is percent-encoded, whatever the template says: it can never leave its path segment or query value.
  private static func url(base: String, path: [TextPiece]) throws(OperationError) -> TextTemplate {
    var pieces: [TextPiece] = []
    var literal = Array(base.utf8)
    for piece in path {
      switch piece {
      case .literal(let bytes):
        for byte in bytes {
          guard byte > 0x20, byte != 0x7F, byte != UInt8(ascii: "#") else {
            throw wrong("a path holds no spaces, control characters or '#'; write them percent-encoded")
          }
          if byte < 0x80 { literal.append(byte) } else { PercentEncoding.append(byte, to: &literal) }
        }
      case .argument(let number, _):
        pieces.append(.literal(literal))
        literal = []
        pieces.append(.argument(number, .percent))
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
    return TextTemplate(pieces)
  }

  private static func text(_ template: TextTemplate) throws(OperationError) -> Text {
    var bytes: [UInt8] = []
    for piece in template.pieces {
      switch piece {
      case .literal(let literal): bytes += literal
      case .argument: return .template(template)
      }
    }
    return .fixed(FixedText(bytes))
  }
}

/// Bytes at a place that does not change, for libcurl to read.
final class FixedText {
  /// With a zero byte at its end.
  let start: UnsafeMutablePointer<CChar>
  /// Bytes before the zero byte.
  let count: Int

  init(_ bytes: [UInt8]) {
    count = bytes.count
    start = .allocate(capacity: count + 1)
    for (index, byte) in bytes.enumerated() { start[index] = CChar(bitPattern: byte) }
    start[count] = 0
  }

  deinit { start.deallocate() }
}
