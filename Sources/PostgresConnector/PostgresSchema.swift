import ChainIO
import ChainProgram

extension PostgresConnector {
  /// Isolation levels that `transaction` accepts, as they are written in a chain.
  static let isolationLevels = ["read committed", "repeatable read", "serializable"]

  static let schemaValue = ConnectorSchema(
    kind: "postgres", title: "PostgreSQL", addressSchemes: ["postgres", "postgresql"], accessLevels: ["read", "write"],
    connectionKeys: [
      KeySchema(
        "prepare", .choice(["auto", "never"]),
        summary: "Whether statements are prepared once per connection; 'never' is for poolers such as PgBouncer in transaction mode."),
      ReconnectLimiter.key,
    ],
    defaultPool: 16,
    verbs: [
      VerbSchema(
        name: "sql", operand: .sql, summary: "Runs one SQL statement; each '${…}' is a bound parameter and never becomes text.", keys: [],
        result: [
          ResultMember("rows", .rows, .rows, summary: "All rows that the statement returned."),
          ResultMember("row", .row, .row, summary: "The first row; the step fails if there is none and it is read."),
          ResultMember("affected", .int, .affected, summary: "How many rows the statement changed or returned."),
        ],
        effect: { SQLEffect.of($0) }, method: { _ in "SQL" }),
      VerbSchema(
        name: "explain", operand: .sql,
        summary: "Asks how the server would run a statement (EXPLAIN without ANALYZE): plans it with the bound values and executes nothing.",
        keys: [],
        result: [
          ResultMember("plan", .json, .json, summary: "The plan as JSON: a list whose first element has the member 'Plan'."),
          ResultMember("text", .string, .text, summary: "The same as text."),
        ],
        effect: { _ in .reads }, method: { _ in "EXPLAIN" }),
      VerbSchema(
        name: "rollback", operand: .text,
        summary: "Ends the transaction around it without its changes: the steps after it, up to the transaction's end, are not run.", keys: [],
        result: [], effect: { _ in .reads }, method: { _ in "SQL" }),
      VerbSchema(
        name: "transaction", operand: .choice(isolationLevels),
        summary: "Runs its steps in one transaction of the isolation level named; commits at their end, rolls back when one fails.",
        keys: [KeySchema("steps", .block, isRequired: true, summary: "The steps inside the transaction.")],
        result: [], effect: { _ in .reads }, method: { _ in "SQL" }),
    ],
    observers: [
      ObserverSchema(
        name: "query", operand: .sqlOfIDs,
        summary: """
          Looks for events in a second, read-only session, such as one to a replica: asks for the rows of those on their way, adaptively.
          """,
        keys: [
          KeySchema("every", .duration, summary: "The pause between two looks, which is else 5 % of an event's age within 1 ms and 250 ms.")
        ],
        result: [ResultMember("row", .row, .row, summary: "One row that the statement returned; each is one event.")],
        blindness: { _ in "looks for each event until it has seen it, and not again" }, refusal: QueryObserver.refusal)
    ])
}
