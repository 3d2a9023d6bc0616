internal import Glibc

/// A file that gets its name when it is complete; before that it is `<name>.part`. Mode 0600.
///
/// Keeps the first failure and takes nothing after it; ``finish()`` throws it.
final class OutputFile {
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var failureCode: Int32?
  private var isFinished = false

  init(_ path: String) throws(ResultFilesError) {
    self.path = path
    descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file(path: path, code: errno) }
  }

  static func write(_ text: String, to path: String) throws(ResultFilesError) {
    let file = try OutputFile(path)
    file.write(text)
    try file.finish()
  }

  func write(_ text: String) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= 1 << 18 { flush() }
  }

  /// - Parameter append: Appends to what waits to be written.
  func write(_ append: (inout [UInt8]) -> Void) {
    append(&buffer)
    if buffer.count >= 1 << 18 { flush() }
  }

  deinit {
    guard !isFinished else { return }
    close(descriptor)
    unlink(path + ".part")
  }

  func finish() throws(ResultFilesError) {
    flush()
    isFinished = true
    if close(descriptor) != 0 && failureCode == nil { failureCode = errno }
    if failureCode == nil && rename(path + ".part", path) != 0 { failureCode = errno }
    guard let failureCode else { return }
    unlink(path + ".part")
    throw .file(path: path, code: failureCode)
  }

  private func flush() {
    defer { buffer.removeAll(keepingCapacity: true) }
    guard failureCode == nil else { return }
    buffer.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if written < 0 && errno != EINTR {
          failureCode = errno
          return
        }
      }
    }
  }
}
