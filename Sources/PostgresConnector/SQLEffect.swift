import ChainProgram

/// Judges what one SQL statement does, from its text. It is a lint and the ground for `failed` or `unknown`; that a connection with
/// `access: read` cannot write is enforced by the server.
enum SQLEffect {
  static func of(_ text: String) -> Effect {
    let tokens = SQLTokens.read(text)
    guard let first = tokens.first else { return .unclear }
    if hasSecondStatement(tokens) { return .unclear }
    switch first.word {
    case "SELECT", "VALUES", "TABLE", "WITH": return ofQuery(tokens)
    case "SHOW": return .reads
    case "EXPLAIN": return tokens.contains { $0.word == "ANALYZE" || $0.word == "ANALYSE" } ? ofExplained(tokens) : .reads
    case "DROP":
      let what = tokens.dropFirst().first?.word ?? ""
      return ["DATABASE", "SCHEMA", "OWNED", "TABLESPACE"].contains(what) ? .destroys("DROP \(what)") : .writes
    case "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "GRANT", "REVOKE", "COMMENT", "LOCK", "NOTIFY", "REFRESH",
      "VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "COPY", "IMPORT", "SECURITY", "REASSIGN":
      return .writes
    // CALL, DO, EXECUTE, SET, BEGIN, COMMIT and what is not known.
    default: return .unclear
    }
  }

  /// The statement's first keyword in capitals; empty if there is none.
  static func firstKeyword(_ text: String) -> String { SQLTokens.read(text).first?.word ?? "" }

  private static func hasSecondStatement(_ tokens: [SQLTokens.Token]) -> Bool {
    guard let end = tokens.firstIndex(where: { $0.word == ";" }) else { return false }
    return tokens[end...].contains { $0.word != ";" }
  }

  private static func ofExplained(_ tokens: [SQLTokens.Token]) -> Effect {
    let starts: Set<String> = ["SELECT", "VALUES", "TABLE", "WITH"]
    guard let start = tokens.firstIndex(where: { starts.contains($0.word) }) else { return .writes }
    return ofQuery(Array(tokens[start...]))
  }

  /// `SELECT … INTO` makes a table, `FOR UPDATE` takes row locks (and the server refuses it in a read-only transaction), and a `WITH`
  /// may hold a statement that writes. A function that is not known to only read may do anything.
  private static func ofQuery(_ tokens: [SQLTokens.Token]) -> Effect {
    var result = Effect.reads
    for (index, token) in tokens.enumerated() where token.kind != .symbol {
      let previous = index > 0 ? tokens[index - 1].word : ""
      if token.kind == .word, previous != ".", previous != "AS" {
        switch token.word {
        case "INTO", "INSERT", "UPDATE", "DELETE", "MERGE", "NEXTVAL", "SETVAL", "PG_NOTIFY": return .writes
        case "SHARE" where previous == "FOR" || previous == "KEY": return .writes
        default: break
        }
      }
      let isCall = index + 1 < tokens.count && tokens[index + 1].word == "("
      guard isCall, previous != "AS", previous != "WITH", previous != "RECURSIVE" else { continue }
      let isQualified = previous == "." && index > 1 && tokens[index - 2].word != "PG_CATALOG"
      if token.kind == .quoted || isQualified || !isKnownToRead(token.word) { result = .unclear }
    }
    return result
  }

  private static func isKnownToRead(_ word: String) -> Bool {
    if readingFunctions.contains(word) || wordsBeforeParentheses.contains(word) { return true }
    return readingPrefixes.contains { word.hasPrefix($0) }
  }

  /// Keywords and types that may stand before an opening parenthesis.
  private static let wordsBeforeParentheses: Set<String> = [
    "SELECT", "FROM", "WHERE", "AS", "IN", "VALUES", "AND", "OR", "NOT", "ON", "USING", "OVER", "EXISTS", "ANY", "ALL", "SOME", "ARRAY",
    "ROW", "CASE", "WHEN", "THEN", "ELSE", "LIMIT", "OFFSET", "BY", "HAVING", "UNION", "INTERSECT", "EXCEPT", "FILTER", "INTERVAL",
    "BETWEEN", "LIKE", "ILIKE", "IS", "DISTINCT", "LATERAL", "JOIN", "MATERIALIZED", "GROUPING", "SETS", "CUBE", "ROLLUP", "GROUP",
    "RETURNING", "TABLESAMPLE", "NUMERIC", "DECIMAL", "VARCHAR", "CHAR", "CHARACTER", "VARYING", "BIT", "TIME", "TIMESTAMP",
    "TIMESTAMPTZ", "FLOAT", "FETCH", "FIRST", "NEXT", "SYMMETRIC", "SIMILAR", "TO", "WINDOW", "PARTITION", "ORDER", "EXPLAIN",
  ]

