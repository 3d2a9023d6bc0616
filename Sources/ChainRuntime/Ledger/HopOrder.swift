/// In which order a hop showed the versions of each key.
///
/// Counted in two ways, of which the hop's shape says which one applies: by first sightings (RFC 4737, type-P-reordered), where each event
/// has a message or an entry of its own; and by what an entry showed before, where one entry holds the newest version of its key.
struct HopOrder {
  private struct View {
    /// The highest version seen so far; `Int64.min` before any.
    var highest = Int64.min
    /// Nanoseconds: it became visible after the one and was first seen at the other.
    var highestNotBefore: UInt64 = 0
    var highestSeen: UInt64 = 0
    /// The version shown last.
    var shown = Int64.min
    /// First sightings so far.
    var arrivals: UInt32 = 0
    /// The record that has the highest version, while its serial is still this one.
    var record: Int32 = -1
    var serial: UInt32 = 0
    /// The last first sightings that were higher than all before: version, number of arrival and time, all ascending (what proves
    /// that one was not there earlier need not ascend). Empty until a second event.
    var maxima: ContiguousArray<(version: Int64, arrival: UInt32, notBefore: UInt64, seen: UInt64)> = []
  }

  /// What a sighting meant for the order.
  struct Step {
    /// Its version is lower than the highest that was seen before.
    var isReordered = false
    /// Its version is lower than the one shown before.
    var isRegressed = false
    /// The event with the highest version of the key is not what the entry shows now.
    var displaced: (record: Int, serial: UInt32)?
  }

  private var views: ContiguousArray<View> = []
  private(set) var reordered: UInt64 = 0
  private(set) var regressed: UInt64 = 0
  /// How many came between the first one with a higher version and the reordered one, that one included (RFC 4737, 4.2).
  private(set) var extentMax: UInt64 = 0
  private(set) var extentSum: UInt64 = 0
  /// Maxima kept for a key: larger extents are told as at least what these show.
  private static let maximaMax = 64

  /// - Parameters:
  ///   - key: The key's index.
  ///   - isFirst: Whether the event was not seen here before.
  ///   - notBefore: Nanoseconds, as `seen`; 0 if nothing proves any.
  mutating func see(key: Int, version: Int64, isFirst: Bool, notBefore: UInt64 = 0, seen: UInt64, record: Int, serial: UInt32) -> Step {
    while views.count <= key { views.append(View()) }
    var step = Step()
    if version < views[key].shown {
      step.isRegressed = true
      regressed += 1
    }
    views[key].shown = version
    if version < views[key].highest {
      if views[key].record >= 0 { step.displaced = (Int(views[key].record), views[key].serial) }
      if isFirst {
        views[key].arrivals += 1
        step.isReordered = true
        reordered += 1
        let extent = extent(of: version, in: views[key])
        extentMax = max(extentMax, extent)
        extentSum += extent
      }
      return step
    }
    if isFirst {
      if version > views[key].highest, views[key].arrivals > 0 {
        if views[key].maxima.isEmpty { views[key].maxima.append((views[key].highest, 1, views[key].highestNotBefore, views[key].highestSeen)) }
        if views[key].maxima.count == HopOrder.maximaMax { views[key].maxima.removeSubrange(0..<HopOrder.maximaMax / 2) }
        views[key].maxima.append((version, views[key].arrivals + 1, notBefore, seen))
      }
      views[key].arrivals += 1
    }
    if version > views[key].highest {
      views[key].highestNotBefore = notBefore
      views[key].highestSeen = seen
    }
    views[key].highest = version
    views[key].record = Int32(truncatingIfNeeded: record)
    views[key].serial = serial
    return step
  }

  private func extent(of version: Int64, in view: View) -> UInt64 {
    // The earliest arrival that was higher is one of those that were higher than all before them.
    let earliest = view.maxima.first { $0.version > version }?.arrival ?? 1
    return UInt64(view.arrivals - earliest)
  }

  /// Whether a newer version of the key was seen by then (nanoseconds).
  func isSuperseded(key: Int, version: Int64, by limit: UInt64) -> Bool {
    guard key < views.count, views[key].highest > version else { return false }
    if views[key].highestSeen <= limit { return true }
    return views[key].maxima.contains { $0.version > version && $0.seen <= limit }
  }

  /// The highest version seen of the key; nil before any.
  func highest(key: Int) -> Int64? { key < views.count && views[key].highest > .min ? views[key].highest : nil }
  /// Whether something of the key was shown before.
  func isKnown(key: Int) -> Bool { key < views.count && views[key].shown > .min }
  /// Nanoseconds; 0 if nothing proves any.
  func highestNotBefore(key: Int) -> UInt64 { key < views.count ? views[key].highestNotBefore : 0 }

  /// When a version that is at least this one was first seen of the key (nanoseconds; `notBefore` is 0 if nothing proves any).
  func firstSeen(key: Int, atLeast version: Int64) -> (notBefore: UInt64, seen: UInt64)? {
    guard key < views.count, views[key].highest >= version else { return nil }
    guard let place = views[key].maxima.firstIndex(where: { $0.version >= version }) else {
      return (views[key].highestNotBefore, views[key].highestSeen)
    }
    let found = views[key].maxima[place]
    // An earlier one may be among those that were let go.
    return (place == 0 && found.arrival != 1 ? 0 : found.notBefore, found.seen)
  }
}
