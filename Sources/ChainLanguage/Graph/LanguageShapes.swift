/// Whether this version of the program does what a key asks for.
enum KeyStatus {
  case works
  /// Part of the language; gives `not-supported-yet` instead of `unknown-key`.
  case later
}

/// One key that a mapping of the language may have.
struct KeyShape {
  let name: String
  let isRequired: Bool
  let status: KeyStatus
  /// One sentence for the reference page and completion.
  let summary: String

  init(_ name: String, isRequired: Bool = false, _ summary: String) {
    self.name = name
    self.isRequired = isRequired
    status = .works
    self.summary = summary
  }

  init(_ name: String, later summary: String) {
    self.name = name
    isRequired = false
    status = .later
    self.summary = summary
  }
}

/// One kind of mapping with its closed set of keys. `x-*` is free in each.
struct MappingShape {
  /// As messages name it: `a chain`, `a connection`.
  let phrase: String
  let keys: [KeyShape]

  func adding(_ more: [KeyShape]) -> MappingShape { MappingShape(phrase: phrase, keys: keys + more) }
}

/// The language's mappings and their keys as data: the one table for the checker, for near names and for the JSON Schema.
/// A connector's own keys stand in its `ConnectorSchema`.
enum LanguageShapes {
  static let chain = MappingShape(
    phrase: "a chain",
    keys: [
      KeyShape("version", isRequired: true, "The language's major version: 1."),
      KeyShape("chain", isRequired: true, "The chain's name."),
      KeyShape("description", "What the chain shows, in a sentence."),
      KeyShape("use", "Imports the flows of other files: a name and a path each."),
      KeyShape("guard", "Which hosts the chain may be run against."),
      KeyShape("connections", "The systems that the chain talks to."),
      KeyShape("secrets", "Values that never appear in output, from the environment or a file."),
      KeyShape("vars", "Values that stay the same during a run and can be given with --var."),
      KeyShape("feeds", "Tables of test data; each iteration draws a row."),
      KeyShape("events", "What is tracked from system to system."),
      KeyShape("flows", "Reusable steps with typed inputs and outputs."),
      KeyShape("setup", "Steps that run once before the load."),
      KeyShape("teardown", "Steps that run once after the load, whatever happened."),
      KeyShape("setup_vu", "Steps that each virtual user runs once before its first iteration."),
      KeyShape("teardown_vu", "Steps that each virtual user runs once after its last iteration."),
      KeyShape("steps", "What one iteration does."),
      KeyShape("scenarios", "Several named step lists, mixed by the load profile."),
      KeyShape("load", "Named profiles of how iterations are started."),
      KeyShape("thresholds", "Claims about the run that decide its exit code."),
      KeyShape("alerts", "Conditions that are watched while the load runs, and whom they tell."),
    ])

  static let guarded = MappingShape(
    phrase: "'guard'",
    keys: [
      KeyShape("hosts", "Hosts that the connections may lead to; any other one is refused."),
      KeyShape("writes", "How many operations that write the whole run may send."),
    ])

  /// Beside the key that names the kind.
  static let connection = MappingShape(
    phrase: "a connection",
    keys: [
      KeyShape("access", "What steps may do with it; the weakest level is the default."),
      KeyShape("pool", "How many connections are opened, or per_vu."),
      KeyShape("acquire_timeout", "How long a step may wait for a free connection; 5s if not given."),
      KeyShape("connect_timeout", "How long connecting may take, authentication included; 5s if not given."),
    ])

  static let variable = MappingShape(
    phrase: "a variable",
    keys: [
      KeyShape("type", isRequired: true, "The variable's type."),
      KeyShape("default", "Its value when --var does not give one."),
    ])

  static let feed = MappingShape(
    phrase: "a feed",
    keys: [
      KeyShape("csv", "The CSV file, relative to the chain's folder; its first line names the columns."),
      KeyShape("json", "A JSON file: an array of objects, one for each row."),
      KeyShape("ndjson", "A file with one JSON object on each line."),
      KeyShape("rows", "The members that are read of each JSON object, with their types."),
      KeyShape("columns", "The columns that are read of a CSV file, with their types."),
      KeyShape("pick", "How rows are drawn: random, sequential or unique."),
      KeyShape("exhausted", "What happens after the last row: again or stop."),
    ])

