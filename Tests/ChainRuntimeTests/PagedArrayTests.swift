import Testing

@testable import ChainRuntime

@Suite(.serialized) struct PagedArrayTests {
  private final class Counted {
    nonisolated(unsafe) static var alive = 0
    let number: Int
    init(_ number: Int) {
      self.number = number
      Counted.alive += 1
    }
    deinit { Counted.alive -= 1 }
  }

  @Test(arguments: [0, 1, 1023, 1024, 1025, 40_000]) func `what was appended is found again, and let go with the array`(count: Int) {
    let before = Counted.alive
    do {
      var array = PagedArray<Counted?>()
      for number in 0..<count { array.append(Counted(number)) }
      #expect(array.count == count)
      #expect((0..<count).allSatisfy { array[$0]?.number == $0 })
      #expect(Counted.alive == before + count)
      if count > 0 {
        array[count - 1] = nil
        #expect(Counted.alive == before + count - 1)
      }
    }
    #expect(Counted.alive == before)
  }

  @Test func `an element keeps its place while the array grows`() {
    var array = PagedArray<Int>()
    array.append(7)
    let first = withUnsafePointer(to: &array[0]) { UInt(bitPattern: $0) }
    for number in 0..<100_000 { array.append(number) }
    #expect(withUnsafePointer(to: &array[0]) { UInt(bitPattern: $0) } == first)
    #expect(array[0] == 7)
  }
}
