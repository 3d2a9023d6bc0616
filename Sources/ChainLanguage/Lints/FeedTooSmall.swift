internal import ChainProgram
internal import Diagnostics

/// `feed-too-small-for-unique`: a profile whose number of iterations is known and larger than a unique feed that they draw from.
///
/// Who wrote `exhausted: stop` has said that the run may end with the rows.
func lintFeeds(_ graph: ChainGraph, _ program: Program, _ chain: TypedChain, into findings: inout Findings) {
  for (index, _) in chain.feedSlots {
    let feed = program.feeds[index.index]
    guard feed.pick == .unique, let node = graph.feeds.first(where: { $0.name.text == feed.name }), node.exhausted == nil else { continue }
    for profile in program.profiles {
      guard case .closed(let closed) = profile.model, let iterations = closed.iterations, iterations > UInt64(feed.rowCount) else { continue }
      findings.add(
        .feedTooSmallForUnique, at: node.name.range,
        "profile '\(profile.name)' has \(iterations) iterations, and '\(feed.name)' has \(feed.rowCount) rows to give once each",
        help: "add rows, pick otherwise, or write 'exhausted: stop' if the run may end with the rows",
        related: [Related(profile.range, "the profile")])
      break
    }
  }
}
