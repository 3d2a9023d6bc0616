import ChainIO
import ChainProgram

/// Whereby the server tells of changed keys.
enum NoticeSource: String {
  /// Client-side-caching notices (`CLIENT TRACKING … BCAST`), which need no configuration of the server. They are of all databases, and
  /// those of one key within one of the server's loop cycles are merged.
  case tracking
  /// Keyspace events, where the server has them on already: one for each change of one database.
  case keyspace

  /// The question whether the server still tells.
  var checkBytes: [UInt8] {
    switch self {
    case .tracking: RESP.command(["CLIENT", "TRACKINGINFO"])
    case .keyspace: RESP.command(["CONFIG", "GET", KeyspaceChannels.setting])
    }
  }

  struct Loss {
    let phrase: String
    /// Whether the server may have told nothing since it last said that it does; otherwise what came over the subscribed connection is complete.
    let isSinceLastCheck: Bool
  }

  /// What the answer says is wrong; nil if the server still tells.
  func loss(in answer: OperationResult, _ channels: KeyspaceChannels?) -> Loss? {
    switch self {
    case .tracking:
      let words = answer.nodes.lazy.filter { $0.kind == .text }.map { answer.string($0) }
      if !words.contains("on") { return Loss(phrase: "no longer tracks keys for this connection", isSinceLastCheck: true) }
      return words.contains("broken_redirect") ? Loss(phrase: "no longer tells of changed keys", isSinceLastCheck: false) : nil
    case .keyspace:
      return KeyspaceChannels(setting: answer) == channels
        ? nil : Loss(phrase: "was told to send other keyspace events", isSinceLastCheck: true)
    }
  }
}

/// The two kinds of channels over which Redis tells of keyspace events.
enum KeyspaceChannels {
  /// A channel for each key (flag K).
  case keyspace
  /// A channel for each command (flag E): the key is the message.
  case keyevent

  static let setting = "notify-keyspace-events"

  /// What the answer to `CONFIG GET` allows; nil if changes of texts are not told of.
  init?(setting answer: OperationResult) {
    guard answer.nodes.count >= 3, answer.nodes[2].kind == .text else { return nil }
    let flags = answer.string(answer.nodes[2])
    guard flags.contains("A") || flags.contains("$") else { return nil }
    if flags.contains("K") { self = .keyspace } else if flags.contains("E") { self = .keyevent } else { return nil }
  }

  func prefix(database: Int) -> [UInt8] {
    switch self {
    case .keyspace: Array("__keyspace@\(database)__:".utf8)
    case .keyevent: Array("__keyevent@\(database)__:".utf8)
    }
  }

  /// The pattern of channels that tell of these keys.
  func subscription(_ pattern: KeyPattern, database: Int) -> [UInt8] {
    switch self {
    case .keyspace: prefix(database: database) + pattern.bytes
    case .keyevent: prefix(database: database) + [UInt8(ascii: "*")]
    }
  }
}

/// What a keyspace event says of its key's value.
enum KeyspaceChange {
  case written
  case removed
  /// A time to live was set or taken away, or a read created nothing.
  case neither

  init(_ event: UnsafeRawBufferPointer) {
    switch String(decoding: event, as: UTF8.self) {
    case "del", "expired", "evicted", "rename_from", "move_from": self = .removed
    case "expire", "persist", "new", "keymiss": self = .neither
    default: self = .written
    }
  }
}

/// What a push of a subscribed connection is.
enum PushKind {
  case pong
  case subscribed
  case message
  case patternMessage
  case other

  init(_ word: UnsafeRawBufferPointer) {
    switch String(decoding: word, as: UTF8.self) {
    case "pong": self = .pong
    case "subscribe", "psubscribe": self = .subscribed
    case "message": self = .message
    case "pmessage": self = .patternMessage
    default: self = .other
    }
  }
}
