import ChainProgram
import Glibc

/// Reads what a chain's `secrets:` name, before anything is connected. The values go into the users' frames and nowhere else.
enum Secrets {
  /// What is missing: names the secret and its source, never a value.
  struct Missing: Error {
    let message: String
  }

  /// A file is at most so large: a secret is a token or a key.
  private static let bytesMax = 1 << 20

  static func read(_ program: Program) throws(Missing) -> [(slot: SlotIndex, value: Value)] {
    var values: [(slot: SlotIndex, value: Value)] = []
    for secret in program.secrets {
      let text: String
      switch secret.source {
      case .environment(let name):
        guard let found = Terminal.environment(name), !found.isEmpty else {
          throw Missing(message: "secret '\(secret.name)' comes from the environment variable \(name), which is not set or empty")
        }
        text = found
      case .file(let path):
        switch contents(path) {
        case .failure(let reason): throw Missing(message: "secret '\(secret.name)': cannot read '\(path)': \(reason.message)")
        case .success(let found): text = found
        }
      }
      values.append((secret.slot, .string(text)))
    }
    return values
  }

  /// The file's text without the newline that editors and `echo` put at its end.
  private static func contents(_ path: String) -> Result<String, Missing> {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .failure(Missing(message: String(cString: strerror(errno)).lowercased())) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        return .failure(Missing(message: String(cString: strerror(errno)).lowercased()))
      }
      bytes += buffer[..<count]
      guard bytes.count <= bytesMax else { return .failure(Missing(message: "larger than 1 MiB")) }
    }
    if bytes.last == UInt8(ascii: "\n") {
      bytes.removeLast()
      if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }
    guard !bytes.isEmpty else { return .failure(Missing(message: "it is empty")) }
    guard let text = String(validating: bytes, as: UTF8.self) else { return .failure(Missing(message: "not UTF-8 text")) }
    return .success(text)
  }
}
