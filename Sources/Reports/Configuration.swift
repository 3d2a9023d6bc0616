internal import LosslessJSON
internal import Metrics

/// What a run was made with beside its chain and load: what the command line changed, and how connections were configured.
struct Configuration {
  private let start: JournalStart

  init(of run: RunRecord) { start = run.start }

  /// What the command line changed or asked for, for people; nothing of what is as ever.
  var changes: [(name: String, value: String)] {
    var facts: [(String, String)] = []
    if !start.variables.isEmpty { facts.append(("variables", start.variables.map { "\($0.name)=\($0.value)" }.joined(separator: ", "))) }
    if !start.traceContext.isEmpty { facts.append(("trace told to", start.traceContext.replacing(",", with: ", "))) }
    if start.viewsServers == false { facts.append(("server view", "off")) }
    if let baseline = start.baseline {
      let setAt = Quantities.instant(realtimeNanoseconds: UInt64(max(0, baseline.setAt)) * 1_000_000_000)
      facts.append(("baseline", "\(baseline.file): \(Quantities.count(UInt64(max(0, baseline.runs)), "run")), set at \(setAt)"))
    }
    return facts
  }

  /// One line for each declared connection whose pool the journal tells.
  var connections: [(name: String, value: String)] {
    start.connections.compactMap { connection in
      guard let size = connection.poolSize else { return nil }
      var parts = [connection.kind, size == 0 ? "a connection for each user" : Quantities.count(UInt64(max(0, size)), "connection")]
      if let limit = connection.acquireTimeoutNanoseconds { parts.append("a step waits \(Quantities.duration(limit)) for one") }
      if let limit = connection.connectTimeoutNanoseconds { parts.append("connecting takes at most \(Quantities.duration(limit))") }
      return ("connection \(connection.name)", parts.joined(separator: ", "))
    }
  }

  /// Member `configuration` of `summary.json`.
  func write(to json: inout JSONWriter) {
    json.key("configuration")
    json.beginObject()
    json.key("variables")
    json.beginObject()
    for variable in start.variables { json.member(variable.name, variable.value) }
    json.endObject()
    json.member("traceparent", start.traceContext.isEmpty ? nil : start.traceContext)
    if let viewsServers = start.viewsServers {
      json.member("server_view", viewsServers)
    } else {
      json.key("server_view")
      json.null()
    }
    json.key("baseline")
    if let baseline = start.baseline {
      json.beginObject()
      json.member("file", baseline.file)
      json.member("runs", baseline.runs)
      json.member("set_at", Quantities.instant(realtimeNanoseconds: UInt64(max(0, baseline.setAt)) * 1_000_000_000))
      json.endObject()
    } else {
      json.null()
    }
    json.key("connections")
    json.beginArray()
    for connection in start.connections {
      json.beginObject()
      json.member("name", connection.name)
      json.member("kind", connection.kind)
      if let size = connection.poolSize {
        json.member("per_user", size == 0)
      } else {
        json.key("per_user")
        json.null()
      }
      json.member("pool", connection.poolSize == 0 ? nil : connection.poolSize)
      for (name, limit) in [
        ("acquire_timeout_s", connection.acquireTimeoutNanoseconds), ("connect_timeout_s", connection.connectTimeoutNanoseconds),
      ] {
        json.key(name)
        if let limit { json.rawNumber(Quantities.seconds(limit)) } else { json.null() }
      }
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}
