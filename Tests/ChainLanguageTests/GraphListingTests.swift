import ChainProgram
import Diagnostics
import Foundation
import Testing

@testable import ChainLanguage

/// Chains that are there for their listings: what each construct becomes, read once by a person and kept.
struct GraphListingTests {
  @Test(arguments: ["everything", "rollback", "broad"]) func `a chain of every construct gives the listing that is kept`(_ name: String) throws {
    let folder = GraphChainsTests.root.appendingPathComponent("Tests/Golden")
    let bytes = try Data(contentsOf: folder.appendingPathComponent("chains/\(name).chain.yaml"))
    let compilation = compileChain(path: "\(name).chain.yaml", bytes: Array(bytes), connectors: GraphSchemas.all) { path in
      (try? Data(contentsOf: folder.appendingPathComponent("chains/\(path)"))).map { .success(Array($0)) }
        ?? .failure(ReadFailure("no such file"))
    }
    #expect(PlainTextRenderer().render(compilation.findings, in: compilation.files) == "")
    let program = try #require(compilation.program)
    let listing = program.listing(in: compilation.files)
    let kept = folder.appendingPathComponent("listings/language-\(name).txt")
    if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil { try Data(listing.utf8).write(to: kept) }
    let expected = String(decoding: (try? Data(contentsOf: kept)) ?? Data(), as: UTF8.self)
    #expect(listing == expected, "record anew with CHAINRUN_RECORD=1 swift test --filter GraphListingTests, and read the difference")
  }
}
