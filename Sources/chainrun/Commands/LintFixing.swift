import ChainLanguage
import Diagnostics
import Glibc

/// Applies the fixes of a chain's findings until nothing more can be fixed.
///
/// Fixes that overlap wait for the next round; a round that makes more errors than it found is taken back.
struct LintFixing {
  private let path: String
  let before: Compilation
  /// What is to be said about the fixed text.
  private(set) var after: Compilation
  /// The fixed text.
  private(set) var bytes: [UInt8]
  /// What was done, as "3:5 replace 'chekc' by 'check'".
  private(set) var applied: [String] = []
  private static let roundsMax = 10

  init(path: String, bytes: [UInt8], compile: ([UInt8]) -> Compilation) {
    self.path = path
    self.bytes = bytes
    before = compile(bytes)
    after = before
    for _ in 0..<Self.roundsMax {
      // The chain's own file is the first one; what it imports is fixed when it is linted itself.
      let file = FileIndex(0)
      let selection = FixSelection(after.findings.sorted, in: file)
      guard !selection.isEmpty else { break }
      let fixed = selection.applied(to: self.bytes)
      let next = compile(fixed)
      guard next.findings.errorCount <= after.findings.errorCount else { break }
      for finding in selection.applied {
        let place = after.files.position(of: finding.range)
        if let fix = finding.fix { applied.append("\(place.line):\(place.column): \(fix.title)") }
      }
      self.bytes = fixed
      after = next
    }
  }

  /// One line for each fix, and one for the file.
  var story: String {
    applied.map { "fixed \(path):\($0)\n" }.joined()
  }

  /// Replaces the file in one step, so that nobody ever reads half of it; its permissions stay.
  ///
  /// - Returns: A phrase if that failed; then the file is as it was.
  func write() -> String? {
    // A link stays a link: the file that it leads to is replaced.
    let target = realpath(path, nil).map { resolved in
      defer { free(resolved) }
      return String(cString: resolved)
    }
    guard let target else { return String(cString: strerror(errno)).lowercased() }
    var status = stat()
    guard stat(target, &status) == 0 else { return String(cString: strerror(errno)).lowercased() }
    let temporary = target + ".chainrun-\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return String(cString: strerror(errno)).lowercased() }
    var offset = 0
    var problem: String?
    while offset < bytes.count, problem == nil {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset) }
      if count > 0 {
        offset += count
      } else if errno != EINTR {
        problem = String(cString: strerror(errno)).lowercased()
      }
    }
    if problem == nil, fchmod(descriptor, status.st_mode & 0o7777) != 0 || fsync(descriptor) != 0 {
      problem = String(cString: strerror(errno)).lowercased()
    }
    close(descriptor)
    if problem == nil, rename(temporary, target) != 0 { problem = String(cString: strerror(errno)).lowercased() }
    if problem != nil { unlink(temporary) }
    return problem
  }
}
