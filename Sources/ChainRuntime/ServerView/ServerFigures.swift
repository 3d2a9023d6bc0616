import ChainIO
import ChainProgram
import Metrics

/// Makes a second's values of what a probe of one server says: increases of what is counted, shares of increases, levels as they are.
struct ServerFigures {
  let connection: ConnectionIndex
  private let declarations: ArraySlice<ServerFigureDeclaration>
  private let places: [String: Int]
  /// The last answer: by the figure's name, and when it came.
  private var before: [String: Double] = [:]
  private var beforeNanoseconds: UInt64 = 0

  init(_ connection: ConnectionIndex, _ program: Program) {
    self.connection = connection
    declarations = program.serverFigures[program.serverFigures(of: connection)]
    var places: [String: Int] = [:]
    for (place, declaration) in declarations.enumerated() { places[declaration.name] = place }
    self.places = places
  }

  func place(of name: String) -> Int? { places[name] }

  /// - Parameters:
  ///   - now: Nanoseconds: when the answer came.
  ///   - hasLevels: False at the load's end, when what is on its way has just stopped: only what was counted up to then belongs to the load.
  /// - Returns: of the first answer levels alone: nothing has increased yet.
  mutating func take(_ reading: ServerReading, now: UInt64, hasLevels: Bool) -> JournalServer {
    defer {
      before.merge(reading.values) { $1 }
      beforeNanoseconds = now
    }
    let from = beforeNanoseconds == 0 ? now : min(beforeNanoseconds, now)
    var sample = JournalServer(connection: connection.index, fromNanoseconds: from, atNanoseconds: now)
    let seconds = max(1e-3, Double(now - from) / 1e9)
    sample.values = declarations.map { declaration in
      switch declaration.figure.form {
      case .gauge: return hasLevels ? reading.values[declaration.name] ?? .nan : .nan
      case .counter: return gain(declaration.name, reading).map { $0 / seconds } ?? .nan
      case .quotient(let part, let rest):
        let prefix = declaration.name.dropLast(declaration.figure.name.utf8.count)
        guard let part = gain(prefix + part, reading), let rest = gain(prefix + rest, reading), part + rest > 0 else { return .nan }
        return part / (part + rest)
      }
    }
    sample.parts = hasLevels ? reading.parts.prefix(ServerFigures.partsMax).map { JournalServer.Part($0.name, $0.count) } : []
    sample.requests = reading.requests
    return sample
  }

  /// A gap: increases go on from the last answer when there is one again.
  func gap(_ reason: String, now: UInt64, requests: UInt64) -> JournalServer {
    var sample = JournalServer(connection: connection.index, fromNanoseconds: beforeNanoseconds == 0 ? now : beforeNanoseconds, atNanoseconds: now)
    sample.gap = reason
    sample.requests = requests
    return sample
  }

  private static let partsMax = 5

  /// Nil where one of the two is missing, or where the server has begun anew.
  private func gain(_ name: some StringProtocol, _ reading: ServerReading) -> Double? {
    guard let now = reading.values[String(name)], let before = before[String(name)], now >= before else { return nil }
    return now - before
  }
}
