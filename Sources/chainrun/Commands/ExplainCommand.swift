import Diagnostics
import Glibc

/// `chainrun explain [NAME…]`: what a finding means, why it is one, and examples; without a name the list of all.
enum ExplainCommand {
  static func run(_ invocation: Invocation) -> ExitCode {
    guard !invocation.operands.isEmpty else {
      Terminal.out(list)
      return .ok
    }
    var texts: [String] = []
    for operand in invocation.operands {
      // As it stands in an output: error[unknown-key].
      let word = operand.split(separator: "[").last.map { String($0.prefix { $0 != "]" }) } ?? operand
      guard let name = FindingName(rawValue: word), let explanation = name.explanation else {
        let near = nearestName(to: word, among: FindingName.allCases.map(\.rawValue))
        Terminal.talk(
          "chainrun: there is no finding '\(operand)'\(near.map { "; did you mean '\($0)'?" } ?? "; 'chainrun explain' lists them all")\n")
        return .usage
      }
      texts.append(ExplanationText.of(explanation, isColoured: Terminal.hasColour(STDOUT_FILENO)))
    }
    Terminal.out(texts.joined(separator: "\n"))
    return .ok
  }

  private static var list: String {
    let width = FindingName.allCases.map(\.rawValue.count).max() ?? 0
    return FindingName.allCases.map { name in
      let padding = String(repeating: " ", count: width - name.rawValue.count)
      return "\(name.rawValue)\(padding)  \(name.severity.rawValue.padded(to: 7))  \(name.rule)\n"
    }.joined()
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
