package import ChainProgram
package import Diagnostics

/// What a chain file became: a program if it has no errors, and everything there is to say about it.
package struct Compilation: Sendable {
  /// nil if any finding is an error; nothing of such a chain may run.
  package let program: Program?
  package let findings: Findings
  /// The chain's file, its feeds, and the command line's `--var` texts, so that each finding can show its place.
  package let files: SourceFiles
  /// Where the main operand of each operation and hop stands, by the range of the step's verb or of the hop's name.
  package var operandPlaces: [SourceRange: OperandPlace] = [:]
}

extension Compilation {
  /// The same with what was found elsewhere, such as in the systems themselves; the file's allowances hold for that too.
  package func adding(_ more: [Finding]) -> Compilation {
    var all = findings
    for finding in more where !isAllowed(finding, in: files) { all.append(finding) }
    return Compilation(program: program, findings: all, files: files, operandPlaces: operandPlaces)
  }
}

/// What the command line adds to a chain.
package struct CompileOptions: Sendable {
  /// `--var name=value`, in order; each is checked against the variable's type and replaces its value.
  package var variables: [(name: String, value: String)] = []
  package var limits = YAMLLimits()
  /// Bytes of one feed's file.
  package var feedBytesMax = 64 << 20
  /// Why a command cannot be run, as a phrase; nil if it can. A name without a `/` is looked for on the `PATH`. Nothing is asked where this
  /// is nil itself, and nothing is ever run.
  package var commandProblem: (@Sendable (_ path: String) -> String?)?

  package init() {}
}

/// Why a file that a chain names could not be read.
package struct ReadFailure: Error, Sendable {
  /// A phrase: `no such file`.
  package let reason: String
  package init(_ reason: String) { self.reason = reason }
}

/// Reads another file that the chain names, by its path relative to the working folder.
package typealias FileReader = (_ path: String) -> Result<[UInt8], ReadFailure>
