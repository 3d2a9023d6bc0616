internal import Diagnostics

/// `think-inside-transaction` and `await-inside-transaction`: what holds a transaction's locks and its connection while nothing happens.
struct InsideTransactionLint {
  var findings: Findings

  mutating func visit(_ nodes: [StepNode], isInside: Bool = false) {
    for node in nodes {
      var inner = isInside
      switch node.kind {
      case .operation(let operation): if operation.nested != nil { inner = true }
      case .think where isInside:
        findings.add(
          .thinkInsideTransaction, at: node.verb.range, "a pause inside a transaction holds its locks and its connection",
          help: "pause before or after the transaction")
      case .awaitHop where isInside, .awaitProbe where isInside:
        findings.add(
          .awaitInsideTransaction, at: node.verb.range, "a wait inside a transaction holds its locks and its connection",
          help: "others see nothing of it before the commit; wait after the transaction")
      case .think, .awaitHop, .awaitProbe, .set, .choice, .loop, .log, .fail, .switchOn, .weighted, .forEach, .whileLoop, .group, .parallel,
        .call, .measure, .stop:
        break
      }
      for list in node.nestedLists { visit(list, isInside: inner) }
    }
  }
}