  static let event = MappingShape(
    phrase: "an event",
    keys: [
      KeyShape("origin", isRequired: true, "The step whose acknowledged end starts the clock."),
      KeyShape("id", isRequired: true, "What correlates the event on every hop."),
      KeyShape("key", "The ordering scope; the id if not given."),
      KeyShape("version", "The number of the change, per key, dense from 1."),
      KeyShape("body", "What every hop must show."),
      KeyShape("deadline", "Later than this is late; 1s if not given."),
      KeyShape("settle", "Not seen by then is lost; 10s if not given."),
      KeyShape("hops", isRequired: true, "Where the event must become visible, in order."),
    ])

  /// Beside an observer and its keys.
  static let hop = MappingShape(
    phrase: "a hop",
    keys: [
      KeyShape("conn", "The connection that is observed."),
      KeyShape("id", isRequired: true, "The event's id, read from what was seen."),
      KeyShape("key", "The event's key, read from what was seen."),
      KeyShape("version", "The event's version, read from what was seen."),
      KeyShape("body", "The event's body, read from what was seen."),
      KeyShape("run", "The run that made it, read from what was seen: what does not equal run.id is another run's, counted as foreign and left alone."),
      KeyShape("expires", "How long entries stay by themselves: at the end of a run that was longer, one that is gone is not missing."),
      KeyShape("guarantees", "What it promises to a session that reads there: read_your_writes, monotonic_reads."),
    ])

  /// What every step may have beside its verb and the verb's own keys.
  static let stepCommon: [KeyShape] = [
    KeyShape("id", "Names the step for thresholds, events and reports."),
    KeyShape("name", "Shown in reports instead of the id."),
    KeyShape("when", "Runs the step only if this holds."),
    KeyShape("retry", "Runs the step again after errors of the classes listed."),
    KeyShape("tags", "Words for grouping."),
    KeyShape("on_error", "continue: count an error of this step and go on."),
  ]

  /// What steps that wait for a result may have besides.
  static let operationCommon: [KeyShape] = [
    KeyShape("conn", "The connection; may be left out when there is only one of the kind."),
    KeyShape("timeout", "How long the operation may take; 10s if not given."),
    KeyShape("capture", "Variables that take their values from the result."),
    KeyShape("check", "Claims about the result; one that fails fails the iteration."),
  ]

  /// The verbs that belong to no connection, and the keys beside them.
  static let controlVerbs: [(verb: KeyShape, keys: [KeyShape])] = [
    (KeyShape("set", "Gives variables values."), []),
    (
      KeyShape("if", "Runs the first branch whose condition holds."),
      [
        KeyShape("then", isRequired: true, "Steps for when the condition holds."),
        KeyShape("elif", "Further conditions, each with its steps."),
        KeyShape("else", "Steps for when no condition holds."),
      ]
    ),
    (
      KeyShape("repeat", "Runs steps a number of times."),
      [KeyShape("as", "A variable that counts from 0."), KeyShape("steps", isRequired: true, "The steps to repeat.")]
    ),
    (KeyShape("think", "Pauses, as a person would."), []),
    (
      KeyShape("await", "Waits for an event's hop, or until a read step shows what is expected."),
      [
        KeyShape("within", "The deadline of the wait."),
        KeyShape("every", "The pause between two looks of a probe: a duration, or start, factor and max."),
        KeyShape("until", "What the probe's result must show."),
        KeyShape("capture", "Variables that take their values from the probe's last result."),
      ]
    ),
    (
      KeyShape("switch", "Runs the case that a value equals."),
      [
        KeyShape("cases", isRequired: true, "Values, each with its steps."),
        KeyShape("default", "Steps for when no case equals the value."),
      ]
    ),
    (KeyShape("branch", "Runs one of several branches, chosen by weight."), []),
    (
      KeyShape("for_each", "Runs steps for each element of a list or a JSON array."),
      [
        KeyShape("as", isRequired: true, "The variable that holds the element."),
        KeyShape("steps", isRequired: true, "The steps for each element."),
      ]
    ),
    (
      KeyShape("while", "Runs steps as long as a condition holds."),
      [
        KeyShape("max", "The upper bound of rounds; every 'while' has one."),
        KeyShape("steps", isRequired: true, "The steps of a round."),
      ]
    ),
    (
      KeyShape("group", "Runs steps as one thing with a time of its own; the operand is its name."),
      [KeyShape("steps", isRequired: true, "The steps in it.")]
    ),
    (
      KeyShape("parallel", "Runs lanes at the same time: all waits for every lane, any for the first that ends well."),
      [KeyShape("lanes", isRequired: true, "The lanes, each a name with its steps.")]
    ),
    (
      KeyShape("call", "Runs a flow's steps."),
      [
        KeyShape("with", "The flow's inputs."),
        KeyShape("capture", "Variables that take their values from the flow's outputs."),
        KeyShape("check", "Claims about the flow's outputs."),
      ]
    ),
    (KeyShape("measure", "Records times between the moments of earlier steps, each as a metric of its own."), []),
    (KeyShape("log", "Writes a text to the run's log."), []),
    (KeyShape("fail", "Fails the iteration with a text."), []),
    (KeyShape("stop", "Ends the iteration well, or the whole run's load: iteration or run."), []),
  ]

