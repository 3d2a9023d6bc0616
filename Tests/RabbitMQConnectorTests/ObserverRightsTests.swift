import ChainIO
import ChainProgram
import Glibc
import Testing

@testable import RabbitMQConnector

/// The rights of docs/permissions.md, word for word, in the sandbox's broker. Users can be made by its own tool only, which takes seconds.
@Suite(.enabled(if: brokerAddress != nil && BrokerControl.isPossible), .serialized) struct ObserverRightsTests {
  let bench = Workbench()
  let address = brokerAddress ?? ""

  private func limited(_ user: String) throws -> String {
    let broker = try BrokerAddress(address)
    return "amqp://\(user):pw@\(broker.displayAddress)/"
  }

  private func arm(_ observer: any HopObserver) -> OperationError? {
    var outcome: OperationError??
    observer.arm(deadline: MonotonicClock.now + 5_000_000_000) { outcome = .some($0) }
    #expect(bench.turn { outcome != nil })
    return outcome ?? nil
  }

  private func observer(_ hop: HopDeclaration, _ log: SightingLog, as user: String) throws -> any HopObserver {
    try makeDriver(bench, try limited(user), access: "inspect").makeObserver(hop: hop, sink: log)
  }

  @Test(.timeLimit(.minutes(2))) func `the documented rights are enough, and one less is told when the observer is armed`() throws {
    let number = UInt32.random(in: 1...(.max))
    let name = "rights-\(number)"
    let own = "amq\\\\.gen-.*"
    let users: [(user: String, configure: String, write: String, read: String)] = [
      ("given-\(number)", "^\(own)", "^(\(own)|amq\\\\.default)$", "^(\(own)|\(name))$"),
      ("derived-\(number)", "^(\(own)|\(name))$", "^(\(own)|amq\\\\.default)$", "^(\(own)|\(name))$"),
      ("unmarked-\(number)", "^\(own)", "^(\(own))$", "^(\(own)|\(name))$"),
      ("stream-\(number)", "^\(name)-s$", "^$", "^\(name)-s$"),
      ("unasked-\(number)", "^$", "^$", "^\(name)-s$"),
    ]
    try #require(BrokerControl.addUsers(users))
    defer { BrokerControl.deleteUsers(users.map(\.user)) }
    let raw = try RawBroker(address)
    raw.declareExchange(name, type: "topic")
    raw.declareQueue(name + "-s", type: "stream")
    for (user, key, reason) in [("given", "order.*", "as the chain says"), ("given", nil, "may not be told"), ("derived", nil, "a topic exchange")] {
      let log = SightingLog()
      let tap = try observer(tapHop(exchange: name, routingKey: key), log, as: "\(user)-\(number)")
      let error = arm(tap)
      #expect(error == nil && tap.reason.contains(reason), "\(user): \(error?.message ?? tap.reason)")
      tap.isFencing = true
      bench.idle(seconds: 1.2)
      raw.publish(exchange: name, key: "order.made", body: [0x61])
      #expect(bench.turn { log.entries.count == 1 } && log.gapsBegun.isEmpty && log.entries[0].notBefore > 0)
      tap.close()
      bench.idle(seconds: 0.1)
    }
    let refused = arm(try observer(tapHop(exchange: name, routingKey: "#"), SightingLog(), as: "unmarked-\(number)"))
    #expect(refused?.code == "403" && refused?.message.contains("amq.default") == true, "\(refused?.message ?? "")")
    func stream() -> HopDeclaration {
      HopDeclaration(
        name: "streamed", connection: ConnectionIndex(0), observer: "stream", operands: [("stream", textTemplate(name + "-s"))],
        mappingEntry: 0, idSlot: SlotIndex(0), keySlot: nil, versionSlot: nil, bodySlots: [], readsContent: true, showsMessages: true,
        range: nowhere)
    }
    let log = SightingLog()
    let reader = try observer(stream(), log, as: "stream-\(number)")
    #expect(arm(reader) == nil)
    raw.publish(exchange: "", key: name + "-s", body: [0x61])
    #expect(bench.turn { log.entries.count == 1 })
    reader.close()
    let unasked = arm(try observer(stream(), SightingLog(), as: "unasked-\(number)"))
    #expect(unasked?.message.contains("cannot be asked") == true || unasked?.code == "403", "\(unasked?.message ?? "")")
    raw.deleteExchange(name)
    raw.deleteQueue(name + "-s")
  }
}

/// The sandbox's own `rabbitmqctl`.
enum BrokerControl {
  private static var folder: String? { getenv("ORDERS_SANDBOX").map { String(cString: $0) } }
  static var isPossible: Bool { folder != nil }

  /// Runs Erlang in the broker; false if it could not.
  private static func eval(_ erlang: String) -> Bool {
    guard let folder else { return false }
    // The server's own environment says its name, its cookie's folder and its epmd's port.
    let script = """
      set -e; pid=$(cat '\(folder)/pids/rabbitmq.pid')
      settings=$(tr '\\0' '\\n' </proc/$pid/environ | grep -E '^(HOME|ERL_EPMD_PORT|RABBITMQ_CONF_ENV_FILE|RABBITMQ_NODENAME)=')
      exec env $settings timeout 60 $(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmqctl | tail -n 1) -q eval "$0" >/dev/null
      """
    let texts: [String] = ["bash", "-c", script, erlang]
    var words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin:/usr/sbin:/sbin"), nil]
    defer { free(environment[0]) }
    guard posix_spawn(&child, "/bin/bash", nil, nil, &words, &environment) == 0 else { return false }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    return status == 0
  }

  static func addUsers(_ users: [(user: String, configure: String, write: String, read: String)]) -> Bool {
    eval(
      users.map { user in
        """
        rabbit_auth_backend_internal:add_user(<<"\(user.user)">>, <<"pw">>, <<"test">>),
        rabbit_auth_backend_internal:set_permissions(<<"\(user.user)">>, <<"/">>, <<"\(user.configure)">>, <<"\(user.write)">>, <<"\(user.read)">>, <<"test">>)
        """
      }.joined(separator: ",\n") + ".")
  }

  static func deleteUsers(_ users: [String]) {
    _ = eval(users.map { "rabbit_auth_backend_internal:delete_user(<<\"\($0)\">>, <<\"test\">>)" }.joined(separator: ", ") + ".")
  }
}
