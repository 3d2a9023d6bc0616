import Diagnostics
import Testing

/// Keys of a verb that exclude each other, with the real connectors' schemas.
@Suite struct GraphAlternativesTests {
  private func names(_ step: String) -> Set<FindingName> {
    Gallery.names(
      Gallery.compile(
        """
        version: 1
        chain: test
        connections:
          mq: { amqp: $env.MQ, access: publish }
          api: { http: $env.API, access: write }
        steps:
          - \(step)
        """, files: [:]))
  }

  @Test func `a published message has one body`() {
    #expect(names("{ publish: orders, json: { id: 1 } }") == [])
    #expect(names("{ publish: orders, text: hello }") == [])
    #expect(names("{ publish: orders, routing_key: a.b }") == [.missingKey])
    #expect(names("{ publish: orders, text: hello, json: 1 }") == [.badValue])
  }

  @Test func `a request has at most one body`() {
    #expect(names("{ http: POST /items }") == [])
    #expect(names("{ http: POST /items, json: 1, text: one }") == [.badValue])
  }
}
