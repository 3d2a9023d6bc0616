/// One instruction of a chain's flat program. Trivially copyable: tables hold what is larger.
///
/// Notation: `d` the destination slot, `a b` source slots, `R[x]` the value in slot x, `pc` the instruction's own place.
/// An instruction that fails (overflow, a cast, a missing row) raises a step error at its place; see `Program.handlers`.
package enum Instruction: Sendable, Hashable {
  // Expressions
  /// R[d] = constants[c]
  case constant(d: SlotIndex, ConstantIndex)
  /// R[d] = R[a]
  case move(d: SlotIndex, a: SlotIndex)
  /// R[d] = R[a] op R[b]
  case binary(BinaryOperation, d: SlotIndex, a: SlotIndex, b: SlotIndex)
  /// R[d] = R[a] compared with R[b], both of the type named
  case compare(Comparison, ComparedType, d: SlotIndex, a: SlotIndex, b: SlotIndex)
  /// R[d] = not R[a]
  case not(d: SlotIndex, a: SlotIndex)
  /// R[d] = -R[a], of the type of R[a]
  case negate(d: SlotIndex, a: SlotIndex)
  /// R[d] = R[a] as the type; fails if it cannot be
  case cast(d: SlotIndex, a: SlotIndex, CastTarget)
  /// R[d] = function(R[a], R[a + 1], …)
  case call(Function, d: SlotIndex, a: SlotIndex, count: UInt8)
  /// R[d] = the member of the JSON value R[a] named by the string constant; null if it has none
  case jsonMember(d: SlotIndex, a: SlotIndex, ConstantIndex)
  /// R[d] = the element R[b] of the JSON array or list R[a], or the member of that name of the JSON object R[a]; null if it has none
  case element(d: SlotIndex, a: SlotIndex, b: SlotIndex)
  /// R[d] = the list of R[a] ..< R[a + count]
  case makeList(d: SlotIndex, a: SlotIndex, count: UInt16)
  /// R[d] = R[a] as a list or map whose elements are all of the type; fails if it cannot be
  case castAll(ContainerTarget, d: SlotIndex, a: SlotIndex, CastTarget)
  /// R[d] = what the pattern in the string constant finds in the text R[a]
  case match(MatchKind, d: SlotIndex, a: SlotIndex, ConstantIndex)
  /// R[d] = the text of the template, its arguments from R[a] on
  case buildText(d: SlotIndex, a: SlotIndex, TemplateIndex)
  /// R[d] = what the path reads of the last operation's result (or of the sighting, in a hop's mapping)
  case loadResult(d: SlotIndex, ResultPathIndex)
  /// The same for a path with segments `.argument`, whose numbers are R[a], R[a + 1], …
  case loadResultAt(d: SlotIndex, a: SlotIndex, ResultPathIndex)
  /// R[d] = the result path read straight as an int, without an intermediate string; fails if it is not one
  case loadResultInt(d: SlotIndex, ResultPathIndex)
  /// R[d] = the result path read straight as a decimal
  case loadResultDecimal(d: SlotIndex, ResultPathIndex)
  /// R[d] = the result path read straight as JSON; fails if it is null or no JSON
  case loadResultJSON(d: SlotIndex, ResultPathIndex)
  /// R[d] = true if the result path reads anything, else null: for a look at whether it is null, without the value
  case loadPresence(d: SlotIndex, ResultPathIndex)
  /// R[d] = what stands behind the string constant in the sighting's key, as an int: `key.after("order:") as int`, which most hops begin with
  case loadKeyInt(d: SlotIndex, after: ConstantIndex)

  // Control
  /// pc = target
  case jump(target: UInt32)
  /// if not R[a]: pc = target
  case jumpIfFalse(a: SlotIndex, target: UInt32)
  /// if R[a]: pc = target
  case jumpIfTrue(a: SlotIndex, target: UInt32)
  /// if R[a] is null: pc = target
  case jumpIfNull(a: SlotIndex, target: UInt32)

  // Steps
  /// Starts the timing of a control step or names the step for errors raised by its expressions.
  case enterStep(StepIndex)
  /// Submits the operation with its arguments and suspends; goes on at pc + 1 when it ended well, raises a step error otherwise.
  case submit(OperationIndex)
  /// Counts the check as passed or failed by R[a]; a failed one raises unless `continues`
  case check(CheckIndex, a: SlotIndex, continues: Bool)
  /// Suspends for the duration R[a]; with R[b] greater than R[a], for a uniformly drawn one between them
  case think(a: SlotIndex, b: SlotIndex)
  /// Begins waiting on a probe: the deadline is now + R[within]; the next pause is R[within + 1], grows by R[within + 2] (float), at most R[within + 3]
  case probeBegin(StepIndex, within: SlotIndex)
  /// The probe did not hold: pauses and goes on at target, or raises a missed deadline if the next look would come after it
  case probeAgain(within: SlotIndex, target: UInt32)
  /// The probe held: its time is recorded as the step's
  case probeEnd(StepIndex, within: SlotIndex)
  /// Joins the hop of an event whose id is R[a]: suspends until it was seen or R[b] has passed since now
  case awaitHop(StepIndex, EventIndex, hop: UInt8, a: SlotIndex, b: SlotIndex)
  /// The event's id, key, version and body fields are now known: R[a], R[a + 1], R[a + 2], then the body's. Forgets what an earlier one said.
  case originIdentify(EventIndex, a: SlotIndex)
  /// The last operation is the event's acknowledged origin: its bracket starts the clock. Must be identified by now.
  case originAcknowledge(EventIndex)
  /// Ends the attempt without an event: the transaction was rolled back
  case originAbort(EventIndex)
  /// R[d] = the number of the next branch, by weight: the mix holds in every window of the branch's own passes
  case chooseBranch(BranchIndex, d: SlotIndex)
  /// R[d] = the number of elements of the list or JSON array R[a]; 0 for null
  case count(d: SlotIndex, a: SlotIndex)
  /// Runs the lanes' blocks at the same time and goes on when all (or any) have ended; raises the first lane's error
  case runLanes(LanesIndex)
  /// R[d] = a moment of this user's last operation or now, in nanoseconds (int)
  case stamp(d: SlotIndex, StampKind)
  /// Records R[to] - R[from] in the measure; a negative difference counts as 0
  case measure(MeasureIndex, from: SlotIndex, to: SlotIndex)
  /// In a handler: if the pending error is of a class the retry lists and R[attempts] is below its maximum, counts the attempt, forgets the error,
  /// pauses and goes on at target; otherwise pc + 1
  case retryAgain(RetryIndex, attempts: SlotIndex, target: UInt32)
  /// Records the time since R[from] as the control step's
  case endGroup(StepIndex, from: SlotIndex)
  /// Ends the iteration well, or the whole run's load
  case stop(StepIndex, endsRun: Bool)
  /// Puts the next row of the feed into slots from R[d] on
  case drawRow(FeedIndex, d: SlotIndex)
  /// Writes R[a] to the run's log
  case log(StepIndex, a: SlotIndex)
  /// Raises a step error with the text R[a]
  case fail(StepIndex, a: SlotIndex)
  /// The error that was caught by the handler here goes on to the next one outside
  case rethrow
  /// The block (iteration, setup, mapping) ends
  case end
}

