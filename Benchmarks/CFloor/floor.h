// The floor: what a client written by hand in C pays for the work that chainrun does from a chain file.
// One thread, one epoll loop; a virtual user is a struct and the callbacks below are its states.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Source Source;
typedef struct User User;

// What epoll watches; `ready` is told the events.
struct Source {
  void (*ready)(Source *source, uint32_t events);
  int fd;
  uint32_t mask;
};

struct User {
  int index;
  uint64_t intended_start;  // when the iteration should have begun (open load) or began (closed load)
  uint64_t step_start;
  int64_t order_id;
  char amount[16];
  int amount_length;
  bool get_in_flight, noticed;
  uint64_t wait_start;
  User *next;  // in the queue for a database connection, or in the list of idle users
};

// The loop. Times are nanoseconds of CLOCK_MONOTONIC.
uint64_t now_nanoseconds(void);
void loop_open(void);
void loop_watch(Source *source, uint32_t mask);  // adds, changes or (mask 0) removes
void loop_at(uint64_t when, User *user);         // calls user_timer
void loop_turn(uint64_t wake_at);                // waits for events or timers until `wake_at`, handles them, flushes

// An output buffer that is sent once a turn.
typedef struct {
  char *bytes;
  size_t start, end, capacity;
} Buffer;
char *buffer_room(Buffer *buffer, size_t wanted);
void buffer_send(Buffer *buffer, Source *source);  // exits on a broken connection

// Addresses, taken apart; exits when the variable is missing or wrong.
typedef struct {
  char *host, *user, *password, *path;
  int port;
} Address;
Address address_from(const char *variable, int default_port);
int tcp_connect(const Address *address);
_Noreturn void fail(const char *format, ...);
size_t write_number(char *to, uint64_t value);

// PostgreSQL: one prepared statement, a pool, a queue in front of it.
void postgres_open(int connections, bool insert);
void postgres_insert(User *user, const char *amount);  // then user_inserted
void postgres_read(User *user, int64_t id);            // then user_read
extern int64_t postgres_first_id, postgres_last_id;
void user_inserted(User *user, int64_t id);
void user_read(User *user, bool found);

// Redis: commands of all users on a few connections, in order.
void redis_open(int connections, bool push);
void redis_get(User *user, const char *key, size_t length);  // then user_got
void redis_await(User *user, int64_t order);                  // from now on user_noticed is called when order:<id> is written
void redis_forget(int64_t order);
void redis_flush(void);
// Reads order:<id> for `count` ids, each `stride` bytes after the one before, and waits for all of them.
void redis_read_all(size_t count, size_t stride, const int64_t *ids, void (*read)(size_t number, const char *value, size_t length));
void redis_fill(int keys);  // bench:0 ... before the run
void user_got(User *user, const char *value, size_t length);  // NULL when the key is not there
void user_noticed(User *user);

// RabbitMQ: one channel with confirms.
void rabbitmq_open(const char *routing_key, int users);
void rabbitmq_publish(User *user, int64_t order, const char *amount, int amount_length);  // then user_confirmed
void rabbitmq_flush(void);
void user_confirmed(User *user, bool taken);

// HTTP: libcurl, one easy handle per user.
void http_open(int users, const char *path);
void http_get(User *user);  // then user_answered
uint64_t http_timer(void);  // when libcurl wants to be called, or UINT64_MAX
void http_timer_fired(void);
void user_answered(User *user, long status);

// The ledger, if there is one.
void ledger_open(const char *path);
bool ledger_is_kept(void);
void ledger_committed(const User *user, uint64_t sent, uint64_t acknowledged);
void ledger_seen(int64_t id, uint64_t now);
void ledger_compared(int64_t id, bool right);
uint64_t ledger_close(void);  // the number of events that are not as they should be
bool amount_is(const char *value, size_t length, const char *amount, size_t amount_length);

void user_timer(User *user);
