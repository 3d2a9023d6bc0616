import Diagnostics

/// A command line that was understood.
struct Invocation {
  let command: CommandDescription
  let operands: [String]
  /// How many operands stood before `--`; nil without it.
  let operandsBeforeDashes: Int?
  private let options: [(name: String, value: String)]

  init(
    command: CommandDescription, operands: [String], operandsBeforeDashes: Int? = nil, options: [(name: String, value: String)]
  ) {
    self.command = command
    self.operands = operands
    self.operandsBeforeDashes = operandsBeforeDashes
    self.options = options
  }

  /// The option's last value; nil if it was not given.
  func value(_ option: String) -> String? { options.last { $0.name == option }?.value }
  func values(_ option: String) -> [String] { options.filter { $0.name == option }.map(\.value) }
}

enum CommandLineParser {
  enum Result {
    case command(Invocation)
    /// Text for standard output.
    case help(String)
    /// What is wrong and what to do, for standard error.
    case wrong(String)
  }

  static func parse(_ arguments: [String]) -> Result {
    guard let first = arguments.first else { return .wrong("no command\n\n" + HelpText.overview) }
    if first == "--help" || first == "-h" || first == "help" {
      if arguments.count > 1, let command = command(arguments[1]) { return .help(HelpText.of(command)) }
      return .help(HelpText.overview)
    }
    if first == "--version" { return parse(["version"]) }
    guard let command = command(first) else {
      return .wrong("'\(first)' is not a command\(suggestion(first, CommandDescription.all.map(\.name.rawValue)))\n\n" + HelpText.overview)
    }
    return parse(command, Array(arguments.dropFirst()))
  }

  private static func command(_ name: String) -> CommandDescription? { CommandDescription.all.first { $0.name.rawValue == name } }

  private static func parse(_ command: CommandDescription, _ arguments: [String]) -> Result {
    var operands: [String] = []
    var options: [(name: String, value: String)] = []
    var index = 0
    var onlyOperands = false
    var operandsBeforeDashes: Int?
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      if onlyOperands || !argument.hasPrefix("-") || argument == "-" {
        operands.append(argument)
        continue
      }
      if argument == "--" {
        onlyOperands = true
        operandsBeforeDashes = operands.count
        continue
      }
      if argument == "--help" || argument == "-h" { return .help(HelpText.of(command)) }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = command.options.first(where: { $0.name == name }) else {
        return .wrong("'\(name)' is not an option of '\(command.name.rawValue)'\(suggestion(name, command.options.map(\.name))); see 'chainrun \(command.name.rawValue) --help'")
      }
      if !option.isRepeatable, options.contains(where: { $0.name == name }) { return .wrong("'\(name)' was given twice") }
      if option.value == nil {
        guard parts.count == 1 else { return .wrong("'\(name)' takes no value") }
        options.append((name, ""))
      } else if parts.count == 2 {
        options.append((name, String(parts[1])))
      } else if index < arguments.count {
        options.append((name, arguments[index]))
        index += 1
      } else {
        return .wrong("'\(name)' needs a value: \(name) \(option.value ?? "")")
      }
    }
    guard command.operandCount.contains(operands.count) else {
      let wanted = command.operandCount.upperBound == 0 ? "takes no file" : command.operandCount.upperBound == 1 ? "takes one file" : "needs at least one file"
      return .wrong("'\(command.name.rawValue)' \(wanted), and \(operands.count) were given; see 'chainrun \(command.name.rawValue) --help'")
    }
    return .command(Invocation(command: command, operands: operands, operandsBeforeDashes: operandsBeforeDashes, options: options))
  }

  private static func suggestion(_ name: String, _ known: [String]) -> String {
    nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
  }
}

enum HelpText {
  static var overview: String {
    var text = "chainrun: whether data that enters a database comes out right, and soon enough, at the other end\n\n"
    for command in CommandDescription.all {
      if let example = command.examples.first { text += "  \(example.command)\n" }
    }
    text += "\ncommands:\n"
    for command in CommandDescription.all { text += "  \(padded(command.name.rawValue, 9))\(command.summary)\n" }
    text += "\n'chainrun COMMAND --help' tells more. Exit codes: 0 ok, 1 the test says no, 2 usage, 3 environment, 4 inconsistent data,\n"
    text += "5 figures not to be trusted, 70 internal error, 130/143 interrupted.\n"
    return text
  }

  static func of(_ command: CommandDescription) -> String {
    var text = "chainrun \(command.name.rawValue): \(command.summary)\n\n"
    for example in command.examples {
      text += "  \(example.command)\n"
      if !example.comment.isEmpty { text += "      \(example.comment)\n" }
    }
    let options = command.options.isEmpty ? "" : " [options]"
    text += "\nusage: chainrun \(command.name.rawValue)\(options)\(command.operand.isEmpty ? "" : " " + command.operand)\n"
    if !command.options.isEmpty {
      text += "\noptions:\n"
      for option in command.options {
        text += "  \(padded([option.name, option.value].compactMap { $0 }.joined(separator: " "), 28))\(option.summary)\n"
      }
    }
    return text
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text.count >= width ? text + " " : text + String(repeating: " ", count: width - text.count)
  }
}
