extension Explanation {
  /// The whole run: load, feeds, pools, thresholds.
  static var runs: [Explanation] {
    [
      Explanation(
        .thresholdSelector, "A threshold or an alert names a metric that the chain has.",
        why: "A claim about a metric that is never written would hold for ever, and say nothing.",
        bad: "steps:\n  - { id: read, redis: GET order }\nthresholds:\n  - p99(step.raed) < 20ms\n",
        good: "steps:\n  - { id: read, redis: GET order }\nthresholds:\n  - p99(step.read) < 20ms\n"),
      Explanation(
        .alertWithoutAction, "An alert has neither a command to run nor a webhook to post to.",
        why: "It would be judged each second, and nobody would hear of it. What only decides the run's verdict is a threshold.",
        bad: "steps:\n  - redis: GET front\nalerts:\n  - { name: errors, when: rate(errors) > 1% }\n",
        good: "steps:\n  - redis: GET front\nalerts:\n  - { name: errors, when: rate(errors) > 1%, run: [notify-send, errors] }\n"),
      Explanation(
        .alertCommand, "The command of an alert is missing, or is a file that may not be executed.",
        why: "It would be found out when the alert fires, which is when it is needed. A path starts at the folder of the chain's file; "
          + "lint looks at the file and never runs it. A command without a '/' is looked for on the PATH, and gives a warning only, "
          + "since the chain may be run elsewhere.",
        bad: Example("steps:\n  - redis: GET front\nalerts:\n  - { name: errors, when: rate(errors) > 1%, run: [scripts/page-you, errors] }\n"),
        good: Example(
          "steps:\n  - redis: GET front\nalerts:\n  - { name: errors, when: rate(errors) > 1%, run: [scripts/page-me, errors] }\n",
          files: ["scripts/page-me": "#!/bin/sh\n"])),
      Explanation(
        .webhookPassword, "The literal address of a webhook has a password in it.",
        why: "A chain is kept with the code and shown to many. Keep the address in a secret.",
        bad: "steps:\n  - redis: GET front\nalerts:\n  - { name: errors, when: rate(errors) > 1%, webhook: \"https://ops:hunter2@alerts.example/hook\" }\n",
        good:
          "secrets:\n  alert_url: { env: ALERT_URL }\nsteps:\n  - redis: GET front\nalerts:\n  - { name: errors, when: rate(errors) > 1%, webhook: $secrets.alert_url }\n"),
      Explanation(
        .guaranteeNotCheckable, "A session guarantee is asked for at a hop where nothing can tell whether it was kept.",
        why: "It would be reported as kept by a run that could not have seen a violation. What is not checkable is never 0.",
        bad: """
          events:
            order_created:
              origin: insert
              id: $order
              hops:
                cached: { watch: "order:*", conn: cache, id: key.after("order:") as int, guarantees: [monotonic_reads] }
          steps:
            - id: insert
              sql: INSERT INTO orders (customer_id) VALUES (1) RETURNING id
              conn: db
              capture: { order: row.id as int }

          """,
        good: """
          events:
            order_created:
              origin: insert
              id: $order
              key: $customer
              version: $number
              hops:
                cached: { watch: "customer:*", conn: cache, id: json.order as int, guarantees: [monotonic_reads] }
          steps:
            - id: insert
              sql: INSERT INTO orders (customer_id) VALUES (1) RETURNING id, customer_id, number
              conn: db
              capture: { order: row.id as int, customer: row.customer_id as int, number: row.number as int }

          """),
      Explanation(
        .feedUnreadable, "The file of a feed could not be read, or is not what its declaration says.",
        why: "Feeds are read before the run, so that no iteration fails for want of data. Paths are relative to the chain's file.",
        bad: Example("feeds:\n  customer: { csv: missing.csv, columns: { id: int }, pick: random }\nsteps:\n  - log: for ${customer.id}\n"),
        good: Example(
          "feeds:\n  customer: { csv: customers.csv, columns: { id: int }, pick: random }\nsteps:\n  - log: for ${customer.id}\n",
          files: ["customers.csv": "id\n1\n2\n"])),
      Explanation(
        .feedTooSmallForUnique, "A feed with 'pick: unique' has fewer rows than the run has iterations.",
        why: "The run would end early, or draw a row twice. Give it more rows, or say what happens with 'exhausted: stop'.",
        bad: Example(
          """
          feeds:
            customer: { csv: customers.csv, columns: { id: int }, pick: unique }
          steps:
            - log: for ${customer.id}
          load:
            smoke: { closed: { vus: 1, iterations: 5 } }

          """, files: ["customers.csv": "id\n1\n2\n"]),
        good: Example(
          """
          feeds:
            customer: { csv: customers.csv, columns: { id: int }, pick: unique }
          steps:
            - log: for ${customer.id}
          load:
            smoke: { closed: { vus: 1, iterations: 2 } }

          """, files: ["customers.csv": "id\n1\n2\n"])),
      Explanation(
        .poolSelfDeadlock, "A user holds a connection (in a transaction) while it asks for another one of the same pool.",
        why: "With enough users each of them holds one and waits for a second, and all of them wait until they time out.",
        bad: .whole(
          """
          version: 1
          chain: example
          connections:
            db: { postgres: $env.ORDERS_DB, access: write, pool: 1 }
          steps:
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging
                - parallel: all
                  lanes:
                    one: [ { transaction: read committed, conn: db, steps: [ { sql: DELETE FROM staging } ] } ]

          """),
        good: .whole(
          """
          version: 1
          chain: example
          connections:
            db: { postgres: $env.ORDERS_DB, access: write, pool: 1 }
          steps:
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging
            - transaction: read committed
              conn: db
              steps:
                - sql: DELETE FROM staging

          """)),
      Explanation(
        .keyWithoutRunScope, "A key or queue that the run writes does not carry the run's id.",
        why: "What one run leaves behind is found by the next one, and two runs at once disturb each other.",
        bad: .whole(
          "version: 1\nchain: example\nconnections:\n  cache: { redis: $env.ORDERS_CACHE, access: write }\nsteps:\n  - redis: SET order 1\n"),
        good: .whole(
          "version: 1\nchain: example\nconnections:\n  cache: { redis: $env.ORDERS_CACHE, access: write }\n"
            + "steps:\n  - redis: SET order:${run.id} 1\n")),
      Explanation(
        .poolSmallerThanUsers, "More users run at once than the pool has connections, so that they wait for each other in their transactions.",
        why: "The wait is in the generator and not in the system under test, and the figures would mix the two.",
        bad: .whole(
          """
          version: 1
          chain: example
          connections:
            db: { postgres: $env.ORDERS_DB, access: write, pool: 4 }
          steps:
            - transaction: read committed
              steps:
                - sql: DELETE FROM staging
          load:
            many: { closed: { vus: 64, for: 10s } }

          """),
        good: .whole(
          """
          version: 1
          chain: example
          connections:
            db: { postgres: $env.ORDERS_DB, access: write, pool: 64 }
          steps:
            - transaction: read committed
              steps:
                - sql: DELETE FROM staging
          load:
            many: { closed: { vus: 64, for: 10s } }

          """)),
      Explanation(
        .rateInfeasible, "The rate cannot be kept: an iteration takes longer than the users that there may be can make up for.",
        why: "Iterations would be dropped from the start, whatever the system under test does.",
        bad: "steps:\n  - think: 2s\nload:\n  steady: { open: { rate: 100/s, for: 10s, max_vus: 50 } }\n",
        good: "steps:\n  - think: 2s\nload:\n  steady: { open: { rate: 100/s, for: 10s, max_vus: 500 } }\n"),
      Explanation(
        .emptyLoad, "A load profile starts nothing: it has no stages, or stays at 0.",
        why: "A run of it would end without a single iteration, and say that nothing is wrong.",
        bad: "steps:\n  - redis: GET front\nload:\n  ramp: { closed: { stages: [] } }\n",
        good: "steps:\n  - redis: GET front\nload:\n  ramp: { closed: { stages: [ { to: 50, over: 1m }, { hold: 5m } ] } }\n"),
      Explanation(
        .spikeOutsideRun, "A spike begins or ends after the load.",
        why: "Part of it would not happen, and the run would be taken for one that the system survived.",
        bad: "steps:\n  - redis: GET front\nload:\n  sale: { open: { spike: { base: 50/s, peak: 600/s, at: 2m, for: 20s }, for: 2m } }\n",
        good: "steps:\n  - redis: GET front\nload:\n  sale: { open: { spike: { base: 50/s, peak: 600/s, at: 2m, for: 20s }, for: 5m } }\n"),
      Explanation(
        .spikeBelowBase, "The peak of a spike is not above its base.",
        why: "The two are probably mixed up. A dip in the load can be said with 'stages'.",
        bad: "steps:\n  - redis: GET front\nload:\n  sale: { open: { spike: { base: 600/s, peak: 50/s, at: 2m, for: 20s }, for: 5m } }\n",
        good: "steps:\n  - redis: GET front\nload:\n  sale: { open: { spike: { base: 50/s, peak: 600/s, at: 2m, for: 20s }, for: 5m } }\n"),
      Explanation(
        .stepNeverReaches, "Steps of the rate jump over the rate that they go to.",
        why: "It would be unclear what the last step is, and two readers of a report would disagree about the highest rate.",
        bad: "steps:\n  - redis: GET front\nload:\n  climb: { open: { step: { from: 50/s, by: 40/s, every: 1m, to: 600/s } } }\n",
        good: "steps:\n  - redis: GET front\nload:\n  climb: { open: { step: { from: 50/s, by: 50/s, every: 1m, to: 600/s } } }\n"),
      Explanation(
        .curveUnreadable, "The file of a recorded rate could not be read, or its rows are not ascending seconds with rates.",
        why: "The rate is followed as it was recorded, so a row that is misread would be a load that never was. Paths are relative to the chain's file.",
        bad: Example(
          "steps:\n  - redis: GET front\nload:\n  monday: { open: { curve: monday.csv } }\n",
          files: ["monday.csv": "seconds,rate\n0,50\n60,-20\n30,80\n"]),
        good: Example(
          "steps:\n  - redis: GET front\nload:\n  monday: { open: { curve: monday.csv } }\n",
          files: ["monday.csv": "seconds,rate\n0,50\n60,120\n90,80\n"])),
      Explanation(
        .idleStage, "A load begins or ends with a stage in which nothing runs.",
        why: "The run takes longer and shows nothing more. In the middle of a load such a stage is a pause between two bursts.",
        bad: "steps:\n  - redis: GET front\nload:\n  ramp: { closed: { stages: [ { hold: 1m }, { to: 50, over: 1m } ] } }\n",
        good: "steps:\n  - redis: GET front\nload:\n  ramp: { closed: { stages: [ { to: 50, over: 1m }, { hold: 1m } ] } }\n"),
      Explanation(
        .warmUpExceedsLoad, "The whole load is warm-up.",
        why: "The warm-up is left out of all figures, so there would be none, and every threshold would be without samples.",
        bad: "steps:\n  - redis: GET front\nload:\n  short: { closed: { vus: 5, for: 10s }, warmup: 30s }\n",
        good: "steps:\n  - redis: GET front\nload:\n  short: { closed: { vus: 5, for: 1m }, warmup: 30s }\n"),
      Explanation(
        .startOffsetExceedsLoad, "Some users would start after the load has ended, so they never do.",
        why: "The load would have fewer users than the profile says.",
        bad: "steps:\n  - redis: GET front\nload:\n  short: { closed: { vus: 5, for: 10s, start_offset: 30s } }\n",
        good: "steps:\n  - redis: GET front\nload:\n  short: { closed: { vus: 5, for: 1m, start_offset: 10s } }\n"),
      Explanation(
        .unusedAllowance, "A comment '# lint: allow NAME because …' suppresses nothing, gives no reason, or names no finding.",
        why: "The reason for it has gone, and it would hide the next finding of that name.",
        bad: "steps:\n  - log: hello  # lint: allow unused-capture because it is only here to be seen\n", good: "steps:\n  - log: hello\n"),
    ]
  }
}
