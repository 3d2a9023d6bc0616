internal import CRabbitMQ
package import ChainIO
package import ChainProgram

extension RabbitMQConnector: ServerViewing {
  package func makeServerProbes(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, reactor: Reactor)
    -> [any ServerProbe]
  {
    guard let address = target as? BrokerAddress else { preconditionFailure("a RabbitMQ probe was given another connector's target") }
    var queues: [ProbedQueue] = []
    for row in program.serverFigures(of: connection) where !program.serverFigures[row].object.isEmpty {
      let figure = program.serverFigures[row]
      if queues.last?.name != figure.object {
        queues.append(ProbedQueue(name: figure.object, prefix: String(figure.name.dropLast(figure.figure.name.utf8.count))))
      }
    }
    var probes: [any ServerProbe] = []
    probes.append(BrokerProbe(address: address, queues: queues, reactor: reactor))
    probes.append(
      ManagementProbe(
        plan: ManagementPlan(program.connections[connection.index].option("management"), address: address), address: address, queues: queues,
        reactor: reactor))
    return probes
  }
}

/// A queue that is looked at.
struct ProbedQueue {
  let name: String
  /// Of its figures' names: `queue.orders_cache.`
  let prefix: String
  /// How many looks it is left out of, since it was not there.
  var pause = 0
}

/// Asks a broker for its queues' depths: a passive declaration each, over a connection and a channel of its own.
///
/// A declaration that is refused closes the channel, and the broker writes a line into its log: a queue that is not there is asked for
/// again only after ten looks.
final class BrokerProbe: ServerProbe, BrokerSessionOwner {
  private lazy var session = BrokerSession(reactor: reactor, address: address, owner: self)
  private let reactor: Reactor
  private let address: BrokerAddress
  private var queues: [ProbedQueue]
  private var completion: ((ServerReading) -> Void)?
  private var reading = ServerReading()
  private var isOpen = false
  private var channel: UInt16 = 0
  private var isChannelOpen = false
  /// The queue that is asked for.
  private var position = 0
  private var missing: [String: String] = [:]
  private var hasSpoken = false

  private static let pauseLooks = 10

  init(address: BrokerAddress, queues: [ProbedQueue], reactor: Reactor) {
    self.address = address
    self.queues = queues
    self.reactor = reactor
  }

  func look(deadline: UInt64, completion: @escaping (ServerReading) -> Void) {
    precondition(self.completion == nil, "a probe is asked one thing at a time")
    self.completion = completion
    reading = ServerReading()
    position = -1
    if isOpen { askNext(now: MonotonicClock.now) } else { session.connect(deadline: deadline) }
  }

  func drop() {
    completion = nil
    isOpen = false
    isChannelOpen = false
    session.close()
  }

  func close() { drop() }

  private func end(_ error: OperationError?) {
    reading.error = error
    let completion = completion
    self.completion = nil
    completion?(reading)
  }

  func sessionOpened(_ session: BrokerSession, now: UInt64) {
    isOpen = true
    isChannelOpen = false
    channel = 0
    if !hasSpoken {
      hasSpoken = true
      reading.server = "RabbitMQ"
    }
    if completion != nil { askNext(now: now) }
  }

  func sessionClosed(_ session: BrokerSession, _ error: OperationError, now: UInt64) {
    isOpen = false
    isChannelOpen = false
    if completion != nil { end(error) }
  }

  func sessionBlockedChanged(_ session: BrokerSession, now: UInt64) {}
  func sessionFlushed(_ session: BrokerSession, now: UInt64) {}

  private func askNext(now: UInt64) {
    position += 1
    while position < queues.count, queues[position].pause > 0 {
      queues[position].pause -= 1
      position += 1
    }
    guard position < queues.count else { return end(nil) }
    do throws(OperationError) {
      guard isChannelOpen else {
        // Numbers are not used again at once: the broker may still be closing the last one.
        channel = channel % 1000 + 1
        return try session.sendMethod(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t(out_of_band: .none), channel: channel)
      }
      try declare()
    } catch {
      session.lose(error, now: now)
    }
  }

  private func declare() throws(OperationError) {
    var arena = MethodArena()
    var method = amqp_queue_declare_t()
    method.queue = arena.bytes(queues[position].name)
    method.passive = 1
    defer { withExtendedLifetime(arena) {} }
    reading.requests &+= 1
    try session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, method, channel: channel)
  }

  func sessionReceived(_ session: BrokerSession, channel: UInt16, _ frame: IncomingFrame, now: UInt64) {
    guard case .method(let id, let decoded) = frame, channel == self.channel, completion != nil, queues.indices.contains(position) else { return }
    switch id {
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      isChannelOpen = true
      do throws(OperationError) { try declare() } catch { session.lose(error, now: now) }
    case AMQP_QUEUE_DECLARE_OK_METHOD:
      let answer = decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee
      let queue = queues[position]
      reading.values[queue.prefix + "depth"] = Double(answer.message_count)
      reading.values[queue.prefix + "consumers"] = Double(answer.consumer_count)
      if missing.removeValue(forKey: queue.name) != nil { sayWhatIsMissing() }
      askNext(now: now)
    case AMQP_CHANNEL_CLOSE_METHOD:
      let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
      let reply = ServerReply(code: close.reply_code, text: close.reply_text)
      isChannelOpen = false
      queues[position].pause = BrokerProbe.pauseLooks
      let reason = reply.code == "404" ? "the broker has no queue '\(queues[position].name)'" : "the broker refuses it with \(reply.code): \(reply.text)"
      if missing[queues[position].name] != reason {
        missing[queues[position].name] = reason
        sayWhatIsMissing()
      }
      do throws(OperationError) {
        try session.sendMethod(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), channel: channel)
      } catch { return session.lose(error, now: now) }
      askNext(now: now)
    default: break
    }
  }

  private func sayWhatIsMissing() {
    reading.limits = queues.compactMap { queue in
      missing[queue.name].map { ServerReading.Limit([queue.prefix + "depth", queue.prefix + "consumers"], $0) }
    }
  }
}
