import Glibc
import History
import Metrics
import Reports

/// Which runs a command is about: folders, `latest`, or all below the folder of results.
enum RunSelection {
  static let root = "results"

  enum Outcome {
    case runs([RunFigures])
    case refused(ExitCode, String)
  }

  /// - Parameter operands: Result folders, or folders that hold some; `latest` is the newest one of `results`.
  static func read(_ operands: [String]) -> Outcome {
    var runs: [RunFigures] = []
    for operand in operands {
      // A link is another name of a run: what is kept of it names the folder.
      let path = operand == "latest" && access("latest", F_OK) != 0 ? target(of: root + "/latest") : target(of: trimmed(operand))
      let folders: [ResultFolders.Found]
      if let one = ResultFolders.look(path) { folders = [one] } else { folders = ResultFolders.scan(path) }
      guard !folders.isEmpty else { return .refused(.usage, "there is no run in '\(operand)'") }
      for folder in folders {
        if !folder.hasSummary, let message = recover(folder.path) { return .refused(.untrusted, message) }
        switch ResultFolders.read(folder.path) {
        case .unreadable(let message): return .refused(.untrusted, message)
        case .run(let run): if !runs.contains(where: { $0.runID == run.runID }) { runs.append(run) }
        }
      }
    }
    return .runs(runs)
  }

  /// The history of the runs below `root`, brought up to date.
  ///
  /// - Parameter database: A PostgreSQL address (`postgres://…`), or the path of an SQLite file; nil for `<root>/history.sqlite`.
  static func history(root: String, database: String?) -> Outcome {
    do throws(RunStoreError) {
      let store: any RunStore
      let isShared = database.map { $0.hasPrefix("postgres://") || $0.hasPrefix("postgresql://") } ?? false
      if let database, isShared {
        store = try PostgresStore(address: database)
      } else {
        guard database != nil || access(root, F_OK) == 0 else { return .refused(.usage, "there is no folder '\(root)'; name the one with the results") }
        store = try SQLiteStore(path: database ?? root + "/history.sqlite")
      }
      for folder in ResultFolders.scan(root) where !folder.hasSummary {
        if let message = recover(folder.path) { Terminal.talk("chainrun: left out: \(message)\n") }
      }
      for message in try ResultFolders.bring(store, upToDateWith: root, keepsOthers: isShared) {
        Terminal.talk("chainrun: left out: \(message)\n")
      }
      return .runs(try store.runs())
    } catch {
      return .refused(.environment, error.description)
    }
  }

  static func baselinesPath(_ invocation: Invocation) -> String { invocation.value("--file") ?? root + "/" + Baselines.fileName }

  static func matching(_ runs: [RunFigures], _ invocation: Invocation) -> [RunFigures] {
    runs.filter { run in
      (invocation.value("--chain").map { $0 == run.conditions.chain } ?? true)
        && (invocation.value("--profile").map { $0 == run.conditions.profile } ?? true)
    }
  }

  static func last(_ runs: [RunFigures], _ invocation: Invocation) -> [RunFigures]? {
    guard let text = invocation.value("--last") else { return runs }
    guard let count = Int(text), count > 0 else { return nil }
    return Array(runs.sorted { ($0.startedAt, $0.runID) < ($1.startedAt, $1.runID) }.suffix(count))
  }

  /// A run that was killed has no summary: makes it from the journal, as `chainrun report` does. A run that is still going has none either, also
  /// one that was stopped for a while, and is left alone.
  private static func recover(_ folder: String) -> String? {
    if JournalLock.isHeld(journal: folder + "/" + ResultFiles.journalName) { return "the run in '\(folder)' is still going" }
    do throws(ResultFilesError) {
      _ = try ResultFiles.write(into: folder) { CrashVerdict.conclude(&$0, folder, wasRunning: false) }
      return nil
    } catch {
      return "'\(folder)': \(error.description)"
    }
  }

  private static func target(of path: String) -> String {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &bytes, bytes.count - 1)
    guard count > 0 else { return path }
    let link = String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard !link.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return link }
    return path[...slash] + link
  }

  private static func trimmed(_ path: String) -> String {
    path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }
}
