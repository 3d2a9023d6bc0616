package import ChainProgram
package import Diagnostics

/// A checked expression: names are slots and paths, casts are written out, constants are folded.
package final class TypedExpression {
  package indirect enum Kind {
    case constant(Value)
    case slot(SlotIndex)
    case result(ResultPath)
    /// A path with segments `.argument`, and the indices or names that stand for them.
    case resultAt(ResultPath, [TypedExpression])
    case jsonMember(TypedExpression, name: String)
    /// An element of a JSON array or a list, or a member of a JSON object by a name that is computed.
    case element(TypedExpression, index: TypedExpression)
    case not(TypedExpression)
    case negate(TypedExpression)
    case binary(BinaryOperation, TypedExpression, TypedExpression)
    case compare(Comparison, ComparedType, TypedExpression, TypedExpression)
    case isNull(TypedExpression)
    case and(TypedExpression, TypedExpression)
    case or(TypedExpression, TypedExpression)
    case conditional(TypedExpression, then: TypedExpression, else: TypedExpression)
    /// The first unless it is null.
    case coalesce(TypedExpression, TypedExpression)
    /// With `passesNull`, null stays null; otherwise it is a step error like every other value that cannot be cast.
    case cast(TypedExpression, CastTarget, passesNull: Bool)
    /// `as list<T>`, `as map<T>`; with `passesNull` as in `cast`.
    case castAll(TypedExpression, ContainerTarget, CastTarget, passesNull: Bool)
    case list([TypedExpression])
    case call(Function, [TypedExpression])
    case match(MatchKind, TypedExpression, pattern: String)
    /// It has a finding; lowering it is a fault of ours.
    case invalid
  }

  package let kind: Kind
  package let type: ValueType
  package let range: SourceRange

  init(_ kind: Kind, _ type: ValueType, range: SourceRange) {
    self.kind = kind
    self.type = type
    self.range = range
  }

  package var isInvalid: Bool { type == .invalid }

  /// The value, if it is known before the run.
  package var constant: Value? {
    if case .constant(let value) = kind { value } else { nil }
  }
}

extension TypedExpression {
  /// The same value seen as another type, without a conversion.
  func retyped(_ type: ValueType) -> TypedExpression { TypedExpression(kind, type, range: range) }
}
