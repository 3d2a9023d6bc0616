internal import ChainProgram
internal import Diagnostics

/// Recorded rates: a CSV file with the columns `seconds` and `rate`, both plain numbers.
extension ChainResolver {
  private static let rowsMax = 100_000
  private static let findingsMax = 10

  func recordedRate(_ entry: YAMLEntry) -> (LoadCurve, OpenLoad.Shape)? {
    var source = entry
    var isStepped = false
    if entry.value.entries != nil {
      guard let reader = MappingReader(entry.value, LanguageShapes.curve, owner: entry.key.range, into: &findings) else { return nil }
      isStepped = choice(reader["between"], "between", ["line", "step"]) == "step"
      guard let csv = reader["csv"] else { return nil }
      source = csv
    }
    guard let scalar = scalar(source, into: &findings) else { return nil }
    let path = besidePath(graph.file.path, scalar.text)
    let bytes: [UInt8]
    switch textFile(path) {
    case .failure(let failure):
      findings.add(.curveUnreadable, at: scalar.range, "'\(shown(path))' could not be read: \(failure.reason)")
      return nil
    case .success(let content): bytes = content
    }
    guard bytes.count <= options.feedBytesMax, files.count < 1_000 else {
      findings.add(.limitExceeded, at: scalar.range, "the file has \(bytes.count) bytes, and \(options.feedBytesMax) is the limit")
      return nil
    }
    guard let points = points(of: files.add(path: path, bytes: bytes), named: scalar) else { return nil }
    let pieces = zip(points, points.dropFirst()).map { point, next in
      LoadCurve.Piece(nanoseconds: next.nanoseconds - point.nanoseconds, from: point.rate, to: isStepped ? point.rate : next.rate)
    }
    let fingerprint = String(SHA256.hexadecimal(of: bytes).prefix(8))
    return curve(pieces, at: scalar.range).map { ($0, .recorded(file: scalar.text, fingerprint: fingerprint)) }
  }

  private func points(of file: SourceFile, named: YAMLScalar) -> [(nanoseconds: UInt64, rate: Double)]? {
    var reader = CSVReader(file)
    let names = reader.next()?.map(\.text) ?? []
    guard let secondsColumn = names.firstIndex(of: "seconds"), let rateColumn = names.firstIndex(of: "rate") else {
      findings.add(
        .curveUnreadable, at: named.range, "the first line of '\(shown(file.path))' does not name the columns 'seconds' and 'rate'",
        help: names.isEmpty ? nil : "its columns: \(listPhrase(names))")
      return nil
    }
    var points: [(nanoseconds: UInt64, rate: Double)] = []
    var bad = 0
    func refuse(_ place: SourceRange, _ message: String) {
      bad += 1
      if bad <= Self.findingsMax { findings.add(.curveUnreadable, at: place, message) }
    }
    while let record = reader.next() {
      guard record.count == names.count else {
        let place = record.first.flatMap { first in record.last.map { first.range.union($0.range) } } ?? named.range
        refuse(place, "this row has \(record.count) cells, and the first line has \(names.count)")
        continue
      }
      guard points.count < Self.rowsMax else {
        findings.add(.limitExceeded, at: record[0].range, "the file has more than \(Self.rowsMax) rows, which is the limit")
        return nil
      }
      let (seconds, rate) = (record[secondsColumn], record[rateColumn])
      guard let time = Self.number(seconds.text), time <= Double(Self.loadNanosecondsMax) / 1e9 else {
        refuse(seconds.range, "'seconds' is a number from 0 to 31622400, such as 12.5")
        continue
      }
      guard let value = Self.number(rate.text), value <= Self.rateMax else {
        refuse(rate.range, "'rate' is a number from 0 to 1000000: arrivals per second")
        continue
      }
      let nanoseconds = UInt64((time * 1e9).rounded())
      if points.isEmpty, nanoseconds != 0, bad == 0 { refuse(seconds.range, "the first row is at 0 seconds: the start of the load") }
      if let last = points.last, nanoseconds < last.nanoseconds {
        refuse(seconds.range, "this row is earlier than the one before it")
        continue
      }
      points.append((nanoseconds, value))
    }
    if let range = reader.unclosedQuote {
      findings.add(.curveUnreadable, at: range, "this quote is not closed")
      return nil
    }
    guard bad == 0 else { return nil }
    guard points.count >= 2 else {
      findings.add(.curveUnreadable, at: named.range, "'\(shown(file.path))' has \(points.count == 1 ? "one row" : "no rows"), and a rate over time has two at least")
      return nil
    }
    return points
  }

  /// Not negative, and finite.
  private static func number(_ text: String) -> Double? { Double(text).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil } }
}
