package import LosslessJSON

// The form in which a store and a baseline file keep a run's figures.
extension RunFigures {
  package func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("run", runID)
    json.member("folder", folder)
    json.member("started", startedAt)
    json.member("duration", durationSeconds)
    json.member("exit_code", exitCode)
    json.member("crashed", isCrashed)
    json.member("validity", validity)
    json.member("chain", conditions.chain)
    json.member("chain_hash", conditions.chainHash)
    json.member("profile", conditions.profile)
    json.member("profile_text", conditions.profileText)
    json.member("model", conditions.model)
    json.member("host", conditions.host)
    json.key("variables")
    json.beginArray()
    for text in conditions.variables { json.string(text) }
    json.endArray()
    json.member("traceparent", conditions.traceContext)
    json.key("observation")
    json.beginArray()
    for text in conditions.observation { json.string(text) }
    json.endArray()
    json.key("metrics")
    json.beginArray()
    for metric in metrics {
      json.beginArray()
      json.string(metric.name)
      json.string(metric.unit.rawValue)
      json.double(metric.value)
      json.endArray()
    }
    json.endArray()
    json.key("consistency")
    json.beginObject()
    for count in consistency { json.member(count.name, count.count) }
    json.endObject()
    json.endObject()
  }

  package var jsonText: String {
    var json = JSONWriter()
    write(to: &json)
    return json.text
  }

  /// - Returns: nil for what ``write(to:)`` did not write.
  package init?(json: JSONValue) {
    guard let runID = json["run"]?.string else { return nil }
    self.init()
    self.runID = runID
    folder = json["folder"]?.string ?? ""
    startedAt = json["started"]?.double ?? 0
    durationSeconds = json["duration"]?.double ?? 0
    exitCode = json["exit_code"]?.integer()
    isCrashed = json["crashed"]?.bool ?? false
    validity = json["validity"]?.string ?? ""
    conditions.chain = json["chain"]?.string ?? ""
    conditions.chainHash = json["chain_hash"]?.string ?? ""
    conditions.profile = json["profile"]?.string ?? ""
    conditions.profileText = json["profile_text"]?.string ?? ""
    conditions.model = json["model"]?.string ?? ""
    conditions.host = json["host"]?.string ?? ""
    conditions.variables = json["variables"]?.elements.compactMap(\.string) ?? []
    conditions.traceContext = json["traceparent"]?.string ?? ""
    conditions.observation = json["observation"]?.elements.compactMap(\.string) ?? []
    metrics = json["metrics"]?.elements.compactMap { entry in
      guard let name = entry[0]?.string, let unit = entry[1]?.string.flatMap(Metric.Unit.init(rawValue:)), let value = entry[2]?.double else {
        return nil
      }
      return Metric(name, unit, value)
    } ?? []
    consistency = json["consistency"]?.members.compactMap { name, value in
      value.integer(as: UInt64.self).map { ConsistencyCount(name, $0) }
    } ?? []
  }

  package init?(jsonText: String) {
    guard let document = try? JSONDocument(parsing: jsonText) else { return nil }
    self.init(json: document.root)
  }
}
