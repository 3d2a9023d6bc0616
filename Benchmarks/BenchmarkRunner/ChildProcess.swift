import Foundation

/// A program started for measuring: its output goes to files, and the kernel says at its end what it used.
final class ChildProcess {
  struct End {
    let exitCode: Int32
    /// User and system time of all its threads, from its start to its end.
    let cpuSeconds: Double
    /// As last seen while it ran, every 20 ms.
    let maximumResidentKiB: Int
    let wallSeconds: Double
  }

  struct NotStarted: Error, CustomStringConvertible {
    let description: String
  }

  let name: String
  private let process: pid_t
  private let output: URL
  private let started = Date()
  private var end: End?
  private var peakResidentKiB = 0

  init(_ path: String, _ arguments: [String], output: URL) throws {
    name = URL(fileURLWithPath: path).lastPathComponent
    self.output = output
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output.path + ".out", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, output.path + ".err", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let failure = posix_spawn(&process, path, &actions, nil, &words, environ)
    guard failure == 0 else { throw NotStarted(description: "\(path): \(String(cString: strerror(failure)))") }
    self.process = process
  }

  var text: String { (try? String(contentsOfFile: output.path + ".out", encoding: .utf8)) ?? "" }
  var errors: String { (try? String(contentsOfFile: output.path + ".err", encoding: .utf8)) ?? "" }

  /// Nil when it takes longer: it is killed then, unless it is to keep running.
  func wait(seconds: Double, keepsRunning: Bool = false) -> End? {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while end == nil {
      var status: Int32 = 0
      var used = rusage()
      guard wait4(process, &status, WNOHANG, &used) == process else {
        guard Date() < deadline else {
          if keepsRunning { return nil }
          kill(process, SIGKILL)
          wait4(process, &status, 0, nil)
          return nil
        }
        peakResidentKiB = max(peakResidentKiB, residentKiB())
        usleep(20_000)
        continue
      }
      func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
      end = End(
        exitCode: status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f),
        cpuSeconds: seconds(used.ru_utime) + seconds(used.ru_stime), maximumResidentKiB: peakResidentKiB,
        wallSeconds: Date().timeIntervalSince(started))
    }
    return end
  }

  /// The kernel's high-water mark. `ru_maxrss` would not do: a spawned program starts with the one of its parent, us.
  private func residentKiB() -> Int { status("VmHWM:") }

  /// What it holds now.
  var residentMB: Double { Double(status("VmRSS:")) / 1024 }

  private func status(_ name: String) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) })
    else { return 0 }
    return Int(line.filter(\.isNumber)) ?? 0
  }

  func stop(within seconds: Double) {
    kill(process, SIGTERM)
    _ = wait(seconds: seconds)
  }
}
