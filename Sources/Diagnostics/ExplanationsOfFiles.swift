extension Explanation {
  /// What the file is made of.
  static var files: [Explanation] {
    [
      Explanation(
        .fileUnreadable, "A chain file that was named on the command line or under 'use:' could not be opened or read.",
        why: "Nothing can be said about a chain of which a part is missing. The path is relative to the file that names it.",
        bad: Example("use: { auth: lib/missing.chain.yaml }\nsteps:\n  - call: auth.login\n"),
        good: Example(
          "use: { auth: lib/auth.chain.yaml }\nsteps:\n  - call: auth.login\n",
          files: ["lib/auth.chain.yaml": "version: 1\nchain: auth\nflows:\n  login: { steps: [ { log: hello } ] }\n"])),
      Explanation(
        .invalidEncoding,
        "A chain file is UTF-8 text without control characters and without characters that change the direction of the text.",
        why: "Such characters make an editor or a review show another text than the one that runs.",
        bad: "steps:\n  - log: \"total \u{202E}rue\"\n", good: "steps:\n  - log: \"total \\u202Erue\"\n"),
      Explanation(
        .yamlSyntax, "The file is not YAML; the place is where the reader could not go on.",
        why: "'{', '}', '[', ']' and ',' have a meaning of their own inside '{ }' and '[ ]', so '${…}' must be quoted there or written '$name'.",
        bad: """
          steps:
            - set: { amount: 5 }
            - publish: orders
              conn: mq
              json: { amount: ${amount} }

          """,
        good: """
          steps:
            - set: { amount: 5 }
            - publish: orders
              conn: mq
              json: { amount: $amount }

          """),
      Explanation(
        .yamlCommentTruncation, "A space followed by '#' starts a comment in YAML, and here it cut an expression or a quoted text short.",
        why: "YAML says nothing about it, and the chain would run with half of the text.",
        bad: "steps:\n  - log: order ${run.id + \" #1\"} is done\n", good: "steps:\n  - log: 'order ${run.id + \" #1\"} is done'\n"),
      Explanation(
        .severalDocuments, "A file holds one YAML document, and a line with '---' starts a second one.",
        why: "Whatever stands behind it would not be read.", bad: "steps:\n  - log: one\n---\nsteps:\n  - log: two\n",
        good: "steps:\n  - log: one\n  - log: two\n"),
      Explanation(
        .mergeKeyRefused, "The merge key '<<' was taken out of YAML with version 1.2.",
        why: "It hides where a key comes from, and readers disagree about what wins.",
        bad: "x-slow: &slow { timeout: 5s }\nsteps:\n  - redis: GET order\n    <<: *slow\n",
        good: "steps:\n  - redis: GET order\n    timeout: 5s\n"),
      Explanation(
        .tagRefused, "Only the tags of the YAML core schema ('!!str', '!!int' and the like) mean something in a chain.",
        why: "A '!' at the start of a text is a tag for YAML, and the text behind it is read as something else; a negation is written 'not x'.",
        bad: "steps:\n  - log: !important the cache is cold\n", good: "steps:\n  - log: \"!important the cache is cold\"\n"),
      Explanation(
        .aliasRefused, "An alias ('*name') repeats what an anchor ('&name') above it named, once that is complete.",
        why: "A text that starts with '*' is an alias for YAML even where none was meant; quote it then.",
        bad: "steps:\n  - log: *urgent\n", good: "steps:\n  - log: \"*urgent\"\n"),
      Explanation(
        .limitExceeded, "Files, texts, nesting and the number of values have upper limits, aliases counted as what they stand for.",
        why: "A chain is small. What is far larger is a mistake or an attack, and would take the memory of the machine.",
        bad: Example("x-deep: " + String(repeating: "[", count: 65) + "\n  " + String(repeating: "]", count: 65) + "\nsteps:\n  - log: hello\n"),
        good: "x-deep: [[[[1]]]]\nsteps:\n  - log: hello\n"),
    ]
  }
}