  static let retry = MappingShape(
    phrase: "'retry'",
    keys: [
      KeyShape("errors", isRequired: true, "The classes and codes of errors after which the step runs again."),
      KeyShape("max", isRequired: true, "Attempts after the first."),
      KeyShape("backoff", "The pause before an attempt: a duration, or start, factor and max; 10ms, doubled up to 1s, if not given."),
    ])

  static let backoff = MappingShape(
    phrase: "'backoff'",
    keys: [
      KeyShape("start", "The first pause; 10ms if not given."), KeyShape("factor", "How much each pause grows; 2 if not given."),
      KeyShape("max", "The longest pause; 1s if not given."),
    ])

  static let branch = MappingShape(
    phrase: "a branch",
    keys: [
      KeyShape("weight", isRequired: true, "Its share, a positive whole number."), KeyShape("name", "Names it in reports."),
      KeyShape("steps", isRequired: true, "Its steps."),
    ])

  static let measure = MappingShape(
    phrase: "a measure",
    keys: [
      KeyShape("from", isRequired: true, "A moment of an earlier step: step.start or step.end."),
      KeyShape("to", isRequired: true, "A moment of an earlier step: step.start, step.end or step.seen."),
    ])

  static let flow = MappingShape(
    phrase: "a flow",
    keys: [
      KeyShape("description", "What it does, in a sentence."), KeyShape("inputs", "What a call gives it, with types."),
      KeyShape("outputs", "Its variables that a call may read, with types."), KeyShape("steps", isRequired: true, "Its steps."),
    ])

  static let scenario = MappingShape(
    phrase: "a scenario",
    keys: [
      KeyShape("weight", "Its share when the profile has no 'mix'; 1 if not given."),
      KeyShape("steps", isRequired: true, "What one iteration of it does."),
    ])

  static let secret = MappingShape(
    phrase: "a secret",
    keys: [KeyShape("env", "The environment variable that holds it."), KeyShape("file", "The file that holds it.")])

  /// What a file that others import may have.
  static let libraryKeys = ["version", "chain", "description", "use", "connections", "vars", "flows"]

  static let alternative = MappingShape(
    phrase: "an 'elif' entry",
    keys: [
      KeyShape("if", isRequired: true, "The condition."), KeyShape("then", isRequired: true, "Steps for when it holds."),
    ])

  static let think = MappingShape(
    phrase: "'think'", keys: [KeyShape("uniform", isRequired: true, "The shortest and the longest pause.")])

  static let every = MappingShape(
    phrase: "'every'",
    keys: [
      KeyShape("start", "The first pause; 50us if not given."), KeyShape("factor", "How much each pause grows; 1.25 if not given."),
      KeyShape("max", "The longest pause; 100ms if not given."),
    ])

  static let profile = MappingShape(
    phrase: "a load profile",
    keys: [
      KeyShape("closed", "A fixed number of virtual users."), KeyShape("open", "Iterations that arrive at a rate."),
      KeyShape("warmup", "Time at the start that is kept out of the figures."),
      KeyShape("graceful_stop", "Time for running iterations to finish; 30s if not given."),
      KeyShape("mix", "Shares of the scenarios, instead of their weights."),
      KeyShape("backoff", "How long a user rests after an iteration that failed: none (default), a duration, or start, factor, max and jitter."),
    ])

  static let closed = MappingShape(
    phrase: "a closed load",
    keys: [
      KeyShape("vus", "Virtual users; with 'stages' how many there are at the start, 0 if not given."),
      KeyShape("iterations", "Iterations in all."),
      KeyShape("iterations_per_vu", "Iterations of each virtual user."),
      KeyShape("for", "How long iterations are started."),
      KeyShape("stages", "Numbers of virtual users over time."),
      KeyShape("start_offset", "Spreads the users' first starts over a time: a duration, or over and spread."),
      KeyShape("pacing", "The time from one start of a user's iteration to its next, at least: a duration, uniform or exponential."),
    ])

