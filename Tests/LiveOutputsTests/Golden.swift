import Glibc
import Testing

/// Files below `Tests/Golden`.
enum Golden {
  private static let root = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Golden/"

  /// Compares, or with `UPDATE_GOLDEN` writes.
  static func compare(_ text: String, with name: String) throws {
    let path = root + name
    if getenv("UPDATE_GOLDEN") != nil {
      mkdir(root + name.split(separator: "/")[0], 0o755)
      let file = try #require(fopen(path, "w"), "cannot write \(path)")
      defer { fclose(file) }
      let bytes = Array(text.utf8)
      #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }
    let golden = (try? read(path)) ?? ""
    guard text != golden else { return }
    let pairs = zip(text.split(separator: "\n", omittingEmptySubsequences: false), golden.split(separator: "\n", omittingEmptySubsequences: false))
    let (line, (mine, theirs)) = pairs.enumerated().first { $1.0 != $1.1 } ?? (-1, ("", "(of another length)"))
    Issue.record("\(name) differs at line \(line + 1):\n  now    \(mine)\n  golden \(theirs)")
  }

  static func read(_ path: String) throws -> String {
    let file = try #require(fopen(path, "r"), "cannot read \(path)")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
