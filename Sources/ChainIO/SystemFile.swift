import Glibc

/// Reads the small files in which the kernel tells about itself.
package enum SystemFile {
  /// The file's text, at most its first 256 KiB; empty where it cannot be read.
  package static func text(of path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    return withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 1) { buffer in
      while bytes.count < 1 << 18 {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else { break }
        bytes.append(contentsOf: buffer[0..<count])
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The number behind a name at a line's start: `nr_throttled 12`.
  package static func number(_ name: String, in text: String) -> UInt64? {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == name { return UInt64(words[1]) }
    }
    return nil
  }
}
