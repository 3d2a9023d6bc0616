extension Explanation {
  static var names: [Explanation] {
    [
      Explanation(
        .duplicateName, "A name is given once in its scope.", why: "A reference to it, or its line in the report, could mean either.",
        bad: "steps:\n  - { id: read, redis: GET a }\n  - { id: read, redis: GET b }\n",
        good: "steps:\n  - { id: read_a, redis: GET a }\n  - { id: read_b, redis: GET b }\n"),
      Explanation(
        .unknownName, "A name is declared, captured or built in before it is used.", why: "There is nothing that it could stand for.",
        bad: "vars: { region: eu }\nsteps:\n  - log: in ${regoin}\n", good: "vars: { region: eu }\nsteps:\n  - log: in ${region}\n"),
      Explanation(
        .useBeforeCapture, "A variable is read before the step that captures it.", why: "It has no value yet when the step runs.",
        bad: """
          steps:
            - log: got ${order}
            - redis: GET order
              capture: { order: reply as string }
              check: [ order != "" ]

          """,
        good: """
          steps:
            - redis: GET order
              capture: { order: reply as string }
              check: [ order != "" ]
            - log: got ${order}

          """),
      Explanation(
        .ambiguousConnection, "'conn' is needed where several connections of the kind exist.",
        why: "The step would write to the one that happens to stand first.", bad: "steps:\n  - sql: SELECT 1\n",
        good: "steps:\n  - sql: SELECT 1\n    conn: ro\n"),
      Explanation(
        .importCycle, "Files import each other in a circle.", why: "None of them can be complete before the others are.",
        bad: Example(
          "use: { a: a.chain.yaml }\nsteps:\n  - call: a.one\n",
          files: [
            "a.chain.yaml": "version: 1\nchain: a\nuse: { b: b.chain.yaml }\nflows:\n  one: { steps: [ { call: b.two } ] }\n",
            "b.chain.yaml": "version: 1\nchain: b\nuse: { a: a.chain.yaml }\nflows:\n  two: { steps: [ { log: hello } ] }\n",
          ]),
        good: Example(
          "use: { a: a.chain.yaml }\nsteps:\n  - call: a.one\n",
          files: [
            "a.chain.yaml": "version: 1\nchain: a\nuse: { b: b.chain.yaml }\nflows:\n  one: { steps: [ { call: b.two } ] }\n",
            "b.chain.yaml": "version: 1\nchain: b\nflows:\n  two: { steps: [ { log: hello } ] }\n",
          ])),
    ]
  }

  static var types: [Explanation] {
    [
      Explanation(
        .typeMismatch, "A value does not have the type that its place expects.",
        why: "Values are never converted silently: what comes from outside is given a type with 'as', and text is no number.",
        bad: "steps:\n  - redis: GET total\n    capture: { total: reply as string }\n    check: [ total > 100 ]\n",
        good: "steps:\n  - redis: GET total\n    capture: { total: reply as int }\n    check: [ total > 100 ]\n"),
      Explanation(
        .nullableUse, "A value that may be null is used as if it were there, such as a variable that is captured on some paths only.",
        why: "On the other paths the step would fail. Say what then: '??' gives another value, 'if x != null' asks first.",
        bad: """
          steps:
            - set: { n: "random.int(1, 9)" }
            - if: n > 5
              then:
                - redis: GET order
                  capture: { order: reply as string }
            - log: got ${order}

          """,
        good: """
          steps:
            - set: { n: "random.int(1, 9)" }
            - if: n > 5
              then:
                - redis: GET order
                  capture: { order: reply as string }
            - log: got ${order ?? "nothing"}

          """),
      Explanation(
        .secretLeak, "A secret would become text: in a log line, a key, a path or a body.",
        why: "From there it gets into reports, and into other systems' logs. Secrets may stand in headers and in connections' addresses.",
        bad: "secrets: { token: { env: API_TOKEN } }\nsteps:\n  - log: token ${secrets.token}\n",
        good: """
          version: 1
          chain: example
          secrets: { token: { env: API_TOKEN } }
          connections:
            api: { http: $env.ORDERS_API }
          steps:
            - http: GET /orders
              headers: { authorization: $secrets.token }

          """.asWholeChain),
      Explanation(
        .sqlQuotedInterpolation, "'${…}' in SQL is a bound parameter, and here it stands inside a quoted text.",
        why: "The server would read the parameter's name as text. As a parameter a value is never part of the statement, so it needs no quotes "
          + "and cannot inject anything.",
        bad: "steps:\n  - sql: SELECT id FROM orders WHERE run_id = '${run.id}'\n    conn: ro\n",
        good: "steps:\n  - sql: SELECT id FROM orders WHERE run_id = ${run.id}\n    conn: ro\n"),
    ]
  }
}

extension String {
  fileprivate var asWholeChain: Explanation.Example { .whole(self) }
}
