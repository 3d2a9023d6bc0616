import ChainIO
import ChainProgram

/// How a tap's queue is bound to its exchange: as the chain says, or so that it gets everything.
///
/// What is everything depends on the exchange's type, which AMQP 0-9-1 has no question for. But a declaration of an exchange that exists
/// changes nothing, and when it differs the broker refuses it (406) and names the first difference, the type before all others. So we declare
/// the exchange as `direct` with an alternate exchange that is no name: whatever is there differs from that, and if nothing is there (any more),
/// nothing is made either, for the argument is invalid (seen with 3.10). It needs the permission to configure the exchange.
struct TapBindings: Equatable {
  /// One binding for each.
  var routingKeys: [String]
  /// Arguments of the bindings, for a headers exchange; all of them text.
  var headers: [(name: String, value: String)] = []
  /// `all` or `any` of the headers.
  var match = "all"
  /// For the report.
  var reason: String

  static func == (left: TapBindings, right: TapBindings) -> Bool {
    left.routingKeys == right.routingKeys && left.match == right.match && left.reason == right.reason
      && left.headers.elementsEqual(right.headers, by: ==)
  }

  /// What the chain says; nil if it leaves it to us.
  static func given(_ operands: [(name: String, value: OperandTemplate)]) throws(ObserverRefusal) -> TapBindings? {
    func operand(_ name: String) -> OperandTemplate? { operands.first { $0.name == name }?.value }
    var keys: [String] = []
    if let one = operand("routing_key") {
      guard case .text(let template) = one, let key = template.literal else {
        throw ObserverRefusal("routing_key", "the tap's 'routing_key' is text without expressions")
      }
      keys.append(key)
    }
    if case .wordList(let several)? = operand("routing_keys") { keys += several }
    for key in keys where key.utf8.count > 255 {
      throw ObserverRefusal(
        operand("routing_key") == nil ? "routing_keys" : "routing_key", "a routing key is longer than the 255 bytes that AMQP allows")
    }
    var headers: [(name: String, value: String)] = []
    if case .textMap(let map)? = operand("headers") {
      for entry in map {
        guard let value = entry.value.literal else { throw ObserverRefusal("headers", "the tap's 'headers' are without expressions") }
        guard entry.name != "x-match" else { throw ObserverRefusal("headers", "'x-match' is written 'match: all' or 'match: any'") }
        headers.append((entry.name, value))
      }
    }
    var match = "all"
    if case .choice(let word)? = operand("match") {
      guard !headers.isEmpty else { throw ObserverRefusal("match", "'match' says how many of the 'headers' must fit, and there are none") }
      match = word
    }
    if keys.isEmpty, headers.isEmpty { return nil }
    return TapBindings(
      routingKeys: keys.isEmpty ? [""] : keys, headers: headers, match: match, reason: "bound as the chain says")
  }

  /// What the broker's refusal of the declaration says of the exchange's type; nil if it does not tell.
  static func exchangeType(refusalCode: UInt16, text: String) -> String? {
    guard refusalCode == 406, let start = text.firstRange(of: "inequivalent arg '") else { return nil }
    let argument = text[start.upperBound...].prefix { $0 != "'" }
    guard argument == "type" else { return "direct" }
    guard let current = text.firstRange(of: "but current is ") else { return nil }
    let type = text[current.upperBound...].drop { $0 == "'" }.prefix { $0 != "'" && $0 != " " }
    return type.isEmpty ? nil : String(type)
  }

  /// What gets everything from an exchange of this type, nil for a type that the broker did not tell.
  static func everything(from exchange: String, type: String?) throws(OperationError) -> TapBindings {
    switch type {
    case "fanout"?, "headers"?: return TapBindings(routingKeys: [""], reason: "a \(type ?? "") exchange, bound to get everything")
    case "direct"?:
      throw OperationError(
        .protocol, code: "direct-exchange",
        "'\(exchange)' is a direct exchange, which has no key for everything: say with 'routing_key' or 'routing_keys' which messages to tap")
    case let type?: return TapBindings(routingKeys: ["#"], reason: "a \(type) exchange, bound with '#'")
    case nil:
      return TapBindings(
        routingKeys: ["#"],
        reason: "bound with '#', which gets everything from a topic exchange; this user may not be told the exchange's type")
    }
  }
}
