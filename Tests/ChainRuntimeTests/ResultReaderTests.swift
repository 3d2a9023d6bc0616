import ChainIO
import ChainProgram
import Testing

@testable import ChainRuntime

@Suite struct ResultReaderTests {
  private let result = OperationResult()
  private let reader: ResultReader

  init() { reader = ResultReader(result) }

  private func text(_ value: String) {
    var value = value
    value.withUTF8 { result.appendText(UnsafeRawBufferPointer($0)) }
  }

  private func header(_ name: String, _ value: String) {
    var (name, value) = (name, value)
    name.withUTF8 { n in value.withUTF8 { v in result.appendHeader(name: UnsafeRawBufferPointer(n), value: UnsafeRawBufferPointer(v)) } }
  }

  private func body(_ value: String) {
    var value = value
    value.withUTF8 { result.setBody(UnsafeRawBufferPointer($0)) }
    reader.contentChanged()
  }

  private func load(_ field: ResultField, _ segments: ResultPath.Segment..., column: Int = 0) -> String {
    var column = column
    return outcome { () throws(OperationError) in try reader.load(ResultPath(field: field, segments: segments), column: &column) }
  }

  /// Two rows of (id, name, note); the second's note is null.
  private func twoRows(_ order: [String] = ["id", "name", "note"]) {
    result.clear()
    result.rowCount = 2
    result.columnCount = order.count
    result.columnNames = order
    for row in [["id": "7", "name": "nut", "note": "x"], ["id": "8", "name": "bolt", "note": nil]] {
      for column in order {
        if let cell = row[column] ?? nil { text(cell) } else { result.appendNull() }
      }
    }
  }

  @Test func `cells are read by row and column name`() {
    twoRows()
    #expect(load(.row, .member("name")) == "\"nut\"")
    #expect(load(.rows, .index(1), .member("name")) == "\"bolt\"")
    #expect(load(.rows, .index(1), .member("note")) == "null")
    #expect(load(.rows, .member("size")) == "2")
    #expect(load(.rows, .index(2), .member("name")) == "!no-row")
    #expect(load(.row, .member("price")) == "!no-column")
    result.clear()
    #expect(load(.row, .member("name")) == "!no-row")
    #expect(load(.rows, .member("size")) == "0")
  }

  @Test func `a column is found by name also after the columns changed their order`() throws {
    var column = 0
    let path = ResultPath(field: .row, segments: [.member("name")])
    for order in [["id", "name", "note"], ["name", "note", "id"], ["note", "id", "name"], ["name"], ["id", "name", "note"]] {
      twoRows(order)
      #expect(try reader.load(path, column: &column).description == "\"nut\"")
      #expect(order[column] == "name")
    }
  }