  private static let readingFunctions: Set<String> = [
    "COUNT", "SUM", "AVG", "MIN", "MAX", "BOOL_AND", "BOOL_OR", "EVERY", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP",
    "VAR_SAMP", "CORR", "PERCENTILE_CONT", "PERCENTILE_DISC", "MODE", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG",
    "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "COALESCE", "NULLIF", "GREATEST", "LEAST", "LOWER", "UPPER", "INITCAP", "LENGTH",
    "CHAR_LENGTH", "CHARACTER_LENGTH", "OCTET_LENGTH", "BIT_LENGTH", "TRIM", "LTRIM", "RTRIM", "BTRIM", "LEFT", "RIGHT", "LPAD", "RPAD",
    "REPEAT", "REPLACE", "REVERSE", "SUBSTRING", "SUBSTR", "SPLIT_PART", "STRPOS", "POSITION", "OVERLAY", "TRANSLATE", "STARTS_WITH",
    "CONCAT", "CONCAT_WS", "FORMAT", "QUOTE_IDENT", "QUOTE_LITERAL", "CHR", "ASCII", "ENCODE", "DECODE", "CONVERT_FROM", "CONVERT_TO",
    "MD5", "SHA224", "SHA256", "SHA384", "SHA512", "ABS", "CEIL", "CEILING", "FLOOR", "ROUND", "TRUNC", "SIGN", "SQRT", "POWER", "EXP",
    "LN", "LOG", "MOD", "DIV", "GCD", "LCM", "RANDOM", "WIDTH_BUCKET", "NOW", "CLOCK_TIMESTAMP", "STATEMENT_TIMESTAMP",
    "TRANSACTION_TIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIMESTAMP", "TIMEOFDAY", "AGE", "EXTRACT", "MAKE_DATE",
    "MAKE_TIME", "MAKE_TIMESTAMP", "MAKE_TIMESTAMPTZ", "MAKE_INTERVAL", "JUSTIFY_DAYS", "JUSTIFY_HOURS", "ISFINITE", "CAST",
    "GEN_RANDOM_UUID", "UNNEST", "GENERATE_SERIES", "GENERATE_SUBSCRIPTS", "CARDINALITY", "ROW_NUMBER", "ROW_TO_JSON", "XMLAGG",
    "CURRENT_SETTING", "CURRENT_SCHEMA", "CURRENT_SCHEMAS", "CURRENT_DATABASE", "VERSION", "INET_SERVER_ADDR", "INET_SERVER_PORT",
    "TXID_CURRENT_IF_ASSIGNED", "COL_DESCRIPTION", "OBJ_DESCRIPTION", "WEBSEARCH_TO_TSQUERY", "PLAINTO_TSQUERY", "PHRASETO_TSQUERY",
    "TS_RANK", "TS_RANK_CD", "TS_HEADLINE", "LOWER_INF", "UPPER_INF", "ISEMPTY", "PG_SLEEP", "PG_BACKEND_PID", "PG_IS_IN_RECOVERY",
    "PG_LAST_WAL_RECEIVE_LSN", "PG_LAST_WAL_REPLAY_LSN", "PG_LAST_XACT_REPLAY_TIMESTAMP", "PG_CURRENT_WAL_LSN", "PG_WAL_LSN_DIFF",
    "PG_TYPEOF", "PG_COLUMN_SIZE", "PG_RELATION_SIZE", "PG_TOTAL_RELATION_SIZE", "PG_TABLE_SIZE", "PG_INDEXES_SIZE", "PG_DATABASE_SIZE",
    "PG_SIZE_PRETTY", "PG_GET_INDEXDEF", "PG_GET_CONSTRAINTDEF", "PG_GET_VIEWDEF", "PG_POSTMASTER_START_TIME",
  ]

