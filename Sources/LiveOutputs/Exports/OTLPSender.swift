internal import CCurl
internal import Glibc
internal import Synchronization

/// Sends bodies to an OTLP/HTTP receiver, one after the other, on a thread of its own. What it cannot take in time is dropped and counted;
/// the counts are cumulative, so that the next body says everything again.
package final class OTLPSender: Sendable {
  package struct Losses: Sendable, Hashable {
    package var sent: UInt64 = 0
    package var lost: UInt64 = 0
    /// Why the last one was lost: a phrase.
    package var reason = ""
  }

  private struct State {
    var queue: [[UInt8]] = []
    var losses = Losses()
  }

  private let state = Mutex(State())
  private let thread: OutputThread
  private let url: String
  /// Bodies that wait for a slow receiver; the oldest goes first, because the newest says more.
  private static let queueMax = 8
  private static let timeoutMilliseconds = 3_000

  /// The address that bodies are posted to: `/v1/metrics` where the given one has no path; nil if it is no http or https address.
  package static func endpoint(_ address: String) -> String? {
    guard let scheme = ["http://", "https://"].first(where: { address.hasPrefix($0) }), address.count > scheme.count else { return nil }
    let rest = address.dropFirst(scheme.count)
    guard let slash = rest.firstIndex(of: "/") else { return address + "/v1/metrics" }
    return rest[slash...] == "/" ? address + "v1/metrics" : address
  }

  /// - Parameter url: As ``endpoint(_:)`` gives it. nil is returned if the process is out of threads or descriptors.
  package init?(url: String) {
    guard let thread = OutputThread() else { return nil }
    self.url = url
    self.thread = thread
    // Before the thread: libcurl's global part is not made for several of them at once (curl_global_init(3)).
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    guard thread.start({ [weak self] thread in self?.run(thread) }) else { return nil }
  }

  package func enqueue(_ body: [UInt8]) {
    state.withLock { state in
      if state.queue.count == Self.queueMax {
        state.queue.removeFirst()
        state.losses.lost += 1
        state.losses.reason = "the receiver is too slow"
      }
      state.queue.append(body)
    }
    thread.wake()
  }

  /// Sends what still waits, as far as the time allows.
  package func end(withinNanoseconds limit: UInt64) -> Losses {
    thread.end()
    let isDone = thread.hasEnded(withinNanoseconds: limit)
    return state.withLock { state in
      if !isDone {
        // One body is under way.
        state.losses.lost += UInt64(state.queue.count) + 1
        state.losses.reason = "no answer in time"
        state.queue = []
      }
      return state.losses
    }
  }

  package var losses: Losses { state.withLock { $0.losses } }

  // The sender's thread.

  private func run(_ thread: OutputThread) {
    guard let handle = curl_easy_init() else { return }
    defer { curl_easy_cleanup(handle) }
    let headers = curl_slist_append(nil, "Content-Type: application/json")
    defer { curl_slist_free_all(headers) }
    // Without it libcurl waits for a "100 Continue" before large bodies.
    _ = curl_slist_append(headers, "Expect:")
    _ = ccurl_setopt_string(handle, CURLOPT_URL, url)
    _ = ccurl_setopt_long(handle, CURLOPT_NOSIGNAL, 1)
    _ = ccurl_setopt_long(handle, CURLOPT_POST, 1)
    _ = ccurl_setopt_long(handle, CURLOPT_TIMEOUT_MS, Self.timeoutMilliseconds)
    _ = ccurl_setopt_pointer(handle, CURLOPT_HTTPHEADER, UnsafeRawPointer(headers))
    _ = ccurl_setopt_data_callback(handle, CURLOPT_WRITEFUNCTION) { _, size, count, _ in size * count }
    while true {
      if let body = state.withLock({ $0.queue.isEmpty ? nil : $0.queue.removeFirst() }) {
        let reason = post(body, handle)
        state.withLock { state in
          if let reason {
            state.losses.lost += 1
            state.losses.reason = reason
          } else {
            state.losses.sent += 1
          }
        }
      } else if thread.isEnding {
        return
      } else {
        thread.wait(milliseconds: 1_000)
      }
    }
  }

  /// - Returns: nil if it arrived, or why it did not.
  private func post(_ body: [UInt8], _ handle: UnsafeMutableRawPointer) -> String? {
    body.withUnsafeBytes { bytes in
      _ = ccurl_setopt_long(handle, CURLOPT_POSTFIELDSIZE, bytes.count)
      _ = ccurl_setopt_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
      let code = curl_easy_perform(handle)
      guard code == CURLE_OK else { return String(cString: curl_easy_strerror(code)).lowercased() }
      var status = 0
      _ = ccurl_getinfo_long(handle, CURLINFO_RESPONSE_CODE, &status)
      return (200..<300).contains(status) ? nil : "status \(status)"
    }
  }
}
