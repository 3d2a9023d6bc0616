import Diagnostics
import Testing

@testable import ChainLanguage

/// What `lint --fix` does to a chain.
struct GalleryFixTests {
  /// Applies all fixes once after another until there are none, as the command does.
  private func fixed(_ steps: String) -> (text: String, left: Compilation) {
    var bytes = Array((Explanation.frame + steps).utf8)
    var compilation = Gallery.compile(bytes)
    for _ in 0..<10 {
      let selection = FixSelection(compilation.findings.sorted, in: FileIndex(0))
      if selection.isEmpty { break }
      bytes = selection.applied(to: bytes)
      compilation = Gallery.compile(bytes)
    }
    return (String(String(decoding: bytes, as: UTF8.self).dropFirst(Explanation.frame.count)), compilation)
  }

  @Test(arguments: [
    // unknown keys
    ("- redis: GET a\n    chekc: [ reply != null ]", "- redis: GET a\n    check: [ reply != null ]"),
    ("- { redis: GET a, \"chekc\": [ reply != null ] }", "- { redis: GET a, check: [ reply != null ] }"),
    ("- rediss: GET a", "- redis: GET a"),
    // ' #'
    ("- log: order ${run.id + \" #1\"} is done", "- log: 'order ${run.id + \" #1\"} is done'"),
    ("- log: order ${run.id + ' #1'} is done  # a remark", "- log: \"order ${run.id + ' #1'} is done\"  # a remark"),
    // quotes in SQL
    ("- sql: SELECT 1 WHERE a = '${run.id}'\n    conn: ro", "- sql: SELECT 1 WHERE a = ${run.id}\n    conn: ro"),
    ("- sql: \"SELECT 1 WHERE a = '${run.id}' AND b = '${run.id}'\"\n    conn: ro", "- sql: \"SELECT 1 WHERE a = ${run.id} AND b = ${run.id}\"\n    conn: ro"),
    // signs of other languages
    ("- { if: \"random.int(1, 9) > 2&&random.int(1, 9) < 5\", then: [ { log: a } ] }", "- { if: \"random.int(1, 9) > 2 and random.int(1, 9) < 5\", then: [ { log: a } ] }"),
    ("- if: random.int(1, 9) > 2 || !(random.int(1, 9) < 5)\n    then: [ { log: a } ]", "- if: random.int(1, 9) > 2 or not (random.int(1, 9) < 5)\n    then: [ { log: a } ]"),
    ("- if: $run.id === 'a'\n    then: [ { log: a } ]", "- if: run.id == 'a'\n    then: [ { log: a } ]"),
    ("- set: { _a: \"${run.id}\" }", "- set: { _a: \"run.id\" }"),
    ("- set: { _a: \"1 + ${random.int(1, 2)}\" }", "- set: { _a: \"1 + (random.int(1, 2))\" }"),
    // literals
    ("- think: 5 sec", "- think: 5s"), ("- think: \"200 ms\"", "- think: \"200ms\""),
    // ambiguous texts
    ("- publish: orders\n    conn: mq\n    json: { opens: 12:30, legacy: 010, ok: no }", "- publish: orders\n    conn: mq\n    json: { opens: \"12:30\", legacy: \"010\", ok: \"no\" }"),
  ])
  func `a mechanical mistake is repaired, and the chain is clean`(wrong: String, right: String) {
    let (text, left) = fixed("steps:\n  \(wrong)\n")
    #expect(text == "steps:\n  \(right)\n")
    #expect(left.findings.isEmpty, "\(Gallery.render(left))")
  }

  @Test(arguments: [
    // A key that is there already would stand twice.
    "- redis: GET a\n    chekc: [ reply != null ]\n    check: [ reply != null ]",
    // A number without a unit could mean any.
    "- think: 5",
    // Text around the parameter has to be joined by a person.
    "- sql: SELECT 1 WHERE a LIKE '%${run.id}%'\n    conn: ro",
    "- sql: SELECT 1 WHERE a = E'${run.id}'\n    conn: ro",
  ])
  func `what a person has to decide is left as it is`(wrong: String) {
    let (text, left) = fixed("steps:\n  \(wrong)\n")
    #expect(text == "steps:\n  \(wrong)\n")
    #expect(left.findings.hasErrors)
  }

  @Test func `fixes of every mutation keep the file readable`() {
    // A fix never touches more than its own place: the text outside of the edits is the same.
    let text = Explanation.frame + "steps:\n  - rediss: GET é\n    chekc: [ reply != null && reply != 'ü' ]\n  - think: 5 sec\n"
    let compilation = Gallery.compile(text)
    let selection = FixSelection(compilation.findings.sorted, in: FileIndex(0))
    let fixed = String(decoding: selection.applied(to: Array(text.utf8)), as: UTF8.self)
    #expect(fixed == text.replacing("rediss", with: "redis").replacing("5 sec", with: "5s"))
  }
}
