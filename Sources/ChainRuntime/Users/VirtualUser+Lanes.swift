import ChainIO
import ChainProgram
import Metrics

/// The lanes of a `parallel:` step.
extension VirtualUser {
  /// - Returns: whether the user now waits for its lanes.
  func runLanes(_ description: LanesDescription) -> Bool {
    guard !description.entries.isEmpty else {
      pc += 1
      return false
    }
    while lanes.count < description.entries.count {
      lanes.append(VirtualUser(index: index, context: context, owner: self, frame: frame, circumstances: circumstances, isLane: true))
    }
    laneJoin = description.join
    laneSucceeded = false
    laneError = nil
    laneStop = nil
    laneIsPending = true
    lanesRunning = description.entries.count
    stepStart = lastStamp
    activity = .joining
    for (lane, entry) in description.entries.enumerated() {
      lanes[lane].currentStep = currentStep
      lanes[lane].traceLane = lane + 1
      lanes[lane].start(entry: entry, iteration: iteration, stream: stream, intendedStart: 0, isMeasured: isMeasured)
    }
    return true
  }

  /// A lane has ended.
  func iterationEnded(_ lane: VirtualUser, _ ending: IterationEnding, now: UInt64) {
    lanesRunning -= 1
    // A lane that was ended because of another one is not what the join waited for.
    if ending != .interrupted || isInterrupted { lastStamp = max(lastStamp, now) }
    switch ending {
    case .completed:
      if lane.hasStopped { laneStop = .completed } else { laneSucceeded = true }
    case .failed, .unknown:
      if lane.hasStopped { laneStop = ending }
      if laneError == nil, let error = lane.firstError {
        laneError = (error, lane.firstErrorStep, ending == .unknown ? .unknown : .failed)
      }
    case .withdrawn: laneStop = .withdrawn
    case .interrupted: break
    }
    let decided = laneStop != nil || (laneJoin == .any ? laneSucceeded : laneError != nil)
    if decided, lanesRunning > 0 {
      // `interrupt` may end a lane at once, which comes back here: the count is read anew each time.
      for other in lanes where !other.isIdle && !other.isEnding { other.interrupt(now: MonotonicClock.now) }
    }
    guard lanesRunning == 0, activity == .joining else { return }
    activity = .resuming
    enqueue()
  }

  func resumeFromLanes() {
    laneIsPending = false
    if isInterrupted {
      settleOrigins(.interrupted)
      return finish(.interrupted)
    }
    if let laneStop {
      hasStopped = laneStop != .withdrawn
      settleOrigins(.interrupted)
      return finish(laneStop)
    }
    let failed = laneJoin == .any ? !laneSucceeded : laneError != nil
    if failed, let (error, step, ending) = laneError {
      // Recorded by the lane, at the step that failed.
      guard raise(error, ending, originEnding: .ok, recordedAt: step) else { return }
    } else {
      pc += 1
    }
    execute()
  }

  var isEnding: Bool { isInterrupted }

  func stopRequested() { owner.stopRequested() }
}
