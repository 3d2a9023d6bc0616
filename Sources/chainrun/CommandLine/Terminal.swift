import Glibc

/// Standard output for results, standard error for talk. The only place that writes to either.
enum Terminal {
  static func out(_ text: String) { write(text, to: STDOUT_FILENO) }
  static func talk(_ text: String) { write(text, to: STDERR_FILENO) }

  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count < 0, errno != EINTR, errno != EAGAIN {
        return
      }
    }
  }

  /// Colours only on a terminal that has them, and never against NO_COLOR (no-color.org).
  static func hasColour(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1, environment("NO_COLOR")?.isEmpty ?? true else { return false }
    return environment("TERM") != "dumb"
  }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Columns of the terminal; 100 where there is none.
  static var width: Int {
    var size = winsize()
    if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 { return Int(size.ws_col) }
    return 100
  }

  /// Columns and rows of the terminal behind a descriptor; 80 and 24 where it does not say.
  static func size(_ descriptor: Int32) -> (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Whether lines can be written over: a terminal that understands escape sequences and that this process may write to.
  static func canDraw(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1, let kind = environment("TERM"), kind != "dumb", !kind.isEmpty else { return false }
    return tcgetpgrp(descriptor) == getpgrp()
  }

  /// Whether the locale's encoding is UTF-8 (locale(7): LC_ALL before LC_CTYPE before LANG).
  static var isUnicode: Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment($0) }.first { !$0.isEmpty } ?? "C"
    return locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
  }

  static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
