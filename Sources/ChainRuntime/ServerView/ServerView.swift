import ChainIO
import ChainProgram
import Glibc
import Metrics
import Synchronization

/// The view of the chain's servers, on a thread of its own: nothing that a server or a probe does can hold up the load. Sendable: the load's
/// thread tells it where the run stands, and hears from it by the mailbox of the load's reactor, a few messages a second.
final class ServerView: Sendable {
  private let plan: RunPlan
  private let owner: ReactorMailbox
  /// The view's own reactor, once it is there; what is posted before is kept.
  private let state = Mutex(State())

  private struct State {
    var mailbox: ReactorMailbox?
    var pending: [ReactorMailbox.Message] = []
  }

  /// - Returns: nil where nothing is to be seen: the run does not want it, or no server of the chain tells anything.
  static func make(plan: RunPlan, owner: ReactorMailbox) -> ServerView? {
    guard plan.viewsServers, !plan.program.serverFigures.isEmpty, plan.connectors.contains(where: { $0 is any ServerViewing }) else { return nil }
    return ServerView(plan: plan, owner: owner)
  }

  private init(plan: RunPlan, owner: ReactorMailbox) {
    self.plan = plan
    self.owner = owner
  }

  /// - Returns: false where the thread could not be started.
  func start() -> Bool {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // librabbitmq decodes nested tables recursively: 21 000 levels overflowed 512 KiB.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let me = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        let view = Unmanaged<ServerView>.fromOpaque(argument!).takeRetainedValue()
        view.runOnThisThread()
        return nil
      }, me.toOpaque())
    pthread_attr_destroy(&attributes)
    guard status == 0 else {
      me.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private func runOnThisThread() {
    ThreadSignals.leaveToMainThread()
    let owner = owner
    func send(_ news: ServerSampler.News) {
      owner.post { reactor in (reactor.attachment as? LoadSession)?.serverSaid(news) }
    }
    guard let reactor = try? Reactor() else {
      send(.concluded)
      return send(.closed)
    }
    let sampler = ServerSampler(plan: plan, reactor: reactor) { news in
      send(news)
      if case .closed = news { reactor.stop() }
    }
    reactor.attachment = sampler
    let pending = state.withLock { state in
      state.mailbox = reactor.mailbox
      let pending = state.pending
      state.pending = []
      return pending
    }
    sampler.open()
    for message in pending { message(reactor) }
    reactor.run()
    reactor.attachment = nil
  }

  private func post(_ message: @escaping ReactorMailbox.Message) {
    let mailbox = state.withLock { state -> ReactorMailbox? in
      if state.mailbox == nil { state.pending.append(message) }
      return state.mailbox
    }
    mailbox?.post(message)
  }

  /// - Parameters: nanoseconds of CLOCK_MONOTONIC.
  func begin(loadStart: UInt64, warmUpEnd: UInt64) {
    post { reactor in (reactor.attachment as? ServerSampler)?.begin(loadStart: loadStart, warmUpEnd: warmUpEnd) }
  }

  func endLoad(at now: UInt64) {
    post { reactor in (reactor.attachment as? ServerSampler)?.endLoad(at: now) }
  }

  func close() {
    post { reactor in (reactor.attachment as? ServerSampler)?.close() }
  }
}
