package import LosslessJSON

/// Which question the load asks: arrivals that come whatever happens, or users who wait for their answers.
package enum LoadModel: String, Hashable, Sendable {
  case open, closed
}

/// The journal's first record: everything that is known before the first iteration.
package struct JournalStart: JournalRecord, Hashable {
  package static let kind = JournalKind.start
  package static let currentFormat = 1

  package var format = currentFormat
  package var runID = ""
  /// What took part: `chainrun`, `swift`, `kernel`, servers where they told their version.
  package var versions: [NamedText] = []
  package var host = HostInfo()

  package var chain = ""
  package var chainFile = ""
  /// Of everything that was compiled in: the chain's text, its imports, the texts that steps name, the rows of its feeds.
  package var chainHash = ""
  /// What the command line set (`--var`), by name; a value that may be a secret is not among them, its name is.
  package var variables: [NamedText] = []
  /// Which systems were told the trace (`--traceparent`): `http,amqp,sql` or a part of it.
  package var traceContext = ""
  /// Whether servers were asked about themselves (`--server-view`); nil where the journal does not say.
  package var viewsServers: Bool?
  /// What thresholds were held against; nil without any.
  package var baseline: BaselineInfo?
  package var profile = ""
  /// The profile as one line for people: `open, 200/s constant, 30 s`.
  package var profileText = ""
  package var model = LoadModel.closed
  package var seed: UInt64 = 0
  /// What was asked, where the profile says it; nil where it does not.
  package var askedArrivalsPerSecond: Double?
  package var askedArrivals: UInt64?
  package var askedUsers: Int?
  package var askedNanoseconds: UInt64?
  package var warmUpNanoseconds: UInt64 = 0

  /// One instant on both clocks: CLOCK_MONOTONIC and CLOCK_REALTIME, nanoseconds.
  package var monotonicNanoseconds: UInt64 = 0
  package var realtimeNanoseconds: UInt64 = 0

  /// Tables: other records name their rows by position.
  package var connections: [ConnectionInfo] = []
  package var steps: [StepInfo] = []
  package var measures: [String] = []
  package var events: [EventInfo] = []
  package var checks: [CheckInfo] = []
  /// What error patterns are looked for in: alternatives of control steps, feeds, and the steps that have a `retry:`.
  package var arms: [ArmsInfo] = []
  package var feeds: [FeedInfo] = []
  /// What servers tell about themselves; those of one connection stand together.
  package var serverFigures: [ServerFigureInfo] = []
  package var thresholds: [String] = []
  /// Each threshold in a form that can be decided again from the journal alone (`ThresholdRule`); as many as `thresholds`.
  package var thresholdRules: [String] = []
  package var alerts: [AlertInfo] = []

  package init() {}
}

package struct NamedText: Hashable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Runs that the thresholds of this one were held against.
package struct BaselineInfo: Hashable, Sendable {
  package var file: String
  package var runs: Int
  /// Seconds since 1970.
  package var setAt: Double
  /// How its runs observed each hop: `order_created.cached tracking`.
  package var observation: [String]

  package init(file: String, runs: Int, setAt: Double, observation: [String]) {
    self.file = file
    self.runs = runs
    self.setAt = setAt
    self.observation = observation
  }
}

package struct HostInfo: Hashable, Sendable {
  package var name = ""
  package var kernel = ""
  package var processor = ""
  /// CPUs that affinity and cgroup allow.
  package var cpusAllowed: Double = 0
  package var reactors = 0

  package init() {}
}

package struct StepInfo: Hashable, Sendable {
  package var id: String
  /// The verb: `sql`, `publish`, `redis`, `http`, `await`.
  package var verb: String
  /// Locust's "Type" column: the operation in short (`INSERT`, `PUBLISH`, `GET`), or the verb in capitals.
  package var method: String
  package var connection: String?
  /// Line in the chain file, from 1; 0 where unknown.
  package var line: Int
  /// False for control and waiting steps, which are no throughput (`await`, `think`).
  package var countsAsOperation: Bool

  package init(id: String, verb: String, method: String = "", connection: String? = nil, line: Int = 0, countsAsOperation: Bool = true) {
    self.id = id
    self.verb = verb
    self.method = method.isEmpty ? verb.uppercased() : method
    self.connection = connection
    self.line = line
    self.countsAsOperation = countsAsOperation
  }
}

