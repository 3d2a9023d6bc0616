import Glibc

/// What `chainrun lint` is to look at, from the operands: files as they are named, folders for the chains in and below them.
enum LintInputs {
  /// In the order of the operands, those of a folder sorted by path, each once.
  static func expand(_ operands: [String]) -> [String] {
    var paths: [String] = []
    var seen: Set<String> = []
    for operand in operands {
      let found = isFolder(operand) ? chains(below: operand) : [operand]
      for path in found where seen.insert(path).inserted { paths.append(path) }
    }
    return paths
  }

  static func isFolder(_ path: String) -> Bool { path != "-" && mode(path) == S_IFDIR }

  private static func mode(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// All `*.chain.yaml` files; hidden folders and links to folders are left out, so that there are no circles.
  private static func chains(below root: String) -> [String] {
    var found: [String] = []
    var folders = [root]
    while let folder = folders.popLast() {
      guard let stream = opendir(folder) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard !name.hasPrefix(".") else { continue }
        let path = folder == "." ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
        var status = stat()
        guard lstat(path, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          folders.append(path)
        } else if name.hasSuffix(".chain.yaml"), mode(path) == S_IFREG {
          found.append(path)
        }
      }
    }
    return found.sorted()
  }
}
