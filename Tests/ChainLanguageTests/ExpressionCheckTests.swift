import ChainProgram
import Diagnostics
import Testing

@testable import ChainLanguage

@Suite struct ExpressionCheckTests {
  @Test(arguments: [
    // Names
    ("order_id", "int"), ("customer.tier", "string"), ("run.id", "string"), ("outputs.order_id", "int"), ("ten", "int"), ("limit", "int?"),
    ("rows.size", "int"), ("rows", "rows"), ("rows[0]", "row"), ("rows[0].x", "untyped text"), ("row.x", "untyped text"),
    ("row[\"order id\"]", "untyped text"),
    ("reply", "untyped text"), ("reply[0]", "untyped text"), ("json.a.b[0]", "json"), ("json[\"a-b\"]", "json"),
    ("json.items[order_id]", "json"), ("doc.a", "json"),
    ("headers.x", "untyped text?"), ("headers[\"content-type\"]", "untyped text?"), ("status", "int"), ("tags[0]", "string?"),
    ("messages.size", "int"),
    ("messages[0].json.id", "json"),
    // Casts
    ("row.id as int", "int"), ("row.id as int?", "int?"), ("json.a as decimal", "decimal"), ("limit as int", "int"),
    ("order_id as decimal", "decimal"),
    ("order_id as string", "string"), ("region as uuid", "uuid"), ("null as int?", "int?"), ("token as string", "secret<string>"),
    ("headers.x as int", "int"),
    // Arithmetic
    ("order_id + 1", "int"), ("order_id + 1.5", "decimal"), ("amount * 2", "decimal"), ("ratio + 1", "float"), ("ratio * 1.5", "float"),
    ("wait * 2", "duration"),
    ("2 * wait", "duration"), ("wait / 2", "duration"), ("wait + 5s", "duration"), ("-wait", "duration"), ("region + '!'", "string"),
    ("order_id mod 3", "int"),
    ("order_id / 2", "int"),
    // Comparison
    ("order_id == 1", "bool"), ("order_id < amount", "bool"), ("row.amount == amount", "bool"), ("json.a > 5", "bool"),
    ("amount == row.amount", "bool"),
    ("limit == 3", "bool"), ("headers.x == \"a\"", "bool"), ("headers.x != null", "bool"), ("row.x == null", "bool"),
    ("doc == json.a", "bool"), ("at < now()", "bool"),
    ("ref == region as uuid", "bool"), ("wait <= 5s", "bool"), ("0.1% < 1%", "bool"), ("null == null", "bool"), ("token == 'x'", "bool"),
    ("flag != maybe", "bool"),
    // Logic and null
    ("flag and order_id > 3", "bool"), ("not flag or flag", "bool"), ("limit ?? 3", "int"), ("limit ?? null", "int?"),
    ("limit ?? limit ?? 3", "int"), ("row.x ?? 'none'", "string"),
    ("headers.x ?? 'none'", "string"), ("json.a ?? 3", "int"), ("limit ?? 1.5", "decimal"), ("null ?? 3", "int"),
    ("headers.x as int? ?? 3", "int"),
    ("if flag then 1 else 2", "int"), ("if flag then 1 else 2.5", "decimal"), ("if flag then null else 2", "int?"),
    ("if flag then limit else 2", "int?"),
    ("limit != null and limit > 2", "bool"), ("limit == null or limit > 2", "bool"), ("if limit != null then limit + 1 else 0", "int"),
    ("if limit == null then 0 else limit", "int"), ("not (limit == null) and limit > 2", "bool"), ("limit == 5 and limit > 2", "bool"),
    ("if limit == null or note == null then 0 else limit + note.length()", "int"), ("headers.x != null and headers.x as int > 3", "bool"),
    ("maybe ?? false and flag", "bool"),
    // Calls
    ("random.decimal(1, 500)", "decimal"), ("random.int(1, order_id)", "int"), ("random.uuid()", "uuid"), ("now()", "instant"),
    ("key.after(\"order:\")", "string"),
    ("after(key, 'order:') as int", "int"), ("region.upper().length()", "int"), ("min(order_id, 3)", "int"), ("row.x.lower()", "string"),
    ("token.upper()", "secret<string>"),
    ("contains(region, 'e')", "bool"),
  ])
  func `every form has its type`(text: String, type: String) {
    #expect(CheckedExpression(text).outcome == type)
  }