  @Test func `numbers are read without a string between, with the same outcome as a cast`() {
    twoRows()
    func int(_ segments: [ResultPath.Segment], _ field: ResultField = .rows) -> String {
      var path = CompiledPath(ResultPath(field: field, segments: segments))
      return outcome { () throws(OperationError) in .int(try reader.loadInt(&path)) }
    }
    func exact(_ segments: [ResultPath.Segment], _ field: ResultField = .rows) -> String {
      var path = CompiledPath(ResultPath(field: field, segments: segments))
      return outcome { () throws(OperationError) in .decimal(try reader.loadDecimal(&path)) }
    }
    #expect(int([.index(1), .member("id")]) == "8")
    #expect(int([.index(0), .member("name")]) == "!not-int")
    #expect(int([.index(1), .member("note")]) == "!null")
    #expect(int([.member("size")]) == "2")
    #expect(int([.index(5), .member("id")]) == "!no-row")
    #expect(exact([.index(1), .member("id")]) == "8")
    #expect(exact([.index(0), .member("name")]) == "!not-decimal")
    #expect(exact([.index(1), .member("note")]) == "!null")
    body(#"{"total": 12.50, "count": 3}"#)
    #expect(int([.member("count")], .json) == "3")
    #expect(int([.member("total")], .json) == "!not-int")
    #expect(exact([.member("total")], .json) == "12.50")
  }

  @Test func `a reply is read by its places, however deep it is nested`() {
    result.appendArray(count: 3)
    result.appendArray(count: 2)
    text("a")
    result.appendArray(count: 1)
    result.appendInteger(5)
    result.appendNull()
    text("z")
    #expect(load(.reply) == "[[\"a\", [5]], null, \"z\"]")
    #expect(load(.reply, .index(0), .index(1), .index(0)) == "5")
    #expect(load(.reply, .index(1)) == "null")
    #expect(load(.reply, .index(2)) == "\"z\"")
    #expect(load(.reply, .index(3)) == "null")
    #expect(load(.reply, .index(2), .index(0)) == "null")
    result.clear()
    #expect(load(.reply) == "null")
    result.appendInteger(3)
    #expect(load(.reply) == "3")
  }

  @Test func `header names are compared without regard to case, other bytes exactly`() {
    header("Content-Type", "text/plain")
    header("X-A@", "at")
    #expect(load(.headers, .member("content-type")) == "\"text/plain\"")
    #expect(load(.headers, .member("CONTENT-TYPE")) == "\"text/plain\"")
    #expect(load(.headers, .member("content-typ")) == "null")
    // '@' and '`' differ in the same bit as a letter's case does.
    #expect(load(.headers, .member("x-a`")) == "null")
  }

  @Test func `JSON paths lead to members and elements, and to null where there is none`() {
    #expect(load(.json, .member("a")) == "!no-content")
    #expect(load(.text) == "!no-content")
    body(#"{"a": {"b": [10, {"c": "d"}, null]}, "e": null}"#)
    #expect(load(.json, .member("a"), .member("b"), .index(1), .member("c")) == "\"d\"")
    #expect(load(.json, .member("a"), .member("b"), .index(0)) == "10")
    #expect(load(.json, .member("a"), .member("b"), .index(2)) == "null")
    #expect(load(.json, .member("a"), .member("b"), .index(3)) == "null")
    #expect(load(.json, .member("a"), .index(0)) == "null")
    #expect(load(.json, .member("e")) == "null")
    #expect(load(.json, .member("e"), .member("f")) == "null")
    result.clear()
    body("not json")
    #expect(load(.json) == "!not-json")
    #expect(load(.text) == "\"not json\"")
  }

  @Test func `the plain fields are read as they are`() {
    result.affected = 3
    result.status = 404
    result.isRouted = false
    var key = "orders:1"
    key.withUTF8 { result.setKey(UnsafeRawBufferPointer($0)) }
    #expect(load(.affected) == "3" && load(.status) == "404" && load(.routed) == "false" && load(.key) == "\"orders:1\"")
  }

  @Test(arguments: ["order:", ":", "r:1", "", "é"]) func `a number behind a mark in the key is read as the two functions would`(mark: String) {
    for key in ["order:12", "order:-7", "order:+7", "order:", "order:1x", "my-order:12", "order:order:5", "order:9223372036854775808", ":3", "r:12", "é4", "", "12"] {
      result.clear()
      key.utf8.withContiguousStorageIfAvailable { result.setKey(UnsafeRawBufferPointer($0)) }
      reader.contentChanged()
      let plain = outcome { () throws(OperationError) in
        let rest = try [Value.string(key), .string(mark)].withUnsafeBufferPointer { arguments throws(OperationError) in
          try FunctionLibrary.text(.after, arguments)
        }
        return try Casting.cast(rest, to: .int)
      }
      let straight = outcome { () throws(OperationError) in
        .int(
          try Array(mark.utf8).withUnsafeBufferPointer { bytes throws(OperationError) in
            try reader.loadKeyInt(after: .string(mark), bytes)
          })
      }
      #expect(straight == plain, "key '\(key)'")
    }
  }
}
