import ChainIO
import ChainProgram

/// A `watch` hop as the connector reads it.
struct WatchedKeys {
  enum Way: String {
    case auto
    case tracking
    case keyspace
    case poll
  }

  let pattern: KeyPattern
  let way: Way
  /// Nanoseconds between two looks; nil if the chain does not say.
  let every: UInt64?
  /// Whether the hop says under which key an event will be found.
  let hasPlace: Bool
  let readsContent: Bool

  /// - Throws: class `protocol` when the hop cannot be watched as it stands.
  init(_ hop: HopDeclaration) throws(OperationError) {
    do throws(ObserverRefusal) {
      self = try WatchedKeys(hop.operands, readsContent: hop.readsContent)
    } catch {
      throw OperationError(.protocol, code: "watch", error.message + (error.help.map { ": \($0)" } ?? ""))
    }
  }

  /// - Parameter operands: The pattern and then the keys that were given.
  init(_ operands: [(name: String, value: OperandTemplate)], readsContent: Bool) throws(ObserverRefusal) {
    func operand(_ name: String) -> OperandTemplate? { operands.first { $0.name == name }?.value }
    guard case .text(let template)? = operands.first?.value, let text = template.literal, !text.isEmpty else {
      throw ObserverRefusal("watch", "'watch' needs a key pattern without expressions, such as 'order:*'")
    }
    pattern = KeyPattern(text)
    self.readsContent = readsContent
    if case .duration(let nanoseconds)? = operand("every") {
      guard nanoseconds >= 1_000_000 else { throw ObserverRefusal("every", "the pause between two looks is 1 ms at least") }
      every = UInt64(nanoseconds)
    } else {
      every = nil
    }
    hasPlace = operand("at") != nil
    var given = Way.auto
    if case .choice(let word)? = operand("how"), let way = Way(rawValue: word) { given = way }
    way = given == .auto && every != nil ? .poll : given
    if every != nil, way != .poll {
      throw ObserverRefusal("every", "'every' is the pause of polling, and with 'how: \(way.rawValue)' the server tells of changes")
    }
    if way == .poll, !hasPlace {
      throw ObserverRefusal(
        given == .poll ? "how" : "every", "polling must know the key of each event",
        help: "add 'at' with the event's own fields, such as 'at: order:${id}'")
    }
    if case .text(let at)? = operand("at"), let fixed = at.literal {
      throw ObserverRefusal("at", "'\(fixed)' is the same key for every event", help: "name a field of the event, such as 'order:${id}'")
    }
  }
}
