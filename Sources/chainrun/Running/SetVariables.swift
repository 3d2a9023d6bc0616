import Metrics

/// What `--var` set, as results may show it. A value that may be a secret stays out: chains have `secrets:` for those, and not everyone uses it.
enum SetVariables {
  static let hidden = "(not shown)"

  /// Sorted by name; of one that is set twice the last value counts, as for the chain.
  static func shown(_ arguments: [String]) -> [NamedText] {
    var values: [String: String] = [:]
    for argument in arguments {
      guard let equals = argument.firstIndex(of: "=") else { continue }
      let name = String(argument[..<equals])
      let value = String(argument[argument.index(after: equals)...])
      values[name] = mayBeSecret(name, value) ? hidden : value
    }
    return values.sorted { $0.key < $1.key }.map { NamedText($0.key, $0.value) }
  }

  private static let words: Set<String> = [
    "password", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "credential", "credentials", "apikey", "auth", "authorization",
    "cookie",
  ]
  private static let pairs: Set<String> = ["api key", "access key", "private key"]

  /// A name that says so (`db_password`, `apiKey`, `token2`), or an address with somebody's name in it.
  private static func mayBeSecret(_ name: String, _ value: String) -> Bool {
    let parts = words(of: name)
    if parts.contains(where: words.contains) { return true }
    if zip(parts, parts.dropFirst()).contains(where: { pairs.contains("\($0) \($1)") }) { return true }
    guard let scheme = value.firstRange(of: "://") else { return false }
    return value[scheme.upperBound...].prefix { $0 != "/" }.contains("@")
  }

  private static func words(of name: String) -> [String] {
    var words = [""]
    for character in name {
      if character.isUppercase, words.last?.last?.isLowercase == true { words.append("") }
      if character.isLetter { words[words.count - 1].append(character) } else { words.append("") }
    }
    return words.filter { !$0.isEmpty }.map { $0.lowercased() }
  }
}
