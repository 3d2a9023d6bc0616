package import Diagnostics

/// An entry of `alerts:`: a condition that is judged each second of the load, and what is done when it begins and ceases to hold.
///
/// An alert tells somebody. It never changes a run's verdict: that is what thresholds are for.
package struct AlertDeclaration: Sendable {
  package let name: String
  package let condition: AlertCondition
  /// The stretch before each second that the condition is judged by; from a second to an hour.
  package let overNanoseconds: UInt64
  /// Judgements in a row that must hold before it fires, and that must not hold before it is resolved; at least 1.
  package let firesAfter: Int
  package let resolvesAfter: Int
  /// Tells it again after each such time while it goes on holding; nil for once.
  package let everyNanoseconds: UInt64?
  /// Of each action.
  package let timeoutNanoseconds: UInt64
  /// A command and its arguments, run in the chain file's folder and never by a shell; nil for none.
  package let command: [String]?
  package let webhook: Webhook?
  package let range: SourceRange

  /// Where a webhook is; its text is never shown, since it is a secret as a rule.
  package enum Webhook: Sendable, Hashable {
    case literal(String)
    case environment(String)
    /// One of the program's secrets.
    case secret(SlotIndex)
  }

  package init(
    name: String, condition: AlertCondition, overNanoseconds: UInt64, firesAfter: Int = 1, resolvesAfter: Int = 1,
    everyNanoseconds: UInt64? = nil, timeoutNanoseconds: UInt64 = 10_000_000_000, command: [String]? = nil, webhook: Webhook? = nil,
    range: SourceRange
  ) {
    self.name = name
    self.condition = condition
    self.overNanoseconds = overNanoseconds
    self.firesAfter = firesAfter
    self.resolvesAfter = resolvesAfter
    self.everyNanoseconds = everyNanoseconds
    self.timeoutNanoseconds = timeoutNanoseconds
    self.command = command
    self.webhook = webhook
    self.range = range
  }
}

/// What an alert waits for: a figure, compared with a limit.
package struct AlertCondition: Sendable {
  /// As its author wrote it.
  package let text: String
  package let metric: AlertMetric
  package let comparison: Comparison
  /// In the metric's unit; with ``isOfBaseline`` a factor of what the baseline has.
  package let limit: Double
  package let isOfBaseline: Bool

  package init(text: String, metric: AlertMetric, comparison: Comparison, limit: Double, isOfBaseline: Bool = false) {
    self.text = text
    self.metric = metric
    self.comparison = comparison
    self.limit = limit
    self.isOfBaseline = isOfBaseline
  }
}

package enum AlertMetric: Sendable, Hashable {
  /// What thresholds know: times, counts and rates of the load and of events.
  case measured(Threshold.Metric)
  /// `max(pool.orders.utilisation)`: a figure that every second has one of, over the window's seconds.
  case figure(Statistic, AlertFigure)

  package enum Statistic: String, Sendable, Hashable, CaseIterable {
    case mean, min, max
    /// The newest second's.
    case last
    /// The sum of what is counted.
    case count
  }

  package var unit: AlertFigure.Unit {
    switch self {
    case .measured(.quantile), .measured(.mean), .measured(.minimum), .measured(.maximum): .nanoseconds
    case .measured(.count): .number
    case .measured(.rate): .share
    case .figure(_, let figure): figure.unit
    }
  }

  /// Whether it grows with the length of the window, so that a window which is not yet full says nothing about what is below a limit.
  package var growsWithItsWindow: Bool {
    switch self {
    case .measured(.count), .figure(.count, _): true
    case .measured, .figure: false
    }
  }
}

/// What a second of the run has one number of.
package enum AlertFigure: Sendable, Hashable {
  case generator(GeneratorFigure)
  case pool(ConnectionIndex, PoolFigure)

  package enum Unit: Sendable, Hashable {
    case nanoseconds, share, number
  }

  /// `generator.<figure>`: this program and its machine.
  package enum GeneratorFigure: String, Sendable, CaseIterable, Hashable {
    /// Of the processor time that it may use, and of what the hypervisor took away: shares.
    case cpu, steal
    /// The longest standstill of the event loop.
    case gap
    /// Arrivals that began late although a user was free: counted.
    case lateStarts = "late_starts"
  }

  /// `pool.<connection>.<figure>`
  package enum PoolFigure: String, Sendable, CaseIterable, Hashable {
    /// The share of its connection-seconds that were in use; of connections that are not shared.
    case utilisation
    /// Operations under way at a random moment; of shared connections.
    case inFlight = "in_flight"
    /// How long at least one operation waited for a connection, as a share of the time.
    case exhausted
    /// Counted.
    case waits, refused, reconnects
    case connectFailures = "connect_failures"
  }

  package var isCounted: Bool {
    switch self {
    case .generator(.lateStarts), .pool(_, .waits), .pool(_, .refused), .pool(_, .reconnects), .pool(_, .connectFailures): true
    case .generator(.cpu), .generator(.steal), .generator(.gap), .pool(_, .utilisation), .pool(_, .inFlight), .pool(_, .exhausted): false
    }
  }

  package var unit: Unit {
    switch self {
    case .generator(.cpu), .generator(.steal), .pool(_, .utilisation), .pool(_, .exhausted): .share
    case .generator(.gap): .nanoseconds
    case .generator(.lateStarts), .pool(_, .inFlight), .pool(_, .waits), .pool(_, .refused), .pool(_, .reconnects), .pool(_, .connectFailures):
      .number
    }
  }
}
