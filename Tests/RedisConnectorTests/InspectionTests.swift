import ChainIO
import ChainProgram
import Testing

@testable import RedisConnector

@Suite(.serialized, .enabled(if: sandboxAddress != nil))
struct RedisInspectionTests {
  private func words(_ text: String) -> TestCommand {
    TestCommand(text.split(separator: " ").map(String.init), writes: true)
  }

  private func inspect(_ address: String, _ commands: [TestCommand], watching pattern: String? = nil) throws -> InspectionReport {
    var program = Bench.program(address: address, commands: commands)
    let range = program.connections[0].range
    program.steps = [StepDescription(id: "s", name: "s", method: "", verb: "redis", range: range, connection: ConnectionIndex(0))]
    if let pattern {
      let hop = HopDeclaration(
        name: "cached", connection: ConnectionIndex(0), observer: "watch", operands: [("watch", .text(TextTemplate(pattern)))],
        mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: true, range: range)
      program.events = [
        EventDeclaration(
          name: "e", origin: StepIndex(0), idType: .int, hasKey: false, hasVersion: false, body: [], deadlineNanoseconds: 1,
          settleNanoseconds: 1, hops: [hop], range: range)
      ]
    }
    let connector = RedisConnector()
    let target = try connector.resolve(program.connections[0], address: address)
    return connector.inspect(
      connection: ConnectionIndex(0), target: target, program: program, deadline: MonotonicClock.now + 5_000_000_000)
  }

  @Test func `commands are rehearsed and never executed`() throws {
    let address = try #require(sandboxAddress)
    let client = RawClient(try RedisTarget(address: address))
    client.call(["DEL", "inspected"])
    let report = try inspect(address, [words("SET inspected 1"), words("NOSUCH x"), words("GET")], watching: "inspected:*")
    #expect(report.server.hasPrefix("Redis "))
    #expect(report.problems.map(\.kind) == [.statement, .statement])
    #expect(client.call(["EXISTS", "inspected"]) == ":0\r\n")
  }

  @Test func `a user's missing rights for commands, keys and channels are told, without rights of administration`() throws {
    let address = try #require(sandboxAddress)
    let target = try RedisTarget(address: address)
    let client = RawClient(target)
    let reply = client.call([
      "ACL", "SETUSER", "inspection", "reset", "on", ">pw", "~order:*", "+get", "+set", "+subscribe", "+client", "+multi", "+discard",
      "+select", "+info",
    ])
    try #require(reply == "+OK\r\n")
    defer { client.call(["ACL", "DELUSER", "inspection"]) }
    let narrow = "redis://inspection:pw@\(target.displayAddress)/9"
    let report = try inspect(narrow, [words("GET order:1"), words("GET other:1"), words("DEL order:1")], watching: "order:*")
    #expect(
      report.problems.map { "\($0.kind) \($0.message)" } == [
        "permission the user may not use the key of 'GET'", "permission the user may not run 'DEL'",
        "permission the user may not use the channel of 'SUBSCRIBE'",
      ])
    client.call(["ACL", "SETUSER", "inspection", "-multi"])
    #expect(try inspect(narrow, [words("SET order:inspected 1")]).problems.map(\.kind) == [.unchecked])
    #expect(client.call(["EXISTS", "order:inspected"]) == ":0\r\n")
  }
}
