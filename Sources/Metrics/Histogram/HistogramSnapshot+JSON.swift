package import LosslessJSON

// {"d":3,"n":200,"s":<sum>,"lo":<min>,"hi":<max>,"c":<clamped>,"b":[gap,count,gap,count,…]}
// `gap` is the distance from the bucket before (from 0 at first): small numbers, short text, and nothing is lost.
extension HistogramSnapshot {
  package func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("d", digits)
    json.member("n", count)
    json.member("s", sum)
    json.member("lo", min)
    json.member("hi", max)
    if clampedCount > 0 { json.member("c", clampedCount) }
    json.key("b")
    json.beginArray()
    var previous: UInt32 = 0
    for (index, times) in zip(indices, counts) {
      json.unsigned(UInt64(index - previous))
      json.unsigned(times)
      previous = index
    }
    json.endArray()
    json.endObject()
  }

  /// Reads what ``write(to:)`` wrote; a missing or damaged value is an empty snapshot.
  package init(_ json: JSONValue?) {
    guard let json, let digits: Int = json["d"]?.integer(), (1...4).contains(digits) else {
      self.init()
      return
    }
    self.init(digits: digits)
    guard let buckets = json["b"] else { return }
    let bucketCount = UInt64(HistogramLayout(digits: digits).bucketCount)
    indices.reserveCapacity(buckets.count / 2)
    counts.reserveCapacity(buckets.count / 2)
    var index: UInt64 = 0
    // Gap and count by turns; a gap is held until its count has come.
    var gap: UInt64?
    buckets.forEachUnsigned { number in
      guard let held = gap else {
        gap = number
        return true
      }
      gap = nil
      index &+= held
      guard held < bucketCount, index < bucketCount else { return false }
      indices.append(UInt32(index))
      counts.append(number)
      return true
    }
    count = json["n"]?.integer() ?? 0
    sum = json["s"]?.integer() ?? 0
    min = json["lo"]?.integer() ?? 0
    max = json["hi"]?.integer() ?? 0
    clampedCount = json["c"]?.integer() ?? 0
  }
}
