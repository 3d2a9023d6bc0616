package import Diagnostics

/// What is tracked from system to system: an entry of `events:`.
package struct EventDeclaration: Sendable {
  package let name: String
  /// The step whose acknowledged commit starts the clock.
  package let origin: StepIndex
  /// `.int`, `.string` or `.uuid`.
  package let idType: ValueType
  package let hasKey: Bool
  package let hasVersion: Bool
  /// The fields that every hop must show, in order: name and type.
  package let body: [(name: String, type: ValueType)]
  /// Nanoseconds of lag after which a sighting is late.
  package let deadlineNanoseconds: UInt64
  /// Nanoseconds of lag after which an event that was not seen is lost.
  package let settleNanoseconds: UInt64
  package let hops: [HopDeclaration]
  package let range: SourceRange

  package init(
    name: String, origin: StepIndex, idType: ValueType, hasKey: Bool, hasVersion: Bool, body: [(name: String, type: ValueType)],
    deadlineNanoseconds: UInt64, settleNanoseconds: UInt64, hops: [HopDeclaration], range: SourceRange
  ) {
    self.name = name
    self.origin = origin
    self.idType = idType
    self.hasKey = hasKey
    self.hasVersion = hasVersion
    self.body = body
    self.deadlineNanoseconds = deadlineNanoseconds
    self.settleNanoseconds = settleNanoseconds
    self.hops = hops
    self.range = range
  }
}

/// One system in which an event must become visible.
package struct HopDeclaration: Sendable {
  package let name: String
  package let connection: ConnectionIndex
  /// The observer's name in the connector's schema: `tap`, `watch`.
  package let observer: String
  /// The observer's operand and keys, all literal.
  package let operands: [(name: String, value: OperandTemplate)]
  /// The block that reads a sighting: it starts at this pc, reads the sighting by `loadResult`, ends with `end`, and leaves
  /// the id, key, version and body fields in the slots below.
  package let mappingEntry: Int
  package let idSlot: SlotIndex
  package let keySlot: SlotIndex?
  package let versionSlot: SlotIndex?
  /// One for each field of the event's body, nil where the hop does not map it.
  package let bodySlots: [SlotIndex?]
  /// Whether the mapping reads more than the key, so that the observer must fetch the value.
  package let readsContent: Bool
  /// Whether each sighting is a message of its own, of which a second is a second delivery; otherwise it is what an entry shows.
  package let showsMessages: Bool
  /// The block that reads the id of the run that made what was seen, of its own so that it is known whatever the rest can read.
  package let run: (entry: Int, slot: SlotIndex)?
  /// How long entries stay by themselves; nil if for ever.
  package let expiresNanoseconds: UInt64?
  package let guarantees: HopGuarantees
  package let range: SourceRange

  /// - Parameter showsMessages: The observer's schema says it; nil for what `tap` and every other observer show.
  package init(
    name: String, connection: ConnectionIndex, observer: String, operands: [(name: String, value: OperandTemplate)], mappingEntry: Int,
    idSlot: SlotIndex, keySlot: SlotIndex?, versionSlot: SlotIndex?, bodySlots: [SlotIndex?], readsContent: Bool, showsMessages: Bool? = nil,
    run: (entry: Int, slot: SlotIndex)? = nil, expiresNanoseconds: UInt64? = nil,
    guarantees: HopGuarantees = HopGuarantees(), range: SourceRange
  ) {
    self.name = name
    self.connection = connection
    self.observer = observer
    self.operands = operands
    self.mappingEntry = mappingEntry
    self.idSlot = idSlot
    self.keySlot = keySlot
    self.versionSlot = versionSlot
    self.bodySlots = bodySlots
    self.readsContent = readsContent
    self.showsMessages = showsMessages ?? (observer == "tap")
    self.run = run
    self.expiresNanoseconds = expiresNanoseconds
    self.guarantees = guarantees
    self.range = range
  }

  package func operand(_ name: String) -> OperandTemplate? {
    for operand in operands where operand.name == name { return operand.value }
    return nil
  }
}
