internal import CLinux
internal import Glibc

/// Runs a command to its end or its deadline, in a process group of its own, and then ends whatever it has left behind.
///
/// Blocks the calling thread, which is a worker's. No shell reads the words; the environment is ours with the notice's variables added.
struct CommandAction {
  struct Ending: Equatable {
    /// Why it did not succeed; nil if it did.
    var reason: String?
    /// What it wrote, at most ``outputKept`` bytes of it.
    var output: [UInt8] = []
    var outputBytes = 0
  }

  let words: [String]
  let environment: [(name: String, value: String)]
  /// Where it runs; a relative path of the command starts there.
  let folder: String

  /// Bytes that are kept of its output, and bytes after which it is ended.
  static let outputKept = 64 << 10
  static let outputMax = 1 << 20
  private static let sliceMilliseconds: UInt64 = 50

  /// - Parameters:
  ///   - deadline: CLOCK_MONOTONIC nanoseconds.
  ///   - limit: What the deadline is, in words, for the reason.
  ///   - isCancelled: Asked twenty times a second; true ends the command at once.
  func run(deadline: UInt64, limit: String, isCancelled: () -> Bool) -> Ending {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return Ending(reason: "cannot be started: \(Self.text(of: errno))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    var process: pid_t = 0
    var error = start(output: ends[1], &process)
    // A script that somebody is writing at this moment, or that a process just being forked still has open for writing.
    for _ in 0..<10 where error == ETXTBSY {
      usleep(20_000)
      error = start(output: ends[1], &process)
    }
    close(ends[1])
    defer { close(ends[0]) }
    guard error == 0 else { return Ending(reason: "cannot be started: \(Self.text(of: error))") }
    return attend(process, ends[0], deadline: deadline, limit: limit, isCancelled)
  }

  private func start(output: Int32, _ process: inout pid_t) -> Int32 {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    let own = Set(environment.map(\.name))
    var entry = clinux_environment()
    while let text = entry?.pointee {
      let name = String(cString: text).prefix { $0 != "=" }
      if !own.contains(String(name)) { variables.append(strdup(text)) }
      entry = entry?.advanced(by: 1)
    }
    for (name, value) in environment { variables.append(strdup("\(name)=\(value)")) }
    variables.append(nil)
    var arguments = words.map { strdup($0) }
    arguments.append(nil)
    defer { for text in variables + arguments { free(text) } }
    return clinux_spawn_group(words[0], arguments, variables, folder, output, &process)
  }

  private func attend(_ process: pid_t, _ output: Int32, deadline: UInt64, limit: String, _ isCancelled: () -> Bool) -> Ending {
    let descriptor = clinux_process_descriptor(process)
    defer { if descriptor >= 0 { close(descriptor) } }
    var ending = Ending()
    var isOpen = true
    var broken: String?
    // It is reaped last: as long as it is not, its number belongs to its group and to nobody else.
    while clinux_process_has_ended(process) == 0 {
      let now = clinux_monotonic_nanoseconds()
      if now >= deadline { broken = "no end within \(limit)" }
      if isCancelled() { broken = "the run was over" }
      if ending.outputBytes > Self.outputMax { broken = "it wrote more than 1 MiB" }
      if broken != nil { break }
      var watched = [pollfd(fd: isOpen ? output : -1, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      _ = poll(&watched, 2, Int32(min(Self.sliceMilliseconds, (deadline - now) / 1_000_000 + 1)))
      if watched[0].revents != 0 { isOpen = read(output, &ending) }
    }
    if broken == nil, isOpen { _ = read(output, &ending) }
    kill(-process, SIGKILL)
    var (status, signal): (Int32, Int32) = (0, 0)
    _ = clinux_reap(process, &status, &signal)
    ending.reason = broken ?? (signal != 0 ? "it was ended by signal \(signal)" : status != 0 ? "exit status \(status)" : nil)
    return ending
  }

  /// - Returns: false at the end of the output.
  private func read(_ output: Int32, _ ending: inout Ending) -> Bool {
    var piece = [UInt8](repeating: 0, count: 1 << 14)
    while ending.outputBytes <= Self.outputMax {
      let count = Glibc.read(output, &piece, piece.count)
      if count == 0 { return false }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      ending.outputBytes += count
      ending.output += piece[..<min(count, max(0, Self.outputKept - ending.output.count))]
    }
    return true
  }

  private static func text(of error: Int32) -> String { String(cString: strerror(error)).lowercased() }
}
