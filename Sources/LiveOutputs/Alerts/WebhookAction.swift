internal import CCurl
internal import Glibc

/// Posts JSON to a webhook, with libcurl: certificates are checked, redirects are not followed, the answer is not kept.
///
/// Owned by one worker thread, whose connection it keeps. No message holds a part of the address.
final class WebhookAction {
  private let handle: UnsafeMutableRawPointer
  private let headers: UnsafeMutablePointer<curl_slist>?

  /// nil if libcurl is out of memory.
  init?() {
    guard let handle = curl_easy_init() else { return nil }
    self.handle = handle
    headers = curl_slist_append(nil, "Content-Type: application/json")
    // Without it libcurl waits for a "100 Continue" before large bodies.
    _ = curl_slist_append(headers, "Expect:")
    _ = ccurl_setopt_long(handle, CURLOPT_NOSIGNAL, 1)
    _ = ccurl_setopt_long(handle, CURLOPT_POST, 1)
    _ = ccurl_setopt_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = ccurl_setopt_string(handle, CURLOPT_USERAGENT, "chainrun")
    _ = ccurl_setopt_pointer(handle, CURLOPT_HTTPHEADER, UnsafeRawPointer(headers))
    _ = ccurl_setopt_data_callback(handle, CURLOPT_WRITEFUNCTION) { _, size, count, _ in size * count }
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(headers)
  }

  /// - Parameters:
  ///   - milliseconds: The deadline of the whole request.
  ///   - limit: The same in words.
  /// - Returns: why it did not arrive; nil if it did.
  func post(_ body: [UInt8], to address: String, milliseconds: Int, limit: String) -> String? {
    _ = ccurl_setopt_string(handle, CURLOPT_URL, address)
    _ = ccurl_setopt_long(handle, CURLOPT_TIMEOUT_MS, milliseconds)
    return body.withUnsafeBytes { bytes in
      _ = ccurl_setopt_long(handle, CURLOPT_POSTFIELDSIZE, bytes.count)
      _ = ccurl_setopt_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
      let code = curl_easy_perform(handle)
      if code == CURLE_OPERATION_TIMEDOUT { return "no answer within \(limit)" }
      guard code == CURLE_OK else { return String(cString: curl_easy_strerror(code)).lowercased() }
      var status = 0
      _ = ccurl_getinfo_long(handle, CURLINFO_RESPONSE_CODE, &status)
      switch status {
      case 200..<300: return nil
      case 300..<400: return "status \(status), and redirects are not followed"
      default: return "status \(status)"
      }
    }
  }
}