  @Test(arguments: [
    ("«1»regoin«/1» == 'eu'", "unknown-name", "did you mean 'region'?"), ("«1»zzz«/1»", "unknown-name", "there are '"),
    ("customer.«1»teir«/1»", "unknown-name", "feed 'customer' has no column 'teir'; did you mean 'tier'?"),
    ("outputs.«1»foo«/1»", "unknown-name", "there are 'order_id'"), ("«1»soon«/1» + 1", "use-before-capture", "before it has a value"),
    ("«1»customer«/1»", "bad-expression", "no value by itself"),
    ("«1»nil«/1»", "unknown-name", "write 'null'"), ("random.«1»integer«/1»", "unknown-name", "there is no function 'random.integer'"),
    ("«1»random«/1»", "bad-expression", "random.int"), ("«1»now«/1»", "bad-expression", "(…)"),
    ("region.«1»foo«/1»()", "unknown-name", "no function 'foo'"), ("«1»foo«/1»(1)", "unknown-name", "no function 'foo'"),
    ("region.«1»length«/1»", "unknown-name", "called with"),
    ("key.«1»after«/1»()", "type-mismatch", "takes 1 argument, and here are 0"),
    ("«1»random.int«/1»(1)", "type-mismatch", "takes 2 arguments, and here is 1"),
    ("random.int(1, «1»1.5«/1»)", "type-mismatch", "takes an int as 'to'"),
    ("region.after(«1»order_id«/1»)", "type-mismatch", "'order_id' is int"),
    ("order_id.«1»x«/1»", "unknown-name", "is int and has no member"), ("rows.«1»x«/1»", "unknown-name", "rows[0].x"),
    ("«1»order_id«/1»[0]", "type-mismatch", "no elements"),
    ("rows[«1»limit«/1»]", "nullable-use", "may be null"), ("rows[«1»'a'«/1»]", "type-mismatch", "whole number"),
    ("rows[«1»-1«/1»]", "type-mismatch", "whole number"),
    ("«1»order_id == 'a'«/1»", "type-mismatch", "these are int and string"), ("«1»row.x == json.y«/1»", "type-mismatch", "neither side"),
    ("«1»row.x == row.y«/1»", "type-mismatch", "row.x as string"),
    ("«1»amount == ratio«/1»", "type-mismatch", "decimal and float"), ("flag «1»<«/1» flag", "type-mismatch", "does not compare bool"),
    ("«1»limit«/1» < 3", "nullable-use", "limit ?? …"), ("«1»order_id == null«/1»", "type-mismatch", "never null"),
    ("order_id «1»<«/1» null", "type-mismatch", "does not compare null"), ("«1»limit«/1» + 1", "nullable-use", "may be null"),
    ("-«1»limit«/1»", "nullable-use", "may be null"), ("-«1»region«/1»", "type-mismatch", "number or a duration"),
    ("«1»row.x«/1» + 1", "type-mismatch", "row.x as int"), ("«1»region + 1«/1»", "type-mismatch", "as string"),
    ("«1»amount + ratio«/1»", "type-mismatch", "exact"), ("«1»wait * 1.5«/1»", "type-mismatch", "duration and decimal"),
    ("«1»wait + 5«/1»", "type-mismatch", "duration and int"),
    ("«1»null«/1» + 1", "nullable-use", "no value"), ("«1»order_id«/1» and flag", "type-mismatch", "'and' joins conditions"),
    ("not «1»order_id«/1»", "type-mismatch", "'not' takes a condition"), ("flag and «1»maybe«/1»", "nullable-use", "may be null"),
    ("if «1»1«/1» then 2 else 3", "type-mismatch", "'if' takes a condition"),
    ("if flag then 1 else «1»'a'«/1»", "type-mismatch", "the 'then' part is int"),
    ("if limit != null then 1 else «1»limit«/1» + 1", "nullable-use", "may be null"),
    ("limit != null or «1»limit«/1» > 2", "nullable-use", "may be null"), ("order_id «1»??«/1» 3", "type-mismatch", "never null"),
    ("limit ?? «1»'a'«/1»", "type-mismatch", "what precedes"), ("«1»rows as int«/1»", "type-mismatch", "cannot become an int"),
    ("«1»flag as int«/1»", "type-mismatch", "cannot become"), ("«1»null as int«/1»", "nullable-use", "as int?"),
    ("lower(«1»note«/1»)", "nullable-use", "may be null"), ("«1»doc«/1» * 2", "type-mismatch", "doc as int"),
  ])
  func `each mistake has one finding at its narrowest place`(text: String, name: String, phrase: String) {
    let checked = CheckedExpression(text)
    #expect(checked.places == ["\(name) at 1"])
    #expect(checked.typed.isInvalid)
    #expect(checked.messages.contains { $0.contains(phrase) }, "\(checked.messages)")
  }