  static let userStage = MappingShape(phrase: "a stage", keys: stageKeys("users"))
  static let rateStage = MappingShape(phrase: "a stage", keys: stageKeys("rate"))

  private static func stageKeys(_ what: String) -> [KeyShape] {
    [
      KeyShape("to", "The \(what) at the stage's end."), KeyShape("over", "How long the straight way there takes; at once if not given."),
      KeyShape("hold", "How long the \(what) stays as it is."),
    ]
  }

  static let spike = MappingShape(
    phrase: "a spike",
    keys: [
      KeyShape("base", isRequired: true, "The rate before and after."), KeyShape("peak", isRequired: true, "The rate in it."),
      KeyShape("at", isRequired: true, "When it begins."), KeyShape("for", isRequired: true, "How long it lasts."),
    ])

  static let steps = MappingShape(
    phrase: "'step'",
    keys: [
      KeyShape("from", isRequired: true, "The first rate."), KeyShape("by", isRequired: true, "How much each step adds, or takes away where 'to' is below 'from'."),
      KeyShape("every", isRequired: true, "How long each rate lasts, the last one too."), KeyShape("to", isRequired: true, "The last rate."),
    ])

  static let curve = MappingShape(
    phrase: "'curve'",
    keys: [
      KeyShape("csv", isRequired: true, "The CSV file, relative to the chain's folder, with the columns seconds and rate."),
      KeyShape("between", "What the rate is between two rows: line (default), a straight way, or step, that of the earlier row."),
    ])

  static let startOffset = MappingShape(
    phrase: "'start_offset'",
    keys: [
      KeyShape("over", isRequired: true, "The time over which the users start."),
      KeyShape("spread", "even (default): user i of n after i/n of it; random: each at a random time of it."),
    ])

  static let pacing = MappingShape(
    phrase: "'pacing'",
    keys: [KeyShape("uniform", "The shortest and the longest time."), KeyShape("exponential", "The mean time.")])

  static let errorBackoff = MappingShape(
    phrase: "'backoff'",
    keys: [
      KeyShape("start", "The rest after the first failed iteration; 100ms if not given."),
      KeyShape("factor", "How much it grows while the user's iterations go on failing; 2 if not given."),
      KeyShape("max", "The longest rest; 30s if not given."),
      KeyShape("jitter", "The part of a rest of which a random share is left out; 50% if not given."),
    ])

  static let open = MappingShape(
    phrase: "an open load",
    keys: [
      KeyShape("rate", "Arrivals: 200/s; with 'stages' the rate at the start, 0/s if not given."),
      KeyShape("for", "How long iterations arrive; with 'rate' and 'spike'."),
      KeyShape("arrivals", "constant (default), poisson or uniform."),
      KeyShape("max_vus", "Virtual users at most; 1000 if not given."),
      KeyShape("on_saturation", "queue (default): an arrival waits for a user; drop: it is counted as dropped."),
      KeyShape("stages", "Rates over time."), KeyShape("spike", "A peak on a base rate."),
      KeyShape("step", "A rate that grows by steps."), KeyShape("curve", "A recorded rate: the path of a CSV file, or csv and between."),
    ])

  static let threshold = MappingShape(
    phrase: "a threshold",
    keys: [
      KeyShape("check", isRequired: true, "The claim."),
      KeyShape("over", "Windows that it is checked over, one after the other: 30s. Without it, the whole run."),
      KeyShape("for", "Windows in a row that it must fail; 1 if not given."),
      KeyShape("abort", "true: ends the load when it fails; checked each second where there is no 'over'."),
    ])

  static let alert = MappingShape(
    phrase: "an alert",
    keys: [
      KeyShape("name", isRequired: true, "Its name, for people."), KeyShape("when", isRequired: true, "The condition under which it fires."),
      KeyShape("over", "The stretch before each second that it is judged by, whole seconds up to 1h; 10s if not given."),
      KeyShape("for", "Seconds in a row in which it must hold before it fires; 1 if not given."),
      KeyShape("resolve_after", "Seconds in a row in which it must not hold before it is resolved; as 'for' if not given."),
      KeyShape("every", "Tells it again after each such time while it goes on holding; once if not given."),
      KeyShape("run", "A command and its arguments, as a list; a path starts at the chain's folder, and no shell reads it."),
      KeyShape("webhook", "An address that is posted to: $secrets.NAME, $env.NAME or literal."),
      KeyShape("timeout", "How long an action may take before it is ended; 10s if not given."),
    ])
}
