import Testing

@testable import Diagnostics

struct NearestNameTests {
  @Test(arguments: [
    ("whne", "when"), ("Timeout", "timeout"), ("time-out", "timeout"), ("routing-key", "routing_key"), ("routngky", "routing_key"),
    ("cheks", "check"), ("descrption", "description"), ("id", "id"), ("steos", "steps"), ("conections", "connections"),
  ])
  func `a name within reach is found`(typed: String, meant: String) {
    let keys = ["id", "when", "timeout", "routing_key", "check", "description", "steps", "connections", "conn"]
    #expect(nearestName(to: typed, among: keys) == meant)
  }

  @Test(arguments: ["x", "foo", "wxyz", "tmiotu", "banana", "", "_-", String(repeating: "a", count: 100)])
  func `a name out of reach is not guessed`(typed: String) {
    #expect(nearestName(to: typed, among: ["y", "when", "timeout", "check", "description"]) == nil)
  }

  @Test func `the distance allowed grows with the length`() {
    #expect(nearestName(to: "abcd", among: ["abxy"]) == nil)
    #expect(nearestName(to: "abcde", among: ["abcxy"]) == "abcxy")
    #expect(nearestName(to: "abcdefgh", among: ["abcdexyz"]) == nil)
    #expect(nearestName(to: "abcdefghi", among: ["abcdefxyz"]) == "abcdefxyz")
  }

  @Test func `of two near names the nearer wins, and of equals the first`() {
    #expect(nearestName(to: "orders", among: ["order", "ordres"]) == "order")
    #expect(nearestName(to: "orders", among: ["oredrs_x", "orderz"]) == "orderz")
  }
}
