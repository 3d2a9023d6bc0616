package import Metrics

/// Whether the generator itself was honest: the rules of docs/measurement.md, applied to the record of a run.
package enum Validity {
  /// - Parameter isInterrupted: A run cut short is not blamed for arrivals that never became due.
  package static func judge(_ record: RunRecord, isInterrupted: Bool) -> [JournalValidity] {
    var reasons: [JournalValidity] = []
    let generator = record.generator
    if let late = generator.loopLateness.estimableQuantile(0.99), late > 2_000_000 {
      reasons.append(reason("loop-late", "the event loop's 10 ms heartbeat was late by \(Figure.time(Double(late))) at p99 (limit 2 ms)"))
    }
    if generator.longestGapNanoseconds > 200_000_000 {
      reasons.append(
        reason("loop-gap", "the event loop stood still for \(Figure.time(Double(generator.longestGapNanoseconds))) (limit 200 ms)"))
    }
    if record.start.model == .open {
      // Arrivals that found no free user are late because of the target; only the others are our own.
      let started = record.iterations.started
      if started > 0, Double(generator.lateUserFree) > 0.01 * Double(started) {
        reasons.append(
          reason("start-delay", "\(generator.lateUserFree) of \(started) arrivals started more than 1 ms late although a user was free"))
      }
      let arrivals = record.iterations.arrivals + record.warmUpIterations.arrivals
      if arrivals > 0, !isInterrupted, let asked = record.start.askedArrivals, Double(arrivals) < 0.99 * Double(asked) {
        reasons.append(reason("offered-rate", "only \(arrivals) of \(asked) arrivals became due"))
      }
    }
    if generator.cpuAllowedNanoseconds > 0 {
      let share = Double(generator.cpuNanoseconds) / Double(generator.cpuAllowedNanoseconds)
      if share > 0.7 { reasons.append(reason("cpu", "chainrun used \(Figure.percentage(share)) of the processor time it may use (limit 70 %)")) }
      let steal = Double(generator.stealNanoseconds) / Double(generator.cpuAllowedNanoseconds)
      if steal > 0.01 { reasons.append(reason("steal", "the hypervisor took \(Figure.percentage(steal)) of the processor time (limit 1 %)")) }
    }
    return reasons
  }

  private static func reason(_ name: String, _ detail: String) -> JournalValidity {
    JournalValidity(verdict: .degraded, name: name, detail: detail)
  }
}
