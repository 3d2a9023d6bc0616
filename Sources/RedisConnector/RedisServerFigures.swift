import ChainProgram

extension RedisConnector {
  /// What Redis tells about itself: `INFO`, and of `SLOWLOG GET` what was added since the last look.
  static let serverView = ServerViewSchema(figures: [
    ServerFigure(
      "commands", .count, .counter, .work, plot: "commands", "Commands that were processed, the probe's own two a second among them."),
    ServerFigure("cpu", .share, .counter, .state, plot: "cpu", "CPU time, of one core: commands run on one thread."),
    ServerFigure("clients", .count, .gauge, .state, "Connections of clients."),
    ServerFigure("blocked_clients", .count, .gauge, .pressure, "Clients inside of a blocking command, such as BLPOP or WAIT."),
    ServerFigure("rejected_connections", .count, .counter, .pressure, "Connections refused because of 'maxclients'."),
    ServerFigure("used_memory", .bytes, .gauge, .state, "Memory of the data and of the server."),
    ServerFigure("memory_limit_used", .share, .gauge, .pressure, "Memory used, of 'maxmemory'; nothing where there is no limit."),
    ServerFigure("evicted_keys", .count, .counter, .pressure, "Keys thrown out because of 'maxmemory'."),
    ServerFigure("expired_keys", .count, .counter, .work, "Keys whose time had come."),
    ServerFigure("keyspace_hits", .count, .counter, .work, "Look-ups that found their key."),
    ServerFigure("keyspace_misses", .count, .counter, .work, "Look-ups that did not."),
    ServerFigure(
      "hit_share", .share, .quotient(of: "keyspace_hits", and: "keyspace_misses"), .state, "Share of the look-ups that found their key."),
    ServerFigure("keys", .count, .gauge, .state, "Keys in the connection's database."),
    ServerFigure("net_input", .bytes, .counter, .work, "Received from clients."),
    ServerFigure("net_output", .bytes, .counter, .work, "Sent to clients."),
    ServerFigure(
      "slow_commands", .count, .counter, .pressure, plot: "slow log",
      "Commands that came into the slow log ('slowlog-log-slower-than', 10 ms by default)."),
    ServerFigure("slowest_command", .nanoseconds, .gauge, .pressure, "The longest of these since the last look; 0 if there was none."),
    ServerFigure("latest_fork", .nanoseconds, .gauge, .state, "How long the last fork for a snapshot or rewrite held everything up."),
    ServerFigure("forks", .count, .counter, .pressure, "Forks for snapshots and rewrites; from version 6.2 on."),
    ServerFigure("replication_lag_bytes", .bytes, .gauge, .pressure, "What the slowest replica has not acknowledged yet."),
  ])
}
