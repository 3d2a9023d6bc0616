internal import ChainProgram
internal import Diagnostics

/// Operands and keys of verbs: their text compiled by its form, with `${…}` as arguments.
extension ChainResolver {
  /// The largest file that stands for a text, in bytes.
  private static let textFileMax = 1 << 20

  /// Where the file named by a `fileOrText` operand is; nil if the operand is the text itself.
  func textFilePath(_ scalar: YAMLScalar) -> String? {
    scalar.text.contains("{") ? nil : normalPath(besidePath(current.graph.file.path, scalar.text))
  }

  /// The text of the file; nil with a finding.
  private func textOfFile(_ path: String, at range: SourceRange) -> String? {
    switch textFile(path) {
    case .failure(let failure):
      findings.add(.fileUnreadable, at: range, "'\(shown(path))' could not be read: \(failure.reason)")
      return nil
    case .success(let bytes):
      guard bytes.count <= Self.textFileMax else {
        findings.add(.limitExceeded, at: range, "'\(shown(path))' has \(bytes.count) bytes, and \(Self.textFileMax) is the limit")
        return nil
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        findings.add(.invalidEncoding, at: range, "'\(shown(path))' is not UTF-8")
        return nil
      }
      return text
    }
  }

  /// nil with a finding if it cannot be compiled.
  ///
  /// - Parameter arguments: Arguments so far; the template's numbers go on from there.
  func operand(
    _ node: YAMLNode, _ form: OperandForm, key: String, _ scope: StepScope, arguments: inout [TypedExpression]
  ) -> OperandTemplate? {
    switch form {
    case .sql, .sqlOfIDs:
      return scalar(node, key).flatMap { sql($0, scope, arguments: &arguments) }
    case .words:
      return words(node, key, scope, arguments: &arguments).map { .words($0) }
    case .request:
      return scalar(node, key).flatMap { request($0, scope, arguments: &arguments) }.map { .text($0) }
    case .text, .place:
      return scalar(node, key).flatMap { text($0, encoding: .text, .text, scope, arguments: &arguments) }.map { .text($0) }
    case .json:
      var pieces = PieceList()
      guard json(node, scope, into: &pieces, arguments: &arguments) else { return nil }
      return .json(TextTemplate(pieces.pieces))
    case .fileOrText:
      guard let scalar = scalar(node, key) else { return nil }
      guard let path = textFilePath(scalar) else { return .text(TextTemplate(scalar.text)) }
      return textOfFile(path, at: scalar.range).map { .text(TextTemplate($0)) }
    case .textMap:
      return textMap(node, key, scope, arguments: &arguments).map { .textMap($0) }
    case .flag:
      guard let scalar = scalar(node, key) else { return nil }
      if case .bool(let value) = scalar.coreType { return .flag(value) }
      findings.add(.badValue, at: scalar.range, "'\(key)' is true or false")
      return nil
    case .integer:
      return scalar(node, key).flatMap { LiteralReader.integer(expressionText($0), in: Int64.min...Int64.max, into: &findings) }.map {
        .integer($0)
      }
    case .duration:
      let fixed = StepScope(flow: [:], fixed: constants, anywhere: [:])
      guard let value = value(node, key: key, fixed, .duration(key)) else { return nil }
      if case .expression(let typed) = value, case .duration(let nanoseconds)? = typed.constant { return .duration(nanoseconds) }
      findings.add(.badValue, at: node.placeRange, "'\(key)' must be known before the run")
      return nil
    case .choice(let words):
      guard let scalar = scalar(node, key) else { return nil }
      if words.contains(scalar.text) { return .choice(scalar.text) }
      findings.add(
        .badValue, at: scalar.range, "'\(key)' is one of \(listPhrase(words)), and not '\(shown(scalar.text))'",
        help: nearestName(to: scalar.text, among: words).map { "did you mean '\($0)'?" })
      return nil
    case .wordList(let allowed):
      return wordList(node, key, allowed)
    case .block:
      return scalar(node, key).map { .choice($0.text) }
    }
  }

