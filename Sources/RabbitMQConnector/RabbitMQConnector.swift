package import ChainIO
package import ChainProgram

/// RabbitMQ over AMQP 0-9-1: publishes with confirms, and taps on exchanges. A virtual user's message shares its connection with others'.
package struct RabbitMQConnector: Connector {
  package init() {}

  package var schema: ConnectorSchema { RabbitMQConnector.rabbitMQSchema }

  package func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget {
    try BrokerAddress(address)
  }

  package func makeDriver(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor)
    throws(OperationError) -> any ConnectionDriver
  {
    guard let address = target as? BrokerAddress else { preconditionFailure("the target was resolved by another connector") }
    return try RabbitMQDriver(
      declaration: program.connections[connection.index], index: connection, address: address, program: program, users: users,
      reactor: reactor)
  }
}
