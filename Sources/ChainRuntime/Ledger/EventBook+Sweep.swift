import ChainIO
import ChainProgram
import Metrics

/// Comparing the entries of a hop with what was committed: at the end of a run, and after an observer's gap.
extension EventBook {
  // The end of a run

  /// Entries to be read; 0 where a hop has none, or none was seen whose name would tell how they are named.
  func entryCount(_ hop: HopBook) -> Int {
    guard !hop.showsMessages, hop.names.isKnown else { return 0 }
    return hop.names.areOfKeys ? keyStates.count : finalStates.count
  }

  func appendEntryName(_ hop: HopBook, _ place: Int, to name: inout [UInt8]) {
    hop.names.append(hop.names.areOfKeys ? keys.keys[place] : finalStates.id(place), to: &name)
  }

  /// The sweep begins: from now on its counts are checkable.
  func beginSweep(_ hop: HopBook, now: UInt64) {
    hop.sweep = HopBook.Sweep()
    if let expires = hop.declaration.expiresNanoseconds, firstSent != 0, now &- firstSent > expires { hop.sweep?.mayHaveExpired = true }
  }

  /// - Parameter content: nil if there is no such entry.
  func swept(_ hop: HopBook, _ place: Int, _ content: OperationResult?) {
    hop.sweep?.entries += 1
    guard let content else { return compare(hop, place, nil) }
    guard let shown = read(hop, content) else {
      // What cannot be read cannot be compared; one of another run was put over ours.
      return
    }
    compare(hop, place, shown)
  }

  private func compare(_ hop: HopBook, _ place: Int, _ shown: Shown?) {
    if hop.names.areOfKeys { compareKey(hop, place, shown) } else { compareEvent(hop, place, shown) }
  }

  private func compareEvent(_ hop: HopBook, _ place: Int, _ shown: Shown?) {
    let state = finalStates[place]
    let id = finalStates.id(place)
    switch state.origin {
    case .unknown: break
    case .rolledBack, .unclaimed:
      if shown != nil, !isClaimedSince(id) { hop.sweep?.extra.add(id) }
    case .committed:
      guard let shown else {
        hop.sweep?.missing.add(id)
        return
      }
      if event.hasVersion, let version = shown.version, !state.hasVersion(version) {
        hop.sweep?.staleFinal.add(id)
      } else if let body = shown.body, !state.hasBody(body), !state.isMismatchKnown(hop: hop.hop) {
        hop.markMismatchAtEnd(id)
      }
    }
  }

  /// Whether a later attempt with the id owns the entry.
  private func isClaimedSince(_ id: EventID) -> Bool {
    switch decided.trace(of: id.compact) {
    case .none, .rolledBack: false
    case .settled: true
    case .exception: (exceptions[id.compact] ?? 0) & 3 >= UInt32(Origin.unknown.rawValue)
    }
  }

  private func compareKey(_ hop: HopBook, _ place: Int, _ shown: Shown?) {
    let state = keyStates[place]
    let key = keys.keys[place]
    guard state.hasCommit else {
      if shown != nil, !state.hasUncertain { hop.sweep?.extra.add(key) }
      return
    }
    guard let shown else {
      hop.sweep?.missing.add(key)
      return
    }
    guard event.hasVersion else { return }
    if let version = shown.version ?? (shown.id == state.id ? state.version : nil) {
      if version < state.version { hop.sweep?.staleFinal.add(key) }
      // A version above the last committed one: an uncertain commit's, or nobody's.
      if version > state.version, version > state.uncertain { hop.sweep?.extra.add(key) }
      if version == state.version, let body = shown.body, body != state.body, state.mismatched != version { hop.markMismatchAtEnd(key) }
    } else if !state.hasUncertain {
      hop.sweep?.staleFinal.add(key)
    }
  }

  struct Shown {
    let id: EventID
    let version: Int64?
    /// nil where the hop maps other fields than those that are kept.
    let body: UInt64?
  }

  /// What an entry's content shows; nil if it cannot be read, or is another run's.
  private func read(_ hop: HopBook, _ content: OperationResult) -> Shown? {
    guard hop.map(content, evaluator, runID: runID) == .ours, let id = EventID(hop.frame[hop.mapping.id]) else { return nil }
    var version: Int64?
    if hop.mapping.version >= 0, case .int(let number) = hop.frame[hop.mapping.version] { version = number }
    var body: UInt64?
    if hop.comparesKeptBody, !sweptFields.isEmpty {
      var hash = BodyHash()
      for field in sweptFields where hop.bodySlots[field] >= 0 { hash.combine(hop.frame[hop.bodySlots[field]]) }
      body = hash.value
    }
    return Shown(id: id, version: version, body: body)
  }

  // After a gap

  /// The entries at which events are outstanding that a gap may have hidden: a name each, and the records that hope for it (or, of rolled-back
  /// transactions, that should not be there).
  func outstanding(_ hop: HopBook) -> [(name: [UInt8], records: [(number: Int, serial: UInt32)])] {
    guard !hop.showsMessages, hop.saysWhere || hop.names.isKnown else { return [] }
    var found: [(name: [UInt8], records: [(number: Int, serial: UInt32)])] = []
    var places: [[UInt8]: Int] = [:]
    for number in 0..<records.count where records[number].isAlive && !records[number].isDecided && !hop.isSeen(number) {
      let record = records[number]
      guard record.origin != .unclaimed, let name = nameOfEntry(hop, number) else { continue }
      if let place = places[name] {
        found[place].records.append((number, record.serial))
      } else {
        places[name] = found.count
        found.append((name, [(number, record.serial)]))
      }
    }
    return found
  }

  /// As the hop's `at` says, or as those were named that were seen.
  private func nameOfEntry(_ hop: HopBook, _ number: Int) -> [UInt8]? {
    if hop.saysWhere { return entryName(hop, of: number) }
    guard hop.names.areOfKeys else { return hop.names.name(of: ids[number]) }
    return records[number].key >= 0 ? hop.names.name(of: keys.keys[Int(records[number].key)]) : nil
  }

  /// An outstanding entry was read after a gap: what it shows is seen, and what it does not show is not hidden by the gap.
  ///
  /// - Parameters:
  ///   - gapStart: Nanoseconds: it may have become visible since then.
  ///   - asked: Nanoseconds: when the reading began.
  func sweptAfterGap(
    _ hop: HopBook, records: [(number: Int, serial: UInt32)], content: OperationResult?, gapStart: UInt64, asked: UInt64, now: UInt64
  ) {
    if let content { sighted(hop, notBefore: gapStart, seen: now, content: content, isRead: true) }
    for record in records where isAlive(record.number, record.serial) { hop.markSwept(record.number, at: asked) }
  }
}
