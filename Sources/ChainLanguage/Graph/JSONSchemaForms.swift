internal import ChainProgram

/// What may stand under a key, as far as a schema can say it.
indirect enum JSONSchemaForm: Sendable {
  /// Text, or what YAML makes a number or a bool of: the checker reads the text of each.
  case scalar
  /// As `scalar`, and `null`: an expression.
  case expression
  case string
  /// A name: letters, digits and `_`.
  case name
  case duration
  case rate
  case number
  case integer(ClosedRange<Int>)
  case flag
  case choice([String])
  case type
  case steps
  case list(JSONSchemaForm, atLeast: Int = 0, atMost: Int? = nil, orNull: Bool = false)
  case oneOrList(JSONSchemaForm)
  /// A mapping whose keys are names.
  case names(JSONSchemaForm, atLeast: Int = 0)
  /// A mapping whose keys are free.
  case values(JSONSchemaForm)
  case definition(String)
  case either([JSONSchemaForm])
  case anything
}

/// The form of every key of `LanguageShapes`, by the mapping that it stands in. A connector's keys say theirs themselves.
///
/// A key without a form here takes anything in the schema; a test says so.
enum JSONSchemaForms {
  static func form(of key: String, in mapping: String) -> JSONSchemaForm? { table["\(mapping)/\(key)"] }

  private static let count: JSONSchemaForm = .integer(0...1_000_000_000)
  private static let positive: JSONSchemaForm = .integer(1...1_000_000_000)

