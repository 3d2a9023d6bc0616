internal import ChainProgram

/// Every file that a program is made of: the chain, what it imports, the texts that its steps name, and the rows of its feeds.
struct ChainSources {
  private let main: [UInt8]
  private var others: [[UInt8]] = []
  private var paths: Set<String>

  init(path: String, bytes: [UInt8]) {
    main = bytes
    paths = [normalPath(path)]
  }

  /// A file that is read twice is one file.
  mutating func add(path: String, bytes: [UInt8]) {
    if paths.insert(normalPath(path)).inserted { others.append(bytes) }
  }

  /// Of the contents in the order in which the chain names the files: imports, feeds, then the steps' texts. Names are left out, so a folder
  /// that was moved has the same chain in it. A chain of one file has the hash that `sha256sum` gives.
  var hash: String {
    guard !others.isEmpty else { return SHA256.hexadecimal(of: main) }
    // Digests have one length, so nothing can slide from one file into the next.
    return SHA256.hexadecimal(of: ([main] + others).flatMap { SHA256.digest(of: $0) })
  }
}
