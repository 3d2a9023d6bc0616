import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

@Suite struct ExpressionLoweringTests {
  @Test(
    arguments: [
      ("1 + 2 * 3", ["constant .19 = 7"]),
      ("1.5 + 1", ["constant .19 = 2.5"]),
      ("-5s * 2", ["constant .19 = -10s"]),
      ("'a' + \"b\"", ["constant .19 = \"ab\""]),
      ("not true", ["constant .19 = false"]),
      ("true and flag", []),
      ("row.id as int", ["loadResultInt .19 = row.id"]),
      ("row.amount as decimal", ["loadResultDecimal .19 = row.amount"]),
      ("json.a.b[0] as int", ["loadResultInt .19 = json.a.b[0]"]),
      ("row.note as json", ["loadResultJSON .19 = row.note"]),
      ("row.at == null", ["loadPresence .20 = row.at", "constant .19 = true", "jumpIfNull .20 -> 4", "constant .19 = false"]),
      ("row.at as instant", ["loadResult .20 = row.at", "cast .19 = .20 as instant"]),
      ("row.id as int?", ["loadResult .19 = row.id", "jumpIfNull .19 -> 3", "cast .19 = .19 as int"]),
      ("order_id + 1", ["constant .20 = 1", "addInt .19 = order_id, .20"]),
      ("order_id * amount", ["cast .20 = order_id as decimal", "multiplyDecimal .19 = .20, amount"]),
      ("2 * wait", ["constant .20 = 2", "scaleDuration .19 = wait, .20"]),
      ("rows.size == 1", ["loadResult .20 = rows.size", "constant .21 = 1", "compare .19 = .20 == .21 as int"]),
      (
        "row.amount == amount",
        ["loadResult .20 = row.amount", "jumpIfNull .20 -> 3", "cast .20 = .20 as decimal", "compare .19 = .20 == amount as decimal"]
      ),
      ("flag and order_id > 1", ["move .19 = flag", "jumpIfFalse .19 -> 4", "constant .20 = 1", "compare .19 = order_id > .20 as int"]),
      ("flag or not flag", ["move .19 = flag", "jumpIfTrue .19 -> 3", "not .19 = flag"]),
      ("limit ?? 3", ["move .19 = limit", "jumpIfNull .19 -> 3", "jump -> 4", "constant .19 = 3"]),
      ("limit != null", ["constant .19 = false", "jumpIfNull limit -> 3", "constant .19 = true"]),
      ("if flag then order_id else 2", ["jumpIfFalse flag -> 3", "move .19 = order_id", "jump -> 4", "constant .19 = 2"]),
      (
        "if flag and not maybe == flag then 1 else 2",
        [
          "jumpIfFalse flag -> 5", "compare .20 = maybe == flag as bool", "jumpIfTrue .20 -> 5", "constant .19 = 1", "jump -> 6",
          "constant .19 = 2",
        ]
      ),
      (
        "if flag or limit == null then 1 else 2",
        ["jumpIfTrue flag -> 3", "jumpIfNull limit -> 3", "jump -> 5", "constant .19 = 1", "jump -> 6", "constant .19 = 2"]
      ),
      ("random.decimal(1, order_id)", ["constant .20 = 1", "cast .21 = order_id as decimal", "call .19 = random.decimal(.20, .21)"]),
      ("region.upper()", ["call .19 = upper(region)"]),
      ("now()", ["call .19 = now()"]),
      ("key.after(\"order:\") as int", ["loadKeyInt .19 = key after \"order:\""]),
      (
        "key.after(region) as int",
        ["loadResult .21 = key", "move .22 = region", "call .20 = after(.21, .22)", "cast .19 = .20 as int"]
      ),
      ("json.items[order_id].price", ["loadResult .21 = json.items", "element .20 = .21[order_id]", "jsonMember .19 = .20, \"price\""]),
      ("tags[1]", ["constant .20 = 1", "element .19 = tags[.20]"]),
      (
        "headers[\"x-a\"] ?? 'none'",
        [
          "loadResult .19 = headers[\"x-a\"]", "jumpIfNull .19 -> 3", "cast .19 = .19 as string", "jumpIfNull .19 -> 5", "jump -> 6",
          "constant .19 = \"none\"",
        ]
      ),
      ("customer.id", []),
    ] as [(String, [String])])
  func `an expression becomes these instructions`(text: String, listing: [String]) {
    #expect(CheckedExpression(text).listing() == listing)
  }

  @Test func `a variable is written once, at the end, so an error on the way leaves it as it was`() {
    #expect(CheckedExpression("order_id + 1").listing(into: "order_id") == ["constant .19 = 1", "addInt order_id = order_id, .19"])
    #expect(
      CheckedExpression("flag and (maybe ?? flag)").listing(into: "flag") == [
        "move .19 = flag", "jumpIfFalse .19 -> 6", "move .19 = maybe", "jumpIfNull .19 -> 5", "jump -> 6", "move .19 = flag",
        "move flag = .19",
      ])
    #expect(
      CheckedExpression("row.id as int?").listing(into: "limit") == [
        "loadResult .19 = row.id", "jumpIfNull .19 -> 3", "cast .19 = .19 as int", "move limit = .19",
      ])
    #expect(
      CheckedExpression("maybe != null").listing(into: "maybe") == [
        "constant .19 = false", "jumpIfNull maybe -> 3", "constant .19 = true", "move maybe = .19",
      ])
  }

  @Test func `temporaries are used again, and arguments lie next to each other`() {
    var builder = ProgramBuilder(program: Program(chain: "t", chainDescription: "", chainHash: ""))
    let start = builder.mark()
    let a = builder.temporary(.int)
    let b = builder.temporary(.int)
    let afterTwo = builder.mark()
    let c = builder.temporary(.int)
    #expect([a, b, c].map(\.index) == [0, 1, 2])
    builder.release(to: afterTwo)
    #expect(builder.temporary(.string).index == 2)
    builder.release(to: afterTwo)
    let variable = builder.declare("x", .int)
    #expect(variable.index == 3)
    // Only slot 2 is free, and a run of two does not fit beside the variable.
    #expect(builder.temporaries([.int, .int]).index == 4)
    builder.release(to: start)
    #expect(builder.temporaries([.int, .int, .int]).index == 0)
    #expect(builder.temporaries([.int, .int]).index == 4)
  }

  @Test func `equal constants share a place, and decimals that differ in digits do not`() {
    var builder = ProgramBuilder(program: Program(chain: "t", chainDescription: "", chainHash: ""))
    let values: [Value] = [
      .int(1), .int(1), .string("1"), .decimal(Decimal("1.5")!), .decimal(Decimal("1.50")!), .decimal(Decimal("1.5")!), .duration(1), .null,
    ]
    #expect(values.map { builder.constant($0).index } == [0, 0, 1, 2, 3, 2, 4, 5])
  }

  @Test func `handlers and jumps find their labels`() {
    let file = MarkedText("x").file().file
    var builder = ProgramBuilder(program: Program(chain: "t", chainDescription: "", chainHash: ""))
    let end = builder.makeLabel()
    builder.jump(to: end, at: file.wholeRange)
    builder.handle(0..<1, at: end, forgets: true)
    builder.place(end)
    builder.emit(.end, at: file.wholeRange)
    let program = builder.finish()
    #expect(program.instructions == [.jump(target: 1), .end])
    #expect(program.handlers == [Handler(range: 0..<1, target: 1, forgets: true)])
  }
}
