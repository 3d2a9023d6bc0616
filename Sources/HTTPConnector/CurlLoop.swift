internal import CCurl
import ChainIO
import Glibc

/// Told when a transfer has ended. It has been taken out of the multi handle already and may be used again at once.
protocol TransferOwner: AnyObject {
  /// Never called from inside libcurl.
  func transferEnded(_ transfer: Transfer, _ code: CURLcode, now: UInt64)
}

/// libcurl's multi handle on a reactor: `curl_multi_socket_action` for ready descriptors and its one timer.
///
/// libcurl takes its interest off a socket after each answer and puts it on again with the next request. Doing the same in epoll would
/// cost two system calls a request, so a socket stays registered until it is closed, or until it becomes ready while nobody uses it.
final class CurlLoop: TimerOwner, TurnFlushable {
  private let reactor: Reactor
  private unowned let owner: any TransferOwner
  private var multi: UnsafeMutableRawPointer?
  private var timer: ReactorTimer?
  /// By descriptor.
  private var watches: ContiguousArray<SocketWatch?> = []
  /// Name and address, for every transfer (CURLOPT_RESOLVE).
  let resolutions: UnsafeMutablePointer<curl_slist>?
  private var isKickAsked = false
  private var isInsideCurl = false
  private(set) var openSockets = 0
  private var openSocketsMax = 0
  private var openedSockets = 0
  /// Each transfer has a connection of its own, and counts by itself which was in place of another.
  private let isPerUser: Bool
  private var ownReplaced = 0

