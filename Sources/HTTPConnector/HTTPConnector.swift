internal import CCurl
package import ChainIO
package import ChainProgram
import Glibc

/// HTTP/1.1 and HTTPS by libcurl's multi interface.
package struct HTTPConnector: Connector {
  package init() {}

  package var schema: ConnectorSchema { .http }

  package func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget {
    guard HTTPConnector.isCurlReady else { throw OperationError(.environment, code: "curl", "libcurl cannot be initialized") }
    return try HTTPTarget(declaration, address: address)
  }

  /// libcurl wants to be initialized once, before any other thread uses it (curl_global_init(3)).
  private static let isCurlReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  package func makeDriver(
    connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor
  ) throws(OperationError) -> any ConnectionDriver {
    guard let target = target as? HTTPTarget else {
      preconditionFailure("a driver is made with the target that its own connector resolved")
    }
    let declaration = program.connections[connection.index]
    let defaults = try HTTPHeaders(connection: declaration)
    var plans = ContiguousArray<RequestPlan?>()
    for operation in program.operations {
      guard operation.connection == connection else {
        plans.append(nil)
        continue
      }
      let plan = try RequestPlan(operation, target: target, defaults: defaults, tellsTraces: program.traceContext.contains(.http))
      if declaration.access == "read", !plan.isReading {
        throw OperationError(
          .protocol, code: "bad-operation",
          "\(operation.verb == "graphql" ? "a GraphQL mutation" : "'\(plan.method)'") needs 'access: write' on the connection '\(declaration.name)'"
        )
      }
      plans.append(plan)
    }
    let pool = HTTPConnector.transfers(declaration, users: users)
    // Headers are kept only for a program that reads some: a typical answer has eight, each two copies.
    let readsHeaders = program.resultPaths.contains { $0.field == .headers }
    return try HTTPDriver(
      target: target, plans: plans, pool: pool, isPerUser: declaration.pool == .perUser,
      acquireTimeoutNanoseconds: declaration.acquireTimeoutNanoseconds, connectTimeoutNanoseconds: declaration.connectTimeoutNanoseconds,
      keepsHeaders: readsHeaders, reactor: reactor)
  }

  private static func transfers(_ declaration: ConnectionDeclaration, users: Int) -> Int {
    switch declaration.pool {
    case .size(let size): max(1, size)
    case .perUser: max(1, users)
    }
  }

  /// With a connection for each user, also libcurl's own two descriptors for each loop; of one loop they are in what the process keeps for
  /// itself.
  package func socketsMax(connection: ConnectionIndex, program: Program, users: Int) -> (pool: Int, observers: Int) {
    let declaration = program.connections[connection.index]
    let connections = HTTPConnector.transfers(declaration, users: users)
    return (connections + (declaration.pool == .perUser ? 2 * ((connections - 1) / HTTPDriver.usersPerLoop) : 0), 0)
  }
}
