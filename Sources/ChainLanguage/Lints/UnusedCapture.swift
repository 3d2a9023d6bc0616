internal import Diagnostics

/// `unused-capture`: a variable of the block just resolved that nothing reads.
extension ChainResolver {
  func lintUnusedCaptures() {
    // An event whose origin is not found never comes to read its names.
    for origin in origins where origin.step == nil { block.excused.formUnion(namesRead(origin.node)) }
    for capture in block.captures
    where !slotsRead.contains(capture.slot) && !capture.name.hasPrefix("_") && !block.excused.contains(capture.name) {
      findings.add(
        .unusedCapture, at: capture.range, "'\(capture.name)' is never read", help: "remove it, or start its name with '_' if that is meant"
      )
    }
  }
}
