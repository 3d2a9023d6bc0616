import Foundation

/// The demonstration system: orders leave PostgreSQL through an outbox, travel over RabbitMQ and end in Redis.
///
/// It is a system to be tested, not a part of chainrun, and shares no code with it.
@main
enum Main {
  static let usage = """
    usage: OrderPipeline init | reset | relay | cache | all | check | schema [OPTION...]

      init     create the tables, the exchange 'orders' and the queue 'orders.cache', and end
      reset    empty the tables (but for 'stock'), the queue 'orders.cache' and the cache's entries order:* and customer:*, and end
      relay    move outbox rows from PostgreSQL to the exchange 'orders'
      cache    move messages from the queue 'orders.cache' to Redis, key order:<id>
      all      relay and cache
      check    only say what is wrong with the options
      schema   print the tables' SQL

    Addresses come from ORDERS_DB, ORDERS_MQ and ORDERS_CACHE. SIGTERM and SIGINT stop it cleanly.

    \(Options.usage)
    """

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard let role = arguments.first else { fail(usage, code: 2) }
    let conduct: Conduct
    do {
      conduct = try Options(arguments.dropFirst()).conduct
    } catch {
      fail("OrderPipeline: \(error)", code: 2)
    }
    signal(SIGPIPE, SIG_IGN)
    do {
      switch role {
      case "init": try Topology.create(Addresses(from: ProcessInfo.processInfo.environment))
      case "reset": try Topology.reset(Addresses(from: ProcessInfo.processInfo.environment))
      case "relay": run([.relay], at: try Addresses(from: ProcessInfo.processInfo.environment), conduct)
      case "cache": run([.cache], at: try Addresses(from: ProcessInfo.processInfo.environment), conduct)
      case "all": run([.relay, .cache], at: try Addresses(from: ProcessInfo.processInfo.environment), conduct)
      case "check": break
      case "schema": print(Topology.schema)
      case "help", "--help", "-h": print(usage)
      default: fail(usage, code: 2)
      }
    } catch {
      fail("OrderPipeline: \(error)", code: 3)
    }
  }

  /// Runs each role on a thread of its own until SIGTERM or SIGINT; a role that does not end within 5 s is left behind.
  private static func run(_ roles: [Role], at addresses: Addresses, _ conduct: Conduct) {
    // Blocked before any thread starts, so that only `sigwait` below ever sees them.
    var stopSignals = sigset_t()
    sigemptyset(&stopSignals)
    sigaddset(&stopSignals, SIGTERM)
    sigaddset(&stopSignals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &stopSignals, nil)

    let stop = StopFlag()
    let running = DispatchGroup()
    for role in roles {
      running.enter()
      Thread.detachNewThread {
        role.run(at: addresses, conduct: conduct, until: stop)
        running.leave()
      }
    }
    var received: Int32 = -1
    var second = timespec(tv_sec: 1, tv_nsec: 0)
    while received < 0 {
      received = sigtimedwait(&stopSignals, nil, &second)
      conduct.log?.flush()
    }
    log("pipeline", "stopping on signal \(received)")
    stop.raise()
    let isEnded = running.wait(timeout: .now() + 5) == .success
    conduct.log?.flush()
    if !isEnded { fail("OrderPipeline: a role did not stop within 5 s", code: 1) }
  }

  private static func fail(_ text: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(code)
  }
}
