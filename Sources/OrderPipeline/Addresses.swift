import Foundation

/// Where the three servers are. Passwords stay in here; no message shows them.
struct Addresses: Sendable {
  let database: String
  let broker: BrokerAddress
  let cache: CacheAddress

  init(from environment: [String: String]) throws {
    func address(_ name: String) throws -> String {
      guard let value = environment[name], !value.isEmpty else { throw PipelineError("\(name) is not set") }
      return value
    }
    database = try address("ORDERS_DB")
    broker = try BrokerAddress(address("ORDERS_MQ"))
    cache = try CacheAddress(address("ORDERS_CACHE"))
  }
}

/// `amqp://user:password@host:port/vhost`; the virtual host is `/` when the path is missing.
struct BrokerAddress: Sendable {
  let host: String
  let port: Int32
  let user: String
  let password: String
  let virtualHost: String

  init(_ text: String) throws {
    guard let parts = URLComponents(string: text), parts.scheme == "amqp", let host = parts.host, !host.isEmpty else {
      throw PipelineError("ORDERS_MQ is not an amqp:// address")
    }
    self.host = host
    port = Int32(parts.port ?? 5672)
    user = parts.user ?? "guest"
    password = parts.password ?? "guest"
    virtualHost = parts.path.count > 1 ? String(parts.path.dropFirst()) : "/"
  }
}

/// `redis://user:password@host:port/database`; the user, the password and the database may be missing.
struct CacheAddress: Sendable {
  let host: String
  let port: Int32
  let user: String
  let password: String?
  let database: Int

  init(_ text: String) throws {
    guard let parts = URLComponents(string: text), parts.scheme == "redis", let host = parts.host, !host.isEmpty else {
      throw PipelineError("ORDERS_CACHE is not a redis:// address")
    }
    self.host = host
    port = Int32(parts.port ?? 6379)
    user = parts.user ?? ""
    password = parts.password
    guard let database = parts.path.count > 1 ? Int(parts.path.dropFirst()) : 0 else {
      throw PipelineError("the path of ORDERS_CACHE is not a database number")
    }
    self.database = database
  }
}
