import ChainIO
import Glibc

/// The folder that a run leaves behind: mode 0700, with a `latest` link beside it.
enum ResultFolder {
  enum Outcome {
    case made(String)
    /// A phrase.
    case refused(String)
  }

  /// - Parameter asked: The `--out` folder; nil for `results/<UTC>-<chain>-<id>`.
  static func make(asked: String?, chain: String, runID: String) -> Outcome {
    if let asked {
      guard makeFolders(asked) else { return .refused("cannot make the folder '\(asked)': \(reason)") }
      guard isEmpty(asked) else { return .refused("the folder '\(asked)' is not empty; results are never mixed or overwritten") }
      return .made(asked)
    }
    let name = "\(timestamp())-\(chain)-\(runID.prefix(6))"
    let path = "results/\(name)"
    guard makeFolders(path) else { return .refused("cannot make the folder '\(path)': \(reason)") }
    // The link is a convenience: a run does not fail for it.
    unlink("results/latest")
    symlink(name, "results/latest")
    return .made(path)
  }

  private static var reason: String { String(cString: strerror(errno)).lowercased() }

  private static func makeFolders(_ path: String) -> Bool {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += made.isEmpty || made.hasSuffix("/") ? part : "/" + part
      if mkdir(made, 0o700) != 0, errno != EEXIST { return false }
    }
    return access(path, W_OK | X_OK) == 0
  }

  private static func isEmpty(_ path: String) -> Bool {
    guard let folder = opendir(path) else { return false }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { return false }
    }
    return true
  }

  /// `20261120T073300Z`
  private static func timestamp() -> String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 32)
    strftime(&text, 32, "%Y%m%dT%H%M%SZ", &parts)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
