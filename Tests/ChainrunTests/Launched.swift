import Foundation
import Synchronization

/// A child process whose output goes to files, so that no pipe can fill up, and whose end is awaited with a deadline.
final class Launched: Sendable {
  /// How it ended and what it said.
  struct Ended: CustomStringConvertible {
    let code: Int32
    let output: String
    let errors: String
    let seconds: Double

    /// For the message of an expectation that fails.
    var description: String { "exit \(code) after \(seconds) s\n--- standard error\n\(errors)\n--- standard output\n\(output)" }
  }

  struct TookTooLong: Error, CustomStringConvertible {
    let description: String
  }

  let id: pid_t
  private let name: String
  private let scratch: ScratchFolder
  private let started = ContinuousClock.now
  /// What `waitpid` said; nil while it runs.
  private let status = Mutex<Int32?>(nil)

  /// Where the built programs are: where CHAINRUN_BIN_DIR says, or beside the test bundle.
  static var programs: String {
    if let folder = ProcessInfo.processInfo.environment["CHAINRUN_BIN_DIR"] { return folder }
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
  }

  /// The folder of Package.swift.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// Not Foundation's `Process`: that one takes a child for running as long as a grandchild is, and then waits for ever.
  ///
  /// - Parameter environment: All of the child's environment, but for PATH and HOME.
  init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    scratch = try ScratchFolder()
    name = path.split(separator: "/").last.map(String.init) ?? path
    for file in ["out", "err"] { try scratch.write("", to: file) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, scratch.path("out"), O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, scratch.path("err"), O_WRONLY, 0)
    // No signal is blocked or ignored in the child, whatever the test's own thread does.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let own = ProcessInfo.processInfo.environment
    let whole = environment.merging(own.filter { $0.key == "PATH" || $0.key == "HOME" }) { asked, _ in asked }
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    let variables = whole.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, path, &actions, &attributes, words, variables)
    guard code == 0 else { throw TookTooLong(description: "cannot start '\(path)': \(String(cString: strerror(code)))") }
    id = child
  }

  deinit { kill() }

  static func chainrun(_ arguments: [String], environment: [String: String] = [:]) throws -> Launched {
    try Launched(programs + "/chainrun", arguments, environment: environment)
  }

  var isRunning: Bool { reap(WNOHANG) == nil }
  var errors: String { scratch.read("err") }

  private func reap(_ options: Int32) -> Int32? {
    status.withLock { status in
      var word: Int32 = 0
      if status == nil, waitpid(id, &word, options) == id { status = word }
      return status
    }
  }

  func send(_ signal: Int32) { if isRunning { Foundation.kill(id, signal) } }

  func kill() {
    guard isRunning else { return }
    Foundation.kill(id, SIGKILL)
    _ = reap(0)
  }

  /// Waits for the end; kills the process and throws what it said if it takes longer.
  func end(within seconds: Double) throws -> Ended {
    guard eventually(within: seconds, { !isRunning }), let status = reap(WNOHANG) else {
      kill()
      throw TookTooLong(description: "'\(name)' was still running after \(seconds) s\n\(errors)\n\(scratch.read("out"))")
    }
    // A child that ended on a signal has no exit code; a shell would say 128 and the signal.
    let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
    return Ended(code: code, output: scratch.read("out"), errors: errors, seconds: (ContinuousClock.now - started) / .seconds(1))
  }
}

/// Looks every 5 ms until the condition holds.
///
/// - Returns: false if it did not within the time.
func eventually(within seconds: Double, _ condition: () -> Bool) -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  while !condition() {
    guard ContinuousClock.now < end else { return false }
    usleep(5_000)
  }
  return true
}

/// A folder that goes away with its owner.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("chainrun-test-" + UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: path(name), atomically: false, encoding: .utf8)
    return path(name)
  }

  func read(_ name: String) -> String {
    (try? Data(contentsOf: URL(fileURLWithPath: path(name)))).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