/// A moment that `stamp` writes.
package enum StampKind: UInt8, Sendable, Hashable {
  /// The last operation was taken by a connection.
  case operationStart
  /// The bytes that ended the last operation were read.
  case operationEnd
  /// The user's latest moment: the end of the last step of any kind.
  case now
}

package enum BinaryOperation: UInt8, Sendable, Hashable {
  case addInt, subtractInt, multiplyInt, divideInt, remainderInt
  case addDecimal, subtractDecimal, multiplyDecimal, divideDecimal
  case addFloat, subtractFloat, multiplyFloat, divideFloat
  case addDuration, subtractDuration
  /// duration × int, duration ÷ int
  case scaleDuration, divideDuration
  /// duration ÷ duration, a decimal
  case divideDurations
  /// instant + duration, instant - duration, instant - instant
  case addInstant, subtractInstant, betweenInstants
  case concatenateText
}

package enum Comparison: UInt8, Sendable, Hashable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// The type that both sides of a comparison have. An optional side may be null: null equals null only, and orders with nothing (false).
package enum ComparedType: UInt8, Sendable, Hashable {
  case bool, int, decimal, float, duration, instant, string, uuid, bytes, json, rate, size, percentage
}

package enum CastTarget: UInt8, Sendable, Hashable {
  case string, int, decimal, float, bool, duration, instant, uuid, bytes, json
}

/// What `as list<T>` and `as map<T>` make: a list of values, or a JSON object.
package enum ContainerTarget: UInt8, Sendable, Hashable {
  case list, map
}

/// What a pattern is asked: whether it is found, or the text of its first group (of the whole match if it has none; null if not found).
package enum MatchKind: UInt8, Sendable, Hashable {
  case test, extract
}

/// The function library. Names, parameters, types and meaning stand in `FunctionSignature.all`; one function serves all types whose
/// values it can tell apart at run time.
package enum Function: UInt8, Sendable, Hashable, CaseIterable {
  // Text
  case after, before, lower, upper, trim, length, contains, startsWith, endsWith
  case replace, split, substring, padLeft, padRight, `repeat`
  /// Lowered to `Instruction.match`, never called.
  case matches, extract
  // Numbers
  case minInt, maxInt
  case least, greatest, absolute, round, roundTo, floor, ceiling
  // Time
  /// The wall clock as an instant.
  case now
  case formatInstant, parseInstant, epochSeconds, instantAt, truncateInstant, seconds
  // Bytes and hashes
  case sha256, hmacSHA256, crc32, base64Encode, base64Decode, hexEncode, hexDecode, urlEncode, urlDecode
  // JSON
  case toJSON, parseJSON, keys
  // Lists
  case size, first, last, sum, leastOf, greatestOf, join, listContains, reverse, unique, range
  /// `x in list`, `x in json`: not called by name.
  case isIn
  // Random
  case randomInt, randomDecimal, randomUUID
  case randomFloat, randomBool, randomDuration, randomChoice, randomWeighted, randomZipf, randomNormal, randomExponential, randomString,
    randomDigits
  case randomFirstName, randomLastName, randomFullName, randomEmail, randomPhone, randomStreet, randomCity, randomPostcode, randomCountry,
    randomCompany, randomWord, randomSentence
}

extension Instruction {
  /// What it reads of the last operation's result or of a sighting; nil if it reads none of it.
  package var resultPath: ResultPathIndex? {
    switch self {
    case .loadResult(_, let path), .loadResultAt(_, _, let path), .loadResultInt(_, let path), .loadResultDecimal(_, let path),
      .loadResultJSON(_, let path), .loadPresence(_, let path):
      path
    default: nil
    }
  }
}

/// Where a step error goes: the innermost handler whose range holds the failing pc.
package struct Handler: Sendable, Hashable {
  /// Instructions covered.
  package let range: Range<Int>
  /// Where execution goes on with the error pending; `rethrow` there passes it on, any other way out drops it.
  package let target: Int
  /// `on_error: continue`: the error is counted and then forgotten when the handler is entered.
  package let forgets: Bool

  package init(range: Range<Int>, target: Int, forgets: Bool) {
    self.range = range
    self.target = target
    self.forgets = forgets
  }
}
