internal import CLinux
internal import Glibc

/// Counts durations in buckets whose width is a fixed share of their value (HdrHistogram's layout), from 1 ns to one hour.
///
/// With three digits, the default, a bucket is at most 0.1 % wide, also at 20 µs. Count, minimum, maximum and mean are exact.
/// Values above ``rangeNanoseconds`` go to the last bucket and are counted in ``clampedCount``.
///
/// What is recorded is counted a few values later: its bucket, which is likely to be out of the processor's first cache, is asked for at once
/// and there by then. Whoever reads sees all values.
///
/// Owned by one thread at a time: a recorder swaps its reference for a spare one and hands the full one over, or takes a
/// ``HistogramSnapshot``.
package final class Histogram {
  // Everything lies behind one pointer that never changes, so that recording needs no exclusivity check.
  private let block: UnsafeMutablePointer<Block>
  private let counts: UnsafeMutablePointer<UInt64>
  package let layout: HistogramLayout

  private struct Block {
    var count: UInt64 = 0
    var sum: UInt64 = 0
    var min: UInt64 = .max
    var max: UInt64 = 0
    var clamped: UInt64 = 0
    /// One bit for each row of buckets that was ever used: adding, draining and resetting touch no other memory.
    var rows: UInt64 = 0
    /// Values that are recorded and not counted yet.
    var pending = 0
  }
  /// The values that are not counted yet.
  private let pending: UnsafeMutablePointer<UInt64>
  private static let pendingMax = 16

  package static let rangeNanoseconds = HistogramLayout.rangeNanoseconds

  /// - Parameter digits: Significant decimal digits, 1 to 4. Three reserve 270 KB of address space, of which only used pages
  ///   (8 KB for each doubling of the value) become memory; two reserve 35 KB.
  package init(digits: Int = 3) {
    layout = HistogramLayout(digits: digits)
    block = .allocate(capacity: 1)
    block.initialize(to: Block())
    pending = .allocate(capacity: Histogram.pendingMax)
    pending.initialize(repeating: 0, count: Histogram.pendingMax)
    // calloc: pages that are never touched are never paid for.
    counts = .init(zeroed: layout.bucketCount)
  }

  deinit {
    free(counts)
    pending.deallocate()
    block.deallocate()
  }

  /// Records one duration.
  ///
  /// - Complexity: constant, a few nanoseconds on average: each 16th call counts the values before it. Does not allocate, lock or trap.
  @inline(__always)
  package func record(_ nanoseconds: UInt64) {
    clinux_prefetch(counts + layout.position(of: nanoseconds).index, 8)
    let place = block.pointee.pending
    pending[place] = nanoseconds
    block.pointee.pending = place + 1
    if place + 1 == Histogram.pendingMax { countPending() }
  }

  @inline(never)
  private func countPending() {
    var totals = block.pointee
    for place in 0..<totals.pending {
      let nanoseconds = pending[place]
      let (row, index) = layout.position(of: nanoseconds)
      counts[index] &+= 1
      totals.rows |= 1 &<< UInt64(row)
      totals.sum &+= nanoseconds  // wraps after 584 years of summed latency
      if nanoseconds < totals.min { totals.min = nanoseconds }
      if nanoseconds > totals.max { totals.max = nanoseconds }
      if nanoseconds > HistogramLayout.rangeNanoseconds { totals.clamped &+= 1 }
    }
    totals.count &+= UInt64(totals.pending)
    totals.pending = 0
    block.pointee = totals
  }

  /// The totals, and with them the buckets, of all values recorded so far.
  private var totals: UnsafeMutablePointer<Block> {
    if block.pointee.pending > 0 { countPending() }
    return block
  }

  /// Records a difference of two instants; a negative one (seen before its acknowledgement) counts as 0, never wrapped.
  @inline(__always)
  package func record(difference nanoseconds: Int64) {
    record(UInt64(Swift.max(0, nanoseconds)))
  }

  package var count: UInt64 { totals.pointee.count }
  package var isEmpty: Bool { count == 0 }
  package var clampedCount: UInt64 { totals.pointee.clamped }
  package var minNanoseconds: UInt64? { isEmpty ? nil : totals.pointee.min }
  package var maxNanoseconds: UInt64? { isEmpty ? nil : totals.pointee.max }
  package var meanNanoseconds: Double? { isEmpty ? nil : Double(totals.pointee.sum) / Double(count) }

  /// The smallest recorded value (to the bucket's width, rounded up) that a share `q` of all values does not exceed.
  ///
  /// - Parameter q: 0 to 1; 1 gives the exact maximum.
  package func quantile(_ q: Double) -> UInt64? {
    guard let maximum = maxNanoseconds else { return nil }
    if q >= 1 { return maximum }
    let rank = Quantile.rank(q, of: count)
    var seen: UInt64 = 0
    var found: Int?
    eachUsedRow { buckets in
      guard found == nil else { return }
      for index in buckets where counts[index] > 0 {
        seen += counts[index]
        if seen >= rank {
          found = index
          return
        }
      }
    }
    guard let found else { return maximum }
    return Swift.min(layout.highestValue(at: found), maximum)
  }

  /// The quantile, if there is enough data for it (``Quantile/samplesNeeded(for:)``).
  package func estimableQuantile(_ q: Double) -> UInt64? {
    Quantile.isEstimable(q, from: count) ? quantile(q) : nil
  }

  /// Adds another histogram's counts. One with fewer digits keeps its own error: its buckets count at their upper ends.
  package func add(_ other: Histogram) {
    if other.layout == layout {
      other.eachUsedRow { buckets in
        for index in buckets { counts[index] &+= other.counts[index] }
      }
      totals.pointee.rows |= other.totals.pointee.rows
    } else {
      other.eachUsedRow { buckets in
        for index in buckets where other.counts[index] > 0 {
          addBucket(other.layout.valueStandingFor(index, in: layout), times: other.counts[index])
        }
      }
    }
    addTotals(
      count: other.count, sum: other.totals.pointee.sum, min: other.totals.pointee.min, max: other.totals.pointee.max,
      clamped: other.clampedCount)
  }

  /// Adds a snapshot's counts; as ``add(_:)-Histogram``.
  package func add(_ snapshot: HistogramSnapshot) {
    guard snapshot.count > 0 else { return }
    let source = HistogramLayout(digits: snapshot.digits)
    for (index, times) in zip(snapshot.indices, snapshot.counts) where Int(index) < source.bucketCount {
      addBucket(source.valueStandingFor(Int(index), in: layout), times: times)
    }
    addTotals(count: snapshot.count, sum: snapshot.sum, min: snapshot.min, max: snapshot.max, clamped: snapshot.clampedCount)
  }

  /// Adds everything to `other` and empties this one.
  package func drain(into other: Histogram) {
    guard !isEmpty else { return }
    other.add(self)
    reset()
  }

  /// Empties the histogram; keeps its memory.
  package func reset() {
    eachUsedRow { buckets in
      counts.advanced(by: buckets.lowerBound).update(repeating: 0, count: buckets.count)
    }
    totals.pointee = Block()
  }

  /// The contents as a plain value.
  package func snapshot() -> HistogramSnapshot {
    var snapshot = HistogramSnapshot(digits: layout.digits)
    guard !isEmpty else { return snapshot }
    snapshot.count = count
    snapshot.sum = totals.pointee.sum
    snapshot.min = totals.pointee.min
    snapshot.max = totals.pointee.max
    snapshot.clampedCount = clampedCount
    eachUsedRow { buckets in
      for index in buckets where counts[index] > 0 {
        snapshot.indices.append(UInt32(index))
        snapshot.counts.append(counts[index])
      }
    }
    return snapshot
  }

  /// The contents as a plain value, leaving the histogram empty: what a recorder hands over each second.
  package func takeSnapshot() -> HistogramSnapshot {
    let taken = snapshot()
    if !isEmpty { reset() }
    return taken
  }

  private func addBucket(_ value: UInt64, times: UInt64) {
    let (row, index) = layout.position(of: value)
    counts[index] &+= times
    totals.pointee.rows |= 1 &<< UInt64(row)
  }

  private func addTotals(count: UInt64, sum: UInt64, min: UInt64, max: UInt64, clamped: UInt64) {
    guard count > 0 else { return }
    totals.pointee.count &+= count
    totals.pointee.sum &+= sum
    totals.pointee.min = Swift.min(totals.pointee.min, min)
    totals.pointee.max = Swift.max(totals.pointee.max, max)
    totals.pointee.clamped &+= clamped
  }

  private func eachUsedRow(_ body: (Range<Int>) -> Void) {
    var rows = totals.pointee.rows
    while rows != 0 {
      let row = rows.trailingZeroBitCount
      rows &= rows &- 1
      body(layout.buckets(ofRow: row))
    }
  }
}

extension UnsafeMutablePointer<UInt64> {
  /// Zeroed memory from `calloc`, to be released with `free`.
  fileprivate init(zeroed count: Int) {
    guard let memory = calloc(count, MemoryLayout<UInt64>.stride) else {
      preconditionFailure("no memory for a histogram of \(count) buckets")
    }
    self = memory.bindMemory(to: UInt64.self, capacity: count)
  }
}
