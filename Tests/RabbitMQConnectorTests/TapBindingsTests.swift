import ChainIO
import ChainProgram
import Testing

@testable import RabbitMQConnector

struct TapBindingsTests {
  @Test(arguments: [
    ("PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'o' in vhost '/': received 'direct' but current is 'topic'", 406, "topic"),
    ("PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'o' in vhost '/': received 'false' but current is 'true'", 406, "direct"),
    ("PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange 'o' in vhost '/': received none but current is none", 406, "direct"),
    ("PRECONDITION_FAILED - invalid type 'bool' for arg 'alternate-exchange' in exchange 'o' in vhost '/'", 406, nil),
    ("ACCESS_REFUSED - access to exchange 'o' in vhost '/' refused for user 'x'", 403, nil),
  ] as [(String, UInt16, String?)])
  func `the refusal of a declaration tells the exchange's type`(text: String, code: UInt16, type: String?) {
    #expect(TapBindings.exchangeType(refusalCode: code, text: text) == type)
  }

  @Test func `everything is bound for by the exchange's type, and a direct one has no such binding`() throws {
    #expect(try TapBindings.everything(from: "o", type: "topic").routingKeys == ["#"])
    #expect(try TapBindings.everything(from: "o", type: "fanout").routingKeys == [""])
    #expect(try TapBindings.everything(from: "o", type: "headers").headers.isEmpty)
    #expect(try TapBindings.everything(from: "o", type: nil).reason.contains("may not be told"))
    #expect(throws: OperationError.self) { try TapBindings.everything(from: "o", type: "direct") }
  }

  @Test func `what the chain says comes first`() throws {
    let given = try TapBindings.given([
      ("tap", .text(TextTemplate("o"))), ("routing_key", .text(TextTemplate("a"))), ("routing_keys", .wordList(["b", "c"])),
    ])
    #expect(given?.routingKeys == ["a", "b", "c"])
    let headers = try TapBindings.given([
      ("tap", .text(TextTemplate("o"))), ("headers", .textMap([("kind", TextTemplate("x"))])), ("match", .choice("any")),
    ])
    #expect(headers?.routingKeys == [""] && headers?.match == "any" && headers?.headers.map(\.name) == ["kind"])
    #expect(try TapBindings.given([("tap", .text(TextTemplate("o")))]) == nil)
    #expect(throws: ObserverRefusal.self) { try TapBindings.given([("tap", .text(TextTemplate("o"))), ("match", .choice("any"))]) }
  }
}
