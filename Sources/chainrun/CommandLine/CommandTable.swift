/// The commands as data: the parser and the help are made from this table.
struct CommandDescription: Sendable {
  enum Name: String, CaseIterable, Sendable {
    case lint, explain, run, report, trace, graph, program, compare, history, baseline, trend, version
  }

  struct Option: Sendable {
    /// With its dashes: `--profile`.
    let name: String
    /// What stands after it in the help; nil for a flag.
    let value: String?
    let isRepeatable: Bool
    let summary: String

    init(_ name: String, _ value: String? = nil, isRepeatable: Bool = false, _ summary: String) {
      self.name = name
      self.value = value
      self.isRepeatable = isRepeatable
      self.summary = summary
    }
  }

  let name: Name
  let summary: String
  let examples: [(command: String, comment: String)]
  /// What stands for the files in the usage line; empty if there are none.
  let operand: String
  let operandCount: ClosedRange<Int>
  let options: [Option]

  static let variable = Option(
    "--var", "NAME=VALUE", isRepeatable: true, "replaces a variable of the chain; checked against its type (may be repeated)")

  static let historyOptions = [
    Option("--chain", "NAME", "only the runs of this chain"),
    Option("--profile", "NAME", "only the runs with this load profile"),
    Option("--last", "N", "only the newest N runs"),
    Option("--db", "FILE|ADDRESS", "where the history is kept: an SQLite file or a postgres:// address (default: DIR/history.sqlite)"),
    Option("--format", "FORMAT", "text or json; for trend also md, junit and html (default: text)"),
  ]