package struct EventInfo: Hashable, Sendable {
  package var name: String
  package var originStep: Int?
  package var deadlineNanoseconds: UInt64?
  package var settleNanoseconds: UInt64?
  package var hops: [HopInfo]

  package init(name: String, originStep: Int? = nil, deadlineNanoseconds: UInt64? = nil, settleNanoseconds: UInt64? = nil, hops: [HopInfo])
  {
    self.name = name
    self.originStep = originStep
    self.deadlineNanoseconds = deadlineNanoseconds
    self.settleNanoseconds = settleNanoseconds
    self.hops = hops
  }
}

package struct HopInfo: Hashable, Sendable {
  package var name: String
  package var connection: String
  /// How it is observed: `tap`, `tracking`, `keyspace`, `poll`, `bracket`.
  package var how: String
  /// What is watched, for people: the exchange or the key pattern.
  package var target: String
  /// What it promises to a session that reads there.
  package var guarantees: [GuaranteeInfo]

  package init(name: String, connection: String = "", how: String = "", target: String = "", guarantees: [GuaranteeInfo] = []) {
    self.name = name
    self.connection = connection
    self.how = how
    self.target = target
    self.guarantees = guarantees
  }
}

package struct CheckInfo: Hashable, Sendable {
  package var step: Int
  package var text: String
  package var line: Int

  package init(step: Int, text: String, line: Int = 0) {
    self.step = step
    self.text = text
    self.line = line
  }
}

extension JournalStart {
  package func writeMembers(to json: inout JSONWriter) {
    json.member("format", format)
    json.member("run", runID)
    json.objects("versions", versions) { version, json in
      json.member("name", version.name)
      json.member("value", version.value)
    }
    json.key("host")
    json.beginObject()
    json.member("name", host.name)
    json.member("kernel", host.kernel)
    json.member("processor", host.processor)
    json.member("cpus", host.cpusAllowed)
    json.member("reactors", host.reactors)
    json.endObject()
    json.member("chain", chain)
    json.member("chain_file", chainFile)
    json.member("chain_hash", chainHash)
    json.objects("variables", variables) { variable, json in
      json.member("name", variable.name)
      json.member("value", variable.value)
    }
    if !traceContext.isEmpty { json.member("traceparent", traceContext) }
    json.optional("server_view", viewsServers)
    if let baseline {
      json.key("baseline")
      json.beginObject()
      json.member("file", baseline.file)
      json.member("runs", baseline.runs)
      json.member("set_at", baseline.setAt)
      json.list("observation", baseline.observation) { $1.string($0) }
      json.endObject()
    }
    json.member("profile", profile)
    json.member("profile_text", profileText)
    json.member("model", model.rawValue)
    json.member("seed", seed)
    json.optional("asked_rate", askedArrivalsPerSecond)
    json.optional("asked_arrivals", askedArrivals)
    json.optional("asked_users", askedUsers)
    json.optional("asked_ns", askedNanoseconds)
    json.nonZero("warm_up_ns", warmUpNanoseconds)
    json.member("mono_ns", monotonicNanoseconds)
    json.member("real_ns", realtimeNanoseconds)
    json.objects("connections", connections) { connection, json in
      json.member("name", connection.name)
      json.member("kind", connection.kind)
      json.optional("pool", connection.poolSize)
      json.optional("acquire_ns", connection.acquireTimeoutNanoseconds)
      json.optional("connect_ns", connection.connectTimeoutNanoseconds)
    }
    json.objects("steps", steps) { step, json in
      json.member("id", step.id)
      json.member("verb", step.verb)
      json.member("method", step.method)
      json.optional("conn", step.connection)
      json.member("line", step.line)
      if !step.countsAsOperation { json.member("operation", false) }
    }
    json.list("measures", measures) { $1.string($0) }
    json.objects("events", events) { event, json in
      json.member("name", event.name)
      json.optional("origin", event.originStep)
      json.optional("deadline_ns", event.deadlineNanoseconds)
      json.optional("settle_ns", event.settleNanoseconds)
      json.objects("hops", event.hops) { hop, json in
        json.member("name", hop.name)
        json.member("conn", hop.connection)
        json.member("how", hop.how)
        json.member("target", hop.target)
        json.objects("guarantees", hop.guarantees) { guarantee, json in
          json.member("name", guarantee.guarantee.rawValue)
          json.member("required", guarantee.isRequired)
        }
      }
    }
    json.objects("checks", checks) { check, json in
      json.member("step", check.step)
      json.member("text", check.text)
      json.member("line", check.line)
    }
    json.objects("arms", arms) { $0.writeMembers(to: &$1) }
    json.objects("feeds", feeds) { feed, json in
      json.member("name", feed.name)
      json.member("rows", feed.rows)
    }
    json.objects("server_figures", serverFigures) { $0.writeMembers(to: &$1) }
    json.list("thresholds", thresholds) { $1.string($0) }
    json.list("threshold_rules", thresholdRules) { $1.string($0) }
    json.objects("alerts", alerts) { $0.writeMembers(to: &$1) }
  }