  /// - Parameters:
  ///   - connections: At most as many are open at a time, idle ones included.
  ///   - isPerUser: At most one is open for each transfer; all transfers have names of their own for the server.
  init(owner: any TransferOwner, connections: Int, isPerUser: Bool, resolution: String?, reactor: Reactor) throws(OperationError) {
    self.owner = owner
    self.isPerUser = isPerUser
    self.reactor = reactor
    resolutions = resolution.flatMap { curl_slist_append(nil, $0) }
    guard let multi = curl_multi_init() else { throw OperationError(.environment, "out of memory") }
    self.multi = multi
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_multi_setopt_socket_callback(multi, socketInterestChanged)
    ccurl_multi_setopt_pointer(multi, CURLMOPT_SOCKETDATA, context)
    ccurl_multi_setopt_timer_callback(multi, timerChanged)
    ccurl_multi_setopt_pointer(multi, CURLMOPT_TIMERDATA, context)
    ccurl_multi_setopt_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
    ccurl_multi_setopt_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, isPerUser ? 1 : connections)
    // The cache of idle connections; by default it grows with the transfers and shrinks with them.
    ccurl_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, connections)
    timer = ReactorTimer(owner: self)
  }

  deinit { curl_slist_free_all(resolutions) }

  /// Connections opened in place of one that was there before.
  var replacedSockets: Int { isPerUser ? ownReplaced : openedSockets - openSocketsMax }

  /// A transfer with a connection of its own is about to use one that is not its first.
  func ownConnectionReplaced() { ownReplaced += 1 }

  /// Closes all connections. Transfers must have been removed.
  func close() {
    guard let multi else { return }
    timer?.invalidate()
    timer = nil
    // Closing a TLS connection may ask for interest and time once more; nobody would serve them.
    ccurl_multi_setopt_socket_callback(multi, nil)
    ccurl_multi_setopt_timer_callback(multi, nil)
    curl_multi_cleanup(multi)
    self.multi = nil
  }

  /// What does not depend on the request: how this transfer's sockets are made and unmade.
  func adopt(_ easy: UnsafeMutableRawPointer) {
    ccurl_setopt_close_socket(easy, socketClosing)
    ccurl_setopt_pointer(easy, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Begins a transfer at the end of this turn, together with the others of the turn.
  func start(_ transfer: Transfer) {
    let code = curl_multi_add_handle(multi, transfer.easy)
    precondition(code == CURLM_OK, "a transfer was started twice: curl_multi_add_handle gave \(code.rawValue)")
    askForKick()
  }

  /// Ends a transfer that is under way, and closes its connection.
  func cancel(_ transfer: Transfer) { curl_multi_remove_handle(multi, transfer.easy) }

  private func askForKick() {
    guard !isKickAsked else { return }
    isKickAsked = true
    reactor.flushAtTurnEnd(self)
  }

  func turnEnded(now: UInt64) {
    isKickAsked = false
    act(CURL_SOCKET_TIMEOUT, 0)
  }

  func timerFired(_ timer: ReactorTimer, now: UInt64) { act(CURL_SOCKET_TIMEOUT, 0) }

  fileprivate func ready(_ watch: SocketWatch, _ readiness: Readiness) {
    guard watch.isWanted else {
      // An idle connection that the server has closed, most likely. libcurl finds out when it looks for one to use.
      unregister(watch)
      return
    }
    var mask: Int32 = 0
    if readiness.isReadable { mask |= CURL_CSELECT_IN }
    if readiness.isWritable { mask |= CURL_CSELECT_OUT }
    if readiness.isClosed { mask |= CURL_CSELECT_IN | CURL_CSELECT_ERR }
    act(watch.descriptor, mask)
  }

  private func act(_ descriptor: Int32, _ mask: Int32) {
    guard let multi else { return }
    var running: Int32 = 0
    isInsideCurl = true
    curl_multi_socket_action(multi, descriptor, mask, &running)
    isInsideCurl = false
    // libcurl does not tell when it read; this is some microseconds later, never earlier.
    var now: UInt64 = 0
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      // The message is gone once its transfer is removed (curl_multi_info_read(3)).
      curl_multi_remove_handle(multi, easy)
      if now == 0 { now = MonotonicClock.now }
      var context: UnsafeMutableRawPointer?
      ccurl_getinfo_pointer(easy, CURLINFO_PRIVATE, &context)
      owner.transferEnded(Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue(), code, now: now)
    }
  }

  // libcurl's callbacks

  fileprivate func interestChanged(_ descriptor: Int32, _ what: Int32) {
    let index = Int(descriptor)
    while watches.count <= index { watches.append(nil) }
    if what == CURL_POLL_REMOVE {
      watches[index]?.isWanted = false
      return
    }
    let interest: Readiness =
      switch what {
      case CURL_POLL_IN: .readable
      case CURL_POLL_OUT: .writable
      case CURL_POLL_INOUT: .readableAndWritable
      default: []
      }
    let watch: SocketWatch
    if let existing = watches[index] {
      watch = existing
    } else {
      watch = SocketWatch(descriptor: descriptor, loop: self)
      watches[index] = watch
    }
    watch.isWanted = true
    if let registration = watch.registration {
      reactor.setInterest(interest, for: registration)
    } else {
      // Out of kernel memory for epoll: the transfer then ends at its deadline.
      watch.registration = try? reactor.register(descriptor, interest: interest, source: watch)
    }
  }

  fileprivate func timerAsked(milliseconds: Int) {
    guard let timer else { return }
    if milliseconds < 0 {
      timer.disarm()
    } else if milliseconds > 0 {
      reactor.arm(timer, at: MonotonicClock.now + UInt64(milliseconds) * 1_000_000)
    } else if isInsideCurl {
      // In the next turn: at the end of this one libcurl might ask for the same again and again.
      reactor.arm(timer, at: reactor.now)
    } else {
      timer.disarm()
      askForKick()
    }
  }

  func socketOpened(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    openedSockets += 1
    openSockets += 1
    openSocketsMax = max(openSocketsMax, openSockets)
  }

  fileprivate func closing(_ descriptor: Int32) {
    openSockets -= 1
    if Int(descriptor) < watches.count, let watch = watches[Int(descriptor)] {
      unregister(watch)
      watches[Int(descriptor)] = nil
    }
    _ = Glibc.close(descriptor)
  }

  private func unregister(_ watch: SocketWatch) {
    if let registration = watch.registration { reactor.deregister(registration) }
    watch.registration = nil
  }
}

/// One of libcurl's sockets in the reactor.
private final class SocketWatch: ReadinessSource {
  let descriptor: Int32
  private unowned let loop: CurlLoop
  var registration: Registration?
  /// Whether a transfer uses it.
  var isWanted = false

  init(descriptor: Int32, loop: CurlLoop) {
    self.descriptor = descriptor
    self.loop = loop
  }

  func descriptorReady(_ readiness: Readiness, now: UInt64) { loop.ready(self, readiness) }
}

private func loop(_ context: UnsafeMutableRawPointer?) -> CurlLoop {
  Unmanaged<CurlLoop>.fromOpaque(context!).takeUnretainedValue()
}

private let socketInterestChanged:
  @convention(c) (
    UnsafeMutableRawPointer?, curl_socket_t, Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
  ) -> Int32 = { _, descriptor, what, context, _ in
    loop(context).interestChanged(descriptor, what)
    return 0
  }

private let timerChanged: @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer?) -> Int32 = { _, milliseconds, context in
  loop(context).timerAsked(milliseconds: milliseconds)
  return 0
}

private let socketClosing: @convention(c) (UnsafeMutableRawPointer?, curl_socket_t) -> Int32 = { context, descriptor in
  loop(context).closing(descriptor)
  return 0
}
