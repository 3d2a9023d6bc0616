internal import Glibc
internal import LosslessJSON

/// Runs that later ones are held against, by chain and profile. Unlike the history it can be derived from nothing, so it is a plain file,
/// `baselines.json`, that carries the figures along: it outlives the result folders and may be kept under version control.
package struct Baselines: Sendable {
  package static let fileName = "baselines.json"
  private static let format = 1

  package struct Entry: Hashable, Sendable {
    package let chain: String
    package let profile: String
    /// Seconds since 1970.
    package let setAt: Double
    package let runs: [RunFigures]

    /// The median over the runs; nil if a run lacks the figure.
    package func value(of metric: String) -> Double? {
      let values = runs.compactMap { $0.value(of: metric) }
      return values.count == runs.count ? Median.of(values) : nil
    }
  }

  package private(set) var entries: [Entry] = []

  package init() {}

  /// - Returns: an empty set where there is no file.
  package init(path: String) throws(RunStoreError) {
    guard let bytes = ResultFolders.contents(of: path) else {
      if errno == ENOENT { return }
      throw RunStoreError("cannot read '\(path)': \(String(cString: strerror(errno)).lowercased())")
    }
    guard let document = try? JSONDocument(parsing: bytes), document.root["format"]?.integer(as: Int.self) == Self.format else {
      throw RunStoreError("'\(path)' is not a file of baselines that this chainrun can read")
    }
    for entry in document.root["baselines"]?.elements.map({ $0 }) ?? [] {
      let runs = entry["runs"]?.elements.compactMap { RunFigures(json: $0) } ?? []
      guard let chain = entry["chain"]?.string, let profile = entry["profile"]?.string, !runs.isEmpty else { continue }
      entries.append(Entry(chain: chain, profile: profile, setAt: entry["set_at"]?.double ?? 0, runs: runs))
    }
  }

  package func entry(chain: String, profile: String) -> Entry? {
    entries.first { $0.chain == chain && $0.profile == profile }
  }

  /// Puts the runs in the place of what the chain and profile of the first of them had.
  package mutating func set(_ runs: [RunFigures], at seconds: Double) {
    guard let conditions = runs.first?.conditions else { return }
    entries.removeAll { $0.chain == conditions.chain && $0.profile == conditions.profile }
    entries.append(Entry(chain: conditions.chain, profile: conditions.profile, setAt: seconds, runs: runs))
    entries.sort { ($0.chain, $0.profile) < ($1.chain, $1.profile) }
  }

  /// Replaces the file in one step.
  package func write(to path: String) throws(RunStoreError) {
    var json = JSONWriter(indentation: 2)
    json.beginObject()
    json.member("format", Self.format)
    json.key("baselines")
    json.beginArray()
    for entry in entries {
      json.beginObject()
      json.member("chain", entry.chain)
      json.member("profile", entry.profile)
      json.member("set_at", entry.setAt)
      json.key("runs")
      json.beginArray()
      for run in entry.runs { run.write(to: &json) }
      json.endArray()
      json.endObject()
    }
    json.endArray()
    json.endObject()
    let part = path + ".part"
    let bytes = json.bytes + [UInt8(ascii: "\n")]
    let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.cannotWrite(path) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        written += count
      } else if errno != EINTR {
        let error = Self.cannotWrite(path)
        close(descriptor)
        unlink(part)
        throw error
      }
    }
    guard close(descriptor) == 0, rename(part, path) == 0 else { throw Self.cannotWrite(path) }
  }

  private static func cannotWrite(_ path: String) -> RunStoreError {
    RunStoreError("cannot write '\(path)': \(String(cString: strerror(errno)).lowercased())")
  }
}
