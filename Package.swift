// swift-tools-version: 6.0
// Reads as the ladder of docs/architecture.md: a target may import only what stands above it, and
// `scripts/build` makes the compiler refuse an undeclared import.

import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .unsafeFlags(["-warnings-as-errors"], .when(configuration: .debug)),
  // Exclusivity is enforced by the debug build that the tests run; its run-time checks cost 3 % of the order chain's CPU.
  .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func cLibrary(_ name: String) -> Target {
  .systemLibrary(name: name, path: "Sources/\(name)")
}

func room(_ name: String, imports: [String]) -> Target {
  .target(
    name: name, dependencies: imports.map { .init(stringLiteral: $0) }, swiftSettings: strict)
}

func program(_ name: String, imports: [String]) -> Target {
  .executableTarget(
    name: name, dependencies: imports.map { .init(stringLiteral: $0) }, swiftSettings: strict)
}

func tests(_ name: String, imports: [String]) -> Target {
  .testTarget(
    name: name, dependencies: imports.map { .init(stringLiteral: $0) }, swiftSettings: strict)
}

let package = Package(
  name: "chainrun",
  products: [
    .executable(name: "chainrun", targets: ["chainrun"]),
    .executable(name: "OrderPipeline", targets: ["OrderPipeline"]),
    .executable(name: "BenchmarkRunner", targets: ["BenchmarkRunner"]),
  ],
  targets: [
    // Rung 0: one C library each; a module map and a shim, no logic.
    .target(name: "CLinux"),
    cLibrary("CYAML"),
    .target(name: "CPostgres", cSettings: [.unsafeFlags(["-I/usr/include/postgresql"])], linkerSettings: [.linkedLibrary("pq")]),
    cLibrary("CHiredis"),
    cLibrary("CRabbitMQ"),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    cLibrary("CPCRE2"),
    cLibrary("CZlib"),
    cLibrary("CSQLite"),
    .target(
      name: "CJSON", cxxSettings: [.unsafeFlags(["-std=c++17", "-O2"])],
      linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),

    // Rung 1
    room("Diagnostics", imports: []),
    room("LosslessJSON", imports: ["CJSON"]),
    room("Metrics", imports: ["LosslessJSON", "CZlib", "CLinux"]),

    // Rung 2
    room("ChainProgram", imports: ["Diagnostics", "LosslessJSON", "CPCRE2"]),

    // Rung 3
    room("ChainLanguage", imports: ["Diagnostics", "ChainProgram", "LosslessJSON", "CYAML"]),
    room("ChainIO", imports: ["ChainProgram", "LosslessJSON", "CLinux", "CCurl"]),
    room("History", imports: ["Metrics", "LosslessJSON", "CSQLite", "CPostgres"]),

    // Rung 4
    room("PostgresConnector", imports: ["ChainIO", "ChainProgram", "LosslessJSON", "CPostgres"]),
    room("RedisConnector", imports: ["ChainIO", "ChainProgram", "LosslessJSON", "CHiredis"]),
    room("RabbitMQConnector", imports: ["ChainIO", "ChainProgram", "LosslessJSON", "CRabbitMQ"]),
    room("HTTPConnector", imports: ["ChainIO", "ChainProgram", "LosslessJSON", "CCurl"]),
    room("ChainRuntime", imports: ["ChainIO", "ChainProgram", "Diagnostics", "LosslessJSON", "Metrics"]),
    room("Reports", imports: ["Metrics", "LosslessJSON", "History"]),
    room("Diagrams", imports: ["Diagnostics", "ChainProgram"]),

    // Beside rung 4, on top of one of its rooms: screens and exporters of a run that is under way.
    room("LiveOutputs", imports: ["Metrics", "Reports", "LosslessJSON", "CCurl", "CLinux"]),

    // Rung 5
    program(
      "chainrun",
      imports: [
        "Diagnostics", "LosslessJSON", "Metrics", "ChainProgram", "ChainLanguage", "ChainIO", "PostgresConnector", "RedisConnector",
        "RabbitMQConnector", "HTTPConnector", "ChainRuntime", "Reports", "LiveOutputs", "Diagrams", "History", "CCurl", "CLinux",
      ]),

    // Beside the ladder: the demonstration system and the benchmark, which know nothing of the above.
    program("OrderPipeline", imports: ["CPostgres", "CRabbitMQ", "CHiredis"]),
    .executableTarget(
      name: "CFloor", dependencies: ["CPostgres"], path: "Benchmarks/CFloor",
      cSettings: [.unsafeFlags(["-O2", "-I/usr/include/postgresql", "-Wno-everything"])],
      linkerSettings: [
        .linkedLibrary("pq"), .linkedLibrary("hiredis"), .linkedLibrary("rabbitmq"), .linkedLibrary("curl"), .linkedLibrary("m"),
      ]),
    .executableTarget(
      name: "BenchmarkRunner", dependencies: [], path: "Benchmarks/BenchmarkRunner", swiftSettings: strict),

    tests("DiagnosticsTests", imports: ["Diagnostics"]),
    tests("LosslessJSONTests", imports: ["LosslessJSON"]),
    tests("MetricsTests", imports: ["Metrics", "LosslessJSON", "CZlib"]),
    tests("HistoryTests", imports: ["History", "LosslessJSON"]),
    tests("ReportsTests", imports: ["Reports", "Metrics", "LosslessJSON", "History"]),
    tests("LiveOutputsTests", imports: ["LiveOutputs", "Reports", "Metrics", "LosslessJSON"]),
    tests(
      "DiagramsTests",
      imports: [
        "Diagrams", "ChainLanguage", "ChainProgram", "Diagnostics", "PostgresConnector", "RedisConnector", "RabbitMQConnector", "HTTPConnector",
      ]),
    tests("ChainProgramTests", imports: ["ChainProgram", "Diagnostics"]),
    tests(
      "ChainLanguageTests",
      imports: [
        "ChainLanguage", "ChainProgram", "Diagnostics", "PostgresConnector", "RedisConnector", "RabbitMQConnector", "HTTPConnector",
      ]),
    tests("ChainIOTests", imports: ["ChainIO", "ChainProgram", "CLinux"]),
    tests("PostgresConnectorTests", imports: ["PostgresConnector", "ChainIO", "ChainProgram", "Diagnostics"]),
    tests("RedisConnectorTests", imports: ["RedisConnector", "ChainIO", "ChainProgram"]),
    tests("RabbitMQConnectorTests", imports: ["RabbitMQConnector", "ChainIO", "ChainProgram", "Diagnostics", "LosslessJSON", "CRabbitMQ"]),
    tests("HTTPConnectorTests", imports: ["HTTPConnector", "ChainIO", "ChainProgram"]),
    // Replaces malloc in the test executable to count a thread's allocations.
    .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
    // Replaces clock_gettime, epoll_pwait2 and timerfd_settime there, for threads that ask for a clock of their own.
    .target(name: "CVirtualClock", path: "Tests/Support/CVirtualClock"),
    tests(
      "ChainRuntimeTests",
      imports: [
        "ChainRuntime", "ChainLanguage", "ChainIO", "ChainProgram", "Diagnostics", "Metrics", "LosslessJSON", "CAllocationCounter", "CVirtualClock",
      ]),
    tests("ChainrunTests", imports: ["LosslessJSON"]),
    tests("OrderPipelineTests", imports: ["LosslessJSON"]),
  ]
)
