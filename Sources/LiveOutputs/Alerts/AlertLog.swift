internal import Glibc
internal import Reports
internal import Synchronization

/// What alerts' commands wrote, in a file of the run's folder that its owner alone may read. It is kept out of the journal and of every
/// message: a script may print what it likes, also secrets. Safe to call from any thread.
final class AlertLog: Sendable {
  private struct State {
    var descriptor: Int32 = -1
    var bytes = 0
  }

  private let path: String
  private let state = Mutex(State())
  private static let bytesMax = 4 << 20

  init(path: String) {
    self.path = path
  }

  deinit {
    let descriptor = state.withLock { $0.descriptor }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Writes nothing for a command that wrote nothing. A disk that is full loses it silently: this is a convenience.
  func append(_ output: [UInt8], of total: Int, title: String) {
    guard total > 0 else { return }
    let more = total > output.count ? ", of which \(output.count) are kept" : ""
    var text = Array("# \(title), \(Quantities.count(UInt64(total), "byte")) of output\(more)\n".utf8)
    text += output
    if text.last != UInt8(ascii: "\n") { text.append(UInt8(ascii: "\n")) }
    state.withLock { state in
      guard state.bytes + text.count <= Self.bytesMax else { return }
      if state.descriptor < 0 { state.descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600) }
      guard state.descriptor >= 0 else { return }
      state.bytes += text.count
      _ = write(state.descriptor, text, text.count)
    }
  }
}