  @Test func `two mistakes have two findings, and one mistake hides none of the others`() {
    #expect(CheckedExpression("«1»foo«/1» + «2»bar«/2» > 1").places == ["unknown-name at 1", "unknown-name at 2"])
    #expect(CheckedExpression("«1»order_id == 'a'«/1» and «2»order_id«/2»").places == ["type-mismatch at 1", "type-mismatch at 2"])
    #expect(CheckedExpression("broken + 1 == broken").places == [])
    #expect(CheckedExpression("broken + 1 == broken").typed.isInvalid)
    #expect(CheckedExpression("«2»lower«/2»(«1»foo«/1», 1)").places == ["type-mismatch at 2", "unknown-name at 1"])
  }

  @Test func `a name read too early shows where it gets its value`() {
    let finding = CheckedExpression("soon").findings.sorted.first
    #expect(finding?.related.map(\.message) == ["gets its value here"])
  }

  @Test(
    arguments: [
      ("order_id", ExpressionPlace.condition("check"), "type-mismatch", "'order_id' is int, and 'check' takes a condition"),
      ("row.ok", .condition("check"), "bool", ""), ("json.ok", .condition("if"), "bool", ""),
      ("maybe", .condition("if"), "nullable-use", "may be null"), ("5", .duration("within"), "type-mismatch", "'5ms' or '5s'"),
      ("wait", .duration("within"), "duration", ""),
      ("row.id", .capture("x"), "type-mismatch", "row.id as int"), ("row", .capture("x"), "type-mismatch", "is row"),
      ("null", .capture("x"), "type-mismatch", "as int?"), ("json.a", .capture("x"), "json", ""), ("limit", .capture("x"), "int?", ""),
      ("token", .capture("x"), "secret<string>", ""), ("200/s", .capture("x"), "rate", ""), ("limit", .sqlParameter, "int?", ""),
      ("null", .sqlParameter, "null", ""), ("row.x", .sqlParameter, "string?", ""), ("token", .sqlParameter, "secret-leak", "is a secret"),
      ("doc", .sqlParameter, "type-mismatch", "doc as string"), ("rows", .sqlParameter, "type-mismatch", "is rows"),
      ("rows", .text, "type-mismatch", "rows[0].name"), ("limit", .text, "nullable-use", "may be null"), ("row.x", .text, "string", ""),
      ("headers.x", .text, "nullable-use", "may be null"),
      ("token", .text, "secret-leak", "is a secret"), ("token", .header, "secret<string>", ""), ("doc", .json, "json", ""),
      ("limit", .json, "int?", ""), ("tags", .json, "list<string>", ""), ("rows", .json, "type-mismatch", "is rows"),
      ("token", .json, "secret-leak", "is a secret"),
      ("order_id", ExpressionPlace(.type(.decimal), "it takes a decimal"), "decimal", ""),
      ("amount", ExpressionPlace(.type(.int), "it takes an int"), "type-mismatch", "amount as int"),
      ("1.5", ExpressionPlace(.type(.float), "a float"), "float", ""), ("row.x", ExpressionPlace(.type(.uuid), "a uuid"), "uuid", ""),
      ("wait", ExpressionPlace(.oneOf([.duration, .int]), "it takes a duration or a count"), "duration", ""),
      ("region", ExpressionPlace(.oneOf([.duration, .int]), "it takes a duration or a count"), "type-mismatch", "a duration or a count"),
    ] as [(String, ExpressionPlace, String, String)])
  func `a place takes what it expects and says so when it does not`(
    text: String, expecting: ExpressionPlace, outcome: String, phrase: String
  ) {
    let checked = CheckedExpression(text, expecting: expecting)
    if phrase.isEmpty {
      #expect(checked.outcome == outcome)
    } else {
      #expect(checked.findings.sorted.map(\.name.rawValue) == [outcome])
      #expect(checked.messages.contains { $0.contains(phrase) }, "\(checked.messages)")
    }
  }

  @Test func `a condition tells which variables are not null after it`() {
    func names(_ text: String, _ outcome: Bool) -> [String] {
      let checked = CheckedExpression(text)
      return checked.typed.slotsNotNull(when: outcome).map { checked.scope.builder.program.slots[$0.index].name }.sorted()
    }
    #expect(names("limit != null and note != null", true) == ["limit", "note"])
    #expect(names("limit != null and note != null", false) == [])
    #expect(names("limit == null or note == null", false) == ["limit", "note"])
    #expect(names("limit == 3", true) == ["limit"])
    #expect(names("limit != 3", false) == [])
  }
}