  private func scalar(_ node: YAMLNode, _ key: String) -> YAMLScalar? {
    guard let scalar = node.scalar else {
      findings.add(.wrongNodeKind, at: node.placeRange, "'\(key)' is text, and this is \(node.kindPhrase)")
      return nil
    }
    return scalar
  }

  private func argument(
    _ expression: Expression, _ expectation: Expectation, _ scope: StepScope, _ arguments: inout [TypedExpression]
  ) -> Int? {
    let typed = check(expression, scope, expectation)
    if typed.isInvalid { return nil }
    arguments.append(typed)
    return arguments.count - 1
  }

  // SQL

  /// A bound parameter is never text, so a secret may be one.
  private static let sqlParameter = Expectation(
    .text, "an SQL parameter is a number, a text, a bool, an instant, a uuid or null", allowsNull: true, allowsSecret: true)

  private func sql(_ scalar: YAMLScalar, _ scope: StepScope, arguments: inout [TypedExpression]) -> OperandTemplate? {
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    var scanner = SQLScanner()
    var text = ""
    var parameters: [Int] = []
    var isWhole = true
    for piece in template.pieces {
      switch piece {
      case .literal(let literal, _, let range):
        let numbered = scanner.scan(literal)
        if numbered {
          findings.add(
            .badValue, at: range, "a parameter in SQL is written '${…}'",
            help: "'$1' belongs to the server's own notation; it is made from '${…}'")
          isWhole = false
        }
        text += literal
      case .expression(let expression, _, let range):
        if let problem = scanner.interpolationProblem {
          findings.append(
            Finding(
              .sqlQuotedInterpolation, at: range, problem.message, help: problem.help, severity: problem.isError ? .error : .warning,
              fix: scalar.style == .singleQuoted ? nil : dropQuotes(around: range)))
          text += "?"
          if problem.isError {
            isWhole = false
            _ = check(expression, scope, Self.sqlParameter)
          }
          continue
        }
        guard let number = argument(expression, Self.sqlParameter, scope, &arguments) else {
          isWhole = false
          continue
        }
        parameters.append(number)
        text += "$\(parameters.count)"
      }
    }
    if text.utf8.allSatisfy({ $0 <= UInt8(ascii: " ") }), isWhole {
      findings.add(.badValue, at: scalar.range, "an SQL step needs a statement")
      return nil
    }
    return isWhole ? .sql(text: text, parameters: parameters) : nil
  }

  /// For `'${x}'` that is all of a quoted text: without the quotes.
  private func dropQuotes(around range: SourceRange) -> Fix? {
    let bytes = files[range.file].bytes
    let quote = UInt8(ascii: "'")
    guard range.start >= 2, range.end + 1 < bytes.count, bytes[range.start - 1] == quote, bytes[range.end] == quote else { return nil }
    // `''` is a quote inside the text, and a letter before it makes another kind of text: E'…', N'…'.
    let before = bytes[range.start - 2]
    guard before != quote, bytes[range.end + 1] != quote, !ExpressionLexicon.isNamePart(before) else { return nil }
    let start = SourceRange(file: range.file, start: range.start - 1, end: range.start)
    let end = SourceRange(file: range.file, start: range.end, end: range.end + 1)
    return Fix("drop the quotes", [TextEdit(start, ""), TextEdit(end, "")])
  }

  // Text

  /// A text on its own, as for `log`.
  func text(_ scalar: YAMLScalar, _ template: ScalarTemplate, _ scope: StepScope) -> TypedText? {
    var arguments: [TypedExpression] = []
    guard let compiled = text(template, encoding: .text, .text, scope, arguments: &arguments) else { return nil }
    return TypedText(template: compiled, arguments: arguments, range: scalar.range)
  }

  private func text(
    _ scalar: YAMLScalar, encoding: ArgumentEncoding, _ expectation: Expectation, _ scope: StepScope, arguments: inout [TypedExpression]
  ) -> TextTemplate? {
    text(ScalarTemplate.parse(expressionText(scalar), into: &findings), encoding: encoding, expectation, scope, arguments: &arguments)
  }

