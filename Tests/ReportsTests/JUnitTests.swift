import Foundation
import Metrics
import Testing

@testable import Reports

/// A build server reads nothing but the suite: it may not be green for a run that said no.
@Suite struct JUnitTests {
  private func run(exitCode: Int, _ change: (inout RunRecord) -> Void = { _ in }) -> RunRecord {
    var run = RunRecord()
    run.start.chain = "orders"
    run.iterations.arrivals = 10
    run.iterations.completed = 10
    run.end = JournalEnd(atNanoseconds: 0, exitCode: exitCode, interruptedBy: nil)
    change(&run)
    return run
  }

  private func red(_ run: RunRecord) -> Int {
    let text = JUnitXML.text(of: run)
    return text.components(separatedBy: "<failure").count + text.components(separatedBy: "<error").count - 2
  }

  private static let failed = JournalThreshold(text: "p99(response) < 1s", verdict: .fail, observed: "2 s")
  private static let passed = JournalThreshold(text: "p99(response) < 1s", verdict: .pass, observed: "0.2 s")

  @Test(arguments: [1, 3, 4, 5, 70, 130, 143]) func `a run that did not end with 0 has a red case`(exitCode: Int) {
    #expect(red(run(exitCode: exitCode)) == 1)
    #expect(red(run(exitCode: exitCode) { $0.thresholds = [Self.passed] }) == 1)
  }

  @Test func `what nobody asked for is told by the run's own case`() {
    let text = JUnitXML.text(
      of: run(exitCode: 1) {
        $0.iterations.completed = 0
        $0.iterations.failed = 10
      })
    #expect(text.contains(#"failures="1""#) && text.contains(#"<failure type="fail" message="FAIL, exit code 1: 10 iterations in"#))
    #expect(text.contains("10 iterations failed"))
  }

  @Test func `a run that another case speaks for has come to its end, and one that said yes is green`() {
    let text = JUnitXML.text(of: run(exitCode: 1) { $0.thresholds = [Self.failed] })
    #expect(text.contains(#"failures="1""#) && text.contains(#"<failure type="threshold""#))
    #expect(red(run(exitCode: 0) { $0.thresholds = [Self.passed] }) == 0)
  }
}
