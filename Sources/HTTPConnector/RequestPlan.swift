internal import CCurl
import ChainIO
import ChainProgram
import Glibc

/// One `http` or `graphql` step, compiled: what never changes as the bytes that libcurl takes, and templates for the rest.
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
  /// Whether the method, or the GraphQL document, changes nothing at the server.
  let isReading: Bool
  /// As declared in the program: decides between `failed` and `unknown`.
  let writes: Bool
  let url: Text
  let body: Text
  /// Headers with expressions in them; they are put before the static ones.
  let dynamicHeaders: [(name: String, value: TextTemplate)]
  let staticHeaders: UnsafeMutablePointer<curl_slist>?
  /// Whether a `traceparent` of the iteration goes along; the chain's own stands before ours.
  let carriesTrace: Bool

  /// What one verb makes of its operands.
  private struct Request {
    var method: String
    var path: [TextPiece]
    var isReading: Bool
    var content: TextTemplate?
    /// Headers that stand unless the chain gives its own.
    var defaults: [(name: String, value: String)] = []
  }

  init(_ operation: Operation, target: HTTPTarget, defaults: HTTPHeaders, tellsTraces: Bool = false) throws(OperationError) {
    let request = operation.verb == "graphql" ? try RequestPlan.graphQL(operation) : try RequestPlan.plain(operation)
    method = request.method
    isReading = request.isReading
    writes = operation.writes
    url = try RequestPlan.text(RequestPlan.url(base: target.base, path: request.path))

    var headers = HTTPHeaders()
    if let authorization = target.authorization { headers.put("Authorization", TextTemplate(authorization)) }
    for entry in defaults.entries { headers.put(entry.name, entry.value) }
    if let own = operation.operand("headers") { try headers.put(own, in: "a step '\(operation.verb)'") }
    for header in request.defaults where !headers.has(header.name) { headers.put(header.name, TextTemplate(header.value)) }
    switch operation.operand("content_type") {
    case nil: break
    case .text(let template)?:
      guard request.content != nil else { throw RequestPlan.wrong("'content_type' needs a body: 'json' or 'text'") }
      headers.put("Content-Type", template)
    default: throw RequestPlan.wrong("'content_type' is not text")
    }
    if method == "HEAD" {
      guard request.content == nil else { throw RequestPlan.wrong("a HEAD request has no body") }
      shape = .head
    } else if request.content != nil || ["POST", "PUT", "PATCH"].contains(method) {
      shape = .withBody
    } else {
      shape = .bare
    }
    body = try RequestPlan.text(request.content ?? TextTemplate(""))

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
    carriesTrace = tellsTraces && !headers.has("traceparent")
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines {
      guard let longer = curl_slist_append(list, line) else { throw OperationError(.environment, "out of memory") }
      list = longer
    }
    staticHeaders = list
  }

  deinit { curl_slist_free_all(staticHeaders) }

  private static func wrong(_ message: String, in verb: String = "http") -> OperationError {
    OperationError(.protocol, code: "bad-operation", "'\(verb)': \(message)")
  }

  /// `http`.
  private static func plain(_ operation: Operation) throws(OperationError) -> Request {
    guard case .text(let text)? = operation.operands.first?.value else { throw wrong("the request is missing") }
    let (method, path) = try split(text)
    var request = Request(method: method, path: path, isReading: RequestMethod.reading.contains(method))
    if let operand = operation.operand("query") {
      guard case .textMap(let query) = operand else { throw wrong("'query' is not a mapping of names to text") }
      append(query, to: &request.path)
    }
    switch (operation.operand("json"), operation.operand("text")) {
    case (nil, nil): break
    case (.json(let template)?, nil):
      request.content = template
      request.defaults.append(("Content-Type", "application/json"))
    case (nil, .text(let template)?):
      request.content = template
      request.defaults.append(("Content-Type", "text/plain; charset=utf-8"))
    default: throw wrong("give only one of 'json' and 'text'")
    }
    return request
  }

  /// `graphql`: a POST of the document and its variables as JSON (GraphQL over HTTP, section 5).
  private static func graphQL(_ operation: Operation) throws(OperationError) -> Request {
    func wrong(_ message: String) -> OperationError { RequestPlan.wrong(message, in: "graphql") }
    guard case .text(let template)? = operation.operands.first?.value else { throw wrong("the document is missing") }
    guard let text = template.literal else { throw wrong("a document takes values by 'variables', and not by expressions in its text") }
    let document = GraphQLDocument(text)
    guard !document.operations.isEmpty else { throw wrong("the document has no query and no mutation") }
    guard !document.operations.contains("subscription") else { throw wrong("a subscription needs more than one request") }
    guard document.operations.count == 1 else { throw wrong("the document has more than one operation") }
    var path = [TextPiece.literal(Array("/graphql".utf8))]
    switch operation.operand("path") {
    case nil: break
    case .text(let template)?:
      guard case .literal(let first)? = template.pieces.first, first.first == UInt8(ascii: "/") else {
        throw wrong("'path' begins with '/'")
      }
      path = template.pieces
    default: throw wrong("'path' is not text")
    }
    var content = Array("{\"query\":".utf8)
    Value.string(text).appendJSON(to: &content)
    var pieces: [TextPiece] = []
    switch operation.operand("variables") {
    case nil: break
    case .json(let variables)?:
      content += Array(",\"variables\":".utf8)
      pieces = variables.pieces
    default: throw wrong("'variables' is not a JSON value")
    }
    return Request(
      method: "POST", path: path, isReading: document.isReading,
      content: TextTemplate([.literal(content)] + pieces + [.literal([UInt8(ascii: "}")])]),
      defaults: [("Content-Type", "application/json"), ("Accept", "application/graphql-response+json, application/json")])
  }

  /// Names and values, encoded, behind whatever query the path has.
  private static func append(_ query: [(name: String, value: TextTemplate)], to path: inout [TextPiece]) {
    var separator: UInt8 =
      path.contains { if case .literal(let bytes) = $0 { bytes.contains(UInt8(ascii: "?")) } else { false } }
      ? UInt8(ascii: "&") : UInt8(ascii: "?")
    for (name, value) in query {
      var literal = [separator]
      separator = UInt8(ascii: "&")
      PercentEncoding.append(Array(name.utf8), to: &literal)
      literal.append(UInt8(ascii: "="))
      for piece in value.pieces {
        switch piece {
        case .literal(let bytes): PercentEncoding.append(bytes, to: &literal)
        case .argument:
          path.append(.literal(literal))
          path.append(piece)
          literal = []
        }
      }
      path.append(.literal(literal))
    }
  }

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
