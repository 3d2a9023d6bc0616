internal import Diagnostics

/// `# lint: allow <name> because <reason>` at the end of a line suppresses the findings of that name on it, and on a line of its own
/// those of the next line. Only warnings can be allowed. An allowance that suppresses nothing is itself a finding.
struct Allowance {
  let name: FindingName
  /// The line whose findings it suppresses, from one.
  let line: Int
  let range: SourceRange
}

extension Findings {
  func applyingAllowances(in file: SourceFile) -> Findings {
    let (allowances, mistakes) = readAllowances(file)
    let consequences = self.consequencesOfTruncation
    guard !allowances.isEmpty || !mistakes.isEmpty || !consequences.isEmpty else { return self }
    var used = Set<Int>()
    var kept = Findings()
    for finding in sorted where !consequences.contains(finding) {
      let line = finding.range.file == file.index ? file.line(at: finding.range.start) : 0
      let match = allowances.firstIndex { $0.name == finding.name && $0.line == line }
      if let match, finding.severity != .error {
        used.insert(match)
      } else {
        kept.append(finding)
      }
    }
    for mistake in mistakes { kept.append(mistake) }
    // Whether an allowance for what the systems say is of use is not known here.
    for (index, allowance) in allowances.enumerated() where !used.contains(index) && !allowance.name.isOnline {
      kept.add(
        .unusedAllowance, at: allowance.range, "nothing here gives '\(allowance.name.rawValue)'",
        help: allowance.name.severity == .error ? "an error cannot be allowed" : "remove the comment")
    }
    return kept
  }
}

/// Whether a comment in its file suppresses the finding.
func isAllowed(_ finding: Finding, in files: SourceFiles) -> Bool {
  guard finding.severity != .error else { return false }
  let file = files[finding.range.file]
  let line = file.line(at: finding.range.start)
  return readAllowances(file).allowances.contains { $0.name == finding.name && $0.line == line }
}

private func readAllowances(_ file: SourceFile) -> (allowances: [Allowance], mistakes: [Finding]) {
  let bytes = file.bytes
  let mark = Array("# lint: allow ".utf8)
  var allowances: [Allowance] = []
  var mistakes: [Finding] = []
  var index = 0
  while index + mark.count <= bytes.count {
    guard bytes[index] == mark[0], bytes[index..<index + mark.count].elementsEqual(mark) else {
      index += 1
      continue
    }
    var end = index
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n"), bytes[end] != UInt8(ascii: "\r") { end += 1 }
    let line = file.line(at: index)
    let start = file.contentRange(ofLine: line).lowerBound
    let isAlone = bytes[start..<index].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let words = String(decoding: bytes[index + mark.count..<end], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: true)
    let range = file.range(index, end)
    if let word = words.first, let name = FindingName(rawValue: String(word)) {
      if words.count < 3 || words[1] != "because" {
        mistakes.append(
          Finding(.unusedAllowance, at: range, "an allowance gives its reason", help: "write '# lint: allow \(name.rawValue) because …'"))
      }
      allowances.append(Allowance(name: name, line: isAlone ? line + 1 : line, range: range))
    } else {
      let name = words.first.map(String.init) ?? ""
      let near = mistakes.count > 1_000 ? nil : nearestName(to: name, among: FindingName.allCases.map(\.rawValue))
      mistakes.append(
        Finding(.unusedAllowance, at: range, "there is no finding '\(shown(name))'", help: near.map { "did you mean '\($0)'?" }))
    }
    index = end
  }
  return (allowances, mistakes)
}
