// libpq's asynchronous calls on prepared statements, one query in flight per connection.
#include "floor.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

typedef struct Connection {
  Source source;
  PGconn *link;
  User *user;
  bool found;  // what has come of the answer so far
  int64_t id;
  struct Connection *next_idle;
} Connection;

int64_t postgres_first_id, postgres_last_id;
static bool inserting;
static Connection *idle;
static User *queue_first, *queue_last;

static void ready(Source *source, uint32_t events);

static char *ask(PGconn *link, const char *sql) {
  PGresult *result = PQexec(link, sql);
  if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK) fail("%s", PQerrorMessage(link));
  char *value = PQntuples(result) > 0 ? strdup(PQgetvalue(result, 0, 0)) : NULL;
  PQclear(result);
  return value;
}

void postgres_open(int connections, bool insert) {
  inserting = insert;
  const char *address = getenv("ORDERS_DB");
  if (!address) fail("ORDERS_DB is not set");
  const char *sql = insert ? "INSERT INTO orders (customer_id, amount, run_id) VALUES ($1, $2, 'floor') RETURNING id"
                           : "SELECT amount FROM orders WHERE id = $1";
  for (int i = 0; i < connections; i++) {
    Connection *connection = calloc(1, sizeof *connection);
    connection->link = PQconnectdb(address);
    if (PQstatus(connection->link) != CONNECTION_OK) fail("%s", PQerrorMessage(connection->link));
    if (i == 0 && !insert) {
      free(ask(connection->link, "INSERT INTO orders (customer_id, amount, run_id) SELECT i, 12.10, 'bench' FROM generate_series(1, 1000) i"));
      postgres_last_id = atoll(ask(connection->link, "SELECT max(id) FROM orders"));
      postgres_first_id = postgres_last_id - 999;
    }
    PGresult *result = PQprepare(connection->link, "s", sql, 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("%s", PQerrorMessage(connection->link));
    PQclear(result);
    PQsetnonblocking(connection->link, 1);
    connection->source = (Source){.ready = ready, .fd = PQsocket(connection->link)};
    loop_watch(&connection->source, EPOLLIN);
    connection->next_idle = idle;
    idle = connection;
  }
}

static void submit(Connection *connection, User *user) {
  char id[24];
  const char *parameters[2];
  int count;
  connection->user = user;
  connection->found = false;
  connection->id = -1;
  if (inserting) {
    id[write_number(id, (uint64_t)user->index + 1)] = 0;
    parameters[0] = id;
    parameters[1] = user->amount;
    count = 2;
  } else {
    id[write_number(id, (uint64_t)user->order_id)] = 0;
    parameters[0] = id;
    count = 1;
  }
  if (!PQsendQueryPrepared(connection->link, "s", count, parameters, NULL, NULL, 0)) fail("%s", PQerrorMessage(connection->link));
  if (PQflush(connection->link) == 1) loop_watch(&connection->source, EPOLLIN | EPOLLOUT);
}

static void enqueue(User *user) {
  if (idle) {
    Connection *connection = idle;
    idle = connection->next_idle;
    submit(connection, user);
    return;
  }
  user->next = NULL;
  if (queue_first) queue_last->next = user;
  else queue_first = user;
  queue_last = user;
}

void postgres_insert(User *user, const char *amount) { enqueue(user); }

void postgres_read(User *user, int64_t id) {
  user->order_id = id;
  enqueue(user);
}

static void ready(Source *source, uint32_t events) {
  Connection *connection = (Connection *)source;
  if (events & EPOLLOUT && PQflush(connection->link) == 0) loop_watch(source, EPOLLIN);
  if (!PQconsumeInput(connection->link)) fail("%s", PQerrorMessage(connection->link));
  User *user = connection->user;
  if (!user) return;
  while (!PQisBusy(connection->link)) {
    PGresult *result = PQgetResult(connection->link);
    if (!result) {
      // All of the answer is here: the connection goes on to the next in the queue before the user goes on to its next step.
      bool found = connection->found;
      int64_t id = connection->id;
      connection->user = NULL;
      User *next = queue_first;
      if (next) {
        queue_first = next->next;
        submit(connection, next);
      } else {
        connection->next_idle = idle;
        idle = connection;
      }
      if (inserting) user_inserted(user, id);
      else user_read(user, found);
      return;
    }
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail("%s", PQerrorMessage(connection->link));
    if (PQntuples(result) == 1) {
      connection->found = true;
      if (inserting) connection->id = atoll(PQgetvalue(result, 0, 0));
    }
    PQclear(result);
  }
}
