import ChainIO
import ChainProgram

extension RedisDriver {
  func makeObserver(hop: HopDeclaration, sink: any SightingSink) throws(OperationError) -> any HopObserver {
    let watch = try WatchedKeys(hop)
    func notices(_ source: NoticeSource, _ reason: String) -> any HopObserver {
      NoticeObserver(source, because: reason, watch: watch, target: target, reactor: reactor, sink: sink)
    }
    func poll(_ reason: String) -> any HopObserver {
      KeyPollObserver(because: reason, watch: watch, target: target, reactor: reactor, sink: sink)
    }
    let asked = "the chain asks for it"
    switch watch.way {
    case .tracking: return notices(.tracking, asked)
    case .keyspace: return notices(.keyspace, asked)
    case .poll: return poll(watch.every == nil ? asked : "the chain gives a pause with 'every'")
    case .auto:
      var candidates: [ChoosingObserver.Candidate] = [
        .init(mode: "tracking") { notices(.tracking, $0.isEmpty ? "the server and its permissions allow it" : $0) },
        .init(mode: "keyspace") { notices(.keyspace, $0) },
      ]
      if watch.hasPlace { candidates.append(.init(mode: "poll", make: poll)) }
      return ChoosingObserver(
        candidates, advice: watch.hasPlace ? "" : "; polling would need 'at', such as 'at: order:${id}'")
    }
  }
}
