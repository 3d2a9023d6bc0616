internal import LosslessJSON
internal import Metrics

/// `alerts` of `summary.json`.
enum SummaryAlerts {
  static func write(_ run: RunRecord, to json: inout JSONWriter) {
    json.key("alerts")
    json.beginArray()
    for alert in run.alerts { write(alert, run, to: &json) }
    json.endArray()
  }

  private static func write(_ alert: AlertRecord, _ run: RunRecord, to json: inout JSONWriter) {
    json.beginObject()
    json.member("name", alert.info.name)
    json.member("when", alert.info.condition)
    json.key("over_s")
    json.rawNumber(Quantities.seconds(alert.info.overNanoseconds))
    json.member("for", alert.info.firesAfter)
    json.key("actions")
    json.beginArray()
    for action in alert.info.actions { json.string(action) }
    json.endArray()
    json.member("state", alert.firings == 0 ? (alert.wasBlind ? "undecided" : "quiet") : alert.isFiring ? "firing" : "resolved")
    json.member("fired", alert.firings)
    json.key("spans")
    json.beginArray()
    for span in alert.spans {
      json.beginObject()
      json.member("from_s", second(span.fired.atNanoseconds, run))
      json.member("to_s", span.resolved.map { second($0.atNanoseconds, run) })
      json.member("value", span.fired.value)
      json.member("limit", span.fired.limit)
      json.member("observed", span.fired.observed)
      json.member("resolved_value", span.resolved?.value)
      json.member("resolved_observed", span.resolved?.observed)
      json.member("repetitions", span.repetitions)
      json.endObject()
    }
    json.endArray()
    json.key("judged")
    json.beginObject()
    json.member("decided", alert.tally?.decided)
    json.member("undecided", alert.tally?.undecided)
    json.member("missed", alert.tally?.missed)
    json.member("reason", alert.tally?.reason)
    json.endObject()
    json.key("delivered")
    json.beginObject()
    json.member("ok", alert.succeeded)
    json.member("failed", alert.failed)
    json.member("lost", alert.lost)
    json.endObject()
    json.key("losses")
    json.beginArray()
    for loss in alert.losses {
      json.beginObject()
      json.member("action", loss.action)
      json.member("state", loss.state.rawValue)
      json.member("outcome", loss.outcome.rawValue)
      json.member("at_s", second(loss.atNanoseconds, run))
      json.key("took_s")
      json.rawNumber(Quantities.seconds(loss.tookNanoseconds))
      json.member("reason", loss.reason)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  private static func second(_ nanoseconds: UInt64, _ run: RunRecord) -> Double { (run.seconds(at: nanoseconds) * 1e6).rounded() / 1e6 }
}
