/// An explanation as a terminal shows it.
package enum ExplanationText {
  private static let width = 96

  /// - Parameter isColoured: With SGR codes; without them the same text.
  package static func of(_ explanation: Explanation, isColoured: Bool) -> String {
    func bold(_ text: String) -> String { isColoured ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func coloured(_ code: String, _ text: String) -> String { isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
    let name = explanation.name
    var text = "\(bold("\(name.severity.rawValue)[\(name.rawValue)]")): \(name.rule)\n\n"
    text += wrapped(explanation.meaning) + "\n"
    text += bold("why") + "\n" + wrapped(explanation.why) + "\n"
    text += coloured("1;31", "wrong") + "\n" + shown(explanation.bad) + "\n"
    text += coloured("1;32", "right") + "\n" + shown(explanation.good)
    let isPart = !explanation.bad.isWhole || !explanation.good.isWhole
    if isPart {
      text += "\nThe examples stand in a chain with the connections db (PostgreSQL, may write), ro (PostgreSQL),\n"
      text += "mq (RabbitMQ, may publish) and cache (Redis).\n"
    }
    if name.severity != .error {
      text += "\nWhere it is meant: # lint: allow \(name.rawValue) because <reason>\n"
    }
    return text
  }

  private static func shown(_ example: Explanation.Example) -> String {
    var text = indented(example.text)
    for (path, content) in example.files.sorted(by: { $0.key < $1.key }) {
      text += "  # \(path)\n" + indented(content)
    }
    return text
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: true).map { "    " + DisplayText.oneLine(String($0)) + "\n" }.joined()
  }

  private static func wrapped(_ text: String) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + word.count + 1 > width - 2 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    if !line.isEmpty { lines.append(line) }
    return lines.map { "  \($0)\n" }.joined()
  }
}
