import Foundation
import LosslessJSON
import Testing

/// A broker that takes nothing any more must hold up nobody but those who publish, and its back-pressure must be told.
extension OnServers {
  private static let chain = """
    version: 1
    chain: reads-beside-publishes
    guard: { hosts: [127.0.0.1] }
    connections:
      mq: { amqp: $env.ORDERS_MQ, access: publish, acquire_timeout: 400ms }
      cache: { redis: $env.ORDERS_CACHE }
    scenarios:
      reading:
        steps:
          - id: read
            redis: GET order:0
      announcing:
        steps:
          - id: announce
            publish: orders
            routing_key: test.alarm
            json: { text: $padding }
            timeout: 700ms
    vars:
      padding: PADDING
    load:
      steady: { open: { rate: 400/s, for: 9s, max_vus: 1000 } }
    """

  @Test func `a memory alarm of RabbitMQ stops publishing, is told, and holds up nobody else`() throws {
    let sandbox = try Self.sandbox()
    let folder = try ScratchFolder()
    let text = Self.chain.replacingOccurrences(of: "PADDING", with: String(repeating: "x", count: 8192))
    let chain = try folder.write(text, to: "alarm.chain.yaml")
    // Put back whatever happens: the other tests use this broker too.
    defer { _ = try? sandbox.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1GB") }
    let (ended, results, scratch) = try Self.run(sandbox, chain, within: 60) { launched, out in
      try Self.awaitLoad(launched, out)
      _ = try sandbox.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1MB")
      usleep(1_500_000)
      _ = try sandbox.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1GB")
    }
    #expect([0, 1].contains(ended.code), "\(ended)")
    #expect(results.isConserved)
    #expect(results.count("iterations/arrivals") == 3600, "\(ended)")
    // Every read went through, and none waited for the broker.
    #expect(results.count("steps/read/count") >= 1700 && results.count("steps/read/failed") == 0, "\(ended.output)")
    #expect(results.seconds("steps/read/service/max") < 0.3, "\(ended.output)")
    // Publishing stopped; what it waited for is told by name.
    #expect(results.count("steps/announce/failed") + results.count("steps/announce/unknown") > 50, "\(ended.output)")
    #expect(results.count("steps/announce/count") > results.count("steps/announce/failed") + 500, "\(ended.output)")
    #expect(results.value("errors")?.serialized.contains("blocked its publishers") == true, "\(ended.output)")
    // The reactor's own figure; a blocking send would be seconds. The demand is 10 ms, of the release build and on a machine that does nothing
    // else: that had 1.2 to 2.8 ms, the debug build of the tests 7.9 to 14.7.
    let longestTurn = results.seconds("generator/longest_turn_s")
    #expect(longestTurn > 0 && longestTurn < 0.1, "\(longestTurn) s")
    print("acceptance: memory alarm: longest turn \(longestTurn * 1000) ms, longest read \(results.seconds("steps/read/service/max") * 1000) ms")
    withExtendedLifetime(scratch) {}
  }
}
