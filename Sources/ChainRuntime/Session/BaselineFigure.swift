package import ChainProgram

extension Threshold {
  /// The name under which a baseline keeps this threshold's figure: `step.insert_order.p99`, seconds; nil if it keeps none.
  package func baselineFigure(in program: Program) -> String? {
    switch metric {
    case .quantile(let q, let series):
      let suffix: String
      switch q {
      case 0.5: suffix = "p50"
      case 0.95: suffix = "p95"
      case 0.99: suffix = "p99"
      default: return nil
      }
      return name(of: series, in: program).map { "\($0).\(suffix)" }
    case .rate(.errors): return "iterations.errors"
    case .mean, .minimum, .maximum, .count, .rate: return nil
    }
  }

  private func name(of series: Series, in program: Program) -> String? {
    switch series {
    case .step(let step): "step.\(program.steps[step.index].name)"
    case .lag(let event, let hop): "event.\(program.events[event.index].name).\(program.events[event.index].hops[hop].name)"
    case .response: "response"
    case .service: "iteration"
    case .startDelay, .stable, .violation, .server: nil
    case .measure(let measure): "measure.\(program.measures[measure].name)"
    }
  }

  /// What the figure of a baseline is in the metric's unit.
  func limit(ofBaseline value: Double) -> Double {
    switch metric {
    case .quantile, .mean, .minimum, .maximum: limit * value * 1e9
    case .count, .rate: limit * value
    }
  }
}
