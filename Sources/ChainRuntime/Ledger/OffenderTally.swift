import Metrics

/// A count with the first ids behind it.
struct OffenderTally {
  private(set) var count: UInt64 = 0
  private(set) var ids: [String] = []

  mutating func add(_ id: EventID) {
    count += 1
    if ids.count < OffenderList.idsMax { ids.append(id.text) }
  }
}
