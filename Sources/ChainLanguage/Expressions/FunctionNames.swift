internal import ChainProgram

/// The function table by name.
enum FunctionNames {
  /// All signatures of a name, in the table's order.
  static let signatures: [String: [FunctionSignature]] = Dictionary(grouping: FunctionSignature.all, by: \.name)

  /// Each name once, in the table's order.
  static let all: [String] = {
    var seen: Set<String> = []
    return FunctionSignature.all.map(\.name).filter { seen.insert($0).inserted }
  }()

  /// What stands before the point: `random`, `base64`.
  static let namespaces: Set<String> = Set(all.compactMap { $0.contains(".") ? String($0.prefix { $0 != "." }) : nil })

  /// Names that may follow a value and a point.
  static let methods: [String] = all.filter { name in
    !name.contains(".") && signatures[name]?.contains { !$0.parameters.isEmpty } == true
  }
}