  private static let readingPrefixes = ["JSON_", "JSONB_", "TO_", "ARRAY_", "STRING_", "REGEXP_", "DATE_", "HAS_"]
}

/// SQL text as words and symbols, without comments and the insides of quotes.
enum SQLTokens {
  struct Token: Hashable {
    enum Kind: Hashable {
      case word
      /// `"a quoted name"`; its word is empty.
      case quoted
      /// One of `( ) . ;`; others are left out, and a string or number counts as `?`.
      case symbol
    }
    let kind: Kind
    /// In capitals.
    let word: String
  }

  static func read(_ text: String) -> [Token] {
    var scanner = Scanner(bytes: Array(text.utf8))
    while scanner.step() {}
    return scanner.tokens
  }

  private struct Scanner {
    let bytes: [UInt8]
    var index = 0
    var tokens: [Token] = []

    init(bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ offset: Int = 0) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }

    mutating func step() -> Bool {
      guard index < bytes.count else { return false }
      switch byte() {
      case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
        while index < bytes.count, byte() != 10 { index += 1 }
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): skipComment()
      case UInt8(ascii: "'"):
        skipQuoted(UInt8(ascii: "'"), hasEscapes: false)
        tokens.append(Token(kind: .symbol, word: "?"))
      case UInt8(ascii: "\""):
        skipQuoted(UInt8(ascii: "\""), hasEscapes: false)
        tokens.append(Token(kind: .quoted, word: ""))
      case UInt8(ascii: "$"): skipDollarQuoted()
      case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "."), UInt8(ascii: ";"), UInt8(ascii: "?"):
        tokens.append(Token(kind: .symbol, word: String(UnicodeScalar(byte()))))
        index += 1
      case let first where Scanner.isWord(first): readWord()
      default: index += 1
      }
      return true
    }

    private static func isWord(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "_"), 0x80...0xff: true
      default: false
      }
    }

    private mutating func readWord() {
      let start = index
      while Scanner.isWord(byte()) || (byte() == UInt8(ascii: "$") && index > start) { index += 1 }
      let word = String(decoding: bytes[start..<index], as: UTF8.self).uppercased()
      // E'…' has backslash escapes; B, X and N strings have none.
      if byte() == UInt8(ascii: "'"), word == "E" {
        skipQuoted(UInt8(ascii: "'"), hasEscapes: true)
        tokens.append(Token(kind: .symbol, word: "?"))
      } else if bytes[start] >= UInt8(ascii: "0"), bytes[start] <= UInt8(ascii: "9") {
        tokens.append(Token(kind: .symbol, word: "?"))
      } else {
        tokens.append(Token(kind: .word, word: word))
      }
    }

    /// PostgreSQL's comments nest.
    private mutating func skipComment() {
      var depth = 0
      repeat {
        if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
          depth += 1
          index += 2
        } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
          depth -= 1
          index += 2
        } else {
          index += 1
        }
      } while depth > 0 && index < bytes.count
    }

    private mutating func skipQuoted(_ quote: UInt8, hasEscapes: Bool) {
      index += 1
      while index < bytes.count {
        if hasEscapes, byte() == UInt8(ascii: "\\") {
          index += 2
        } else if byte() == quote {
          index += 1
          if byte() != quote { return }
          index += 1
        } else {
          index += 1
        }
      }
    }

    /// `$tag$ … $tag$`; anything else that begins with a dollar sign is a parameter.
    private mutating func skipDollarQuoted() {
      var end = index + 1
      while end < bytes.count, Scanner.isWord(bytes[end]) { end += 1 }
      let tagBeginsWithDigit = byte(1) >= UInt8(ascii: "0") && byte(1) <= UInt8(ascii: "9")
      guard end < bytes.count, bytes[end] == UInt8(ascii: "$"), !tagBeginsWithDigit else {
        index = end
        tokens.append(Token(kind: .symbol, word: "?"))
        return
      }
      let tag = Array(bytes[index...end])
      index = end + 1
      while index < bytes.count {
        if byte() == UInt8(ascii: "$"), index + tag.count <= bytes.count, bytes[index..<index + tag.count].elementsEqual(tag) {
          index += tag.count
          break
        }
        index += 1
      }
      tokens.append(Token(kind: .symbol, word: "?"))
    }
  }
}
