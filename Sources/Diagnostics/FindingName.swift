/// The name of every finding: the one table, with what each rule says.
///
/// A name is never reused for another rule, since files carry `# lint: allow <name>` and scripts match on it.
/// To add one: a case, and its severity and sentence in `entry`.
package enum FindingName: String, Sendable, CaseIterable, Hashable {
  // What the file is made of
  case fileUnreadable = "file-unreadable"
  case invalidEncoding = "invalid-encoding"
  case yamlSyntax = "yaml-syntax"
  case yamlCommentTruncation = "yaml-comment-truncation"
  case severalDocuments = "several-documents"
  case mergeKeyRefused = "merge-key-refused"
  case tagRefused = "tag-refused"
  case aliasRefused = "alias-refused"
  case limitExceeded = "limit-exceeded"

  // What a mapping may hold
  case unknownKey = "unknown-key"
  case missingKey = "missing-key"
  case duplicateKey = "duplicate-key"
  case wrongNodeKind = "wrong-node-kind"
  case badValue = "bad-value"
  case badLiteral = "bad-literal"
  case badExpression = "bad-expression"
  case notSupportedYet = "not-supported-yet"

  // Names
  case duplicateName = "duplicate-name"
  case unknownName = "unknown-name"
  case useBeforeCapture = "use-before-capture"
  case ambiguousConnection = "ambiguous-connection"
  case importCycle = "import-cycle"

  // Types
  case typeMismatch = "type-mismatch"
  case nullableUse = "nullable-use"
  case secretLeak = "secret-leak"
  case sqlQuotedInterpolation = "sql-quoted-interpolation"

  // Steps
  case noVerb = "no-verb"
  case twoVerbs = "two-verbs"
  case writeOnReadConnection = "write-on-read-connection"
  case consumeNotAllowed = "consume-not-allowed"
  case redisDestructive = "redis-destructive"
  case commandRefused = "command-refused"
  case peekDeliveryLimit = "peek-delivery-limit"
  case awaitWithoutDeadline = "await-without-deadline"
  case deadlineExceedsTimeout = "deadline-exceeds-timeout"
  case checkInsideProbe = "check-inside-probe"
  case whileWithoutMax = "while-without-max"
  case branchWeightZero = "branch-weight-zero"

  // The whole run
  case thresholdSelector = "threshold-selector"
  case alertWithoutAction = "alert-without-action"
  case alertCommand = "alert-command"
  case webhookPassword = "webhook-password"
  case guaranteeNotCheckable = "guarantee-not-checkable"
  case feedUnreadable = "feed-unreadable"
  case feedTooSmallForUnique = "feed-too-small-for-unique"
  case poolSelfDeadlock = "pool-self-deadlock"
  case emptyLoad = "empty-load"
  case spikeOutsideRun = "spike-outside-run"
  case spikeBelowBase = "spike-below-base"
  case stepNeverReaches = "step-never-reaches"
  case curveUnreadable = "curve-unreadable"

  // What will run, and probably not as meant
  case unusedCapture = "unused-capture"
  case unreachableStep = "unreachable-step"
  case keyWithoutRunScope = "key-without-run-scope"
  case poolSmallerThanUsers = "pool-smaller-than-users"
  case rateInfeasible = "rate-infeasible"
  case idleStage = "idle-stage"
  case warmUpExceedsLoad = "warmup-exceeds-load"
  case startOffsetExceedsLoad = "start-offset-exceeds-load"
  case thinkInsideTransaction = "think-inside-transaction"
  case awaitInsideTransaction = "await-inside-transaction"
  case ambiguousScalar = "ambiguous-scalar"
  case unusedAllowance = "unused-allowance"

  // What the systems themselves say, with 'lint --online'
  case onlineUnreachable = "online-unreachable"
  case onlineUnchecked = "online-unchecked"
  case onlineVersion = "online-version"
  case onlineStatementError = "online-statement-error"
  case onlineUnknownColumn = "online-unknown-column"
  case onlineParameterType = "online-parameter-type"
  case onlineCaptureType = "online-capture-type"
  case onlineMissingExchange = "online-missing-exchange"
  case onlineMissingQueue = "online-missing-queue"
  case onlinePermission = "online-permission"

  /// Whether only a look at the systems gives it.
  package var isOnline: Bool { rawValue.hasPrefix("online-") }

  /// The severity that a finding of this name has unless it says otherwise.
  package var severity: Severity {
    entry.severity
  }

  /// The rule as one sentence, without the particulars of a file.
  package var rule: String {
    entry.rule
  }

  private var entry: (severity: Severity, rule: String) {
    switch self {
    case .fileUnreadable: (.error, "a chain file that is named could not be read")
    case .invalidEncoding: (.error, "a file is UTF-8 text without control or direction-changing characters")
    case .yamlSyntax: (.error, "the file is not YAML")
    case .yamlCommentTruncation: (.error, "' #' starts a comment in YAML and cut an expression or a quoted text short")
    case .severalDocuments: (.error, "a file holds one YAML document")
    case .mergeKeyRefused: (.error, "the merge key '<<' is not part of YAML 1.2 and hides where a key comes from")
    case .tagRefused: (.error, "only the tags of the YAML core schema mean something here")
    case .aliasRefused: (.error, "an alias names an anchor that stands before it and is complete")
    case .limitExceeded: (.error, "a file, its nesting, its nodes and its texts have upper limits")
    case .unknownKey: (.error, "each mapping has a closed set of keys")
    case .missingKey: (.error, "a key that is required is not there")
    case .duplicateKey: (.error, "a key stands once in a mapping")
    case .wrongNodeKind: (.error, "a text, a list or a mapping stands where another of them is expected")
    case .badValue: (.error, "a value is not one of those that the key takes")
    case .badLiteral: (.error, "a duration, rate, size, percentage or number is not written as one")
    case .badExpression: (.error, "an expression does not follow the grammar")
    case .notSupportedYet: (.error, "the language has this, this version of the program does not")
    case .duplicateName: (.error, "a name is given once in its scope")
    case .unknownName: (.error, "a name is declared, captured or built in before it is used")
    case .useBeforeCapture: (.error, "a variable is read before the step that captures it")
    case .ambiguousConnection: (.error, "'conn' is needed where several connections of the kind exist")
    case .importCycle: (.error, "files do not import each other in a circle")
    case .typeMismatch: (.error, "a value has the type that its place expects")
    case .nullableUse: (.error, "a value that may be null is handled before it is used")
    case .secretLeak: (.error, "a secret is not turned into text")
    case .sqlQuotedInterpolation: (.error, "'${…}' in SQL is a bound parameter and takes no quotes")
    case .noVerb: (.error, "a step has exactly one verb")
    case .twoVerbs: (.error, "a step has exactly one verb")
    case .writeOnReadConnection: (.error, "a connection writes only with 'access: write'")
    case .consumeNotAllowed: (.error, "a queue is consumed only with 'access: consume'")
    case .commandRefused: (.error, "a command needs nothing that a connection shared by all users cannot give")
    case .redisDestructive: (.error, "a Redis command that harms others is refused")
    case .peekDeliveryLimit: (.error, "'peek' counts as a delivery and is refused where deliveries are limited")
    case .awaitWithoutDeadline: (.error, "every wait has a deadline")
    case .deadlineExceedsTimeout: (.error, "a wait ends before the step around it times out")
    case .checkInsideProbe: (.error, "a probe is repeated, so it has 'until' and no 'check'")
    case .whileWithoutMax: (.error, "a 'while' loop has an upper bound")
    case .branchWeightZero: (.error, "the weights of a branch are positive")
    case .thresholdSelector: (.error, "a threshold or an alert names a metric that the chain has")
    case .alertWithoutAction: (.error, "an alert tells somebody")
    case .alertCommand: (.error, "the command of an alert is there and can be run")
    case .webhookPassword: (.error, "a webhook's address has no password in the chain")
    case .guaranteeNotCheckable: (.error, "a guarantee is asked for where what is mapped can tell whether it was kept")
    case .feedUnreadable: (.error, "the file of a feed could not be read")
    case .feedTooSmallForUnique: (.error, "a feed with 'pick: unique' has a row for each iteration")
    case .poolSelfDeadlock: (.error, "a user never holds a connection while it waits for another of the same pool")
    case .emptyLoad: (.error, "a load profile starts at least one iteration")
    case .spikeOutsideRun: (.error, "a spike lies within the time that the load lasts")
    case .spikeBelowBase: (.error, "the peak of a spike is above its base")
    case .stepNeverReaches: (.error, "the steps of a rate reach the rate that they go to")
    case .curveUnreadable: (.error, "the file of a recorded rate has rows of ascending seconds and rates")
    case .unusedCapture: (.warning, "a captured variable is never read")
    case .unreachableStep: (.warning, "a step can never be reached")
    case .keyWithoutRunScope: (.warning, "a key that the run writes does not carry the run's id")
    case .poolSmallerThanUsers: (.warning, "users wait for each other because the pool has fewer connections")
    case .rateInfeasible: (.warning, "the rate cannot be kept with these limits")
    case .idleStage: (.warning, "a load neither begins nor ends with a stage in which nothing runs")
    case .warmUpExceedsLoad: (.warning, "the warm-up is shorter than the load")
    case .startOffsetExceedsLoad: (.warning, "every user starts before the load ends")
    case .thinkInsideTransaction: (.warning, "a pause inside a transaction holds its locks")
    case .awaitInsideTransaction: (.warning, "a wait inside a transaction holds its locks")
    case .ambiguousScalar: (.warning, "a text that other YAML readers take for a boolean or a number")
    case .unusedAllowance: (.warning, "a 'lint: allow' comment suppresses nothing")
    case .onlineUnreachable: (.warning, "a system could not be reached, so nothing was checked there")
    case .onlineUnchecked: (.note, "a system does not let this be checked without changing anything")
    case .onlineVersion: (.error, "a server is new enough for what the chain wants of it")
    case .onlineStatementError: (.error, "the server takes each statement and command")
    case .onlineUnknownColumn: (.error, "a column that the chain names exists")
    case .onlineParameterType: (.error, "a bound value has a type that the server reads in its place")
    case .onlineCaptureType: (.error, "a column can be read as the type that the chain gives it")
    case .onlineMissingExchange: (.error, "an exchange that the chain names exists")
    case .onlineMissingQueue: (.error, "a queue that the chain names exists")
    case .onlinePermission: (.error, "the connection's user may do what the chain does")
    }
  }
}