  private func text(
    _ template: ScalarTemplate, encoding: ArgumentEncoding, _ expectation: Expectation, _ scope: StepScope,
    arguments: inout [TypedExpression]
  ) -> TextTemplate? {
    var pieces = PieceList()
    var isWhole = true
    for piece in template.pieces {
      switch piece {
      case .literal(let literal, _, _): pieces.append(literal)
      case .expression(let expression, _, _):
        if let number = argument(expression, expectation, scope, &arguments) {
          pieces.append(number, encoding)
        } else {
          isWhole = false
        }
      }
    }
    return isWhole ? TextTemplate(pieces.pieces) : nil
  }

  private func request(_ scalar: YAMLScalar, _ scope: StepScope, arguments: inout [TypedExpression]) -> TextTemplate? {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    let method = String(scalar.text.prefix { $0 != " " })
    guard let compiled = text(scalar, encoding: .percent, .text, scope, arguments: &arguments) else { return nil }
    guard methods.contains(method) else {
      findings.add(
        .badValue, at: scalar.range, "a request starts with its method",
        help: "for example: GET /orders/1; the methods: \(listPhrase(methods))")
      return nil
    }
    let path = scalar.text.dropFirst(method.count).drop { $0 == " " }
    guard path.hasPrefix("/") else {
      findings.add(
        .badValue, at: scalar.range, "after the method comes a path that starts with '/'", help: "the host stands in the connection")
      return nil
    }
    return compiled
  }

  // Redis

  private func words(_ node: YAMLNode, _ key: String, _ scope: StepScope, arguments: inout [TypedExpression]) -> [TextTemplate]? {
    if let items = node.items {
      var words: [TextTemplate] = []
      for item in items {
        guard let scalar = scalar(item, "a word of \(key)"), let word = text(scalar, encoding: .text, .text, scope, arguments: &arguments)
        else { return nil }
        words.append(word)
      }
      return words.isEmpty ? nil : words
    }
    guard let scalar = scalar(node, key) else { return nil }
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    var splitter = WordSplitter()
    var isWhole = true
    for piece in template.pieces {
      switch piece {
      case .literal(let literal, _, _): splitter.append(literal)
      case .expression(let expression, _, _):
        if let number = argument(expression, .text, scope, &arguments) {
          splitter.append(argument: number)
        } else {
          isWhole = false
        }
      }
    }
    guard isWhole else { return nil }
    guard let words = splitter.finish() else {
      findings.add(
        .badValue, at: scalar.range, "a quote in this command is not closed", help: "double a quote in quotes, or give the words as a list")
      return nil
    }
    if words.isEmpty {
      findings.add(.badValue, at: scalar.range, "a '\(key)' step needs a command")
      return nil
    }
    return words
  }

  private func textMap(
    _ node: YAMLNode, _ key: String, _ scope: StepScope, arguments: inout [TypedExpression]
  ) -> [(name: String, value: TextTemplate)]? {
    guard let entries = node.entries else {
      findings.add(.wrongNodeKind, at: node.placeRange, "'\(key)' is a mapping of names to text, and this is \(node.kindPhrase)")
      return nil
    }
    var values: [(name: String, value: TextTemplate)] = []
    for entry in entries {
      guard let scalar = scalar(entry.value, entry.key.text),
        let template = text(scalar, encoding: .text, .header, scope, arguments: &arguments)
      else { return nil }
      values.append((entry.key.text, template))
    }
    return values
  }

  private func wordList(_ node: YAMLNode, _ key: String, _ allowed: [String]) -> OperandTemplate? {
    guard let items = node.items ?? (node.scalar.map { _ in [node] }) else {
      findings.add(.wrongNodeKind, at: node.placeRange, "'\(key)' is a list of words, and this is \(node.kindPhrase)")
      return nil
    }
    var words: [String] = []
    for item in items {
      guard let scalar = scalar(item, key) else { return nil }
      if !allowed.isEmpty, !allowed.contains(scalar.text) {
        findings.add(.badValue, at: scalar.range, "'\(key)' has words of \(listPhrase(allowed)), and '\(shown(scalar.text))' is none")
        return nil
      }
      words.append(scalar.text)
    }
    return .wordList(words)
  }

  // JSON

