internal import ChainProgram

/// The reference page of the function library, made from the table that the checker reads.
package enum FunctionReference {
  /// `grammar/functions.md`.
  package static var page: String {
    var page = """
      # Functions

      Made from the table that the checker reads; a test compares this page with it and evaluates every example. Do not edit it by hand:
      `CHAINRUN_RECORD=1 swift test --filter FunctionReferenceTests` writes it anew.

      A function whose first argument is a value may also follow that value: `key.after(":")` is `after(key, ":")`. One name may have several
      signatures; the one that is nearest to the arguments' types is meant. `T` is any type, the same throughout a signature. Arguments are
      never null unless the type says `?`. A bad argument is a step error with the code named or implied here, never a crash; a text has at most
      16 MiB, a list that a function makes at most 100 000 elements. Random values are seeded: the same seed, scenario, iteration and step
      give the same values, and the examples are those of seed 1.

      """
    for section in FunctionSignature.Section.allCases {
      page += "\n## \(section.rawValue)\n"
      for name in FunctionNames.all {
        guard let signatures = FunctionNames.signatures[name]?.filter({ $0.section == section }), !signatures.isEmpty else { continue }
        page += "\n### `\(name)`\n\n"
        for (index, signature) in signatures.enumerated() {
          let isNew = index == 0 || signature.summary != signatures[index - 1].summary
          page += "- `\(signature.text)`\(isNew ? "  \n  \(signature.summary)" : "")\n"
        }
        for case let example? in signatures.map(\.example) { page += "\n`\(example.expression)` → `\(example.result)`\n" }
      }
    }
    return page
  }
}
