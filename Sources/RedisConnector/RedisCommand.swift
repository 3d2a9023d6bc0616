import ChainIO
import ChainProgram
import Glibc

/// One `redis` step, compiled: the bytes that never change, and the places where arguments go in.
final class RedisCommand {
  /// Bytes that never change, and the word behind them that does, if any.
  private struct Part {
    var literal: Range<Int>
    var word: TextTemplate?
  }
  private let parts: [Part]
  /// What the parts' literals are ranges of.
  private let literals: [UInt8]
  let writes: Bool
  /// In upper case.
  let name: String
  /// In upper case; empty unless `name` is a container command and the word is literal.
  let subcommand: String

  /// - Throws: an `OperationError` of class `protocol` when a shared connection cannot carry the command.
  init(_ operation: Operation) throws(OperationError) {
    guard case .words(let words)? = operation.operands.first?.value, !words.isEmpty else {
      throw OperationError(.protocol, code: "redis-command", "a 'redis' step needs a command")
    }
    let literals = words.map { $0.literal?.uppercased() }
    if let refusal = RedisCommandTable.refusal(words: literals) {
      throw OperationError(.protocol, code: "redis-command", refusal)
    }
    name = literals[0] ?? ""
    subcommand = words.count > 1 && RedisCommandTable.containers.contains(name) ? literals[1] ?? "" : ""
    writes = operation.writes
    var parts: [Part] = []
    var fixed: [UInt8] = []
    var start = 0
    RESP.appendHeader(UInt8(ascii: "*"), words.count, to: &fixed)
    for word in words {
      if let text = word.literalBytes {
        RESP.appendBulk(text, to: &fixed)
        continue
      }
      parts.append(Part(literal: start..<fixed.count, word: word))
      start = fixed.count
    }
    if start < fixed.count { parts.append(Part(literal: start..<fixed.count)) }
    self.parts = parts
    self.literals = fixed
  }

  /// Appends the command with its arguments put in.
  ///
  /// - Parameter scratch: Any buffer; its content is lost. Neither buffer is reallocated once it has grown.
  func encode(arguments: UnsafePointer<Value>, to output: inout [UInt8], scratch: inout [UInt8]) {
    literals.withUnsafeBufferPointer { literals in
      parts.withUnsafeBufferPointer { parts in
        for index in parts.indices {
          output.append(contentsOf: UnsafeBufferPointer(rebasing: literals[parts[index].literal]))
          guard parts[index].word != nil else { continue }
          scratch.removeAll(keepingCapacity: true)
          parts[index].word!.append(to: &scratch, arguments: arguments)
          RESP.appendBulk(scratch, to: &output)
        }
      }
    }
  }
}

/// Requests as the server reads them: an array of bulk strings. hiredis' own formatter allocates each time.
enum RESP {
  static func appendHeader(_ marker: UInt8, _ count: Int, to output: inout [UInt8]) {
    output.append(marker)
    Value.appendInteger(Int64(count), to: &output)
    output.append(13)
    output.append(10)
  }

  static func appendBulk(_ content: [UInt8], to output: inout [UInt8]) {
    appendHeader(UInt8(ascii: "$"), content.count, to: &output)
    output.append(contentsOf: content)
    output.append(13)
    output.append(10)
  }

  static func appendBulk(_ content: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    appendHeader(UInt8(ascii: "$"), content.count, to: &output)
    output.append(contentsOf: content)
    output.append(13)
    output.append(10)
  }

  /// GET of one key, put together first and appended once: what observers and the comparison at the end send for each entry.
  static func appendGet(_ key: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: key.count + 48, alignment: 1) { request in
      var end = 0
      func add(_ text: StaticString) {
        memcpy(request.baseAddress! + end, text.utf8Start, text.utf8CodeUnitCount)
        end += text.utf8CodeUnitCount
      }
      add("*2\r\n$3\r\nGET\r\n$")
      var divisor = 1
      while key.count / divisor >= 10 { divisor *= 10 }
      while divisor > 0 {
        request[end] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: key.count / divisor % 10)
        end += 1
        divisor /= 10
      }
      add("\r\n")
      if let base = key.baseAddress { memcpy(request.baseAddress! + end, base, key.count) }
      end += key.count
      add("\r\n")
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: request[..<end]))
    }
  }

  /// A command of our own, written out.
  static func command(_ words: [String]) -> [UInt8] {
    var output: [UInt8] = []
    appendHeader(UInt8(ascii: "*"), words.count, to: &output)
    for word in words { appendBulk(Array(word.utf8), to: &output) }
    return output
  }

  static func append(_ words: [[UInt8]], to output: inout [UInt8]) {
    appendHeader(UInt8(ascii: "*"), words.count, to: &output)
    for word in words { appendBulk(word, to: &output) }
  }
}

extension TextTemplate {
  /// The bytes, if there are no arguments in them. Unlike `literal`, keeps bytes that are not UTF-8.
  fileprivate var literalBytes: [UInt8]? {
    var bytes: [UInt8] = []
    for piece in pieces {
      switch piece {
      case .literal(let literal): bytes += literal
      case .argument: return nil
      }
    }
    return bytes
  }
}
