internal import ChainProgram
internal import Diagnostics

/// `pool-smaller-than-users`: a closed load with more users than a pool that transactions take connections from.
///
/// Single operations share a connection by pipelining; a transaction takes one for itself.
func lintPools(_ graph: ChainGraph, _ program: Program, _ steps: [TypedStep], into findings: inout Findings) {
  var exclusive: Set<ConnectionIndex> = []
  func visit(_ steps: [TypedStep]) {
    for step in steps {
      if case .transaction(let transaction) = step.kind { exclusive.insert(transaction.begin.connection) }
      for list in step.kind.nestedLists { visit(list) }
    }
  }
  visit(steps)
  for index in exclusive.sorted() {
    let connection = program.connections[index.index]
    guard case .size(let size) = connection.pool else { continue }
    for profile in program.profiles {
      guard case .closed(let closed) = profile.model, closed.users > size else { continue }
      let place = graph.connections.first { $0.name.text == connection.name }?.pool?.value.placeRange ?? connection.range
      findings.add(
        .poolSmallerThanUsers, at: place,
        "the \(closed.users) users of profile '\(profile.name)' wait for the \(size) connections of '\(connection.name)' in their transactions",
        help: "make the pool as large as the number of users; the wait is measured as pool_wait")
      break
    }
  }
}
