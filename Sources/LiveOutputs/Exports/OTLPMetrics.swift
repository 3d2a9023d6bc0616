internal import LosslessJSON

/// Metrics as the body of an OTLP/HTTP request in JSON (opentelemetry-proto, ExportMetricsServiceRequest): cumulative, from the start of the
/// run, so that a request that is lost loses no counts.
///
/// Names follow OpenTelemetry's convention: `chainrun_step_duration_seconds` is `chainrun.step.duration` in unit `s`. Whole numbers of 64
/// bits are strings, as protobuf's JSON mapping has it.
package enum OTLPMetrics {
  /// - Parameters:
  ///   - attributes: Of the resource.
  ///   - start: When the counts began, nanoseconds of CLOCK_REALTIME.
  package static func body(
    _ families: [MetricFamily], attributes: [(name: String, value: String)], version: String, start: UInt64, now: UInt64
  ) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    list("resourceMetrics", in: &json) { json in
      json.key("resource")
      json.beginObject()
      write(attributes, to: &json)
      json.endObject()
      list("scopeMetrics", in: &json) { json in
        json.key("scope")
        json.beginObject()
        json.member("name", "chainrun")
        json.member("version", version)
        json.endObject()
        json.key("metrics")
        json.beginArray()
        for family in families where !family.points.isEmpty && family.kind != .info { write(family, start, now, to: &json) }
        json.endArray()
      }
    }
    json.endObject()
    return json.bytes
  }

  static func name(of family: MetricFamily) -> String {
    let bare = family.unit.isEmpty ? family.name : String(family.name.dropLast(family.unit.count + 1))
    return String(bare.map { $0 == "_" ? "." : $0 })
  }

  /// A list of one object.
  private static func list(_ name: String, in json: inout JSONWriter, _ members: (inout JSONWriter) -> Void) {
    json.key(name)
    json.beginArray()
    json.beginObject()
    members(&json)
    json.endObject()
    json.endArray()
  }

  private static func write(_ family: MetricFamily, _ start: UInt64, _ now: UInt64, to json: inout JSONWriter) {
    json.beginObject()
    json.member("name", name(of: family))
    json.member("description", family.help)
    json.member("unit", family.unit == "seconds" ? "s" : "1")
    let data =
      switch family.kind {
      case .counter: "sum"
      case .gauge, .info: "gauge"
      case .histogram: "histogram"
      }
    json.key(data)
    json.beginObject()
    json.key("dataPoints")
    json.beginArray()
    for point in family.points {
      json.beginObject()
      write(point.labels, to: &json)
      json.member("startTimeUnixNano", String(start))
      json.member("timeUnixNano", String(now))
      switch point.value {
      case .whole(let value): json.member("asInt", String(value))
      case .real(let value): json.member("asDouble", value)
      case .times(let times):
        json.member("count", String(times.count))
        json.member("sum", Double(times.sumNanoseconds) / 1e9)
        json.key("bucketCounts")
        json.beginArray()
        for count in times.counts { json.string(String(count)) }
        json.endArray()
        json.key("explicitBounds")
        json.beginArray()
        for bound in TimeBuckets.bounds { json.rawNumber(bound.text) }
        json.endArray()
      }
      json.endObject()
    }
    json.endArray()
    // AGGREGATION_TEMPORALITY_CUMULATIVE
    if family.kind == .counter || family.kind == .histogram { json.member("aggregationTemporality", 2) }
    if family.kind == .counter { json.member("isMonotonic", true) }
    json.endObject()
    json.endObject()
  }

  private static func write(_ attributes: [(name: String, value: String)], to json: inout JSONWriter) {
    json.key("attributes")
    json.beginArray()
    for attribute in attributes {
      json.beginObject()
      json.member("key", attribute.name)
      json.key("value")
      json.beginObject()
      json.member("stringValue", attribute.value)
      json.endObject()
      json.endObject()
    }
    json.endArray()
  }
}