  static let table: [String: JSONSchemaForm] = [
    "chain/version": .choice(["1"]), "chain/chain": .scalar, "chain/description": .scalar, "chain/use": .names(.string),
    "chain/guard": .definition("guard"), "chain/connections": .names(.definition("connection")),
    "chain/secrets": .names(.definition("secret")), "chain/vars": .names(.either([.scalar, .definition("variable")])),
    "chain/feeds": .names(.definition("feed")), "chain/events": .names(.definition("event")), "chain/flows": .names(.definition("flow")),
    "chain/setup": .steps, "chain/teardown": .steps, "chain/setup_vu": .steps, "chain/teardown_vu": .steps, "chain/steps": .steps,
    "chain/scenarios": .names(.definition("scenario"), atLeast: 1), "chain/load": .names(.definition("profile")),
    "chain/thresholds": .list(.either([.string, .definition("threshold")]), orNull: true),
    "chain/alerts": .list(.definition("alert"), orNull: true),

    "guard/hosts": .list(.scalar), "guard/writes": count,

    "connection/access": .string, "connection/pool": .either([.integer(1...10_000), .choice(["per_vu"])]),
    "connection/acquire_timeout": .duration, "connection/connect_timeout": .duration,

    "secret/env": .string, "secret/file": .string, "variable/type": .type, "variable/default": .scalar,

    "feed/csv": .string, "feed/json": .string, "feed/ndjson": .string, "feed/rows": .names(.type, atLeast: 1),
    "feed/columns": .names(.type, atLeast: 1), "feed/pick": .choice(FeedDeclaration.Pick.allCases.map(\.rawValue)),
    "feed/exhausted": .choice(FeedDeclaration.Exhaustion.allCases.map(\.rawValue)),

    "event/origin": .string, "event/id": .expression, "event/key": .expression, "event/version": .expression,
    "event/body": .names(.expression), "event/deadline": .duration, "event/settle": .duration,
    "event/hops": .names(.definition("hop"), atLeast: 1),
    "hop/conn": .name, "hop/id": .expression, "hop/key": .expression, "hop/version": .expression, "hop/run": .expression, "hop/expires": .duration, "hop/body": .names(.expression),
    "hop/guarantees": .either([
      .list(.choice(HopGuarantees.Kind.allCases.map(\.rawValue)), atLeast: 1), .names(.choice(HopGuarantees.Demand.allCases.map(\.rawValue)), atLeast: 1),
    ]),

    "flow/description": .scalar, "flow/inputs": .names(.type), "flow/outputs": .names(.type), "flow/steps": .steps,
    "scenario/weight": count, "scenario/steps": .steps,

    "profile/closed": .definition("closed"), "profile/open": .definition("open"), "profile/warmup": .duration,
    "profile/graceful_stop": .duration, "profile/mix": .names(.scalar),
    "profile/backoff": .either([.choice(["none"]), .duration, .definition("error_backoff")]),
    "error_backoff/start": .duration, "error_backoff/factor": .number, "error_backoff/max": .duration, "error_backoff/jitter": .scalar,
    "closed/vus": positive, "closed/iterations": positive, "closed/iterations_per_vu": positive, "closed/for": .duration,
    "closed/stages": .list(.definition("user_stage"), atLeast: 1),
    "closed/start_offset": .either([.duration, .definition("start_offset")]), "start_offset/over": .duration,
    "start_offset/spread": .choice(["even", "random"]),
    "closed/pacing": .either([.duration, .definition("pacing")]), "pacing/uniform": .list(.duration, atLeast: 2, atMost: 2),
    "pacing/exponential": .duration,
    "user_stage/to": count, "user_stage/over": .duration, "user_stage/hold": .duration,
    "open/rate": .rate, "open/for": .duration, "open/arrivals": .choice(["constant", "poisson", "uniform"]), "open/max_vus": positive,
    "open/on_saturation": .choice(["queue", "drop"]), "open/stages": .list(.definition("rate_stage"), atLeast: 1),
    "rate_stage/to": .rate, "rate_stage/over": .duration, "rate_stage/hold": .duration,
    "open/spike": .definition("load_spike"), "load_spike/base": .rate, "load_spike/peak": .rate, "load_spike/at": .duration,
    "load_spike/for": .duration,
    "open/step": .definition("load_steps"), "load_steps/from": .rate, "load_steps/by": .rate, "load_steps/every": .duration,
    "load_steps/to": .rate,
    "open/curve": .either([.string, .definition("rate_curve")]), "rate_curve/csv": .string, "rate_curve/between": .choice(["line", "step"]),
    "alert/name": .scalar, "alert/when": .string, "alert/over": .duration, "alert/for": .integer(1...3_600),
    "alert/resolve_after": .integer(1...3_600), "alert/every": .duration, "alert/run": .list(.scalar, atLeast: 1), "alert/webhook": .string,
    "alert/timeout": .duration,
    "threshold/check": .string, "threshold/over": .duration, "threshold/for": positive, "threshold/abort": .flag,

    "every step/id": .name, "every step/name": .scalar, "every step/when": .expression, "every step/retry": .definition("retry"),
    "every step/tags": .list(.scalar), "every step/on_error": .choice(["continue", "fail"]),
    "connection step/conn": .name, "connection step/timeout": .duration, "connection step/capture": .names(.expression),
    "connection step/check": .oneOrList(.expression),

    "step set/set": .names(.expression), "step if/if": .expression, "step if/then": .steps,
    "step if/elif": .list(.definition("elif")), "step if/else": .steps, "elif/if": .expression, "elif/then": .steps,
    "step repeat/repeat": count, "step repeat/as": .name, "step repeat/steps": .steps,
    "step think/think": .either([.duration, .definition("think")]), "think/uniform": .list(.duration, atLeast: 2, atMost: 2),
    "step await/await": .either([.string, .definition("probe")]), "step await/within": .duration,
    "step await/every": .either([.duration, .definition("every")]), "step await/until": .expression,
    "step await/capture": .names(.expression),
    "every/start": .duration, "every/factor": .number, "every/max": .duration,
    "step switch/switch": .expression, "step switch/cases": .values(.steps), "step switch/default": .steps,
    "step branch/branch": .list(.definition("branch"), atLeast: 1), "branch/weight": .integer(1...1_000_000), "branch/name": .scalar,
    "branch/steps": .steps,
    "step for_each/for_each": .expression, "step for_each/as": .name, "step for_each/steps": .steps,
    "step while/while": .expression, "step while/max": positive, "step while/steps": .steps,
    "step group/group": .scalar, "step group/steps": .steps,
    "step parallel/parallel": .choice(["all", "any"]), "step parallel/lanes": .names(.steps, atLeast: 1),
    "step call/call": .string, "step call/with": .values(.anything), "step call/capture": .names(.expression),
    "step call/check": .oneOrList(.expression),
    "step measure/measure": .names(.definition("measure"), atLeast: 1), "measure/from": .string, "measure/to": .string,
    "step log/log": .scalar, "step fail/fail": .scalar, "step stop/stop": .choice(["iteration", "run"]),
    "retry/errors": .oneOrList(.scalar), "retry/max": positive, "retry/backoff": .either([.duration, .definition("backoff")]),
    "backoff/start": .duration, "backoff/factor": .number, "backoff/max": .duration,
  ]

  /// Keys of which a mapping has exactly one group; those that the table of keys does not have are left out.
  static let alternatives: [String: [[String]]] = [
    "feed": [["csv", "columns"], ["json", "rows"], ["ndjson", "rows"]], "secret": [["env"], ["file"]], "profile": [["closed"], ["open"]],
    "closed": [["vus", "iterations"], ["vus", "iterations_per_vu"], ["vus", "for"], ["stages"]],
    "open": [["rate", "for"], ["spike", "for"], ["stages"], ["step"], ["curve"]],
    "user_stage": [["to"], ["hold"]], "rate_stage": [["to"], ["hold"]], "pacing": [["uniform"], ["exponential"]],
  ]

  /// Keys that the checker wants although the table of keys does not say so, since they have a finding of their own.
  static let alsoRequired: [String: [String]] = ["while": ["max"]]

  static func form(of operand: OperandForm) -> JSONSchemaForm {
    switch operand {
    case .sql, .sqlOfIDs, .request, .fileOrText: .string
    case .words: .oneOrList(.scalar)
    case .text, .place: .scalar
    case .json: .anything
    case .textMap: .values(.scalar)
    case .flag: .flag
    case .integer: .integer(-1_000_000_000_000...1_000_000_000_000)
    case .duration: .duration
    case .choice(let words): .choice(words)
    case .wordList(let words): .oneOrList(words.isEmpty ? .scalar : .choice(words))
    case .block: .steps
    }
  }
}
