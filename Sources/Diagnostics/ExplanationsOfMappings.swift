extension Explanation {
  /// What a mapping may hold.
  static var mappings: [Explanation] {
    [
      Explanation(
        .unknownKey, "Each mapping has a closed set of keys, and this key is not one of them. Keys that start with 'x-' are yours.",
        why: "A misspelled key that is ignored hides for months: the check that it was meant to be never ran.",
        bad: "steps:\n  - redis: GET order\n    chekc: [ reply != null ]\n", good: "steps:\n  - redis: GET order\n    check: [ reply != null ]\n"),
      Explanation(
        .missingKey, "A key that this mapping needs is not there.", why: "There is no value that would be right without being said.",
        bad: "steps:\n  - transaction: read committed\n    conn: db\n",
        good: "steps:\n  - transaction: read committed\n    conn: db\n    steps:\n      - sql: DELETE FROM staging\n"),
      Explanation(
        .duplicateKey, "A key stands once in a mapping.", why: "YAML readers silently take the last one, or the first.",
        bad: "steps:\n  - sql: SELECT 1\n    conn: ro\n    conn: db\n", good: "steps:\n  - sql: SELECT 1\n    conn: ro\n"),
      Explanation(
        .wrongNodeKind, "A text, a list or a mapping stands where another of them is expected.",
        why: "Often a '-' is missing or too much, or the indentation is off by one level.",
        bad: "steps:\n  log: hello\n", good: "steps:\n  - log: hello\n"),
      Explanation(
        .badValue, "A value is not one of those that the key takes.", why: "What the key would do with it is not defined.",
        bad: "steps:\n  - transaction: read comitted\n    conn: db\n    steps: [ { sql: DELETE FROM staging } ]\n",
        good: "steps:\n  - transaction: read committed\n    conn: db\n    steps: [ { sql: DELETE FROM staging } ]\n"),
      Explanation(
        .badLiteral, "A duration, rate, size, percentage or number is not written as one: 500ms 2s 5m, 200/s, 16KiB, 0.1%.",
        why: "A number without its unit is read differently by everyone who reads it.", bad: "steps:\n  - think: 5 sec\n",
        good: "steps:\n  - think: 5s\n"),
      Explanation(
        .badExpression, "An expression does not follow the grammar of 'grammar/chain.ebnf'.",
        why: "YAML mangles '!', '#', '?' and ':', so the language has words instead: 'and', 'or', 'not', 'if … then … else …'.",
        bad: "steps:\n  - set: { a: \"random.int(1, 9)\" }\n  - if: a > 2 && a < 5\n    then: [ { log: small } ]\n",
        good: "steps:\n  - set: { a: \"random.int(1, 9)\" }\n  - if: a > 2 and a < 5\n    then: [ { log: small } ]\n"),
      Explanation(
        .notSupportedYet, "The language has this, and this version of the program does not.",
        why: "It is said before the run, since leaving it out would run another test than the one that was written.",
        bad: "steps:\n  - log: hello\n    tags: [ slow ]\n", good: "steps:\n  - log: hello\n"),
    ]
  }
}
