/// So many of each block of so many consecutive order ids: `100/10000`, or `1%`, which is the same.
struct Share: Sendable, Equatable {
  let victims: Int
  let outOf: Int

  /// Above this the plan's table would be larger than its use.
  static let largestBlock = 1_000_000

  init(_ text: String) throws {
    let wrong = PipelineError("'\(text)' is not a share such as 100/10000 or 1%")
    if text.hasSuffix("%") {
      guard let percent = Double(text.dropLast()), percent >= 0, percent <= 100 else { throw wrong }
      victims = Int((percent * 100).rounded())
      outOf = 10_000
    } else {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let victims = parts[0], let outOf = parts[1], outOf > 0, (0...outOf).contains(victims),
        outOf <= Share.largestBlock
      else { throw wrong }
      self.victims = victims
      self.outOf = outOf
    }
  }
}
