import ChainProgram
import PostgresConnector
import Testing

@Suite struct SQLEffectTests {
  private func effect(_ sql: String) -> Effect { PostgresConnector().schema.verbs[0].effect(sql) }

  @Test(arguments: [
    "SELECT amount FROM orders WHERE id = ?", "select count(*), max(id) from orders", "SELECT 'DELETE FROM x' AS text",
    "SELECT \"update\" FROM t", "-- insert\nSELECT 1", "/* a /* nested */ DROP */ SELECT 1", "SELECT $$INSERT INTO t$$",
    "SELECT $tag$DELETE; $$ x$tag$", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1), (2)", "TABLE orders", "SHOW server_version",
    "EXPLAIN DELETE FROM orders", "SELECT pg_sleep(1)", "SELECT 1;", "SELECT E'it\\'s; DELETE' , 2", "SELECT x.updated FROM x",
    "SELECT amount::numeric(10,2) FROM t WHERE id IN (1, 2)", "SELECT jsonb_build_object('a', 1)",
  ])
  func `statements that only read are told`(sql: String) { #expect(effect(sql) == .reads) }

  @Test(arguments: [
    "INSERT INTO t VALUES (?)", "update t set a = 1", "DELETE FROM t", "TRUNCATE t", "SELECT * INTO u FROM t", "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR KEY SHARE", "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "SELECT nextval('s')",
    "CREATE TABLE t (a int)",
    "DROP TABLE t", "EXPLAIN ANALYZE DELETE FROM t",
  ])
  func `statements that write are told`(sql: String) { #expect(effect(sql) == .writes) }

  @Test(arguments: [
    "SELECT place_order(?)", "SELECT public.count(1)", "SELECT \"Count\"(1)", "CALL p()", "DO $$ BEGIN END $$", "SELECT 1; DELETE FROM t",
    "",
    "SET x = 1", "COMMIT",
  ])
  func `what cannot be told is unclear`(sql: String) { #expect(effect(sql) == .unclear) }

  @Test func `dropping a database destroys`() {
    #expect(effect("DROP DATABASE orders") == .destroys("DROP DATABASE"))
    #expect(effect("drop schema public cascade") == .destroys("DROP SCHEMA"))
  }
}
