extension Explanation {
  /// What the systems themselves say, with `chainrun lint --online`. Nothing is executed or changed there.
  static var online: [Explanation] {
    let read = "steps:\n  - sql: SELECT id, total FROM orders LIMIT 1\n    capture: { total: row.total as decimal }\n  - log: ${total}\n"
    return [
      Explanation(
        .onlineUnreachable, "A connection's system could not be reached, so nothing was checked there.",
        why: "What was not looked at is not proved. The rest of the chain was checked as far as it goes.",
        bad: "steps:\n  - redis: GET order:1\n", good: "steps:\n  - redis: GET order:1\n"),
      Explanation(
        .onlineUnchecked, "The system does not let this be asked without changing anything, or it is known only when the chain runs.",
        why: "A look that changes something would be a run. Whatever a look leaves open is said.",
        bad: "steps:\n  - publish: ${run.id}\n    text: hello\n", good: "steps:\n  - publish: orders\n    text: hello\n"),
      Explanation(
        .onlineVersion, "The server is too old for what the chain wants of it.",
        why: "The run would fail when it begins to observe. 'watch' needs Redis 6, which tells its clients of changed keys.",
        bad: "steps:\n  - redis: GET order:1\n", good: "steps:\n  - redis: GET order:1\n"),
      Explanation(
        .onlineStatementError, "The server does not take a statement or a command as it is written.",
        why: "It was prepared or rehearsed, and not executed; each iteration of a run would fail with the same error.",
        bad: "steps:\n  - sql: SELECT 1 FROM odrers\n    conn: db\n", good: "steps:\n  - sql: SELECT 1 FROM orders\n    conn: db\n"),
      Explanation(
        .onlineUnknownColumn, "A column that a statement or a capture names does not exist.",
        why: "Tables change and chains are left behind; the run would fail at its first iteration.",
        bad: Example(stringLiteral: read.replacingFirst("total FROM", "amount FROM").replacingFirst("    capture", "    conn: db\n    capture")),
        good: Example(stringLiteral: read.replacingFirst("    capture", "    conn: db\n    capture"))),
      Explanation(
        .onlineParameterType, "A value that is bound to a statement has another type than the server reads in that place.",
        why: "Values travel as text, and the server would refuse the text of such a value, or only some of them.",
        bad: "vars: { tier: gold }\nsteps:\n  - sql: SELECT 1 FROM orders WHERE id = ${tier}\n    conn: db\n",
        good: "vars: { id: 7 }\nsteps:\n  - sql: SELECT 1 FROM orders WHERE id = ${id}\n    conn: db\n"),
      Explanation(
        .onlineCaptureType, "A column is read as a type that it does not have.",
        why: "A numeric(12,2) is never sure to be an int. Where some of its values may have the form, it is a warning.",
        bad: Example(
          stringLiteral: read.replacingFirst("as decimal", "as int").replacingFirst("    capture", "    conn: db\n    capture")),
        good: Example(stringLiteral: read.replacingFirst("    capture", "    conn: db\n    capture"))),
      Explanation(
        .onlineMissingExchange, "The broker has no exchange of that name.",
        why: "A publish to it closes the channel, and a tap on it cannot be put in place.",
        bad: "steps:\n  - publish: odrers\n    text: hello\n", good: "steps:\n  - publish: orders\n    text: hello\n"),
      Explanation(
        .onlineMissingQueue, "The broker has no queue of that name.",
        why: "Reading from it fails; a message to it through the default exchange is dropped in silence.",
        bad: "steps:\n  - publish: ''\n    routing_key: odrers\n    text: hello\n",
        good: "steps:\n  - publish: ''\n    routing_key: orders\n    text: hello\n"),
      Explanation(
        .onlinePermission, "The user of the connection may not do what the chain does.",
        why: "Each iteration of a run would be refused. The help says what to grant.",
        bad: "steps:\n  - sql: DELETE FROM orders WHERE id = 1\n    conn: db\n",
        good: "steps:\n  - sql: SELECT 1 FROM orders WHERE id = 1\n    conn: db\n"),
    ]
  }
}

extension String {
  /// Without Foundation.
  fileprivate func replacingFirst(_ part: String, _ other: String) -> String {
    guard let range = firstRange(of: part) else { return self }
    return self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
