/// All files of one program, in the order in which they were read; a range finds its text here.
package struct SourceFiles: Sendable {
  private var files: [SourceFile] = []

  package init() {}

  package var count: Int { files.count }

  /// Keeps a file and numbers it.
  ///
  /// A file that could not be read is added with no bytes, so that the finding about it has a place to point at.
  /// - Precondition: at most 65 536 files; whoever follows imports has a far lower limit.
  package mutating func add(path: String, bytes: [UInt8]) -> SourceFile {
    precondition(files.count <= Int(UInt16.max), "more source files than a FileIndex can number")
    let file = SourceFile(index: FileIndex(UInt16(files.count)), path: path, bytes: bytes)
    files.append(file)
    return file
  }

  package subscript(index: FileIndex) -> SourceFile {
    files[Int(index.rawValue)]
  }

  /// Where a range starts, for people.
  package func position(of range: SourceRange) -> LineColumn {
    self[range.file].position(at: range.start)
  }
}
