import ChainProgram

extension ConnectorSchema {
  /// How chains speak to web servers.
  static var http: ConnectorSchema {
    ConnectorSchema(
      kind: "http", title: "HTTP", addressSchemes: ["http", "https"], accessLevels: ["read", "write"],
      connectionKeys: [
        KeySchema("headers", .textMap, summary: "Headers sent with every request; a step's header of the same name replaces one."),
        KeySchema(
          "ca_file", .text, summary: "A PEM file with the authorities that https servers are checked against, instead of the system's."),
      ],
      defaultPool: 16,
      verbs: [
        VerbSchema(
          name: "http", operand: .request,
          summary: "Sends one request, such as 'GET /items/${id}', and waits for the whole answer; any status is an answer.",
          keys: [
            KeySchema("headers", .textMap, summary: "Headers of this request."),
            KeySchema("query", .textMap, summary: "Names and values of the query, put behind the path percent-encoded."),
            KeySchema("json", .json, summary: "The body, written as JSON, with the content type 'application/json'."),
            KeySchema("text", .text, summary: "The body, as plain text."),
            KeySchema("content_type", .text, summary: "The body's content type, instead of the one that goes with 'json' or 'text'."),
          ],
          alternatives: [KeyAlternatives(["json", "text"], isRequired: false)],
          result: [
            ResultMember("status", .int, .status, summary: "The status of the answer, such as 200."),
            ResultMember("headers", .map(.untyped), .headers, summary: "The answer's headers by name, whatever their case."),
            ResultMember("text", .string, .text, summary: "The answer's body, as text."),
            ResultMember("json", .json, .json, summary: "The answer's body, read as JSON."),
          ],
          effect: RequestMethod.effect(ofRequestIn:), method: RequestMethod.name(ofRequestIn:)),
        VerbSchema(
          name: "graphql", operand: .fileOrText,
          summary: """
            Sends one GraphQL query or mutation, from a file or as it stands here, and waits for the answer; errors in the answer fail nothing \
            by themselves: check 'errors'.
            """,
          keys: [
            KeySchema("variables", .json, summary: "The document's variables by name."),
            KeySchema("path", .text, summary: "The endpoint's path; '/graphql' if not given."),
            KeySchema("headers", .textMap, summary: "Headers of this request."),
          ],
          result: [
            ResultMember("status", .int, .status, summary: "The status of the answer, such as 200."),
            ResultMember(
              "data", .json, .json, prefix: [.member("data")], summary: "The answer's 'data'; null if the request failed as a whole."),
            ResultMember(
              "errors", .json, .json, prefix: [.member("errors")], summary: "The answer's list 'errors'; null if there were none."),
            ResultMember("json", .json, .json, summary: "The whole answer, read as JSON."),
            ResultMember("headers", .map(.untyped), .headers, summary: "The answer's headers by name, whatever their case."),
          ],
          effect: GraphQLDocument.effect(of:), method: { _ in "GRAPHQL" }),
      ],
      observers: [])
  }
}
