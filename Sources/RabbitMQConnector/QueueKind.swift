/// What kind of queue it is, as far as AMQP tells.
///
/// AMQP 0-9-1 has no question for it. But a declaration of a queue that exists changes nothing, and when it differs from the queue, the broker
/// refuses it (406) and says in what. So we declare the queue with a type that no broker has: whatever is there differs from that, and if
/// nothing is there (any more), nothing is made either (`unsupported queue type`, seen with 3.10). The refusal names the first difference:
///
/// - `durable` or `auto_delete`: quorum queues and streams are durable and never auto-delete, so this one is classic;
/// - `x-queue-type`: it names the type; none is classic.
///
/// It needs the permission to configure the queue; without it the kind stays unknown. Nor does AMQP tell a policy's delivery limit; but only quorum
/// queues have one.
enum QueueKind: Equatable {
  /// Has no delivery limit: a message may be taken and given back as often as one likes.
  case classic
  /// Counts how often a message was given back, and beyond its limit deletes or dead-letters it.
  case quorum
  case stream
  /// Of some later version's type.
  case other(String)
  /// The broker's refusal does not tell.
  case unknown

  /// The type that no broker has.
  static let noType = "chainrun-inspects-only"

  /// Reads the refusal of the declaration.
  init(refusalCode: UInt16, text: String) {
    guard refusalCode == 406, let argument = text.between("inequivalent arg '", "'"), let start = text.firstRange(of: "but current is ")
    else {
      self = .unknown
      return
    }
    let current = String(text[start.upperBound...].prefix { $0 != " " }).trimmingQuotes
    switch (argument, current) {
    case ("durable", "false"), ("auto_delete", "true"), ("x-queue-type", "classic"), ("x-queue-type", "none"): self = .classic
    case ("x-queue-type", "quorum"): self = .quorum
    case ("x-queue-type", "stream"): self = .stream
    case ("x-queue-type", _): self = .other(current)
    default: self = .unknown
    }
  }

  /// Why a queue of this kind is not peeked into; nil if it is.
  func reasonAgainstPeeking(refusal: String) -> String? {
    switch self {
    case .classic: nil
    case .quorum: "it is a quorum queue, which counts every peek toward a message's delivery limit and drops the message beyond it"
    case .stream: "it is a stream, from which nothing can be taken and given back"
    case .other(let type): "it is of the type '\(type)', which may count every peek toward a delivery limit"
    case .unknown: "the broker does not tell what kind of queue it is: \(refusal)"
    }
  }
}

extension String {
  /// What stands between the first `start` and the next `end`.
  fileprivate func between(_ start: String, _ end: Character) -> String? {
    guard let found = firstRange(of: start) else { return nil }
    let rest = self[found.upperBound...]
    return rest.firstIndex(of: end).map { String(rest[..<$0]) }
  }

  fileprivate var trimmingQuotes: String { String(drop { $0 == "'" }.prefix { $0 != "'" }) }
}
