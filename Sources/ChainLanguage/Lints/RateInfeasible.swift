internal import ChainProgram
internal import Diagnostics

/// `rate-infeasible`: an open load whose users pause longer than the rate leaves them time, and `deadline-exceeds-timeout` of
/// waits inside transactions.
extension ChainResolver {
  func lintRates() {
    let shortest = typed.scenarios.map { leastPause($0.steps) }.min() ?? 0
    guard shortest > 0 else { return }
    for profile in builder.program.profiles {
      let open: OpenLoad
      switch profile.model {
      case .open(let load): open = load
      case .closed(let load):
        lintPace(load, profile, shortest: shortest)
        continue
      }
      let possible = Double(open.usersMax) / (Double(shortest) / 1e9)
      guard possible < open.curve.peak else { continue }
      findings.add(
        .rateInfeasible, at: profile.range,
        "\(open.usersMax) users that pause for \(Value.duration(shortest)) in each iteration make at most \(Self.rounded(possible)) iterations a second, and the rate \(open.shape == .constant ? "is" : "reaches") \(Self.rounded(open.curve.peak))/s",
        help: "raise 'max_vus', or shorten the pauses")
    }
  }

  private func lintPace(_ load: ClosedLoad, _ profile: LoadProfile, shortest: Int64) {
    guard let pace = load.pacing?.meanNanoseconds, UInt64(shortest) > pace else { return }
    findings.add(
      .rateInfeasible, at: profile.range,
      "each iteration pauses for \(Value.duration(shortest)), and the pace is one every \(Value.duration(Int64(clamping: pace)))",
      help: "slow the pace down, or shorten the pauses")
  }

  private static func rounded(_ number: Double) -> String {
    let tenths = (number * 10).rounded(.down)
    return tenths.truncatingRemainder(dividingBy: 10) == 0 ? "\(Int64(tenths / 10))" : "\(tenths / 10)"
  }

  /// Nanoseconds that every pass through the steps pauses at least.
  private func leastPause(_ steps: [TypedStep]) -> Int64 {
    var total: Int64 = 0
    for step in steps where step.when == nil && !step.node.continuesOnError {
      let pause: Int64
      switch step.kind {
      case .think(let shortest, _): pause = max(0, shortest.constantNanoseconds ?? 0)
      case .transaction(let transaction): pause = leastPause(transaction.steps)
      case .group(let steps), .call(_, let steps): pause = leastPause(steps)
      case .choice(let branches, let otherwise): pause = (branches.map { leastPause($0.steps) } + [leastPause(otherwise)]).min() ?? 0
      case .switchOn(_, _, let cases, let otherwise): pause = (cases.map { leastPause($0.steps) } + [leastPause(otherwise)]).min() ?? 0
      case .weighted(_, _, let branches): pause = branches.map { leastPause($0) }.min() ?? 0
      case .parallel(let join, _, let lanes):
        let pauses = lanes.map { leastPause($0) }
        pause = (join == .all ? pauses.max() : pauses.min()) ?? 0
      case .loop(let count, _, let steps):
        var rounds: Int64 = 0
        if case .expression(let typed) = count, case .int(let number)? = typed.constant { rounds = max(0, number) }
        let (product, overflow) = leastPause(steps).multipliedReportingOverflow(by: rounds)
        pause = overflow ? Int64.max / 2 : product
      // After these the rest may not be reached.
      case .stop, .fail, .rollback: return total
      case .forEach, .whileLoop, .operation, .set, .awaitHop, .awaitProbe, .log, .measure, .invalid: pause = 0
      }
      let (sum, overflow) = total.addingReportingOverflow(pause)
      total = overflow ? Int64.max / 2 : min(sum, Int64.max / 2)
    }
    return total
  }

  /// A transaction that is given less time than a wait in it.
  func lintTransactionDeadlines(_ steps: [TypedStep], timeout: (nanoseconds: Int64, range: SourceRange)? = nil) {
    for step in steps {
      var inner = timeout
      var within: TypedValue?
      switch step.kind {
      case .transaction(let transaction):
        if let entry = step.node.timeout {
          inner = (Int64(clamping: transaction.begin.timeoutNanoseconds), entry.key.range)
        }
      case .awaitHop(_, _, _, let given): within = given
      case .awaitProbe(let probe): within = probe.within
      case .operation, .set, .choice, .loop, .think, .log, .fail, .switchOn, .weighted, .forEach, .whileLoop, .group, .parallel, .call,
        .measure, .stop, .rollback, .invalid:
        break
      }
      if let timeout, let nanoseconds = within?.constantNanoseconds, nanoseconds > timeout.nanoseconds {
        findings.add(
          .deadlineExceedsTimeout, at: step.node.verb.range,
          "this waits for up to \(Value.duration(nanoseconds)), and the transaction around it has \(Value.duration(timeout.nanoseconds))",
          help: "shorten 'within'", related: [Related(timeout.range, "the transaction's timeout")])
      }
      for list in step.kind.nestedLists { lintTransactionDeadlines(list, timeout: inner) }
    }
  }
}
