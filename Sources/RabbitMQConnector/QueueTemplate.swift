import ChainIO
import ChainProgram

/// A `peek`, `consume` or `queue` operation, compiled.
final class QueueTemplate {
  enum Kind: Equatable {
    /// Only the counts.
    case facts
    /// Takes messages and gives them back.
    ///
    /// - Parameter acceptsRedelivery: Whether the author has said that it may do so whatever the queue and whoever reads it.
    case peek(acceptsRedelivery: Bool)
    /// Takes messages for good.
    ///
    /// - Parameter waitNanoseconds: How long to wait for the first one.
    case consume(waitNanoseconds: UInt64)
  }

  let kind: Kind
  /// Messages to take at most; 0 for facts.
  let messagesMax: Int
  private let queue: TextTemplate

  static let messagesMaxRange: ClosedRange<Int64> = 1...10_000
  static let verbs = ["peek", "consume", "queue"]

  /// - Throws: an `OperationError` of class `protocol` that says which key is wrong.
  init(_ operation: Operation) throws(OperationError) {
    let verb = operation.verb
    func wrong(_ message: String) -> OperationError { OperationError(.protocol, code: "bad-operation", "'\(verb)': \(message)") }
    guard case .text(let queue)? = operation.operands.first?.value else { throw wrong("the queue's name is missing") }
    self.queue = queue
    var count: Int64 = 10
    if let operand = operation.operand("max") {
      guard case .integer(let number) = operand, QueueTemplate.messagesMaxRange.contains(number) else {
        throw wrong("'max' is a whole number from 1 to \(QueueTemplate.messagesMaxRange.upperBound)")
      }
      count = number
    }
    switch verb {
    case "queue":
      kind = .facts
      messagesMax = 0
    case "peek":
      messagesMax = Int(count)
      switch operation.operand("accept_redelivery") {
      case nil: kind = .peek(acceptsRedelivery: false)
      case .flag(let accepts)?: kind = .peek(acceptsRedelivery: accepts)
      case .sql?, .words?, .text?, .json?, .textMap?, .integer?, .duration?, .choice?, .wordList?:
        throw wrong("'accept_redelivery' is neither true nor false")
      }
    case "consume":
      messagesMax = Int(count)
      switch operation.operand("wait") {
      case nil: kind = .consume(waitNanoseconds: 0)
      case .duration(let nanoseconds)? where nanoseconds >= 0:
        guard UInt64(nanoseconds) < operation.timeoutNanoseconds || nanoseconds == 0 else {
          throw wrong("'wait' is not shorter than the step's timeout: give the step a longer 'timeout'")
        }
        kind = .consume(waitNanoseconds: UInt64(nanoseconds))
      case .sql?, .words?, .text?, .json?, .textMap?, .flag?, .integer?, .duration?, .choice?, .wordList?:
        throw wrong("'wait' is not a duration from 0 on")
      }
    default: throw wrong("RabbitMQ has no such verb")
    }
  }

  /// Writes the queue's name, replacing what is in `name`.
  ///
  /// - Returns: Why it cannot be one; nil if it can.
  func writeName(to name: inout [UInt8], arguments: UnsafePointer<Value>) -> OperationError? {
    name.removeAll(keepingCapacity: true)
    queue.append(to: &name, arguments: arguments)
    // To the broker no name means the queue that the channel declared last.
    if name.isEmpty { return OperationError(.protocol, code: "bad-name", "the queue's name is empty; nothing was sent") }
    guard name.count <= 255 else {
      return OperationError(.protocol, code: "too-long", "the queue's name is longer than the 255 bytes that AMQP allows; nothing was sent")
    }
    return nil
  }
}