  package init(_ json: JSONValue) {
    self.init()
    format = json.int("format")
    runID = json.text("run")
    versions = json.list("versions") { NamedText($0.text("name"), $0.text("value")) }
    if let host = json["host"] {
      self.host.name = host.text("name")
      self.host.kernel = host.text("kernel")
      self.host.processor = host.text("processor")
      self.host.cpusAllowed = host.double("cpus")
      self.host.reactors = host.int("reactors")
    }
    chain = json.text("chain")
    chainFile = json.text("chain_file")
    chainHash = json.text("chain_hash")
    variables = json.list("variables") { NamedText($0.text("name"), $0.text("value")) }
    traceContext = json.text("traceparent")
    viewsServers = json["server_view"]?.bool
    baseline = json["baseline"].map {
      BaselineInfo(file: $0.text("file"), runs: $0.int("runs"), setAt: $0.double("set_at"), observation: $0.texts("observation"))
    }
    profile = json.text("profile")
    profileText = json.text("profile_text")
    model = LoadModel(rawValue: json.text("model")) ?? .closed
    seed = json.unsigned("seed")
    askedArrivalsPerSecond = json.optionalDouble("asked_rate")
    askedArrivals = json.optionalUnsigned("asked_arrivals")
    askedUsers = json.optionalInt("asked_users")
    askedNanoseconds = json.optionalUnsigned("asked_ns")
    warmUpNanoseconds = json.unsigned("warm_up_ns")
    monotonicNanoseconds = json.unsigned("mono_ns")
    realtimeNanoseconds = json.unsigned("real_ns")
    connections = json.list("connections") {
      ConnectionInfo(
        name: $0.text("name"), kind: $0.text("kind"), poolSize: $0.optionalInt("pool"),
        acquireTimeoutNanoseconds: $0.optionalUnsigned("acquire_ns"), connectTimeoutNanoseconds: $0.optionalUnsigned("connect_ns"))
    }
    steps = json.list("steps") {
      StepInfo(
        id: $0.text("id"), verb: $0.text("verb"), method: $0.text("method"), connection: $0.optionalText("conn"), line: $0.int("line"),
        countsAsOperation: $0["operation"]?.bool ?? true)
    }
    measures = json.texts("measures")
    events = json.list("events") { event in
      EventInfo(
        name: event.text("name"), originStep: event.optionalInt("origin"), deadlineNanoseconds: event.optionalUnsigned("deadline_ns"),
        settleNanoseconds: event.optionalUnsigned("settle_ns"),
        hops: event.list("hops") {
          HopInfo(
            name: $0.text("name"), connection: $0.text("conn"), how: $0.text("how"), target: $0.text("target"),
            guarantees: $0.list("guarantees") { guarantee in
              SessionGuarantee(rawValue: guarantee.text("name")).map { GuaranteeInfo($0, isRequired: guarantee.bool("required")) }
            }.compactMap(\.self))
        })
    }
    checks = json.list("checks") { CheckInfo(step: $0.int("step"), text: $0.text("text"), line: $0.int("line")) }
    arms = json.list("arms") { ArmsInfo($0) }
    feeds = json.list("feeds") { FeedInfo(name: $0.text("name"), rows: $0.int("rows")) }
    serverFigures = json.list("server_figures") { ServerFigureInfo($0) }
    thresholds = json.texts("thresholds")
    thresholdRules = json.texts("threshold_rules")
    alerts = json.list("alerts") { AlertInfo($0) }
  }
}
