/// What a connector brings to the language, as data: verbs, keys, results and observers. The linter, completion and documentation
/// read it, so a fifth system needs no change to the language.
package struct ConnectorSchema: Sendable {
  /// The key in `connections:` that chooses this connector: `postgres`, `amqp`, `redis`, `http`.
  package let kind: String
  /// How prose names it: `PostgreSQL`.
  package let title: String
  /// URL schemes that its address may have; for the message when another one is given.
  package let addressSchemes: [String]
  /// Values of `access:`, from the weakest; the first is the default.
  package let accessLevels: [String]
  /// Keys beside the address, `access` and `pool` that a connection may have.
  package let connectionKeys: [KeySchema]
  /// Connections when `pool:` is not given.
  package let defaultPool: Int
  package let verbs: [VerbSchema]
  package let observers: [ObserverSchema]

  package init(
    kind: String, title: String, addressSchemes: [String], accessLevels: [String], connectionKeys: [KeySchema], defaultPool: Int,
    verbs: [VerbSchema], observers: [ObserverSchema]
  ) {
    self.kind = kind
    self.title = title
    self.addressSchemes = addressSchemes
    self.accessLevels = accessLevels
    self.connectionKeys = connectionKeys
    self.defaultPool = defaultPool
    self.verbs = verbs
    self.observers = observers
  }
}

/// How the text of an operand or key is read, and what `${…}` means inside it.
package enum OperandForm: Sendable, Hashable {
  /// SQL text; `${e}` becomes a bound parameter `$n`.
  case sql
  /// A command line split into words before values are put in; `${e}` is one word or a part of one. A list gives the words as they are.
  case words
  /// `METHOD /path?query`; `${e}` is percent-encoded. The method stands in the template's first word.
  case request
  /// Plain text; `${e}` becomes text.
  case text
  /// A YAML value that becomes JSON text; `${e}` alone in a scalar becomes a JSON value, inside text a part of the string.
  case json
  /// Plain text in which `${…}` is one of an event's own fields: where one event will be found.
  case place
  /// SQL text in which `${ids}` is a bound parameter that holds the ids of the events that are looked for.
  case sqlOfIDs
  /// A mapping of names to text.
  case textMap
  /// `true` or `false`; no expressions.
  case flag
  /// A whole number; no expressions.
  case integer
  /// A duration literal, or an expression of that type.
  case duration
  /// One of the words listed.
  case choice([String])
  /// The path of a file beside the chain whose content is the text; or, when it contains a `{`, the text itself. No expressions in either:
  /// the template is one literal.
  case fileOrText
  /// A list of words, each one of those listed or any if the list is empty.
  case wordList([String])
  /// The operand is this verb's list of nested steps (`transaction`): written under `steps:`.
  case block
}

/// One key beside a verb, a connection's address or an observer.
package struct KeySchema: Sendable, Hashable {
  package let name: String
  package let form: OperandForm
  package let isRequired: Bool
  /// One sentence for completion, hover text and the reference.
  package let summary: String

  package init(_ name: String, _ form: OperandForm, isRequired: Bool = false, summary: String) {
    self.name = name
    self.form = form
    self.isRequired = isRequired
    self.summary = summary
  }
}

/// What an operation does to the system it is sent to.
package enum Effect: Sendable, Hashable {
  case reads
  case writes
  /// Takes messages away from a queue.
  case consumes
  /// Destroys far more than one row, key or message (`FLUSHALL`); refused unless allowed by name. The word is for the message.
  case destroys(String)
  /// Cannot be told from the text; treated as writing.
  case unclear
}

/// What a verb's operation is to a transaction.
package enum OperationRole: UInt8, Sendable, Hashable {
  case plain
  /// Takes a connection for the user alone until the transaction ends.
  case beginsTransaction
  case commitsTransaction
  case rollsBackTransaction
}

