internal import Diagnostics

/// `unused-capture`: a variable of the block just resolved that nothing reads.
extension ChainResolver {
  func lintUnusedCaptures() {
    for capture in block.captures where !slotsRead.contains(capture.slot) && !capture.name.hasPrefix("_") {
      findings.add(
        .unusedCapture, at: capture.range, "'\(capture.name)' is never read", help: "remove it, or start its name with '_' if that is meant")
    }
  }
}
