internal import LosslessJSON
package import Metrics
internal import Reports

/// What an alert tells: to a command as its environment, to a webhook as JSON, to a person as a sentence.
package struct AlertNotice: Sendable, Hashable {
  package let alert: JournalAlert
  package let info: AlertInfo
  package let chain: String
  package let profile: String
  package let run: String
  /// Nanoseconds since the load began.
  package let elapsedNanoseconds: UInt64
  /// CLOCK_REALTIME nanoseconds.
  package let realtimeNanoseconds: UInt64
  /// How long it has been firing, in nanoseconds; 0 as it fires.
  package let firingNanoseconds: UInt64

  /// - Parameters:
  ///   - loadStart: CLOCK_MONOTONIC nanoseconds.
  ///   - fired: CLOCK_MONOTONIC nanoseconds of when it last fired.
  package init(_ alert: JournalAlert, of start: JournalStart, loadStart: UInt64, fired: UInt64) {
    self.alert = alert
    info = start.alerts[alert.alert]
    chain = start.chain
    profile = start.profile
    run = start.runID
    elapsedNanoseconds = alert.atNanoseconds &- min(loadStart, alert.atNanoseconds)
    realtimeNanoseconds = start.realtimeNanoseconds &+ (alert.atNanoseconds &- min(start.monotonicNanoseconds, alert.atNanoseconds))
    firingNanoseconds = alert.atNanoseconds &- min(fired, alert.atNanoseconds)
  }

  /// One line for a terminal, and the `text` of the JSON.
  package var sentence: String {
    let at = Quantities.fixed(Double(elapsedNanoseconds) / 1e9, decimals: 1) + " s"
    let length = Quantities.trimmed(Double(firingNanoseconds) / 1e9, decimals: 1) + " s"
    let observed = alert.observed.isEmpty ? "" : ", observed \(alert.observed)"
    switch alert.state {
    case .firing where alert.repetition == 0: return "alert '\(info.name)' fires at \(at): \(info.condition)\(observed)"
    case .firing: return "alert '\(info.name)' still fires at \(at), for \(length) by now: \(info.condition)\(observed)"
    case .resolved: return "alert '\(info.name)' is resolved at \(at), after \(length)\(observed)"
    case .ended: return "alert '\(info.name)' still fires as the load ends at \(at), for \(length) by now\(observed)"
    }
  }

  /// `NAME=value`, without zero bytes.
  package var environment: [(name: String, value: String)] {
    [
      ("CHAINRUN_ALERT", info.name), ("CHAINRUN_STATE", alert.state.rawValue), ("CHAINRUN_WHEN", info.condition),
      ("CHAINRUN_VALUE", alert.value.map { Self.number($0) } ?? ""), ("CHAINRUN_LIMIT", Self.number(alert.limit)),
      ("CHAINRUN_OBSERVED", alert.observed), ("CHAINRUN_TEXT", sentence), ("CHAINRUN_REPETITION", String(alert.repetition)),
      ("CHAINRUN_SECOND", Quantities.seconds(elapsedNanoseconds)), ("CHAINRUN_FIRING_SECONDS", Quantities.seconds(firingNanoseconds)),
      ("CHAINRUN_TIME", Quantities.instant(realtimeNanoseconds: realtimeNanoseconds)), ("CHAINRUN_RUN", run), ("CHAINRUN_CHAIN", chain),
      ("CHAINRUN_PROFILE", profile),
    ].map { ($0.0, $0.1.filter { $0 != "\0" }) }
  }

  /// The body of a webhook's request.
  package var json: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("alert", info.name)
    json.member("state", alert.state.rawValue)
    json.member("text", sentence)
    json.member("when", info.condition)
    json.member("value", alert.value)
    json.member("limit", alert.limit)
    json.member("observed", alert.observed)
    json.member("repetition", alert.repetition)
    json.key("second")
    json.rawNumber(Quantities.seconds(elapsedNanoseconds))
    json.key("firing_s")
    json.rawNumber(Quantities.seconds(firingNanoseconds))
    json.member("time", Quantities.instant(realtimeNanoseconds: realtimeNanoseconds))
    json.member("run", run)
    json.member("chain", chain)
    json.member("profile", profile)
    json.endObject()
    return json.bytes
  }

  /// Seconds, a share or a count, as a script reads it.
  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 9e15 ? String(Int(value)) : "\(value)"
  }
}
