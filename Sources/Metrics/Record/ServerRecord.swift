/// What one server told about itself during a run.
package struct ServerRecord: Hashable, Sendable {
  /// Row of the start record's connection table.
  package var connection: Int
  package var info: ConnectionInfo
  /// Rows of the start record's figures that are this server's.
  package var figures: Range<Int>
  package var facts: JournalServerFacts
  /// In the order of time, gaps among them.
  package var samples: [JournalServer] = []

  package init(connection: Int, info: ConnectionInfo, figures: Range<Int>) {
    self.connection = connection
    self.info = info
    self.figures = figures
    facts = JournalServerFacts(connection: connection)
  }

  package var requests: UInt64 { samples.reduce(0) { $0 &+ $1.requests } }
  /// Whether it was looked at at all.
  package var isSeen: Bool { !samples.isEmpty }
  package var gapCount: Int { samples.count { $0.gap != nil } }

  /// A figure's values in the load, one for each sample that has it.
  ///
  /// - Parameter figure: Row of the start record's figures.
  package func loadValues(of figure: Int) -> [Double] {
    samples.compactMap { $0.isOfLoad ? value(of: figure, in: $0) : nil }
  }

  /// Nil where nothing is known.
  package func value(of figure: Int, in sample: JournalServer) -> Double? {
    let place = figure - figures.lowerBound
    guard figures.contains(figure), sample.values.indices.contains(place), sample.values[place].isFinite else { return nil }
    return sample.values[place]
  }

  /// What a counter gained in the load; nil where nothing is known.
  package func total(of figure: Int) -> Double? {
    var total: Double?
    for sample in samples where sample.isOfLoad {
      guard let value = value(of: figure, in: sample) else { continue }
      total = (total ?? 0) + value * sample.seconds
    }
    return total
  }

  /// Why a figure is not, or only partly, to be seen; nil if nothing is in the way.
  package func limit(on name: String) -> String? { facts.limits.first { $0.figures.contains(name) }?.reason }
}

extension JournalServer {
  /// Between the answer before this one and this one.
  package var seconds: Double { Double(atNanoseconds - min(fromNanoseconds, atNanoseconds)) / 1e9 }
}

extension RunRecord {
  /// The server that a figure belongs to.
  package func server(of figure: Int) -> ServerRecord? { servers.first { $0.figures.contains(figure) } }
}

/// How a server's values spread over the seconds of a load.
package struct ServerSpread: Hashable, Sendable {
  package let count: Int
  package let min: Double
  package let mean: Double
  package let max: Double
  package let last: Double

  /// - Returns: nil for no values.
  package init?(_ values: [Double]) {
    guard let last = values.last else { return nil }
    count = values.count
    min = values.min() ?? last
    max = values.max() ?? last
    mean = values.reduce(0, +) / Double(values.count)
    self.last = last
  }
}
