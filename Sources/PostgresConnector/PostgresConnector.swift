package import ChainIO
package import ChainProgram

/// PostgreSQL through libpq's asynchronous calls: one connection serves one call at a time, a transaction keeps its connection.
package struct PostgresConnector: Connector {
  package init() {}

  package var schema: ConnectorSchema { PostgresConnector.schemaValue }

  package func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget {
    try PostgresTarget(address: address)
  }

  package func makeDriver(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor)
    throws(OperationError) -> any ConnectionDriver
  {
    guard let target = target as? PostgresTarget else {
      preconditionFailure("a PostgreSQL driver was given another connector's target")
    }
    return try PostgresDriver(connection: connection, target: target, program: program, users: users, reactor: reactor)
  }
}
