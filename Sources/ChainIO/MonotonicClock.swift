internal import CLinux

/// CLOCK_MONOTONIC, the one clock that every figure of a run comes from.
package enum MonotonicClock {
  /// Nanoseconds since an arbitrary start. About 20 ns a call (vDSO).
  package static var now: UInt64 { clinux_monotonic_nanoseconds() }
}

/// CLOCK_REALTIME, for names and headers only; no interval is ever measured with it.
package enum WallClock {
  /// Nanoseconds since 1970-01-01T00:00:00Z.
  package static var now: Int64 { clinux_realtime_nanoseconds() }
}
