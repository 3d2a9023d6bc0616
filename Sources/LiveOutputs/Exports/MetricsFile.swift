internal import Glibc

/// A file that always holds a whole set of metrics: each one is written beside it and renamed over it.
struct MetricsFile {
  let path: String

  /// - Returns: errno; 0 if it was written.
  func replace(with text: [UInt8]) -> Int32 {
    let part = path + ".part"
    let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return errno }
    var error: Int32 = 0
    text.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty, error == 0 {
        let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 { rest = rest.dropFirst(count) } else if count < 0, errno != EINTR { error = errno }
      }
    }
    if close(descriptor) != 0, error == 0 { error = errno }
    if error == 0, rename(part, path) != 0 { error = errno }
    if error != 0 { unlink(part) }
    return error
  }
}