  static let all: [CommandDescription] = [
    CommandDescription(
      name: .lint, summary: "prove what can be proved about chains before anything runs",
      examples: [
        ("chainrun lint chains/order-flow.chain.yaml", "all findings with their places, exit 1 if any is an error"),
        ("chainrun lint chains", "every '*.chain.yaml' in and below a folder"),
        ("chainrun lint --format sarif chains", "for another program to read; also json, and github for its workflows"),
        ("chainrun lint --fix order.chain.yaml", "repair what is mechanical; '--diff' only shows it"),
        ("git show HEAD:order.chain.yaml | chainrun lint - --stdin-name order.chain.yaml", "from standard input"),
      ],
      operand: "FILE|DIR|-…", operandCount: 1...10_000,
      options: [
        Option("--online", nil, "also ask the systems: columns, types, exchanges, queues, permissions; read-only, 10 s for each connection"),
        Option("--format", "FORMAT", "how findings are written: human, json, sarif or github (default: human)"),
        Option("--strict", nil, "warnings are errors for the exit code"),
        Option("--fix", nil, "apply the fixes that are safe, and report what is left"),
        Option("--diff", nil, "print what '--fix' would change, and change nothing"),
        Option("--watch", nil, "lint again whenever a file changes, until ^C"),
        Option("--stdin-name", "NAME", "the file name of what '-' reads (default: stdin)"),
        variable,
      ]),
    CommandDescription(
      name: .explain, summary: "tell what a finding means, with examples",
      examples: [
        ("chainrun explain unknown-key", "what, why, a wrong and a right example"), ("chainrun explain", "all findings, one a line"),
      ],
      operand: "[NAME…]", operandCount: 0...100, options: []),
    CommandDescription(
      name: .run, summary: "run a chain under load and keep account of every event",
      examples: [
        ("chainrun run chains/order-flow.chain.yaml", "with the chain's first load profile"),
        ("chainrun run order.chain.yaml --profile soak --out results/soak-1", "another profile, results in a folder of your choice"),
        ("chainrun run order.chain.yaml --var deadline=500ms --seed 7", "with a variable replaced and the draws of seed 7"),
      ],
      operand: "FILE", operandCount: 1...1,
      options: [
        Option("--profile", "NAME", "the load profile (default: the first one of the chain)"),
        Option("--out", "DIR", "the folder for the results; must be new or empty (default: results/<time>-<chain>-<id>)"),
        variable,
        Option("--seed", "N", "the seed of all random draws (default: 1)"),
        Option("--baseline", "FILE", "the baselines that thresholds are held against (default: results/baselines.json)"),
        Option(
          "--progress", "auto|tui|line|none", "progress on standard error: a screen on a terminal (a line on a small one), plain lines otherwise (default: auto)"),
        Option("--metrics", "ADDRESS", "offers OpenMetrics by HTTP while it runs: 127.0.0.1:9464, or :0 for a free port"),
        Option("--metrics-file", "FILE", "replaces a file with OpenMetrics text each second"),
        Option("--traceparent", "http,amqp,sql", "tells these systems the trace of each request, one per iteration (sql: nothing is prepared then)"),
        Option("--otlp", "URL", "sends OTLP/HTTP JSON metrics each second: http://host:4318"),
        Option("--no-alerts", nil, "alerts are judged and shown, and nothing is run or posted"),
      ]),
    CommandDescription(
      name: .report, summary: "rebuild a run's reports from its journal, also after a crash",
      examples: [
        ("chainrun report latest", "all files of the newest run once more, and its summary"),
        ("chainrun report results/soak-1 --format html --out soak.html", "one file for a colleague; the run's folder stays as it is"),
        ("chainrun report latest --format md >> $GITHUB_STEP_SUMMARY", "for a pull request; also text, json, csv and junit"),
      ],
      operand: "DIR|latest", operandCount: 1...1,
      options: [
        Option("--format", "FORMAT", "only this one, to standard output: text, html, json, csv, junit, md or hlog"),
        Option("--out", "PATH", "write it to a file instead; with csv a folder for the five files"),
      ]),
    CommandDescription(
      name: .trace, summary: "run one iteration of a chain and show each step as it happens",
      examples: [
        ("chainrun trace order.chain.yaml", "setup, one iteration, teardown on the real servers, with the values that were seen"),
        ("chainrun trace order.chain.yaml --iteration 41 --seed 7", "the rows and random values that iteration 41 of a run with seed 7 had"),
      ],
      operand: "FILE", operandCount: 1...1,
      options: [
        Option("--profile", "NAME", "the load profile whose mix of scenarios is used (default: the first one of the chain)"),
        variable,
        Option("--seed", "N", "the seed of all random draws (default: 1)"),
        Option("--iteration", "N", "the number of the iteration, from 0 (default: 0)"),
        Option("--hide-values", nil, "show no values; secrets are never shown, with or without it"),
      ]),
    CommandDescription(
      name: .graph, summary: "print the graph of a chain: steps, data and events",
      examples: [
        ("chainrun graph order.chain.yaml", "a tree for the terminal"),
        ("chainrun graph --format svg order.chain.yaml > order.svg", "a picture for the browser and for documents"),
        ("chainrun graph --format dot order.chain.yaml | dot -Tpdf > order.pdf", "for Graphviz"),
      ],
      operand: "FILE", operandCount: 1...1,
      options: [Option("--format", "text|dot|svg", "how the graph is written (default: text)"), variable]),
    CommandDescription(
      name: .program, summary: "print the compiled program of a chain",
      examples: [("chainrun program order.chain.yaml", "instructions, slots and operations, as the interpreter sees them")],
      operand: "FILE", operandCount: 1...1, options: [variable]),
    CommandDescription(
      name: .compare, summary: "tell whether runs got worse: two sets of runs, figure by figure",
      examples: [
        ("chainrun compare results/before-* -- results/after-*", "exit 1 if a figure regressed; five runs on each side can tell"),
        ("chainrun compare latest", "the last run against the baseline of its chain and profile"),
        ("chainrun compare --format md results/main-* -- results/branch-* > comment.md", "for a pull request"),
      ],
      operand: "[BEFORE… --] AFTER…", operandCount: 1...10_000,
      options: [
        Option("--format", "FORMAT", "text, md, json, junit or html (default: text)"),
        Option("--force", nil, "also compare runs that are degraded or crashed; runs of different things are refused all the same"),
        Option("--file", "FILE", "the file of baselines (default: results/baselines.json)"),
      ]),
    CommandDescription(
      name: .history, summary: "list the runs that were made",
      examples: [
        ("chainrun history", "those below 'results', newest first"),
        ("chainrun history --chain order-flow --last 20 --format json", "for another program"),
        ("chainrun history --db $TEAM_DB", "with a PostgreSQL database that the team shares; adds the runs of this machine to it"),
      ],
      operand: "[DIR]", operandCount: 0...1, options: historyOptions),
    CommandDescription(
      name: .baseline, summary: "set or show what later runs are held against",
      examples: [
        ("chainrun baseline set results/2026112*", "these runs are the baseline of their chain and profile"),
        ("chainrun baseline show", "all baselines"),
      ],
      operand: "set RUN… | show", operandCount: 1...10_000,
      options: [Option("--file", "FILE", "the file of baselines; it may be kept under version control (default: results/baselines.json)")]),
    CommandDescription(
      name: .trend, summary: "find where a figure changed its level from run to run",
      examples: [
        ("chainrun trend --chain order-flow", "sparklines and changes; exit 1 if the last change was for the worse"),
        ("chainrun trend --format html > trend.html", "with a plot for each figure"),
      ],
      operand: "[DIR]", operandCount: 0...1,
      options: historyOptions + [
        Option("--force", nil, "take runs along that are degraded or crashed"),
        Option("--any-version", nil, "take runs of other versions of the chain's text along"),
      ]),
    CommandDescription(
      name: .version, summary: "print the version", examples: [("chainrun version", "")], operand: "", operandCount: 0...0, options: []),
  ]
}
