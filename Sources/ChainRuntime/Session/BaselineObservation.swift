package import Metrics

extension RunRecord {
  /// Why a baseline's figures are no limits for this run: its hops were observed otherwise, which is known only when the observers are in place.
  /// nil where they may be compared, or there is no baseline.
  package var baselineDifference: String? {
    guard let baseline = start.baseline else { return nil }
    let here = events.flatMap { event in event.hops.map { "\(event.info.name).\($0.info.name) \($0.info.how)" } }
    for (earlier, now) in zip(baseline.observation.sorted(), here.sorted()) where earlier != now {
      return "the baseline's runs observed '\(earlier)', this one '\(now)': each way to observe has a resolution of its own"
    }
    return baseline.observation.count == here.count ? nil : "the baseline's runs had other hops"
  }
}
