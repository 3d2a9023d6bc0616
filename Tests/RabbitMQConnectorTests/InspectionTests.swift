import ChainIO
import ChainProgram
import Testing

@testable import RabbitMQConnector

@Suite(.enabled(if: brokerAddress != nil))
struct BrokerInspectionTests {
  private func inspect(_ operations: [ChainProgram.Operation], hops: [HopDeclaration] = []) throws -> InspectionReport {
    var program = program(operations)
    program.steps = [StepDescription(id: "s", name: "s", method: "", verb: "publish", range: nowhere, connection: ConnectionIndex(0))]
    if !hops.isEmpty {
      program.events = [
        EventDeclaration(
          name: "e", origin: StepIndex(0), idType: .int, hasKey: false, hasVersion: false, body: [], deadlineNanoseconds: 1,
          settleNanoseconds: 1, hops: hops, range: nowhere)
      ]
    }
    let connector = RabbitMQConnector()
    let target = try connector.resolve(program.connections[0], address: try #require(brokerAddress))
    return connector.inspect(
      connection: ConnectionIndex(0), target: target, program: program, deadline: MonotonicClock.now + 5_000_000_000)
  }

  @Test func `what is there and allowed gives no problem`() throws {
    let report = try inspect([publishOperation(textTemplate("amq.topic"))], hops: [tapHop(exchange: "amq.direct", routingKey: "a.b")])
    #expect(report.problems.map(\.message) == [])
  }

  @Test func `missing exchanges and queues are told for each place, and the session survives every refusal`() throws {
    let report = try inspect(
      [
        publishOperation(textTemplate("inspection-nowhere")), publishOperation(textTemplate("amq.fanout")),
        publishOperation(textTemplate(""), ("routing_key", textTemplate("inspection-no-queue"))), publishOperation(argument(0)),
      ], hops: [tapHop(exchange: "inspection-nowhere-either"), tapHop(exchange: "amq.topic")])
    let kinds = report.problems.map(\.kind)
    #expect(kinds.filter { $0 == .missingExchange }.count == 2)
    #expect(kinds.filter { $0 == .missingQueue }.count == 1)
    // The default exchange's permission, an exchange from an expression, and the type behind the pattern of the tap that is there.
    #expect(kinds.filter { $0 == .unchecked }.count == 3)
    #expect(kinds.count == 6)
  }
}
