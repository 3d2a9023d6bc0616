package import ChainIO
package import ChainProgram

/// Redis 5 or newer over RESP2, on connections that virtual users share.
package struct RedisConnector: Connector {
  package init() {}

  package var schema: ConnectorSchema { .redis }

  package func resolve(_ declaration: ConnectionDeclaration, address: String) throws(OperationError) -> any ConnectionTarget {
    try RedisTarget(address: address)
  }

  package func makeDriver(connection: ConnectionIndex, target: any ConnectionTarget, program: Program, users: Int, reactor: Reactor)
    throws(OperationError) -> any ConnectionDriver
  {
    guard let target = target as? RedisTarget else { preconditionFailure("a Redis driver is made for an address that Redis resolved") }
    return try RedisDriver(connection: connection, target: target, program: program, users: users, reactor: reactor)
  }
}

/// Where a Redis server listens, who we are there, and in which database we work.
struct RedisTarget: ConnectionTarget {
  let displayAddress: String
  let host: String
  let endpoint: Endpoint
  let user: String?
  let password: String?
  let database: Int

  /// Takes the address apart and resolves its host. Blocks.
  init(address: String) throws(OperationError) {
    let url = try ServiceURL(address, defaultPorts: ["redis": 6379, "rediss": 6379])
    guard url.scheme == "redis" else {
      throw OperationError(.connect, code: "not-supported", "TLS is not supported yet: the address should start with 'redis://'")
    }
    guard url.query == nil else {
      throw OperationError(
        .connect, code: "bad-address", "a 'redis://' address takes no query; it looks like redis://user:password@host:port/database")
    }
    let path = url.rawPath.hasPrefix("/") ? url.rawPath.dropFirst() : url.rawPath[...]
    guard let database = path.isEmpty ? 0 : Int(path), database >= 0 else {
      throw OperationError(.connect, code: "bad-address", "the path of a 'redis://' address is the number of a database, such as '/0'")
    }
    self.database = database
    displayAddress = url.displayAddress
    host = url.host
    user = url.user
    password = url.password
    endpoint = try Endpoint.resolve(host: url.host, port: url.port)
  }
}
