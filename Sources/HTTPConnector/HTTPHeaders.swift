import ChainIO
import ChainProgram

/// Request headers, merged: a later one of the same name replaces an earlier one.
struct HTTPHeaders {
  private(set) var entries: [(name: String, value: TextTemplate)] = []

  init() {}

  /// The headers of every request on a connection.
  init(connection declaration: ConnectionDeclaration) throws(OperationError) {
    guard let option = declaration.option("headers") else { return }
    try put(option, in: "the connection '\(declaration.name)'")
    for entry in entries where entry.value.literal == nil {
      throw OperationError(.protocol, code: "bad-header", "the header '\(entry.name)' of '\(declaration.name)' cannot hold expressions")
    }
  }

  /// - Parameter place: For messages.
  mutating func put(_ template: OperandTemplate, in place: String) throws(OperationError) {
    guard case .textMap(let map) = template else {
      throw OperationError(.protocol, code: "bad-header", "'headers' of \(place) is not a mapping of names to text")
    }
    for entry in map {
      guard HTTPHeaders.isName(entry.name) else {
        throw OperationError(.protocol, code: "bad-header", "'\(entry.name)' in \(place) cannot be a header's name")
      }
      switch entry.name.lowercased() {
      case "content-length", "transfer-encoding":
        throw OperationError(.protocol, code: "bad-header", "the header '\(entry.name)' in \(place) follows from the body; leave it out")
      default: put(entry.name, entry.value)
      }
    }
    for entry in entries {
      guard let literal = entry.value.literal, !literal.utf8.allSatisfy(HTTPHeaders.mayStandInValue) else { continue }
      throw OperationError(.protocol, code: "bad-header", "the header '\(entry.name)' in \(place) holds a control character")
    }
  }

  mutating func put(_ name: String, _ value: TextTemplate) {
    entries.removeAll { $0.name.lowercased() == name.lowercased() }
    entries.append((name, value))
  }

  func has(_ name: String) -> Bool { entries.contains { $0.name.lowercased() == name.lowercased() } }

  /// A token (RFC 9110, 5.6.2).
  private static func isName(_ name: String) -> Bool {
    let others = Array("!#$%&'*+-.^_`|~".utf8)
    return !name.isEmpty
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: others.contains(byte)
        }
      }
  }

  /// A line break in a value would be a header of its own (RFC 9110, 5.5).
  static func mayStandInValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 9 }
}
