import ChainProgram
import Testing

@testable import ChainLanguage

/// What `load:` says, and what it refuses.
struct LoadLanguageTests {
  private static let head = "version: 1\nchain: a\nconnections: { cache: { redis: $env.CACHE } }\nvars: { peak: 600/s, ramp: 30s, people: 40 }\nsteps:\n  - redis: GET a\n"

  private func profile(_ text: String, files: [String: String] = [:]) throws -> LoadProfile {
    let compiled = CompiledText(Self.head + "load:\n  p: \(text)\n", files: files)
    #expect(compiled.places == [], "\(compiled.rendered)")
    return try #require(compiled.program?.profiles.first)
  }

  private func open(_ text: String, files: [String: String] = [:]) throws -> OpenLoad {
    guard case .open(let load) = try profile(text, files: files).model else { throw Wrong.model }
    return load
  }

  private func closed(_ text: String) throws -> ClosedLoad {
    guard case .closed(let load) = try profile(text).model else { throw Wrong.model }
    return load
  }

  private enum Wrong: Error { case model }

  private func pieces(_ curve: LoadCurve) -> [String] { curve.pieces.map { "\($0.nanoseconds / 1_000_000)ms \($0.from)>\($0.to)" } }

  @Test func `stages are straight ways and holds, one after the other`() throws {
    let load = try closed("{ closed: { stages: [ { to: 50, over: 1m }, { hold: 5m }, { to: 0, over: 30s } ] } }")
    guard case .stages(let curve) = load.extent else { throw Wrong.model }
    #expect(pieces(curve) == ["60000ms 0.0>50.0", "300000ms 50.0>50.0", "30000ms 50.0>0.0"] && load.users == 50)
    let rates = try open("{ open: { rate: 100/s, stages: [ { to: $peak, over: $ramp }, { to: 10/s }, { hold: 2m } ], arrivals: uniform } }")
    #expect(pieces(rates.curve) == ["30000ms 100.0>600.0", "120000ms 10.0>10.0"] && rates.arrivals == .uniform && rates.shape == .stages)
  }

  @Test func `the users of stages may begin above zero, and come from variables`() throws {
    let load = try closed("{ closed: { vus: 10, stages: [ { hold: 1s }, { to: $people, over: 2s } ], pacing: 500ms } }")
    guard case .stages(let curve) = load.extent else { throw Wrong.model }
    #expect(pieces(curve) == ["1000ms 10.0>10.0", "2000ms 10.0>40.0"] && load.users == 40 && load.pacing == .constant(500_000_000))
  }

  @Test func `a spike stands on its base`() throws {
    let load = try open("{ open: { spike: { base: 50/s, peak: $peak, at: 2m, for: 20s }, for: 5m, max_vus: 70, on_saturation: drop } }")
    #expect(pieces(load.curve) == ["120000ms 50.0>50.0", "20000ms 600.0>600.0", "160000ms 50.0>50.0"])
    #expect(load.curve.count == 26_000 && load.usersMax == 70 && load.onSaturation == .drop && load.shape == .spike)
    // At either end there is no base.
    #expect(try open("{ open: { spike: { base: 0/s, peak: 5/s, at: 0s, for: 5m }, for: 5m } }").curve.pieces.count == 1)
  }

  @Test func `steps go from the first rate to the last one, up or down`() throws {
    let up = try open("{ open: { step: { from: 50/s, by: 50/s, every: 1m, to: 600/s } } }")
    #expect(up.curve.pieces.map(\.from) == (1...12).map { Double(50 * $0) } && up.curve.durationNanoseconds == 720_000_000_000)
    let down = try open("{ open: { step: { from: 0.3/s, by: 0.1/s, every: 10s, to: 0/s } } }")
    #expect(down.curve.pieces.count == 4 && down.curve.pieces[3].from == 0 && down.curve.count == 6)
  }

  @Test func `a recorded rate is read from beside the chain`() throws {
    let files = ["rates.csv": "seconds,host,rate\n0,a,10\n30.5,a,20\n30.5,b,100\n60,b,100\n"]
    let load = try open("{ open: { curve: rates.csv } }", files: files)
    #expect(pieces(load.curve) == ["30500ms 10.0>20.0", "29500ms 100.0>100.0"] && load.curve.count == 3_408)
    guard case .recorded("rates.csv", let fingerprint) = load.shape else { throw Wrong.model }
    #expect(fingerprint.count == 8)
    let stepped = try open("{ open: { curve: { csv: rates.csv, between: step } } }", files: files)
    #expect(pieces(stepped.curve) == ["30500ms 10.0>10.0", "29500ms 100.0>100.0"])
  }

