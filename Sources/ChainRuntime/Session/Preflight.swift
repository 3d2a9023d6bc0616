package import ChainIO
package import ChainProgram
import Glibc

/// Whether this machine can carry the run at all, asked before anything is connected.
package enum Preflight {
  /// What the run needs.
  package struct Demand {
    /// Sockets of the declared connections' pools.
    package var pool = 0
    /// Sockets of the observers of hops.
    package var observers = 0
    /// Sockets of both kinds by what they lead to: each takes a local port of its own. Without Unix sockets.
    package var socketsByTarget: [(target: String, count: Int)] = []

    package init() {}

    package init(_ program: Program, users: Int, connectors: [any Connector], targets: [any ConnectionTarget]) {
      for index in program.connections.indices {
        let sockets = connectors[index].socketsMax(connection: ConnectionIndex(index), program: program, users: users)
        pool += sockets.pool
        observers += sockets.observers
        let target = targets[index].displayAddress
        guard !target.hasPrefix("/") else { continue }
        if let known = socketsByTarget.firstIndex(where: { $0.target == target }) {
          socketsByTarget[known].count += sockets.pool + sockets.observers
        } else {
          socketsByTarget.append((target, sockets.pool + sockets.observers))
        }
      }
    }
  }

  /// What this machine has.
  package struct Supply {
    /// The soft limit of descriptors, after it was raised as far as the hard one lets.
    package var descriptors: Int
    /// Descriptors that are open already.
    package var open: Int
    /// Ports that the kernel may choose for outgoing connections, and how many of them are in use.
    package var ports: Int
    package var portsInUse: Int

    package init(descriptors: Int, open: Int, ports: Int = .max, portsInUse: Int = 0) {
      self.descriptors = descriptors
      self.open = open
      self.ports = ports
      self.portsInUse = portsInUse
    }
  }

  /// For the event loop, the journal, the reports, name lookups, and whatever a library opens for itself.
  static let reserve = 32
  /// With fewer connections to one target, ports are not looked at: the table of all sockets may be long.
  static let socketsWorthCounting = 1_000

  /// - Returns: why the run cannot be, in a phrase; nil if it can.
  package static func refusal(_ demand: Demand, _ supply: Supply) -> String? {
    let sockets = demand.pool + demand.observers
    let needed = supply.open + sockets + reserve
    if needed > supply.descriptors {
      let observers = demand.observers > 0 ? ", \(demand.observers) for observers" : ""
      return "the run needs \(needed) descriptors (\(demand.pool) for connections\(observers), \(supply.open + reserve) for itself), has \(supply.descriptors); "
        + "raise the limit ('ulimit -n'), or make the pools smaller"
    }
    for (target, count) in demand.socketsByTarget where count > max(0, supply.ports - supply.portsInUse) {
      return "the run needs \(count) local ports for its connections to \(target), has \(max(0, supply.ports - supply.portsInUse)) "
        + "(\(supply.ports) in /proc/sys/net/ipv4/ip_local_port_range, \(supply.portsInUse) in use)"
    }
    return nil
  }

  /// Raises the soft limit of descriptors as far as the hard one lets, and looks at what there is.
  package static func supply(for demand: Demand) -> Supply {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    if getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = min(limit.rlim_max, 1 << 20)
      setrlimit(resource, &limit)
      getrlimit(resource, &limit)
    }
    var supply = Supply(descriptors: Int(clamping: limit.rlim_cur), open: openDescriptors)
    if demand.socketsByTarget.contains(where: { $0.count > socketsWorthCounting }) {
      let range = portRange(SystemFile.text(of: "/proc/sys/net/ipv4/ip_local_port_range"))
      supply.ports = range?.count ?? .max
      if let range {
        supply.portsInUse = portsInUse(["/proc/net/tcp", "/proc/net/tcp6"].map(SystemFile.text(of:)), in: range)
      }
    }
    return supply
  }

  private static var openDescriptors: Int {
    guard let folder = opendir("/proc/self/fd") else { return 3 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return max(3, count - 3)  // without ".", ".." and the folder itself
  }

  /// `32768\t60999`
  static func portRange(_ text: String) -> ClosedRange<Int>? {
    let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    guard words.count == 2, let first = Int(words[0]), let last = Int(words[1]), first <= last else { return nil }
    return first...last
  }

  /// Distinct local ports of the range in the tables of proc(5): `0: 0100007F:1F90 0100007F:D2A4 01 …`, the numbers hexadecimal.
  static func portsInUse(_ tables: [String], in range: ClosedRange<Int>) -> Int {
    var ports: Set<Int> = []
    for table in tables {
      for line in table.split(separator: "\n").dropFirst() {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count > 1, let colon = words[1].lastIndex(of: ":"), let port = Int(words[1][words[1].index(after: colon)...], radix: 16) else {
          continue
        }
        if range.contains(port) { ports.insert(port) }
      }
    }
    return ports.count
  }
}
