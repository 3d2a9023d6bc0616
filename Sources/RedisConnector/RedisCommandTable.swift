package import ChainProgram

/// What is known of Redis commands without asking a server: for the linter, and for the commands that a shared connection cannot carry.
///
/// Subcommands of container commands are written `OBJECT ENCODING`.
package enum RedisCommandTable {
  /// What the command that stands at the start of `text` does, `${…}` replaced by `?`.
  package static func effect(ofCommandIn text: String) -> Effect {
    let words = leadingWords(of: text)
    return effect(command: words.command, subcommand: words.subcommand)
  }

  /// The command's word in upper case, for the `Type` column.
  package static func method(ofCommandIn text: String) -> String {
    let command = leadingWords(of: text).command
    return command.isEmpty ? "REDIS" : command
  }

  /// - Parameters: both in upper case; `subcommand` is the second word, if there is one.
  static func effect(command: String, subcommand: String) -> Effect {
    if containers.contains(command) {
      let full = "\(command) \(subcommand)"
      if reading.contains(full) { return .reads }
      if destroying.contains(full) || destroying.contains(command) { return .destroys(full) }
      if writing.contains(full) { return .writes }
      return .unclear
    }
    if reading.contains(command) { return .reads }
    if destroying.contains(command) { return .destroys(command) }
    if writing.contains(command) { return .writes }
    return .unclear
  }

  /// Why a command cannot be sent on a connection that many virtual users share; nil if it can.
  ///
  /// - Parameter words: The literal words in upper case; nil where a word holds an expression.
  static func refusal(words: [String?]) -> String? {
    guard let command = words.first ?? nil else { return "the command's name must be written out, not made by an expression" }
    if connectionState.contains(command) {
      return "'\(command)' changes the state of its connection, and connections are shared by all virtual users"
    }
    if blocking.contains(command) {
      return "'\(command)' blocks its connection until something comes, and connections are shared by all virtual users"
    }
    if command == "XREAD" || command == "XREADGROUP" {
      for case let word? in words.dropFirst() {
        if word == "STREAMS" { break }
        if word == "BLOCK" {
          return "'\(command) … BLOCK' blocks its connection until something comes, and connections are shared by all virtual users"
        }
      }
    }
    return nil
  }

  /// The same from the text of a step, `${…}` replaced by `?`. What the name is when an expression makes it is not known there.
  package static func refusal(ofCommandIn text: String) -> String? {
    let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.map { word in
      String(word.drop { $0 == "\"" || $0 == "'" }.reversed().drop { $0 == "\"" || $0 == "'" }.reversed()).uppercased()
    }
    guard let first = words.first else { return nil }
    return refusal(words: first.contains("?") ? [nil] : words.map { $0.contains("?") ? nil : $0 })
  }

  /// Commands whose second word names what is done.
  static let containers: Set<String> = [
    "OBJECT", "XINFO", "XGROUP", "MEMORY", "CONFIG", "FUNCTION", "SCRIPT", "LATENCY", "SLOWLOG", "ACL", "CLUSTER", "MODULE", "PUBSUB",
    "COMMAND", "DEBUG",
  ]

  private static let reading = names(
    """
    GET MGET EXISTS TTL PTTL EXPIRETIME PEXPIRETIME TYPE STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS BITFIELD_RO LCS
    HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HSCAN HRANDFIELD
    LRANGE LINDEX LLEN LPOS SMEMBERS SISMEMBER SMISMEMBER SCARD SRANDMEMBER SINTER SINTERCARD SUNION SDIFF SSCAN
    ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX ZSCORE ZMSCORE ZRANK ZREVRANK ZCARD ZCOUNT ZLEXCOUNT
    ZRANDMEMBER ZSCAN ZINTER ZINTERCARD ZUNION ZDIFF GEOPOS GEODIST GEOHASH GEOSEARCH GEORADIUS_RO GEORADIUSBYMEMBER_RO
    XRANGE XREVRANGE XLEN XREAD XPENDING PFCOUNT SCAN KEYS RANDOMKEY DBSIZE DUMP TOUCH SORT_RO EVAL_RO EVALSHA_RO FCALL_RO
    PING ECHO TIME INFO LASTSAVE ROLE LOLWUT COMMAND
    """
  )
  .union([
    "OBJECT ENCODING", "OBJECT FREQ", "OBJECT IDLETIME", "OBJECT REFCOUNT", "OBJECT HELP", "XINFO STREAM", "XINFO GROUPS",
    "XINFO CONSUMERS", "XINFO HELP", "MEMORY USAGE", "MEMORY STATS", "MEMORY DOCTOR", "MEMORY MALLOC-STATS", "CONFIG GET",
    "FUNCTION LIST", "FUNCTION STATS", "FUNCTION DUMP", "SCRIPT EXISTS", "LATENCY HISTORY", "LATENCY LATEST", "LATENCY DOCTOR",
    "LATENCY GRAPH", "LATENCY HISTOGRAM", "SLOWLOG GET", "SLOWLOG LEN", "ACL WHOAMI", "ACL CAT", "ACL LIST", "ACL USERS", "ACL GETUSER",
    "ACL DRYRUN", "CLUSTER INFO", "CLUSTER NODES", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER KEYSLOT", "CLUSTER MYID",
    "CLUSTER COUNTKEYSINSLOT", "CLUSTER GETKEYSINSLOT", "MODULE LIST", "PUBSUB CHANNELS", "PUBSUB NUMSUB", "PUBSUB NUMPAT", "COMMAND ",
    "COMMAND COUNT", "COMMAND INFO", "COMMAND DOCS", "COMMAND LIST", "COMMAND GETKEYS",
  ])

  private static let writing = names(
    """
    SET SETNX SETEX PSETEX MSET MSETNX GETSET GETDEL GETEX APPEND SETRANGE INCR INCRBY INCRBYFLOAT DECR DECRBY SETBIT BITOP BITFIELD
    DEL UNLINK EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST RENAME RENAMENX COPY MOVE RESTORE MIGRATE SORT
    HSET HSETNX HMSET HDEL HINCRBY HINCRBYFLOAT LPUSH LPUSHX RPUSH RPUSHX LPOP RPOP LSET LREM LTRIM LINSERT LMOVE LMPOP RPOPLPUSH
    SADD SREM SPOP SMOVE SINTERSTORE SUNIONSTORE SDIFFSTORE ZADD ZREM ZINCRBY ZPOPMIN ZPOPMAX ZMPOP ZRANGESTORE ZINTERSTORE
    ZUNIONSTORE ZDIFFSTORE ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREMRANGEBYLEX GEOADD GEOSEARCHSTORE GEORADIUS GEORADIUSBYMEMBER
    XADD XDEL XTRIM XACK XCLAIM XAUTOCLAIM XREADGROUP XSETID PFADD PFMERGE PUBLISH SPUBLISH SAVE BGSAVE BGREWRITEAOF
    """
  )
  .union([
    "XGROUP CREATE", "XGROUP CREATECONSUMER", "XGROUP DELCONSUMER", "XGROUP SETID", "SCRIPT LOAD", "FUNCTION LOAD", "CONFIG RESETSTAT",
    "SLOWLOG RESET", "LATENCY RESET",
  ])

  private static let destroying = names("FLUSHALL FLUSHDB SHUTDOWN DEBUG CONFIG SWAPDB REPLICAOF SLAVEOF FAILOVER CLUSTER MODULE ACL")
    .union([
      "SCRIPT FLUSH", "SCRIPT KILL", "FUNCTION FLUSH", "FUNCTION DELETE", "FUNCTION KILL", "FUNCTION RESTORE", "XGROUP DESTROY",
      "MEMORY PURGE",
    ])

  private static let connectionState = names(
    """
    SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE MONITOR MULTI EXEC DISCARD WATCH UNWATCH SELECT AUTH HELLO
    QUIT RESET CLIENT ASKING READONLY READWRITE SYNC PSYNC REPLCONF
    """)

  private static let blocking = names("BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF")

  private static func names(_ text: String) -> Set<String> { Set(text.split { $0 == " " || $0 == "\n" }.map(String.init)) }

  /// The first two words in upper case, without the quotes that a word may be written in.
  private static func leadingWords(of text: String) -> (command: String, subcommand: String) {
    let words = text.split(maxSplits: 2) { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.prefix(2).map { word in
      String(word.drop { $0 == "\"" || $0 == "'" }.reversed().drop { $0 == "\"" || $0 == "'" }.reversed()).uppercased()
    }
    return (words.first ?? "", words.count > 1 ? words[1] : "")
  }
}
