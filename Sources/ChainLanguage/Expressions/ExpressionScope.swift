package import ChainProgram
package import Diagnostics

/// What the names of an expression mean where it stands. Functions and their namespaces (`random`) are known without it.
package protocol ExpressionScope {
  /// What a name means here; nil for a name that nothing declares.
  func binding(of name: String) -> NameBinding?
  /// All names that mean something here, for near names and for the list in a message.
  var names: [String] { get }
}

package indirect enum NameBinding {
  /// A value in a slot.
  case variable(Variable)
  /// A value that is known before the run.
  case constant(Value, ValueType)
  /// A member of the result of the step (or of a hop's sighting).
  case result(ResultMember)
  /// A name with members only: a feed, `outputs`, `run`, `secrets`, an import.
  case namespace(Namespace)
  /// The name is captured or set only later in the file, at this place.
  case later(SourceRange)
  /// The name is declared, and its declaration has a finding; stays silent.
  case invalid

  package struct Variable {
    package let slot: SlotIndex
    /// An optional type if it is captured on some paths only.
    package let type: ValueType
    /// Where it is captured, set or declared; a finding about its type or about null shows it.
    package let captured: SourceRange?
    /// Why the type is optional, for the message: "captured inside 'then'".
    package let optionalBecause: String?

    package init(slot: SlotIndex, type: ValueType, captured: SourceRange?, optionalBecause: String? = nil) {
      self.slot = slot
      self.type = type
      self.captured = captured
      self.optionalBecause = optionalBecause
    }
  }

  /// A class, since a struct here is a circle of sizes to the compiler (6.3: "circular reference").
  package final class Namespace {
    /// For messages: "feed 'customer'", "'outputs'".
    package let title: String
    /// What its members are called in messages: "column", "output", "member".
    package let noun: String
    package let members: [(name: String, binding: NameBinding)]

    package init(title: String, noun: String, members: [(name: String, binding: NameBinding)]) {
      self.title = title
      self.noun = noun
      self.members = members
    }
  }
}
