internal import CCurl
import ChainIO
import ChainProgram

/// One place in the pool: an easy handle that serves one call after the other, with the memory that libcurl reads requests from. Under
/// `pool: per_vu`, it and its connection are one user's.
///
/// Options are set when they differ from the last request's; `curl_easy_reset` would make libcurl build all of them anew.
final class Transfer {
  let index: Int
  let easy: UnsafeMutableRawPointer
  private(set) var call: OperationCall?
  private(set) var plan: RequestPlan?
  /// Whether the response is larger than a result may be.
  private(set) var isTooLarge = false
  /// How often libcurl was about to send the request. It repeats one by itself when a kept connection turns out dead; that is refused.
  private var attempts = 0
  private unowned let loop: CurlLoop
  /// Calls of its user that wait for it, the oldest first; only where it is a user's own.
  private(set) var lanes: ContiguousArray<OperationCall> = []
  /// How its user's connection is told from the others' (CURLOPT_CONNECT_TO, CURLOPT_RESOLVE).
  private var ownDestination: UnsafeMutablePointer<curl_slist>?
  private var ownResolution: UnsafeMutablePointer<curl_slist>?
  /// Whether the connection was opened since the last request left.
  private var isConnectionNew = false
  private var hadConnection = false

  private var scratch: [UInt8] = []
  private var body = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 1)
  private var headerBytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 1)
  private let headerNodes: UnsafeMutableBufferPointer<curl_slist>
  /// What libcurl says beyond its result code.
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  /// - Parameters:
  ///   - dynamicHeadersMax: Headers with expressions in them that a plan may have.
  ///   - ownName: The server's name for the one user whose it is; nil if it is everybody's.
  init(
    index: Int, target: HTTPTarget, connectTimeoutNanoseconds: UInt64, keepsHeaders: Bool, dynamicHeadersMax: Int,
    ownName: HTTPTarget.OwnName? = nil, loop: CurlLoop
  ) throws(OperationError) {
    guard let easy = curl_easy_init() else { throw OperationError(.environment, "out of memory") }
    self.index = index
    self.easy = easy
    self.loop = loop
    headerNodes = .allocate(capacity: max(1, dynamicHeadersMax))
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_setopt_pointer(easy, CURLOPT_PRIVATE, context)
    ccurl_setopt_long(easy, CURLOPT_NOSIGNAL, 1)
    ccurl_setopt_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    ccurl_setopt_string(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    ccurl_setopt_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    ccurl_setopt_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    ccurl_setopt_long(easy, CURLOPT_TCP_NODELAY, 1)
    ccurl_setopt_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    // No proxy of the environment's, and no dots taken out of paths: the request goes where and as the chain says.
    ccurl_setopt_string(easy, CURLOPT_PROXY, "")
    ccurl_setopt_long(easy, CURLOPT_PATH_AS_IS, 1)
    ccurl_setopt_string(easy, CURLOPT_USERAGENT, "chainrun")
    ccurl_setopt_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, connectTimeoutNanoseconds / 1_000_000)))
    ccurl_setopt_long(easy, CURLOPT_MAXFILESIZE, OperationResult.bytesMax)
    if let file = target.authorityFile { ccurl_setopt_string(easy, CURLOPT_CAINFO, file) }
    if let ownName {
      ownDestination = curl_slist_append(nil, ownName.destination)
      ownResolution = curl_slist_append(nil, ownName.resolution)
      // Without its name it would share connections.
      guard ownDestination != nil, ownResolution != nil else { throw OperationError(.environment, "out of memory") }
      ccurl_setopt_pointer(easy, CURLOPT_CONNECT_TO, ownDestination)
      ccurl_setopt_pointer(easy, CURLOPT_RESOLVE, ownResolution)
      // What was given stays valid anyway; libcurl would look through all names for old ones after each request.
      ccurl_setopt_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1)
      // A year: by default libcurl replaces a connection that was idle for two minutes, which a user's pause may last.
      ccurl_setopt_long(easy, CURLOPT_MAXAGE_CONN, 31_536_000)
    } else if let resolutions = loop.resolutions {
      ccurl_setopt_pointer(easy, CURLOPT_RESOLVE, resolutions)
    }
    errorText[0] = 0
    ccurl_setopt_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    ccurl_setopt_data_callback(easy, CURLOPT_WRITEFUNCTION, bodyReceived)
    ccurl_setopt_pointer(easy, CURLOPT_WRITEDATA, context)
    if keepsHeaders {
      ccurl_setopt_data_callback(easy, CURLOPT_HEADERFUNCTION, headerReceived)
      ccurl_setopt_pointer(easy, CURLOPT_HEADERDATA, context)
    }
    ccurl_setopt_before_request(easy, requestReady)
    ccurl_setopt_pointer(easy, CURLOPT_PREREQDATA, context)
    ccurl_setopt_socket_opened(easy, socketOpened)
    ccurl_setopt_pointer(easy, CURLOPT_SOCKOPTDATA, context)
    loop.adopt(easy)
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_slist_free_all(ownDestination)
    curl_slist_free_all(ownResolution)
    body.deallocate()
    headerBytes.deallocate()
    headerNodes.deallocate()
    errorText.deallocate()
  }

  /// Whether the request, or a part of it, may have left.
  var wasSent: Bool { attempts > 0 }
  /// Whether libcurl wanted to send the request again because its connection was closed before any answer.
  var wasRefused: Bool { attempts > 1 }

  /// libcurl's own words about the transfer's failure; empty if it has none.
  var errorDetail: String { String(cString: errorText) }

  /// Takes the call and writes its request.
  ///
  /// - Returns: Why it cannot be sent, if it cannot.
  func prepare(_ call: OperationCall, _ next: RequestPlan) -> OperationError? {
    let isNew = plan !== next
    plan = nil
    if isNew { setShape(next) }
    switch next.url {
    case .fixed(let text): if isNew { ccurl_setopt_string(easy, CURLOPT_URL, text.start) }
    case .template(let template):
      scratch.removeAll(keepingCapacity: true)
      PercentEncoding.append(template, arguments: call.arguments, to: &scratch)
      scratch.append(0)
      let code = scratch.withUnsafeBytes { ccurl_setopt_string(easy, CURLOPT_URL, $0.bindMemory(to: CChar.self).baseAddress) }
      guard code == CURLE_OK else { return OperationError(.protocol, code: CurlError.name(code), "the request's URL is too long") }
    }
    if next.shape == .withBody { setBody(next, call.arguments, isNew: isNew) }
    if let refusal = setHeaders(next, call, isNew: isNew) { return refusal }
    plan = next
    self.call = call
    attempts = 0
    isTooLarge = false
    errorText[0] = 0
    return nil
  }

  /// Lets go of the call. The plan stays, for the next one.
  func finish() { call = nil }

  /// A call of its user waits for it.
  func queue(_ call: OperationCall) { lanes.append(call) }

  /// A call no longer waits for it.
  func unqueue(_ call: OperationCall) { lanes.removeAll { $0 === call } }

  private func setShape(_ plan: RequestPlan) {
    ccurl_setopt_long(easy, CURLOPT_NOBODY, 0)
    switch plan.shape {
    case .bare:
      ccurl_setopt_long(easy, CURLOPT_HTTPGET, 1)
      ccurl_setopt_string(easy, CURLOPT_CUSTOMREQUEST, plan.method == "GET" ? nil : plan.method)
    case .head:
      ccurl_setopt_string(easy, CURLOPT_CUSTOMREQUEST, nil)
      ccurl_setopt_long(easy, CURLOPT_NOBODY, 1)
    case .withBody:
      ccurl_setopt_long(easy, CURLOPT_POST, 1)
      ccurl_setopt_string(easy, CURLOPT_CUSTOMREQUEST, plan.method == "POST" ? nil : plan.method)
    }
  }

  private func setBody(_ plan: RequestPlan, _ arguments: UnsafePointer<Value>, isNew: Bool) {
    switch plan.body {
    case .fixed(let text):
      guard isNew else { return }
      ccurl_setopt_long(easy, CURLOPT_POSTFIELDSIZE, text.count)
      ccurl_setopt_pointer(easy, CURLOPT_POSTFIELDS, text.start)
    case .template(let template):
      scratch.removeAll(keepingCapacity: true)
      template.append(to: &scratch, arguments: arguments)
      Transfer.copy(scratch, to: &body)
      ccurl_setopt_long(easy, CURLOPT_POSTFIELDSIZE, scratch.count)
      ccurl_setopt_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress)
    }
  }

  /// Strings the dynamic headers together in memory of our own, with the static ones behind them.
  private func setHeaders(_ plan: RequestPlan, _ call: OperationCall, isNew: Bool) -> OperationError? {
    let count = plan.dynamicHeaders.count + (plan.carriesTrace ? 1 : 0)
    guard count > 0 else {
      if isNew { ccurl_setopt_pointer(easy, CURLOPT_HTTPHEADER, plan.staticHeaders) }
      return nil
    }
    scratch.removeAll(keepingCapacity: true)
    for (index, header) in plan.dynamicHeaders.enumerated() {
      // The place in the buffer for now: the buffer may move while it grows.
      let start = scratch.count
      Value.append(header.name, to: &scratch)
      let colon = scratch.count
      scratch.append(UInt8(ascii: ":"))
      scratch.append(UInt8(ascii: " "))
      let valueStart = scratch.count
      header.value.append(to: &scratch, arguments: call.arguments)
      for place in valueStart..<scratch.count where !HTTPHeaders.mayStandInValue(scratch[place]) {
        return OperationError(
          .protocol, code: "bad-header", "the value of the header '\(header.name)' holds a control character; nothing was sent")
      }
      if scratch.count == valueStart {
        scratch.removeLast()
        scratch[colon] = UInt8(ascii: ";")
      }
      scratch.append(0)
      headerNodes[index] = curl_slist(data: UnsafeMutablePointer(bitPattern: start + 1), next: nil)
    }
    if plan.carriesTrace {
      let start = scratch.count
      Value.append("traceparent: ", to: &scratch)
      call.traceParent?.append(to: &scratch)
      scratch.append(0)
      headerNodes[count - 1] = curl_slist(data: UnsafeMutablePointer(bitPattern: start + 1), next: nil)
    }
    Transfer.copy(scratch, to: &headerBytes)
    let bytes = headerBytes.bindMemory(to: CChar.self).baseAddress!
    for index in 0..<count {
      headerNodes[index].data = bytes + (Int(bitPattern: headerNodes[index].data) - 1)
      headerNodes[index].next = index + 1 < count ? headerNodes.baseAddress! + (index + 1) : plan.staticHeaders
    }
    if isNew { ccurl_setopt_pointer(easy, CURLOPT_HTTPHEADER, headerNodes.baseAddress) }
    return nil
  }

  private static func copy(_ bytes: [UInt8], to buffer: inout UnsafeMutableRawBufferPointer) {
    if bytes.count > buffer.count {
      buffer.deallocate()
      buffer = .allocate(byteCount: 2 * bytes.count, alignment: 1)
    }
    buffer.copyBytes(from: bytes)
  }

  // libcurl's callbacks

  fileprivate func received(body bytes: UnsafeRawBufferPointer) -> Bool {
    guard let result = call?.result, result.bytes.count + bytes.count <= OperationResult.bytesMax else {
      isTooLarge = true
      return false
    }
    result.extendBody(bytes)
    return true
  }

  /// One whole line: the status line, a header, a trailer, or the empty line at the end.
  fileprivate func received(header line: UnsafeRawBufferPointer) -> Bool {
    guard let result = call?.result, result.bytes.count + line.count <= OperationResult.bytesMax else {
      isTooLarge = true
      return false
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      // A status line. One after an interim answer (100, 103) begins the real one.
      if line.starts(with: "HTTP/".utf8), !result.headers.isEmpty { result.clear() }
      return true
    }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 9 || byte == 13 || byte == 10 }
    var start = colon + 1
    var end = line.count
    while start < end, isSpace(line[start]) { start += 1 }
    while end > start, isSpace(line[end - 1]) { end -= 1 }
    result.appendHeader(name: UnsafeRawBufferPointer(rebasing: line[..<colon]), value: UnsafeRawBufferPointer(rebasing: line[start..<end]))
    return true
  }

  fileprivate func mayRequestLeave() -> Bool {
    attempts += 1
    if isConnectionNew { firstUse() }
    return attempts == 1
  }

  /// A second connection for a request that has been on its way already would be for a repetition.
  fileprivate func opened(_ descriptor: Int32) -> Bool {
    loop.socketOpened(descriptor)
    guard attempts > 0 else {
      isConnectionNew = ownDestination != nil
      return true
    }
    attempts += 1
    return false
  }

  private func firstUse() {
    isConnectionNew = false
    if hadConnection { loop.ownConnectionReplaced() }
    hadConnection = true
  }
}

private let bodyReceived: ccurl_data_callback = { bytes, size, count, context in
  let total = size &* count
  return Unmanaged<Transfer>.fromOpaque(context!)._withUnsafeGuaranteedRef {
    $0.received(body: UnsafeRawBufferPointer(start: bytes, count: total)) ? total : 0
  }
}

private let headerReceived: ccurl_data_callback = { bytes, size, count, context in
  let total = size &* count
  return Unmanaged<Transfer>.fromOpaque(context!)._withUnsafeGuaranteedRef {
    $0.received(header: UnsafeRawBufferPointer(start: bytes, count: total)) ? total : 0
  }
}

private let requestReady: curl_prereq_callback = { context, _, _, _, _ in
  Unmanaged<Transfer>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.mayRequestLeave() } ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private let socketOpened: curl_sockopt_callback = { context, descriptor, _ in
  Unmanaged<Transfer>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.opened(descriptor) } ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR
}
