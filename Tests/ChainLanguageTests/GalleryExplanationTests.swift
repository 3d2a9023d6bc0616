import Diagnostics
import Testing

@testable import ChainLanguage

/// `chainrun explain` tells the truth: each bad example gives the finding, each good one does not.
struct GalleryExplanationTests {
  /// Names that this version cannot give for a chain on its own, and why. Whoever makes one of them true takes it out.
  static let notYetProduced: [FindingName: String] = [
    .fileUnreadable: "given by the command; by the compiler with 'use'",
    .notSupportedYet: "goes away as the language is completed",
  ]

  @Test func `each name is explained once`() {
    #expect(Explanation.all.map(\.name.rawValue).sorted() == FindingName.allCases.map(\.rawValue).sorted())
  }

  @Test(arguments: Explanation.all.map(\.name))
  func `the wrong example gives exactly its finding, and the right one nothing`(name: FindingName) throws {
    let explanation = try #require(name.explanation)
    let bad = Gallery.compile(explanation.bad.chain, files: explanation.bad.files)
    let good = Gallery.compile(explanation.good.chain, files: explanation.good.files)
    if name.isOnline {
      // Only the systems can tell; without a look at them both are in order.
      #expect(bad.findings.isEmpty && good.findings.isEmpty, "\(Gallery.render(bad)) \(Gallery.render(good))")
      return
    }
    let check = {
      #expect(Gallery.names(bad) == [name], "\(Gallery.render(bad))")
      #expect(good.findings.isEmpty, "\(Gallery.render(good))")
    }
    if let reason = Self.notYetProduced[name] {
      withKnownIssue(Comment(rawValue: reason), isIntermittent: true) { check() }
    } else {
      check()
      #expect(try Gallery.isKept(Gallery.render(bad), as: "\(name.rawValue).txt"), "record anew with CHAINRUN_RECORD=1 swift test --filter Gallery")
    }
  }

  @Test func `an explanation is whole sentences and fits a terminal`() {
    for explanation in Explanation.all {
      #expect(explanation.meaning.hasSuffix(".") && explanation.why.hasSuffix("."), "\(explanation.name.rawValue)")
      #expect(explanation.bad.text.hasSuffix("\n") && explanation.good.text.hasSuffix("\n"), "\(explanation.name.rawValue)")
      let text = ExplanationText.of(explanation, isColoured: false)
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 140 }, "\(text)")
    }
  }
}
