internal import CPostgres
import ChainIO
import ChainProgram
import Glibc

/// A resolved PostgreSQL address: everything that libpq is told, so that nothing comes from the environment or from files at home.
struct PostgresTarget: ConnectionTarget {
  let displayAddress: String
  let host: String
  /// libpq's keywords and values; holds the password.
  private let settings: [(keyword: String, value: String)]

  /// Parses and resolves; blocks.
  ///
  /// - Throws: class `connect`; no message holds the address's text, which may hold a password.
  init(address: String) throws(OperationError) {
    var given = try PostgresTarget.parse(address)
    func isSet(_ keyword: String) -> Bool { given[keyword].map { !$0.isEmpty } ?? false }

    if given["service"] != nil {
      throw OperationError(.connect, code: "bad-address", "the address names a service; service files are not read")
    }
    // The variables that no value overrules: libpq looks the service up and fails if it is not there, and sends the other three itself.
    // Addresses are resolved before the reactors' threads start, so nobody else reads the environment now.
    for name in ["PGSERVICE", "PGDATESTYLE", "PGTZ", "PGGEQO"] where getenv(name) != nil { unsetenv(name) }

    let host = isSet("host") ? given["host"]! : isSet("hostaddr") ? given["hostaddr"]! : "/var/run/postgresql"
    let portText = isSet("port") ? given["port"]! : "5432"
    guard !host.contains(","), !portText.contains(","), !(given["hostaddr"] ?? "").contains(",") else {
      throw OperationError(.connect, code: "bad-address", "the address names several hosts; one connection goes to one host")
    }
    guard let port = UInt16(portText), port > 0 else {
      throw OperationError(.connect, code: "bad-address", "the address has a port that is not a number from 1 to 65535")
    }
    let isLocal: Bool
    if host.hasPrefix("/") {
      isLocal = true
      displayAddress = "\(host)/.s.PGSQL.\(port)"
    } else {
      let numeric = isSet("hostaddr") ? given["hostaddr"]! : try Endpoint.resolve(host: host, port: port).numericHost
      given["hostaddr"] = numeric
      isLocal = numeric.hasPrefix("127.") || numeric == "::1"
      displayAddress = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
    self.host = host
    given["host"] = host
    given["port"] = portText
    if !isSet("user") { given["user"] = try PostgresTarget.systemUser() }
    if !isSet("dbname") { given["dbname"] = given["user"] }
    if !isSet("sslmode") { given["sslmode"] = isLocal ? "disable" : "verify-full" }
    if given["sslmode"]!.hasPrefix("verify"), !isSet("sslrootcert") { given["sslrootcert"] = PostgresTarget.authorities }
    if !isSet("application_name") { given["application_name"] = "chainrun" }
    if !isSet("gssencmode") { given["gssencmode"] = "disable" }
    given["client_encoding"] = "UTF8"
    // A file that cannot exist: libpq warns on standard error about one that is not a plain file, such as /dev/null itself.
    given["passfile"] = "/dev/null/none"
    for (keyword, value) in [("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3")]
    where !isSet(keyword) {
      given[keyword] = value
    }
    PostgresTarget.overruleEnvironment(&given)
    settings = given.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Debian's bundle; libpq 15 has no word for "the system's own".
  private static let authorities = "/etc/ssl/certs/ca-certificates.crt"

  private static func parse(_ address: String) throws(OperationError) -> [String: String] {
    let form = "it should look like postgres://user@host:port/database"
    // libpq takes a string for a URL by its beginning alone (manual 34.1.1), so a wrong scheme is found here.
    if !address.hasPrefix("postgres://"), !address.hasPrefix("postgresql://") {
      let scheme = address.prefix { $0 != ":" && $0 != "=" && $0 != " " }
      if address.dropFirst(scheme.count).hasPrefix("://") {
        let message = "the address has the scheme '\(scheme)://'; it should be postgres:// or postgresql://"
        throw OperationError(.connect, code: "bad-address", message)
      }
    }
    // Never shown: the message quotes the address.
    var complaint: UnsafeMutablePointer<CChar>?
    guard let options = PQconninfoParse(address, &complaint) else {
      if let complaint { PQfreemem(complaint) }
      throw OperationError(.connect, code: "bad-address", "the address is not one of PostgreSQL; \(form)")
    }
    defer { PQconninfoFree(options) }
    var given: [String: String] = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    return given
  }

  /// Gives every setting that libpq would take from an environment variable a value of its own: libpq's built-in one, else the empty one.
  private static func overruleEnvironment(_ given: inout [String: String]) {
    guard let options = PQconndefaults() else { return }
    defer { PQconninfoFree(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      let name = String(cString: keyword)
      if option.pointee.envvar != nil, given[name] == nil, !numericSettings.contains(name), name != "service" {
        given[name] = option.pointee.compiled.map { String(cString: $0) } ?? ""
      }
      option += 1
    }
  }

  /// Settings for which the empty text is an error; `connectionText` gives them.
  private static let numericSettings: Set<String> = ["connect_timeout"]

  private static func systemUser() throws(OperationError) -> String {
    guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else {
      throw OperationError(.connect, code: "bad-address", "the address names no user, and this process's user has no name")
    }
    return String(cString: name)
  }

  /// What `PQconnectStart` is given.
  ///
  /// - Parameters:
  ///   - isReadOnly: Makes the server refuse writes in every transaction of the session.
  ///   - statementTimeoutMilliseconds: After which the server gives up a statement by itself; 0 for never.
  func connectionText(isReadOnly: Bool, statementTimeoutMilliseconds: UInt64, connectTimeoutNanoseconds: UInt64) -> String {
    var all = settings.filter { $0.keyword != "options" && $0.keyword != "connect_timeout" }
    // The last one wins: an author's own statement_timeout overrules ours, but not the read-only session.
    var options = "-c statement_timeout=\(statementTimeoutMilliseconds)"
    if let own = settings.first(where: { $0.keyword == "options" })?.value, !own.isEmpty { options += " " + own }
    if isReadOnly { options += " -c default_transaction_read_only=on" }
    all.append(("options", options))
    all.append(("connect_timeout", String(max(2, (connectTimeoutNanoseconds + 999_999_999) / 1_000_000_000))))
    if !all.contains(where: { $0.keyword == "tcp_user_timeout" }) {
      all.append(("tcp_user_timeout", String(max(10_000, statementTimeoutMilliseconds))))
    }
    return all.map { "\($0.keyword)=\(PostgresTarget.quoted($0.value))" }.joined(separator: " ")
  }

  private static func quoted(_ value: String) -> String {
    var text = "'"
    for character in value.unicodeScalars {
      if character == "'" || character == "\\" { text.unicodeScalars.append("\\") }
      text.unicodeScalars.append(character)
    }
    return text + "'"
  }
}
