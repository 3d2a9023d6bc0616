import ChainProgram
import Testing

@testable import ChainLanguage

/// Whether two runs were of the same chain is asked of its hash.
@Suite struct ChainHashTests {
  /// Everything that a chain reads: an import, a feed, and a text that is named in it.
  static let files: [(path: String, text: String)] = [
    (
      "chains/main.chain.yaml",
      """
      version: 1
      chain: many
      use: { lib: lib.chain.yaml }
      feeds: { users: { csv: users.csv, columns: { name: string } } }
      steps:
        - call: lib.pause
        - log: hello ${users.name}
      load:
        recorded: { open: { curve: rate.csv } }
      """
    ), ("chains/lib.chain.yaml", "version: 1\nchain: lib\nflows:\n  pause:\n    steps:\n      - think: 1ms\n"),
    ("chains/users.csv", "name\nann\n"), ("chains/rate.csv", "seconds,rate\n0,1\n5,2\n"),
  ]

  private func hash(_ files: [(path: String, text: String)], main: String = "chains/main.chain.yaml") throws -> String {
    let contents = Dictionary(uniqueKeysWithValues: files.map { ($0.path, Array($0.text.utf8)) })
    let compilation = compileChain(path: main, bytes: try #require(contents[main]), connectors: GraphSchemas.all) { path in
      contents[normalPath(path)].map { .success($0) } ?? .failure(ReadFailure("no such file"))
    }
    return try #require(compilation.program, "\(compilation.findings)").chainHash
  }

  @Test func `every file that is compiled in is in the hash`() throws {
    let hash = try hash(Self.files)
    #expect(hash.count == 64)
    var hashes: Set<String> = [hash]
    for index in Self.files.indices {
      var changed = Self.files
      changed[index].text += index == 2 ? "bob\n" : index == 3 ? "9,3\n" : "\n"
      hashes.insert(try self.hash(changed))
    }
    #expect(hashes.count == 5)
  }

  @Test func `a chain that was moved with its files has the same hash, and one file that of its bytes`() throws {
    let moved = Self.files.map { (path: $0.path.replacing("chains/", with: "elsewhere/"), text: $0.text) }
    #expect(try hash(moved, main: "elsewhere/main.chain.yaml") == hash(Self.files))
    let text = "version: 1\nchain: lone\nsteps:\n  - think: 1ms\n"
    #expect(try hash([("lone.chain.yaml", text)], main: "lone.chain.yaml") == SHA256.hexadecimal(of: Array(text.utf8)))
  }
}
