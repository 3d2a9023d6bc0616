import ChainLanguage
import ChainProgram
import Foundation
import Testing

@Suite struct FunctionReferenceTests {
  @Test func `every function has an example, and every example gives what the page says`() {
    let bench = ExpressionBench()
    for signature in FunctionSignature.all {
      if let example = signature.example {
        #expect(bench(example.expression) == example.result, "\(example.expression)")
      } else {
        #expect(FunctionSignature.all.contains { $0.name == signature.name && $0.example != nil }, "\(signature.name) has no example")
      }
    }
  }

  @Test func `every function of the library has a signature, but for those that are lowered from signs`() {
    let named = Set(FunctionSignature.all.map(\.function))
    #expect(Set(Function.allCases).subtracting(named) == [.isIn])
  }

  @Test func `summaries are sentences, and no two signatures of a name take the same types`() {
    var seen: Set<String> = []
    for signature in FunctionSignature.all {
      #expect(signature.summary.hasSuffix(".") && signature.summary.first?.isUppercase == true, "\(signature.text)")
      #expect(seen.insert(signature.name + signature.parameters.map { "\($0.type)" }.joined(separator: ",")).inserted, "\(signature.text)")
    }
  }

  @Test func `the page of functions says what the checker knows`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let kept = root.appendingPathComponent("grammar/functions.md")
    if ProcessInfo.processInfo.environment["CHAINRUN_RECORD"] != nil { try Data(FunctionReference.page.utf8).write(to: kept) }
    let expected = String(decoding: (try? Data(contentsOf: kept)) ?? Data(), as: UTF8.self)
    #expect(FunctionReference.page == expected, "record anew with CHAINRUN_RECORD=1 swift test --filter FunctionReferenceTests")
  }
}
