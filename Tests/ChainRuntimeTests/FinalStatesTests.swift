import Testing

@testable import ChainRuntime

@Suite struct FinalStatesTests {
  @Test func `what an entry should hold is kept for ids near and far, with and without a version`() {
    let ids: [Int64] = (0..<20_000).map { Int64($0) + 1_000 } + [.max, .min, 0, -1, 1 << 31, -(1 << 31) - 1] + (0..<20_000).map { 9_000_000_000 - Int64($0) * 7 }
    for hasVersion in [false, true] {
      var states = FinalStates(hasVersion: hasVersion)
      for (number, id) in ids.enumerated() {
        states.append(
          .int(id), version: Int64(number) << 20, body: UInt64(number) &* 0x9E37_79B9_7F4A_7C15,
          origin: number % 1000 == 7 ? .rolledBack : .committed, mismatches: number % 1000 == 9 ? 0b101 : 0)
      }
      #expect(states.count == ids.count && states.left == 0)
      for (number, id) in ids.enumerated() {
        let state = states[number]
        guard states.id(number) == .int(id), state.hasBody(UInt64(number) &* 0x9E37_79B9_7F4A_7C15), !hasVersion || state.hasVersion(Int64(number) << 20),
          state.origin == (number % 1000 == 7 ? .rolledBack : .committed), state.isMismatchKnown(hop: 0) == (number % 1000 == 9),
          !state.isMismatchKnown(hop: 1), state.isMismatchKnown(hop: 2) == (number % 1000 == 9)
        else {
          Issue.record("state \(number) of id \(id) is another one")
          return
        }
        #expect(!state.hasBody(UInt64(number) &* 0x9E37_79B9_7F4A_7C15 &+ 1))
        #expect(!hasVersion || !state.hasVersion(Int64(number) << 20 &+ 1))
      }
    }
  }

  @Test func `ids that are texts keep their names`() {
    var states = FinalStates(hasVersion: false)
    for number in 0..<20_000 { states.append(.text("order-\(number)"), version: 0, body: 1, origin: .committed, mismatches: 0) }
    #expect(states.id(0) == .text("order-0"))
    #expect(states.id(19_999) == .text("order-19999"))
  }
}
