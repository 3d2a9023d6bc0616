internal import Metrics

/// A stretch of the run on the timeline: one second, or several of a long run.
///
/// Quantiles of a stretch are those of all its values, not means of quantiles; failures are the sum, rates the mean.
struct TimelinePoint {
  /// Seconds since the start of the load: `from` included, `to` not.
  let from: Int
  var to: Int
  let isWarmUp: Bool
  /// Arrivals that the rate asked for; nil in the closed model.
  var asked: Double?
  var arrivals: UInt64 = 0
  var completed: UInt64 = 0
  var failures: UInt64 = 0
  /// The worst single second of the stretch: what a mean would hide.
  var failuresInWorstSecond: UInt64 = 0
  var usersBusy: UInt64 = 0
  /// Response in the open model, service in the closed one.
  var times = HistogramSnapshot()

  var seconds: Double { Double(max(1, to - from)) }
  var middle: Double { Double(from) + seconds / 2 }

  /// - Parameter limit: At most about so many points.
  static func points(of run: RunRecord, limit: Int) -> [TimelinePoint] {
    guard let first = run.seconds.first, let last = run.seconds.last else { return [] }
    let width = max(1, (last.second - first.second) / max(1, limit) + 1)
    let scratch = Histogram()
    var points: [TimelinePoint] = []
    var pending: [HistogramSnapshot] = []
    func close() {
      guard !points.isEmpty else { return }
      points[points.count - 1].times = HistogramSnapshot(merging: pending, scratch: scratch)
      pending = []
    }
    // The last interval reaches into the settling, where nothing is asked any more.
    let end = Int(run.durationSeconds.rounded(.up))
    for second in run.seconds where second.second < end || second.iterations.arrivals > 0 || second.failures > 0 {
      let start = second.second - (second.second - first.second) % width
      if points.last?.from != start || points.last?.isWarmUp != second.isWarmUp {
        close()
        points.append(TimelinePoint(from: start, to: start, isWarmUp: second.isWarmUp))
      }
      let at = points.count - 1
      points[at].to = max(points[at].to, second.second + 1)
      if let asked = second.askedArrivals { points[at].asked = (points[at].asked ?? 0) + asked }
      points[at].arrivals += second.iterations.arrivals
      points[at].completed += second.iterations.completed
      points[at].failures += second.failures
      points[at].failuresInWorstSecond = max(points[at].failuresInWorstSecond, second.failures)
      points[at].usersBusy = max(points[at].usersBusy, second.usersBusy)
      pending.append(run.start.model == .open ? second.response : second.service)
    }
    close()
    return points
  }
}
