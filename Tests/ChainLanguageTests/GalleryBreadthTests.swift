import Diagnostics
import Foundation
import Testing

@testable import ChainLanguage

/// Chains in `Tests/Golden/gallery` in which nearly every line is wrong, and what the linter says to each, as the user sees it.
struct GalleryBreadthTests {
  static let chains: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: Gallery.folder.path)) ?? []).filter { $0.hasSuffix(".chain.yaml") }.sorted()

  private func compile(_ name: String) throws -> Compilation {
    let bytes = try Data(contentsOf: Gallery.folder.appendingPathComponent(name))
    return Gallery.compile(Array(bytes), files: ["customers.csv": "id,tier\n1,gold\n2,silver\n"], path: name)
  }

  @Test(arguments: chains)
  func `the messages about a chain are the ones that were read and kept`(name: String) throws {
    let text = Gallery.render(try compile(name))
    #expect(
      try Gallery.isKept(text, as: name.replacing(".chain.yaml", with: ".txt")),
      "record anew with CHAINRUN_RECORD=1 swift test --filter Gallery, and read the difference")
  }

  @Test(arguments: chains)
  func `messages are one line without a full stop, and help too`(name: String) throws {
    for finding in try compile(name).findings.sorted {
      for text in [finding.message] + [finding.label, finding.help, finding.fix?.title].compactMap({ $0 }) {
        #expect(!text.isEmpty && !text.hasSuffix(".") && !text.contains("\n") && text.count <= 300, "\(text)")
      }
    }
  }

  @Test func `the gallery shows every kind of finding that a chain can have`() throws {
    var names: Set<FindingName> = []
    for name in Self.chains { names.formUnion(Gallery.names(try compile(name))) }
    for explanation in Explanation.all { names.formUnion(Gallery.names(Gallery.compile(explanation.bad.chain, files: explanation.bad.files))) }
    let missing = Set(FindingName.allCases.filter { !$0.isOnline }).subtracting(names).subtracting(GalleryExplanationTests.notYetProduced.keys)
    #expect(missing.isEmpty, "\(missing.map(\.rawValue).sorted())")
  }
}
