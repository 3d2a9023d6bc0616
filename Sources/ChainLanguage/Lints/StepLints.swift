internal import ChainProgram
internal import Diagnostics

/// Rules about one step that need its resolved operands.
extension ChainResolver {
  /// `key-without-run-scope`: a key that is written is the same in every iteration and every run.
  func lintKey(_ operand: OperandTemplate?, _ arguments: [TypedExpression], at range: SourceRange) {
    guard case .words(let words)? = operand, words.count >= 2 else { return }
    let isScoped = words[1].pieces.contains { piece in
      switch piece {
      case .literal: false
      case .argument(let number, _): arguments.indices.contains(number) && arguments[number].constant == nil
      }
    }
    guard !isScoped else { return }
    findings.add(
      .keyWithoutRunScope, at: range, "this writes the same key in every iteration of every run",
      help: "put '${run.id}' or a captured id into the key")
  }

  /// `peek-delivery-limit`: each look counts as a delivery of the messages that it shows.
  func lintPeek(_ node: StepNode, _ operation: OperationNode, isRepeated: Bool) {
    guard operation.schema.name == "peek", isRepeated else { return }
    let accepts = operation.options.contains { $0.key.name == "accept_redelivery" && $0.entry.value.scalar?.text == "true" }
    guard !accepts else { return }
    findings.add(
      .peekDeliveryLimit, at: node.verb.range, "a repeated 'peek' counts as many deliveries of the same messages, and a queue may limit them",
      help: "track the messages with an event's 'tap', or write 'accept_redelivery: true'")
  }

  /// `deadline-exceeds-timeout`: a wait that is longer than what it waits for is followed.
  func lintDeadline(_ deadline: TypedValue?, of origin: OriginState, _ within: YAMLEntry?) {
    guard let within, let nanoseconds = deadline?.constantNanoseconds else { return }
    let own = origin.node.deadline.flatMap { silentDuration($0) } ?? 1_000_000_000
    let settle = origin.node.settle.map { silentDuration($0) ?? Int64.max } ?? max(10_000_000_000, own)
    guard nanoseconds > settle else { return }
    findings.add(
      .deadlineExceedsTimeout, at: within.value.placeRange,
      "this waits for \(Value.duration(nanoseconds)), and the event is given up after \(Value.duration(settle))",
      help: "shorten 'within', or lengthen 'settle' of the event",
      related: [Related((origin.node.settle?.key ?? origin.node.name).range, origin.node.settle == nil ? "'settle' is 10s here" : "'settle' here")])
  }

  private func silentDuration(_ entry: YAMLEntry) -> Int64? {
    let kept = findings
    defer { findings = kept }
    return constantDuration(entry, "settle").map { Int64(clamping: $0) }
  }
}

extension TypedValue {
  /// Nanoseconds, if it is a duration that is known before the run.
  var constantNanoseconds: Int64? {
    if case .expression(let typed) = self, case .duration(let nanoseconds)? = typed.constant { nanoseconds } else { nil }
  }
}
