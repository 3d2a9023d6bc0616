import ChainLanguage
import Foundation
import Testing

struct GraphReferenceTests {
  @Test func `the page of keys says what the checker knows`() throws {
    let page = LanguageReference.keysPage(connectors: GraphChainsTests.schemas)
    let kept = GraphChainsTests.root.appendingPathComponent("grammar/keys.md")
    if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil { try Data(page.utf8).write(to: kept) }
    let expected = String(decoding: (try? Data(contentsOf: kept)) ?? Data(), as: UTF8.self)
    #expect(page == expected, "record anew with CHAINRUN_RECORD=1 swift test --filter GraphReferenceTests")
  }
}
