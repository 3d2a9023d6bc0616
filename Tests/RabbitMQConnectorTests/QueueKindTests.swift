import ChainIO
import ChainProgram
import Testing

@testable import RabbitMQConnector

@Suite struct QueueKindTests {
  /// The words of RabbitMQ 3.10.8.
  static let refusals: [(UInt16, String, QueueKind)] = [
    (
      406,
      "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'x' of type 'longstr' but current is none",
      .classic
    ),
    (406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'", .classic),
    (
      406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue 'q' in vhost '/': received 'false' but current is 'true'",
      .classic
    ),
    (
      406, "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'x' but current is 'classic'",
      .classic
    ),
    (
      406, "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'x' but current is 'quorum'", .quorum
    ),
    (
      406, "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'x' but current is 'stream'", .stream
    ),
    (
      406, "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'x' but current is 'mqtt'",
      .other("mqtt")
    ),
    (406, "PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'q' in vhost '/': \"unsupported queue type 'x'\"", .unknown),
    (406, "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q' in vhost '/': received '1' but current is none", .unknown),
    (406, "inequivalent arg '", .unknown), (403, "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'reader'", .unknown),
    (406, "", .unknown),
  ]

  @Test(arguments: refusals) func `the broker's refusal tells the kind of queue, or nothing`(code: UInt16, text: String, kind: QueueKind) {
    #expect(QueueKind(refusalCode: code, text: text) == kind)
    #expect((kind.reasonAgainstPeeking(refusal: text) == nil) == (kind == .classic))
  }

  private func refusal(_ verb: String, _ operands: [(name: String, value: OperandTemplate)], access: String = "consume") -> OperationError?
  {
    do {
      _ = try makeDriver(Workbench(), "amqp://u:hunter2@127.0.0.1:1/", [queueOperation(verb, operands)], access: access)
      return nil
    } catch { return error as? OperationError }
  }

  @Test func `keys outside their ranges are refused when the driver is made`() {
    for count: Int64 in [0, -1, 10_001, .max] {
      #expect(refusal("peek", [("max", .integer(count))])?.code == "bad-operation")
      #expect(refusal("consume", [("max", .integer(count))])?.code == "bad-operation")
    }
    #expect(refusal("peek", [("max", .integer(10_000))]) == nil)
    #expect(refusal("peek", [("accept_redelivery", .integer(1))])?.code == "bad-operation")
    #expect(refusal("consume", [("wait", .duration(-1))])?.code == "bad-operation")
    #expect(refusal("consume", [("wait", .duration(1_000_000_000))])?.message.contains("longer 'timeout'") == true)
    #expect(refusal("consume", [("wait", .duration(999_999_999))]) == nil)
  }

  @Test func `only a connection whose access is consume may consume, and every one may look`() {
    for access in ["inspect", "publish", "consume"] {
      #expect(refusal("peek", [], access: access) == nil && refusal("queue", [], access: access) == nil)
      let refused = refusal("consume", [], access: access)
      #expect((refused == nil) == (access == "consume"))
      if let refused { #expect(refused.code == "bad-operation" && refused.message.contains("it needs 'access: consume'")) }
    }
  }
}
