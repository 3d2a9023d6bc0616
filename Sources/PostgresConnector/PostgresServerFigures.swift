import ChainProgram

extension PostgresConnector {
  /// What PostgreSQL tells about itself: `pg_stat_activity` of the connection's database without the probe's own session, `pg_stat_database`,
  /// `pg_stat_wal`, `pg_stat_bgwriter` (`pg_stat_checkpointer` from 17 on) and `pg_stat_replication`.
  static let serverView = ServerViewSchema(figures: [
    ServerFigure("backends", .count, .gauge, .state, "Sessions of clients in the database."),
    ServerFigure("active", .count, .gauge, .state, plot: "sessions", "Sessions inside of a statement, waiting or not."),
    ServerFigure("running", .count, .gauge, .state, "Of these, sessions that wait for nothing that the server knows of: on a CPU, or about to be."),
    ServerFigure("idle_in_transaction", .count, .gauge, .pressure, plot: "sessions", "Sessions that have a transaction open and do nothing in it."),
    ServerFigure("waiting", .count, .gauge, .pressure, "Active sessions that wait for anything but their client."),
    ServerFigure("waiting_lock", .count, .gauge, .pressure, plot: "waits", "Active sessions that wait for a lock of rows, tables or transactions (Lock)."),
    ServerFigure("waiting_lwlock", .count, .gauge, .pressure, plot: "waits", "Active sessions that wait for a lock on memory of the server (LWLock)."),
    ServerFigure("waiting_io", .count, .gauge, .pressure, plot: "waits", "Active sessions that wait for a file (IO)."),
    ServerFigure("waiting_client", .count, .gauge, .state, "Active sessions that wait for their client to read or send (Client)."),
    ServerFigure("waiting_other", .count, .gauge, .pressure, plot: "waits", "Active sessions that wait for anything else (IPC, BufferPin, Timeout, Extension)."),
    ServerFigure("longest_transaction", .nanoseconds, .gauge, .pressure, "Age of the oldest transaction that a client has open."),
    ServerFigure("connections_used", .share, .gauge, .pressure, "Sessions of clients in all databases, of 'max_connections'."),
    ServerFigure("commits", .count, .counter, .work, plot: "transactions", "Transactions that were committed."),
    ServerFigure("rollbacks", .count, .counter, .work, plot: "transactions", "Transactions that were rolled back."),
    ServerFigure("blocks_read", .count, .counter, .work, "Blocks of 8 KiB that were not in the server's memory."),
    ServerFigure("blocks_hit", .count, .counter, .work, "Blocks that were."),
    ServerFigure("cache_hit", .share, .quotient(of: "blocks_hit", and: "blocks_read"), .state, "Share of the blocks that were."),
    ServerFigure("deadlocks", .count, .counter, .pressure, "Deadlocks that the server broke by failing a transaction."),
    ServerFigure("temp_bytes", .bytes, .counter, .pressure, "Written to temporary files by sorts and hashes that did not fit into memory."),
    ServerFigure("rows_returned", .count, .counter, .work, "Rows that scans read."),
    ServerFigure("rows_fetched", .count, .counter, .work, "Rows that index scans fetched."),
    ServerFigure("rows_inserted", .count, .counter, .work, "Rows inserted."),
    ServerFigure("rows_updated", .count, .counter, .work, "Rows updated."),
    ServerFigure("rows_deleted", .count, .counter, .work, "Rows deleted."),
    ServerFigure("wal_bytes", .bytes, .counter, .work, "Written to the write-ahead log; of the whole server, from version 14 on."),
    ServerFigure("checkpoints", .count, .counter, .pressure, "Checkpoints, for the time or because they were asked for; of the whole server."),
    ServerFigure("checkpoints_requested", .count, .counter, .pressure, "Of these, those that were asked for, mostly because the log had grown."),
    ServerFigure("replicas", .count, .gauge, .state, "Replicas that stream from this server."),
    ServerFigure(
      "replication_lag", .nanoseconds, .gauge, .pressure, plot: "replication lag",
      "On a primary the largest replay lag of its replicas; on a replica the age of what it replayed last, 0 if it has replayed all that it got."),
    ServerFigure("replication_lag_bytes", .bytes, .gauge, .pressure, "Write-ahead log that the slowest replica has not replayed yet."),
  ])
}
