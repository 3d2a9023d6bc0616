import ChainProgram

/// A result path taken apart once, for the loads that read bytes in place: an enum with strings in it, copied out of the program's table at
/// each load, costs more reference counts than the reading.
struct CompiledPath: ~Copyable {
  let path: ResultPath
  /// A cell of a row: its number, and the column's name.
  let isCell: Bool
  /// A reply as a whole.
  let isReply: Bool
  let row: Int
  let columnName: String
  /// Where the column stood last time.
  var column = 0
  /// The name's bytes where the path is `json.name`; else nil.
  private let memberName: UnsafeMutablePointer<UInt8>?
  private let memberBytes: Int

  init(_ path: ResultPath) {
    self.path = path
    isCell = path.field == .row || (path.field == .rows && path.segments.first != .member("size"))
    isReply = path.field == .reply && path.segments.isEmpty
    var row = 0
    var name = ""
    for segment in path.segments {
      switch segment {
      case .index(let index): row = index
      case .member(let member): name = member
      case .argument: break
      }
    }
    self.row = row
    columnName = name
    guard path.field == .json, path.segments.count == 1, case .member(let member) = path.segments[0], !member.isEmpty else {
      memberName = nil
      memberBytes = 0
      return
    }
    let bytes = Array(member.utf8)
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    memberName = copy
    memberBytes = bytes.count
  }

  deinit { memberName?.deallocate() }

  /// The name's bytes where the path is `json.name`; else nil. Valid as long as the path.
  var member: UnsafeBufferPointer<UInt8>? { memberName.map { UnsafeBufferPointer(start: $0, count: memberBytes) } }
}
