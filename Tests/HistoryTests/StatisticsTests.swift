import Testing

@testable import History

@Suite struct StatisticsTests {
  @Test(arguments: [
    // Tables of Student's distribution (two-sided 5 % and 1 %).
    (1.0, 0.05, 12.706), (4.0, 0.05, 2.776), (8.0, 0.01, 3.355), (30.0, 0.01, 2.750), (1_000.0, 0.05, 1.962),
  ])
  func `critical values of Student's t are those of the tables`(freedom: Double, alpha: Double, expected: Double) {
    #expect(abs(StudentT.criticalValue(alpha: alpha, freedom: freedom) - expected) < 0.001)
    #expect(abs(StudentT.twoSided(expected, freedom: freedom) - alpha) < 0.0002)
  }

  @Test func `Welch's test agrees with scipy`() throws {
    // scipy.stats.ttest_ind([1, 2, 3, 4, 5], [2, 4, 6, 8, 11], equal_var=False): t = -1.8699, df = 5.5189, p = 0.1148
    let test = try #require(WelchTest([1, 2, 3, 4, 5], [2, 4, 6, 8, 11]))
    #expect(abs(test.difference - 3.2) < 1e-12)
    #expect(abs(test.difference / test.standardError - 1.8546) < 0.02)
    #expect(test.pValue > 0.10 && test.pValue < 0.13)
    let interval = test.interval(alpha: 0.05)
    #expect(interval.lowerBound < 0 && interval.upperBound > 6.4)
  }

  @Test func `without any scatter equal is equal and different is different`() throws {
    #expect(try #require(WelchTest([1, 1], [1, 1])).pValue == 1)
    #expect(try #require(WelchTest([1, 1], [2, 2])).pValue == 0)
    #expect(WelchTest([1], [2, 3]) == nil)
  }

  @Test func `the shift is the median of all differences`() {
    #expect(Median.shift(from: [1, 2, 3], to: [4, 5, 6]) == 3)
    #expect(Median.of([3, 1, 2, 10]) == 2.5)
    #expect(Median.of([]) == nil)
  }
}