  @Test func `pauses of users are read`() throws {
    let load = try closed("{ closed: { vus: 5, for: 1m, start_offset: 10s, pacing: { uniform: [800ms, 1200ms] } } }")
    #expect(load.startOffset == StartOffset(nanoseconds: 10_000_000_000, spread: .even) && load.pacing == .uniform(800_000_000, 1_200_000_000))
    let other = try closed("{ closed: { vus: 5, iterations: 9, start_offset: { over: $ramp, spread: random }, pacing: { exponential: 1s } } }")
    #expect(other.startOffset == StartOffset(nanoseconds: 30_000_000_000, spread: .random) && other.pacing == .exponential(1_000_000_000))
    #expect(try profile("{ closed: { vus: 1, iterations: 1 }, backoff: none }").backoff == nil)
    #expect(
      try profile("{ closed: { vus: 1, iterations: 1 }, backoff: 2s }").backoff
        == ErrorBackoff(startNanoseconds: 2_000_000_000, factor: 1, maxNanoseconds: 2_000_000_000, jitter: 0))
    #expect(
      try profile("{ open: { rate: 5/s, for: 1s }, backoff: { max: 5s } }").backoff
        == ErrorBackoff(startNanoseconds: 100_000_000, factor: 2, maxNanoseconds: 5_000_000_000, jitter: 0.5))
    #expect(
      try profile("{ open: { rate: 5/s, for: 1s }, backoff: { start: 1s, factor: 1.5, max: 9s, jitter: 20% } }").backoff
        == ErrorBackoff(startNanoseconds: 1_000_000_000, factor: 1.5, maxNanoseconds: 9_000_000_000, jitter: 0.2))
  }

  @Test(arguments: [
    ("{ closed: { vus: 1, iterations: 5 } }", "closed, 1 user, 5 iterations in all"),
    (
      "{ closed: { stages: [ { to: 50, over: 1m }, { hold: 5m } ] } }", "closed, 0 users to 50 users over 1m, 50 users for 5m"
    ),
    (
      "{ closed: { vus: 5, for: 1m, start_offset: 10s, pacing: 1s }, backoff: { start: 1s } }",
      "closed, 5 users for 1m, first starts spread over 10s, an iteration every 1s; after an error a user rests 1s to 30s, times 2, less up to 50 %"
    ),
    ("{ open: { rate: 200/s, for: 30s } }", "open, 200/s constant arrivals for 30s, at most 1000 users; 6000 arrivals in all"),
    (
      "{ open: { rate: 90/min, for: 30s, arrivals: poisson } }",
      "open, 1.5/s poisson arrivals for 30s, at most 1000 users; about 45 arrivals in all"
    ),
    (
      "{ open: { stages: [ { to: 500/s, over: 1m }, { hold: 2m } ], on_saturation: drop } }",
      "open, 0/s to 500/s over 1m, 500/s for 2m, constant arrivals, at most 1000 users, dropping; 75000 arrivals in all"
    ),
    (
      "{ open: { spike: { base: 50/s, peak: 600/s, at: 2m, for: 20s }, for: 5m } }",
      "open, 50/s with a spike of 600/s at 2m for 20s, constant arrivals for 5m, at most 1000 users; 26000 arrivals in all"
    ),
    (
      "{ open: { step: { from: 50/s, by: 50/s, every: 1m, to: 200/s }, arrivals: uniform } }",
      "open, 50/s to 200/s in steps of 50/s every 1m, uniform arrivals for 4m, at most 1000 users; 30000 arrivals in all"
    ),
  ])
  func `a profile is told in words`(text: String, words: String) throws {
    #expect(try profile(text).words == words)
  }

  @Test func `what makes no sense is said where it stands`() {
    let text = Self.head + """
      load:
        a: { closed: { stages: [ { to: 50, over: 0s } ] } }
      #                                          ^^ bad-value
        b: { closed: { stages: [ { to: 5, over: 1s, hold: 1s }, { over: 1s } ] } }
      #                            ^^ bad-value
      #                                                         ^^^^^^^^^^^^ missing-key
        c: { closed: { stages: [ { hold: 1s } ] } }
      #                        ^^^^^^^^^^^^^^^^ empty-load
        d: { closed: { vus: 1, for: 1s, stages: [ { hold: 1s } ] } }
      #                                 ^^^^^^ bad-value
        e: { closed: { stages: [ { to: 5/s, over: 1s } ] } }
      #                                ^^^ bad-literal
        f: { open: { stages: [ { to: 5, over: 1s } ] } }
      #                              ^ bad-literal
        g: { open: { stages: [ { to: 5/s, over: 1s }, { to: 0/s, over: 1s }, { hold: 1s } ] } }
      #                                                                      ^^^^^^^^^^^^ idle-stage
        h: { open: { stages: [ { to: 5/s, over: 1s }, { to: 0/s } ] } }
      #                                               ^^^^^^^^^^^ bad-value
        i: { open: { rate: 5/s, spike: { base: 5/s, peak: 9/s, at: 1s, for: 1s }, for: 5s } }
      #              ^^^^ bad-value
        j: { open: { spike: { base: 5/s, peak: 5/s, at: 1s, for: 5s }, for: 5s } }
      #                                        ^^^ spike-below-base
      #                                                 ^^ spike-outside-run
        k: { open: { step: { from: 5/s, by: 0/s, every: 1s, to: 9/s } } }
      #                                     ^^^ bad-value
        l: { open: { step: { from: 5/s, by: 3/s, every: 1s, to: 9/s }, for: 5s } }
      #                                                         ^^^ step-never-reaches
      #                                                                ^^^ bad-value
        m: { open: { step: { from: 9/s, by: 10/s, every: 1s, to: 1/s } } }
      #                                                          ^^^ step-never-reaches
        n: { open: { for: 1s } }
      # ^ missing-key
        o: { open: { rate: 1/s, for: 9000h } }
      #                              ^^^^^ bad-value
        p: { closed: { vus: 1, for: 10s, start_offset: 10s }, warmup: 10s }
      #                                                ^^^ start-offset-exceeds-load
      #                                                               ^^^ warmup-exceeds-load
        q: { closed: { vus: 1, for: 10s, pacing: 0s }, backoff: { start: 10s, max: 1s, jitter: 120% } }
      #                                          ^^ bad-value
      #                                                                                        ^^^^ bad-value
        r: { closed: { vus: 1, for: 10s, pacing: { uniform: [2s, 1s] } }, backoff: never }
      #                                                     ^^^^^^^^ bad-value
      #                                                                            ^^^^^ bad-literal
        s: { closed: { vus: 1, for: 10s, pacing: {} }, backoff: { start: 10s, max: 1s } }
      #                                  ^^^^^^ missing-key
      #                                                                            ^^ bad-value
        t: { closed: { stages: [ { to: 5, over: 1s } ], start_offset: 1s } }
      #                                                 ^^^^^^^^^^^^ bad-value
        u: { open: { stages: [ { hold: 1s } ] } }
      #                      ^^^^^^^^^^^^^^^^ empty-load
        v: { open: { stages: { to: 5/s } } }
      #                      ^^^^^^^^^^^ wrong-node-kind
        w: { open: { curve: gone.csv } }
      #                     ^^^^^^^^ curve-unreadable
      """
    let compiled = CompiledText(text)
    #expect(compiled.carets == CompiledText.expected(in: text), "\(compiled.rendered)")
  }

  @Test(arguments: [
    ("seconds,rate\n0,1\n5,x\n", ["3:3"]), ("seconds,rate\n0,1\n5,-2\n", ["3:3"]), ("seconds,rate\n0,1\n9,2\n5,3\n", ["4:1"]),
    ("seconds,rate\n1,1\n5,2\n", ["2:1"]), ("seconds,rate\n0,1\n5\n", ["3:1"]), ("seconds,rate\n0,1\n5,inf\n8,nan\n", ["3:3", "4:3"]),
    ("seconds,rate\n0,1\n5,\"2\n", ["3:3", "3:3"]), ("seconds,rate\n0,1\n1e300,2\n", ["3:1"]),
  ])
  func `a bad row of a recorded rate is shown in its file`(file: String, places: [String]) {
    let compiled = CompiledText(Self.head + "load: { p: { open: { curve: r.csv } } }\n", files: ["r.csv": file])
    let found = compiled.compilation.findings.sorted
    #expect(found.map(\.name) == places.map { _ in .curveUnreadable }, "\(compiled.rendered)")
    #expect(found.map { "\(compiled.compilation.files.position(of: $0.range).line):\(compiled.compilation.files.position(of: $0.range).column)" } == places)
  }

  @Test(arguments: ["", "time,rate\n0,1\n", "seconds,rate\n", "seconds,rate\n0,5\n", "seconds,rate\n0,0\n9,0\n"])
  func `a file that holds no rate over time is refused where the chain names it`(file: String) {
    let compiled = CompiledText(Self.head + "load: { p: { open: { curve: r.csv } } }\n", files: ["r.csv": file])
    #expect(compiled.places.count == 1 && compiled.places[0].hasPrefix("7:"), "\(compiled.rendered)")
  }

  @Test func `a pace that the pauses of an iteration do not allow is said`() {
    let text = "version: 1\nchain: a\nconnections: {}\nsteps:\n  - think: 2s\nload:\n  a: { closed: { vus: 1, for: 1m, pacing: 1s } }\n  b: { closed: { vus: 1, for: 1m, pacing: 3s } }\n"
    #expect(CompiledText(text).places == ["7:3 rate-infeasible"])
  }
}
