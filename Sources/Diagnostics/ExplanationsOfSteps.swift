extension Explanation {
  static var steps: [Explanation] {
    [
      Explanation(
        .noVerb, "A step has exactly one verb, the key that says what it does, and this one has none.", why: "There is nothing to do.",
        bad: "steps:\n  - id: read\n    conn: ro\n", good: "steps:\n  - id: read\n    sql: SELECT 1\n    conn: ro\n"),
      Explanation(
        .twoVerbs, "A step has exactly one verb, and this one has two.",
        why: "Their order, and what 'check' and 'capture' read, would be undefined. Usually a '-' is missing.",
        bad: "steps:\n  - redis: GET order\n    log: done\n", good: "steps:\n  - redis: GET order\n  - log: done\n"),
      Explanation(
        .writeOnReadConnection, "A step writes through a connection that may only read. A connection reads unless it says 'access: write'.",
        why: "Which systems a test changes stands in one place, at the top of the file, where a review sees it.",
        bad: "steps:\n  - sql: DELETE FROM staging\n    conn: ro\n", good: "steps:\n  - sql: DELETE FROM staging\n    conn: db\n"),
      Explanation(
        .consumeNotAllowed, "A queue is consumed only through a connection with 'access: consume'.",
        why: "A message that is consumed is gone for the system under test.",
        bad: "steps:\n  - consume: orders\n    max: 1\n    conn: mq\n",
        good: .whole(
          "version: 1\nchain: example\nconnections:\n  mq: { amqp: $env.ORDERS_MQ, access: consume }\n"
            + "steps:\n  - consume: orders\n    max: 1\n    conn: mq\n")),
      Explanation(
        .commandRefused, "A command changes the state of its connection or blocks it.",
        why: "Virtual users share their Redis connections, so 'MULTI', 'SUBSCRIBE', 'BLPOP' and the like would hit the others.",
        bad: "steps:\n  - redis: BLPOP jobs 5\n    conn: cache\n", good: "steps:\n  - redis: LRANGE jobs 0 0\n    conn: cache\n"),
      Explanation(
        .redisDestructive, "A Redis command that harms everyone on the server is refused.",
        why: "'FLUSHALL', 'KEYS', 'SHUTDOWN' and their like empty or stop what other people use, and no order of 'access' makes them safe.",
        bad: "steps:\n  - redis: FLUSHALL\n    conn: cache\n", good: "steps:\n  - redis: EXISTS order:${run.id}\n    conn: cache\n"),
      Explanation(
        .peekDeliveryLimit, "Each 'peek' counts as a delivery of the messages that it shows, so a repeated one needs the step's consent.",
        why: "Looking at a message often enough would move it to the dead letters. 'accept_redelivery: true' says that this is all right.",
        bad: "steps:\n  - repeat: 3\n    steps: [ { peek: orders.dlq, max: 5, conn: mq } ]\n",
        good: "steps:\n  - repeat: 3\n    steps: [ { peek: orders.dlq, max: 5, accept_redelivery: true, conn: mq } ]\n"),
      Explanation(
        .awaitWithoutDeadline, "Every wait has a deadline: 'within'.",
        why: "Without one a lost event would hold its virtual user until the end of the run, and the loss would never be seen.",
        bad: "steps:\n  - await: { redis: GET order }\n    until: reply != null\n",
        good: "steps:\n  - await: { redis: GET order }\n    until: reply != null\n    within: 2s\n"),
      Explanation(
        .deadlineExceedsTimeout, "A wait is longer than what it waits for is followed: an event's 'settle', or the timeout of the transaction around it.",
        why: "The event is given up, or the transaction ended, while the user still waits: the rest of the wait can bring nothing.",
        bad: """
          events:
            order_created:
              origin: insert
              id: $order
              settle: 5s
              hops: { cached: { watch: "order:*", conn: cache, id: key.after("order:") as int } }
          steps:
            - id: insert
              sql: INSERT INTO orders (customer_id) VALUES (1) RETURNING id
              conn: db
              capture: { order: row.id as int }
            - await: order_created.cached
              within: 20s

          """,
        good: """
          events:
            order_created:
              origin: insert
              id: $order
              settle: 5s
              hops: { cached: { watch: "order:*", conn: cache, id: key.after("order:") as int } }
          steps:
            - id: insert
              sql: INSERT INTO orders (customer_id) VALUES (1) RETURNING id
              conn: db
              capture: { order: row.id as int }
            - await: order_created.cached
              within: 5s

          """),
      Explanation(
        .checkInsideProbe, "A probe is repeated until its 'until' holds, so it has no 'check' of its own.",
        why: "A check that is false at first is what waiting is about, and would be counted as a failure each time.",
        bad: """
          steps:
            - await:
                redis: GET order
                check: [ reply != null ]
              until: reply != null
              within: 2s

          """, good: "steps:\n  - await: { redis: GET order }\n    until: reply != null\n    within: 2s\n"),
      Explanation(
        .whileWithoutMax, "A 'while' loop has an upper bound: 'max'.",
        why: "A condition that never becomes false would keep its virtual user for ever.",
        bad: "steps:\n  - while: random.int(1, 9) > 3\n    steps: [ { redis: GET order } ]\n",
        good: "steps:\n  - while: random.int(1, 9) > 3\n    max: 10\n    steps: [ { redis: GET order } ]\n"),
      Explanation(
        .branchWeightZero, "The weights of a branch are positive.", why: "A path with weight zero is never taken; leave it out, or say how often.",
        bad: """
          steps:
            - branch:
                - { weight: 80, name: browse, steps: [ { log: browse } ] }
                - { weight: 0, name: audit, steps: [ { log: audit } ] }

          """,
        good: """
          steps:
            - branch:
                - { weight: 80, name: browse, steps: [ { log: browse } ] }
                - { weight: 20, name: audit, steps: [ { log: audit } ] }

          """),
      Explanation(
        .unreachableStep, "No path leads to this step.", why: "It looks as if it were tested, and never runs.",
        bad: "steps:\n  - fail: no further\n  - log: done\n", good: "steps:\n  - log: done\n  - fail: no further\n"),
      Explanation(
        .unusedCapture, "A variable is captured and never read. A name that starts with '_' may be.",
        why: "Often the check that was to read it is missing, or reads another name.",
        bad: "steps:\n  - redis: GET order\n    capture: { order: reply as string }\n", good: "steps:\n  - redis: GET order\n"),
      Explanation(
        .thinkInsideTransaction, "A pause inside a transaction.",
        why: "It holds a connection and its locks for as long, so that other users wait for it: the figures would show the pause.",
        bad: """
          steps:
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging
                - think: 1s

          """,
        good: """
          steps:
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging
            - think: 1s

          """),
      Explanation(
        .awaitInsideTransaction, "A wait inside a transaction.",
        why: "It holds a connection and its locks. And what was not committed yet cannot be seen by anyone, so the wait may be in vain.",
        bad: """
          steps:
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging
                - await: { redis: GET order }
                  until: reply != null
                  within: 2s

          """,
        good: """
          steps:
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging
            - await: { redis: GET order }
              until: reply != null
              within: 2s

          """),
      Explanation(
        .ambiguousScalar, "A text that is a string here, and that other YAML readers take for a boolean or a number.",
        why: "'no', '010' and '12:30' changed their meaning between YAML 1.1 and 1.2. In quotes they are text for every reader.",
        bad: "vars: { opens: 12:30 }\nsteps:\n  - log: opens ${opens}\n", good: "vars: { opens: \"12:30\" }\nsteps:\n  - log: opens ${opens}\n"),
    ]
  }
}
