internal import ChainProgram
internal import Diagnostics

/// `write-on-read-connection`, `consume-not-allowed` and `redis-destructive`: what a step does and what its connection may.
extension ChainResolver {
  /// `command-refused`: what the connector would refuse when the run begins.
  func isRefused(_ operation: OperationNode) -> Bool {
    guard let refusal = operation.schema.refusal(operandText(operation)) else { return false }
    findings.add(.commandRefused, at: operation.operand.placeRange, refusal)
    return true
  }

  func checkAccess(_ operation: OperationNode, _ effect: Effect, _ connection: ConnectionDeclaration) {
    let levels = operation.connector.accessLevels
    let place = operation.operand.placeRange
    let isWeakest = levels.count > 1 && connection.access == levels[0]
    let stronger = levels.dropFirst().first ?? ""
    let related = [Related(connection.range, "'access' is '\(connection.access)' here")]
    switch effect {
    case .reads:
      break
    case .writes:
      guard isWeakest else { return }
      findings.add(
        .writeOnReadConnection, at: place,
        "this '\(operation.schema.name)' writes, and '\(connection.name)' has 'access: \(connection.access)'",
        help: "write 'access: \(stronger)' in the connection if it may", related: related)
    case .unclear:
      guard isWeakest else { return }
      findings.add(
        .writeOnReadConnection, at: place,
        "this '\(operation.schema.name)' may write, and '\(connection.name)' has 'access: \(connection.access)'",
        help: "write 'access: \(stronger)' in the connection if it may", related: related)
    case .consumes:
      guard levels.contains("consume"), connection.access != "consume" else { return }
      findings.add(
        .consumeNotAllowed, at: place,
        "'\(operation.schema.name)' takes messages away, and '\(connection.name)' has 'access: \(connection.access)'",
        help: "write 'access: consume' in the connection if it may", related: related)
    case .destroys(let what):
      findings.add(
        .redisDestructive, at: place, "'\(what)' destroys or blocks far more than the run's own data",
        help: "name the keys that the run made")
    }
  }
}
