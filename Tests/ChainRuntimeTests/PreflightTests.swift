import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

@Suite struct PreflightTests {
  private func demand(pool: Int, observers: Int = 0, _ targets: [(String, Int)] = []) -> Preflight.Demand {
    var demand = Preflight.Demand()
    demand.pool = pool
    demand.observers = observers
    demand.socketsByTarget = targets.map { (target: $0.0, count: $0.1) }
    return demand
  }

  @Test func `a run that needs more descriptors than there are says how many`() {
    let refusal = Preflight.refusal(demand(pool: 384, observers: 6), Preflight.Supply(descriptors: 64, open: 9))
    #expect(
      refusal == "the run needs 431 descriptors (384 for connections, 6 for observers, 41 for itself), has 64; raise the limit ('ulimit -n'), or make the pools smaller")
    #expect(Preflight.refusal(demand(pool: 384, observers: 6), Preflight.Supply(descriptors: 431, open: 9)) == nil)
    #expect(Preflight.refusal(demand(pool: 384, observers: 6), Preflight.Supply(descriptors: 430, open: 9)) != nil)
  }

  @Test func `connections to one target need a local port each`() {
    let supply = Preflight.Supply(descriptors: 1_000_000, open: 5, ports: 28_232, portsInUse: 232)
    #expect(Preflight.refusal(demand(pool: 50_000, [("10.0.0.1:5432", 28_000), ("10.0.0.2:6379", 22_000)]), supply) == nil)
    #expect(
      Preflight.refusal(demand(pool: 28_001, [("10.0.0.1:5432", 28_001)]), supply)
        == "the run needs 28001 local ports for its connections to 10.0.0.1:5432, has 28000 (28232 in /proc/sys/net/ipv4/ip_local_port_range, 232 in use)")
  }

  @Test func `the kernel's tables are read as proc(5) writes them`() {
    #expect(Preflight.portRange("32768\t60999\n") == 32_768...60_999)
    #expect(Preflight.portRange("") == nil && Preflight.portRange("9 3") == nil)
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
         1: 0100007F:D2A4 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
      """
    let six = "  sl local\n   0: 00000000000000000000000001000000:D2A4 00000000000000000000000000000000:0000 01 x\n   1: 00000000000000000000000001000000:EE47 0:0 06 x\n"
    #expect(Preflight.portsInUse([table, six, ""], in: 32_768...60_999) == 1 + 0 + (0xEE47 <= 60_999 ? 1 : 0))
  }

  @Test func `what a program needs is counted over its connections and hops`() throws {
    var sketch = ProgramSketch()
    sketch.beginIteration()
    sketch.call("work")
    sketch.emit(.end)
    let program = sketch.program
    let connector = ScriptedConnector(script: Script())
    let demand = Preflight.Demand(
      program, users: 40, connectors: program.connections.map { _ in connector }, targets: program.connections.map { _ in ScriptedConnector.Target() })
    let pools = program.connections.reduce(0) { total, connection in
      switch connection.pool {
      case .size(let size): total + size
      case .perUser: total + 40
      }
    }
    #expect(demand.pool == pools && demand.observers == 0)
    #expect(demand.socketsByTarget.map(\.target) == ["scripted"] && demand.socketsByTarget[0].count == pools)
    let supply = Preflight.supply(for: demand)
    #expect(supply.descriptors >= 64 && supply.open >= 3 && supply.ports == .max)
  }
}
