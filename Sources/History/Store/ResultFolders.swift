internal import Glibc
internal import LosslessJSON

/// The result folders below one folder, and what their summaries say.
package enum ResultFolders {
  package struct Found: Hashable, Sendable {
    package let path: String
    /// Of the summary's last change, nanoseconds; 0 without a summary.
    package let stamp: Int64
    package let hasSummary: Bool
  }

  package enum Reading: Sendable {
    case run(RunFigures)
    /// A phrase.
    case unreadable(String)
  }

  /// Folders directly below `root` that hold a journal or a summary, by name. `latest` and other links are left out: they name what is
  /// there already.
  package static func scan(_ root: String) -> [Found] {
    guard let directory = opendir(root) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted().compactMap { name in
      let path = root + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
      return look(path)
    }
  }

  /// - Returns: nil for a folder that no run has left behind.
  package static func look(_ path: String) -> Found? {
    var status = stat()
    if stat(path + "/summary.json", &status) == 0 {
      let stamp = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
      return Found(path: path, stamp: stamp, hasSummary: true)
    }
    return access(path + "/journal.ndjson", F_OK) == 0 ? Found(path: path, stamp: 0, hasSummary: false) : nil
  }

  package static func read(_ folder: String) -> Reading {
    let path = folder + "/summary.json"
    guard let bytes = contents(of: path) else { return .unreadable("cannot read '\(path)': \(String(cString: strerror(errno)).lowercased())") }
    guard let document = try? JSONDocument(parsing: bytes), let run = RunFigures(summary: document.root, folder: folder) else {
      return .unreadable("'\(path)' is not the summary of a run")
    }
    return .run(run)
  }

  static func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count > 0 { bytes.append(contentsOf: chunk[..<count]) } else if count == 0 { return bytes } else if errno != EINTR { return nil }
    }
  }

  /// Brings a store up to date with the folders: reads what is new or has changed, forgets what is gone.
  ///
  /// - Parameter keepsOthers: Leaves runs of other folders and machines alone (a team's database).
  /// - Returns: what could not be read, phrases.
  package static func bring(_ store: any RunStore, upToDateWith root: String, keepsOthers: Bool) throws(RunStoreError) -> [String] {
    var known = try store.stamps()
    var unreadable: [String] = []
    var here: Set<String> = []
    for found in scan(root) where found.hasSummary {
      switch read(found.path) {
      case .unreadable(let message): unreadable.append(message)
      case .run(let run):
        here.insert(run.runID)
        if known.updateValue(found.stamp, forKey: run.runID) != found.stamp { try store.save(run, stamp: found.stamp) }
      }
    }
    if !keepsOthers {
      for id in known.keys.sorted() where !here.contains(id) { try store.forget(runID: id) }
    }
    return unreadable
  }
}