package struct VerbSchema: Sendable {
  package let name: String
  package let operand: OperandForm
  package let summary: String
  package let keys: [KeySchema]
  package let result: [ResultMember]
  /// Judges what one operation does, from its operand's literal text with each `${…}` replaced by `?`.
  package let effect: @Sendable (_ operandText: String) -> Effect
  /// The name of this verb for the Locust-format files' `Type` column: `SQL`, `REDIS`, `GET`.
  package let method: @Sendable (_ operandText: String) -> String
  /// Why the connector cannot carry one operation at all, from its operand's text as `effect` sees it; nil if it can.
  package let refusal: @Sendable (_ operandText: String) -> String?
  /// Groups of keys of which at most one may be given, and one must be where the group says so.
  package let alternatives: [KeyAlternatives]

  package init(
    name: String, operand: OperandForm, summary: String, keys: [KeySchema], alternatives: [KeyAlternatives] = [], result: [ResultMember],
    effect: @escaping @Sendable (_ operandText: String) -> Effect,
    method: @escaping @Sendable (_ operandText: String) -> String,
    refusal: @escaping @Sendable (_ operandText: String) -> String? = { _ in nil }
  ) {
    self.name = name
    self.operand = operand
    self.summary = summary
    self.keys = keys
    self.result = result
    self.effect = effect
    self.method = method
    self.refusal = refusal
    self.alternatives = alternatives
  }
}

/// Keys of a verb that exclude each other, such as the two ways to give a message its body.
package struct KeyAlternatives: Sendable, Hashable {
  package let keys: [String]
  package let isRequired: Bool

  package init(_ keys: [String], isRequired: Bool) {
    self.keys = keys
    self.isRequired = isRequired
  }
}

/// A name that `capture` and `check` may read after an operation, or a hop's mapping after a sighting.
package struct ResultMember: Sendable, Hashable {
  package let name: String
  package let type: ValueType
  package let field: ResultField
  /// The way down from the field to where the member begins: a path read from the member has these segments in front.
  package let prefix: [ResultPath.Segment]
  package let summary: String

  package init(_ name: String, _ type: ValueType, _ field: ResultField, prefix: [ResultPath.Segment] = [], summary: String) {
    self.name = name
    self.type = type
    self.field = field
    self.prefix = prefix
    self.summary = summary
  }
}

/// The parts of an `OperationResult` that a result member can name.
package enum ResultField: UInt8, Sendable, Hashable {
  /// Rows changed or returned.
  case affected
  case rows
  /// The first row; a step error if there is none.
  case row
  /// A Redis reply.
  case reply
  /// An HTTP status.
  case status
  case headers
  /// The raw content, as text.
  case text
  /// The content read as JSON; a step error if it is not JSON.
  case json
  /// The watched key's name.
  case key
  case messages
  /// Whether a published message reached at least one queue.
  case routed
}

/// A way to observe a hop: `tap` for RabbitMQ exchanges, `watch` for Redis keys.
package struct ObserverSchema: Sendable {
  /// The key in the hop's mapping that chooses it.
  package let name: String
  package let operand: OperandForm
  package let summary: String
  package let keys: [KeySchema]
  package let result: [ResultMember]
  /// Whether each sighting is a message of its own; otherwise it is what an entry shows by now.
  package let showsMessages: Bool
  /// Whether it goes on telling of changes to what it has shown; nil if it does, else why not, as a phrase about it.
  package let blindness: @Sendable (_ operands: [(name: String, value: OperandTemplate)]) -> String?
  /// Why a hop cannot be observed as its operand and keys say; nil if it can, as far as can be told before the run.
  package let refusal: @Sendable (_ operands: [(name: String, value: OperandTemplate)]) -> ObserverRefusal?

  package init(
    name: String, operand: OperandForm, summary: String, keys: [KeySchema], result: [ResultMember], showsMessages: Bool = false,
    blindness: @escaping @Sendable (_ operands: [(name: String, value: OperandTemplate)]) -> String? = { _ in nil },
    refusal: @escaping @Sendable (_ operands: [(name: String, value: OperandTemplate)]) -> ObserverRefusal? = { _ in nil }
  ) {
    self.name = name
    self.operand = operand
    self.summary = summary
    self.keys = keys
    self.result = result
    self.showsMessages = showsMessages
    self.blindness = blindness
    self.refusal = refusal
  }
}

/// What is wrong with a hop's operand or keys.
package struct ObserverRefusal: Error {
  /// The key that it is about: one that was given, or the observer's own name.
  package let key: String
  package let message: String
  package let help: String?

  package init(_ key: String, _ message: String, help: String? = nil) {
    self.key = key
    self.message = message
    self.help = help
  }
}
