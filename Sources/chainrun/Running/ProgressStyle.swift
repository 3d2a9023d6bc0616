import Glibc
import LiveOutputs

/// How progress is shown on standard error.
enum ProgressStyle: Equatable {
  /// A screen that is drawn in place.
  case screen
  /// One line that is written over and over.
  case living
  /// A line every five seconds and at each change of phase.
  case lines
  case none

  /// - Parameter asked: The option's value.
  /// - Returns: nil if there is no such value.
  init?(asked: String) {
    switch asked {
    case "none": self = .none
    case "line": self = .lines
    case "tui": self = Terminal.canDraw(STDERR_FILENO) ? .screen : .lines
    case "auto":
      guard Terminal.canDraw(STDERR_FILENO) else {
        self = .lines
        return
      }
      let size = Terminal.size(STDERR_FILENO)
      let comfortable = Screen.Size.comfortable
      self = size.columns >= comfortable.columns && size.rows >= comfortable.rows ? .screen : .living
    default: return nil
    }
  }
}
