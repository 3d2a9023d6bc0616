import ChainProgram
import Diagnostics
import Metrics

/// What a condition came to in one window.
struct AlertObservation {
  var judgement: AlertSwitch.Judgement
  /// Seconds, a share or a number; the lower bound where there are two; nil where nothing could be observed.
  var value: Double?
  /// For people: `612 ms`, or why nothing could be observed.
  var observed: String
}

/// Decides an alert's condition from its window.
///
/// Unlike a threshold, dropped arrivals do not decide a time's condition: they have no time, and `dropped` and `rate(dropped)` tell of them.
struct AlertEvaluation {
  private let condition: AlertCondition
  /// In the metric's unit; nil where a baseline should have given it and has not.
  private let limit: Double?
  private let empty: RunRecord

  init(_ condition: AlertCondition, program: Program, baseline: [String: Double], empty: RunRecord) {
    self.condition = condition
    self.empty = empty
    switch condition.metric {
    case .measured(let metric) where condition.isOfBaseline:
      let threshold = Threshold(
        text: condition.text, metric: metric, comparison: condition.comparison, limit: condition.limit, isOfBaseline: true,
        range: SourceRange(file: FileIndex(0), start: 0, end: 0))
      limit = ThresholdEvaluation.fixed(threshold, program, baseline: baseline)?.limit
    case .measured, .figure: limit = condition.limit
    }
  }

  /// Seconds, a share or a number; 0 where there is none.
  var shownLimit: Double { inUnits(limit ?? 0) }

  func judge(_ window: AlertWindow, scratch: Histogram) -> AlertObservation {
    guard let limit else { return AlertObservation(judgement: .undecided, observed: "no baseline") }
    // A count of half a window is below what the whole one may reach.
    if !window.isFull, condition.metric.growsWithItsWindow, !isLowerBound {
      return AlertObservation(judgement: .undecided, observed: "the window is not full yet")
    }
    switch condition.metric {
    case .measured(let metric): return judge(ThresholdEvaluation.observe(metric, window.record(empty, scratch: scratch)), limit)
    case .figure(let statistic, let figure):
      let values = window.values(of: figure)
      guard let value = Self.value(statistic, values) else {
        return AlertObservation(judgement: .undecided, observed: "the connection tells nothing of it")
      }
      return judge(.value(value, text: Self.text(value, figure.unit)), limit)
    }
  }

  /// What is above a limit in half a window is above it in the whole one.
  private var isLowerBound: Bool {
    switch condition.comparison {
    case .greater, .greaterOrEqual: true
    case .equal, .notEqual, .less, .lessOrEqual: false
    }
  }

  private func judge(_ observation: ThresholdEvaluation.Observation, _ limit: Double) -> AlertObservation {
    func judged(_ low: Double, _ high: Double, _ text: String) -> AlertObservation {
      let holds = ThresholdEvaluation.decide(condition.comparison, low, high, limit)
      return AlertObservation(
        judgement: holds.map { $0 ? .holds : .doesNot } ?? .undecided, value: low.isFinite ? inUnits(low) : nil,
        observed: holds == nil ? "\(text), with the limit between the bounds" : text)
    }
    switch observation {
    case .value(let value, let text): return judged(value, value, text)
    case .bounds(let low, let high, let text, _): return judged(low, high, text)
    case .notEstimable(let reason): return AlertObservation(judgement: .undecided, observed: reason)
    case .beyond: return judged(.infinity, .infinity, "beyond any limit")
    }
  }

  private func inUnits(_ value: Double) -> Double {
    switch condition.metric.unit {
    case .nanoseconds: value / 1e9
    case .share, .number: value
    }
  }

  static func value(_ statistic: AlertMetric.Statistic, _ values: [Double]) -> Double? {
    switch statistic {
    case .mean: values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    case .min: values.min()
    case .max: values.max()
    case .last: values.last
    case .count: values.isEmpty ? nil : values.reduce(0, +)
    }
  }

  static func text(_ value: Double, _ unit: AlertFigure.Unit) -> String {
    switch unit {
    case .nanoseconds: Figure.time(value)
    case .share: Figure.percentage(value)
    case .number: Figure.number(value)
    }
  }
}
