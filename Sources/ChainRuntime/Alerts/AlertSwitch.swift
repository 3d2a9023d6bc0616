/// When an alert fires, is told again, and is resolved: a function of judgements and their times, and of nothing else.
///
/// What cannot be decided is neither: it leaves a quiet alert quiet and a firing one firing, and breaks no row.
struct AlertSwitch {
  enum Judgement: Hashable {
    case holds, doesNot, undecided
  }

  enum Change: Hashable {
    case fired
    /// Told again for the n-th time, from 1.
    case repeated(Int)
    case resolved
  }

  private let firesAfter: Int
  private let resolvesAfter: Int
  private let everyNanoseconds: UInt64?
  private(set) var isFiring = false
  /// Judgements in a row that speak for the other state.
  private var row = 0
  private var toldNanoseconds: UInt64 = 0
  private var repetitions = 0

  /// - Parameters: judgements in a row, at least 1.
  init(firesAfter: Int, resolvesAfter: Int, everyNanoseconds: UInt64?) {
    self.firesAfter = max(1, firesAfter)
    self.resolvesAfter = max(1, resolvesAfter)
    self.everyNanoseconds = everyNanoseconds
  }

  /// - Parameter now: Nanoseconds; ascending from call to call.
  mutating func judged(_ judgement: Judgement, at now: UInt64) -> Change? {
    switch judgement {
    case .undecided: return nil
    case .holds where isFiring:
      row = 0
      guard let every = everyNanoseconds, now &- toldNanoseconds >= every else { return nil }
      toldNanoseconds = now
      repetitions += 1
      return .repeated(repetitions)
    case .doesNot where !isFiring:
      row = 0
      return nil
    case .holds:
      row += 1
      guard row >= firesAfter else { return nil }
      isFiring = true
      row = 0
      toldNanoseconds = now
      repetitions = 0
      return .fired
    case .doesNot:
      row += 1
      guard row >= resolvesAfter else { return nil }
      isFiring = false
      row = 0
      return .resolved
    }
  }
}