  /// Writes a YAML value as JSON text; false with a finding if it has no JSON form.
  private func json(_ node: YAMLNode, _ scope: StepScope, into pieces: inout PieceList, arguments: inout [TypedExpression]) -> Bool {
    switch node.content {
    case .sequence(let items):
      pieces.append("[")
      var isWhole = true
      for (index, item) in items.enumerated() {
        if index > 0 { pieces.append(",") }
        if !json(item, scope, into: &pieces, arguments: &arguments) { isWhole = false }
      }
      pieces.append("]")
      return isWhole
    case .mapping(let entries):
      pieces.append("{")
      var isWhole = true
      for (index, entry) in entries.enumerated() {
        if index > 0 { pieces.append(",") }
        pieces.append(quoted(entry.key.text) + ":")
        if !json(entry.value, scope, into: &pieces, arguments: &arguments) { isWhole = false }
      }
      pieces.append("}")
      return isWhole
    case .scalar(let scalar):
      return json(scalar, scope, into: &pieces, arguments: &arguments)
    }
  }

  private func json(_ scalar: YAMLScalar, _ scope: StepScope, into pieces: inout PieceList, arguments: inout [TypedExpression]) -> Bool {
    let template = ScalarTemplate.parse(expressionText(scalar), into: &findings)
    if let whole = template.whole {
      guard let number = argument(whole, .json, scope, &arguments) else { return false }
      pieces.append(number, .json)
      return true
    }
    if let literal = template.literal {
      switch scalar.coreType {
      case .null: pieces.append("null")
      case .bool(let value): pieces.append(value ? "true" : "false")
      case .string:
        if let hint = scalar.ambiguousHint { findings.add(.ambiguousScalar, at: scalar.range, hint, fix: quotePlain(scalar)) }
        pieces.append(quoted(literal))
      case .int, .float:
        guard let number = jsonNumber(literal) else {
          findings.add(
            .badValue, at: scalar.range, "'\(shown(literal))' has no JSON form", help: "write it as a decimal number, or in quotes")
          return false
        }
        pieces.append(number)
      }
      return true
    }
    var isWhole = true
    pieces.append("\"")
    for piece in template.pieces {
      switch piece {
      case .literal(let literal, _, _): pieces.append(String(decoding: quoted(literal).utf8.dropFirst().dropLast(), as: UTF8.self))
      case .expression(let expression, _, _):
        if let number = argument(expression, .text, scope, &arguments) {
          pieces.append(number, .jsonText)
        } else {
          isWhole = false
        }
      }
    }
    pieces.append("\"")
    return isWhole
  }

  private func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    Value.string(text).appendJSON(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The number as JSON writes it: `1.50` stays, `.5`, `+5` and `5.` do not.
  private func jsonNumber(_ text: String) -> String? {
    let plain = text.hasPrefix("+") ? String(text.dropFirst()) : text
    if let first = plain.utf8.first, first == UInt8(ascii: "0"), plain.utf8.count > 1, let second = plain.utf8.dropFirst().first,
      second | 0x20 == UInt8(ascii: "x") || second | 0x20 == UInt8(ascii: "o")
    {
      return Int64(plain.dropFirst(2), radix: second | 0x20 == UInt8(ascii: "x") ? 16 : 8).map { "\($0)" }
    }
    let digits = plain.hasPrefix("-") ? plain.dropFirst() : plain[...]
    let isPlain =
      digits.utf8.first.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } == true && digits.utf8.last != UInt8(ascii: ".")
      && !digits.contains(".e") && !digits.contains(".E")
    if isPlain { return plain }
    return Decimal(plain).map(\.description)
  }
}

/// The pieces of a template, neighbouring literals joined.
struct PieceList {
  private(set) var pieces: [TextPiece] = []

  mutating func append(_ literal: String) {
    guard !literal.isEmpty else { return }
    if case .literal(let bytes)? = pieces.last {
      pieces[pieces.count - 1] = .literal(bytes + Array(literal.utf8))
    } else {
      pieces.append(.literal(Array(literal.utf8)))
    }
  }

  mutating func append(_ argument: Int, _ encoding: ArgumentEncoding) { pieces.append(.argument(argument, encoding)) }
}
