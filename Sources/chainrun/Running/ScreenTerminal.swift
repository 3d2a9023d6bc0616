import Glibc
import LiveOutputs
internal import CLinux

/// The terminal while a screen is on it: no cursor, no echo, keys at once. Given back by `leave`, and by TerminalGuard.c if a signal ends the
/// process. The main thread's.
final class ScreenTerminal {
  private let descriptor: Int32
  private var painter = FramePainter()
  private var isTaken = false

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { leave() }

  /// Keys come from standard input, if that is a terminal.
  var keyDescriptor: Int32 { isTaken && isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : -1 }

  /// Draws what `lines` makes of the terminal's size. Nothing happens while the process is in the background, or the terminal takes no
  /// output (^S): the next frame is as good.
  func draw(_ lines: (Screen.Size) -> [String]) {
    guard tcgetpgrp(descriptor) == getpgrp() else {
      // The shell has set up the terminal for others; it is not ours to give back.
      if isTaken { painter.forget() }
      return
    }
    var output = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&output, 1, 0) == 1, output.revents & Int16(POLLOUT) != 0 else { return }
    var text = ""
    if !isTaken {
      guard clinux_terminal_take(descriptor) == 0 else { return }
      isTaken = true
      text = "\u{1B}[?25l"
    }
    let size = Terminal.size(descriptor)
    let frame = lines(Screen.Size(columns: size.columns, rows: max(1, size.rows - 1)))
    text += painter.draw(frame, columns: size.columns)
    Terminal.talk(text)
  }

  /// Takes the frame away until the next one is drawn.
  func clear() { if isTaken { Terminal.talk(painter.erase(columns: Terminal.size(descriptor).columns)) } }

  /// Takes the frame away and gives the terminal back.
  func leave() {
    guard isTaken else { return }
    clear()
    isTaken = false
    clinux_terminal_give_back()
  }
}
