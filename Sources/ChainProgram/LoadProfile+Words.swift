extension LoadProfile {
  /// The profile as one line for people: `open, 200/s constant arrivals for 30s, at most 1000 users; 6000 arrivals in all`.
  package var words: String {
    var words: String
    switch model {
    case .closed(let load): words = "closed, \(load.words)"
    case .open(let load): words = "open, \(load.words)"
    }
    if let backoff { words += "; \(backoff.words)" }
    return words
  }

  /// A duration as the language writes it.
  static func text(_ nanoseconds: UInt64) -> String {
    var bytes: [UInt8] = []
    _ = Value.duration(Int64(clamping: nanoseconds)).appendText(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  fileprivate static func rate(_ value: Double) -> String { number(value) + "/s" }

  fileprivate static func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    let thousandths = (value * 1000).rounded()
    // Below that, the figures that a rate of one in an hour needs.
    return thousandths < 1 ? String(value) : String(thousandths / 1000)
  }

  /// More stages than fit into a line are cut: the first ones and the last.
  fileprivate static func stages(_ curve: LoadCurve, _ value: (Double) -> String) -> String {
    var parts = curve.pieces.map { piece in
      piece.from == piece.to
        ? "\(value(piece.from)) for \(text(piece.nanoseconds))" : "\(value(piece.from)) to \(value(piece.to)) over \(text(piece.nanoseconds))"
    }
    if parts.count > 8 { parts.replaceSubrange(6..<parts.count - 1, with: ["…"]) }
    return parts.joined(separator: ", ")
  }
}

extension ClosedLoad {
  fileprivate var words: String {
    func users(_ count: Double) -> String { "\(LoadProfile.number(count)) user\(count == 1 ? "" : "s")" }
    var words: String
    switch extent {
    case .iterations(let count): words = "\(users(Double(self.users))), \(count) iteration\(count == 1 ? "" : "s") in all"
    case .iterationsPerUser(let count): words = "\(users(Double(self.users))), \(count) iteration\(count == 1 ? "" : "s") each"
    case .duration(let nanoseconds): words = "\(users(Double(self.users))) for \(LoadProfile.text(nanoseconds))"
    case .stages(let curve): words = LoadProfile.stages(curve, users)
    }
    if let startOffset {
      words += ", first starts spread over \(LoadProfile.text(startOffset.nanoseconds))\(startOffset.spread == .random ? " at random" : "")"
    }
    switch pacing {
    case nil: break
    case .constant(let pace)?: words += ", an iteration every \(LoadProfile.text(pace))"
    case .uniform(let shortest, let longest)?: words += ", an iteration every \(LoadProfile.text(shortest)) to \(LoadProfile.text(longest))"
    case .exponential(let mean)?: words += ", an iteration every \(LoadProfile.text(mean)) (exponential)"
    }
    return words
  }
}

extension OpenLoad {
  fileprivate var words: String {
    let duration = LoadProfile.text(curve.durationNanoseconds)
    var words: String
    switch shape {
    case .constant: words = "\(LoadProfile.rate(curve.peak)) \(arrivals) arrivals for \(duration)"
    case .stages: words = LoadProfile.stages(curve, LoadProfile.rate) + ", \(arrivals) arrivals"
    case .spike:
      let index = curve.pieces.indices.max { curve.pieces[$0].from < curve.pieces[$1].from } ?? 0
      let base = curve.pieces.map(\.from).min() ?? 0
      words =
        "\(LoadProfile.rate(base)) with a spike of \(LoadProfile.rate(curve.peak)) at \(LoadProfile.text(curve.starts[index])) for "
        + "\(LoadProfile.text(curve.pieces[index].nanoseconds)), \(arrivals) arrivals for \(duration)"
    case .step:
      let values = curve.pieces.map(\.from)
      let by = values.count > 1 ? abs(values[1] - values[0]) : 0
      words =
        "\(LoadProfile.rate(values.first ?? 0)) to \(LoadProfile.rate(values.last ?? 0)) in steps of \(LoadProfile.rate(by)) every "
        + "\(LoadProfile.text(curve.pieces.first?.nanoseconds ?? 0)), \(arrivals) arrivals for \(duration)"
    case .recorded(let file, let fingerprint):
      words = "the rates of '\(file)' (\(fingerprint)), up to \(LoadProfile.rate(curve.peak)), \(arrivals) arrivals for \(duration)"
    }
    words += ", at most \(usersMax) users"
    if onSaturation == .drop { words += ", dropping" }
    switch arrivals {
    case .constant, .uniform: words += "; \(curve.count) arrivals in all"
    case .poisson: words += "; about \(LoadProfile.number(curve.area.rounded())) arrivals in all"
    }
    return words
  }
}

extension ErrorBackoff {
  fileprivate var words: String {
    var words = "after an error a user rests \(LoadProfile.text(startNanoseconds))"
    if factor != 1, maxNanoseconds != startNanoseconds { words += " to \(LoadProfile.text(maxNanoseconds)), times \(LoadProfile.number(factor))" }
    if jitter > 0 { words += ", less up to \(LoadProfile.number((jitter * 100).rounded())) %" }
    return words
  }
}
