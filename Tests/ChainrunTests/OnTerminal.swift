import Foundation
import Synchronization

/// A child process on a pseudo-terminal of its own: what it writes is read by a thread, what a person would type is written to it.
final class OnTerminal: Sendable {
  let id: pid_t
  private let master: Int32
  private let state = Mutex((text: "", status: Int32?.none))

  struct CannotStart: Error {
    let code: Int32
  }

  static func chainrun(
    _ arguments: [String], columns: UInt16, rows: UInt16, environment: [String: String] = [:]
  ) throws -> OnTerminal {
    try OnTerminal(Launched.programs + "/chainrun", arguments, columns: columns, rows: rows, environment: environment)
  }

  init(_ path: String, _ arguments: [String], columns: UInt16, rows: UInt16, environment: [String: String]) throws {
    // ptmx(4) by its requests: posix_openpt and its like are behind _XOPEN_SOURCE.
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var locked: Int32 = 0
    var number: Int32 = 0
    let (lock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
    guard master >= 0, ioctl(master, lock, &locked) == 0, ioctl(master, getNumber, &number) == 0 else { throw CannotStart(code: errno) }
    let name = "/dev/pts/\(number)"
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // The first terminal that a session's leader opens becomes its controlling terminal (credentials(7)).
    for descriptor in 0...2 { posix_spawn_file_actions_addopen(&actions, Int32(descriptor), name, O_RDWR, 0) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let setSession: Int32 = 0x80  // POSIX_SPAWN_SETSID of glibc 2.26, behind _GNU_SOURCE
    posix_spawnattr_setflags(&attributes, Int16(Int32(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | setSession))
    let own = ProcessInfo.processInfo.environment.filter { $0.key == "PATH" || $0.key == "HOME" }
    let whole = own.merging(["TERM": "xterm-256color", "LANG": "C.UTF-8", "SWIFT_BACKTRACE": "enable=no"]) { $1 }.merging(environment) { $1 }
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    let variables = whole.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, path, &actions, &attributes, words, variables)
    guard code == 0 else { throw CannotStart(code: code) }
    id = child
    Thread.detachNewThread { [self] in readAll() }
  }

  deinit {
    if isRunning { Foundation.kill(id, SIGKILL) }
    close(master)
  }

  /// Until the other side is closed: read then fails with EIO.
  private func readAll() {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(master, &buffer, buffer.count)
      if count <= 0 { return }
      bytes += buffer[..<count]
      state.withLock { $0.text = String(decoding: bytes, as: UTF8.self) }
    }
  }

  /// Everything written so far, escape sequences included.
  var text: String { state.withLock { $0.text } }

  var isRunning: Bool { status == nil }

  private var status: Int32? {
    state.withLock { state in
      var word: Int32 = 0
      if state.status == nil, waitpid(id, &word, WNOHANG) == id { state.status = word }
      return state.status
    }
  }

  func type(_ keys: String) {
    let bytes = Array(keys.utf8)
    _ = bytes.withUnsafeBytes { write(master, $0.baseAddress, $0.count) }
  }

  func send(_ signal: Int32) { if isRunning { Foundation.kill(id, signal) } }

  /// Whether typed characters are shown and lines are edited, as a shell expects to find its terminal.
  var isCooked: Bool {
    var settings = termios()
    return tcgetattr(master, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0 && settings.c_lflag & tcflag_t(ICANON) != 0
  }

  /// The exit code; 128 and the signal if one ended it; nil if it did not end within the time.
  func end(within seconds: Double) -> Int32? {
    guard eventually(within: seconds, { !isRunning }), let status else { return nil }
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
  }
}
