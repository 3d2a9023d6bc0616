// What a ledger costs a hand-written client: each committed event is kept and found again by its id when the cache shows it, all entries are
// read once more at the end and compared, and a row is written for each event.
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int64_t id;
  uint64_t sent, acknowledged, first_seen;
  uint32_t times_seen;
  bool committed, matched, present_at_end, matched_at_end;
  char amount[12];
} Event;

static FILE *rows;
static Event *events;
static size_t event_count, event_capacity, seen_count;

// From id to place in `events`: open addressing, linear probing; ids that follow each other stand side by side. -1 is an empty place.
static struct Entry {
  int64_t id;
  int64_t event;
} *entries;
static size_t entry_mask;

static size_t home_of(int64_t id) {
  uint64_t block = ((uint64_t)id >> 4) * 0x9E3779B97F4A7C15u >> 20;
  return (size_t)(block << 4 | ((uint64_t)id & 15)) & entry_mask;
}

static void place(int64_t id, int64_t event) {
  size_t at = home_of(id);
  while (entries[at].event >= 0) at = (at + 1) & entry_mask;
  entries[at] = (struct Entry){id, event};
}

static void grow_table(void) {
  entry_mask = entry_mask ? entry_mask * 2 + 1 : 1023;
  free(entries);
  entries = malloc((entry_mask + 1) * sizeof *entries);
  for (size_t at = 0; at <= entry_mask; at++) entries[at].event = -1;
  for (size_t at = 0; at < event_count; at++) place(events[at].id, (int64_t)at);
}

// The event with this id, made if nobody has told of it yet: the cache may show it before the database has acknowledged it.
static Event *event_of(int64_t id) {
  for (size_t at = home_of(id); entries[at].event >= 0; at = (at + 1) & entry_mask)
    if (entries[at].id == id) return &events[entries[at].event];
  if (event_count == event_capacity) {
    event_capacity = event_capacity ? event_capacity * 2 : 1024;
    events = realloc(events, event_capacity * sizeof *events);
  }
  events[event_count] = (Event){.id = id};
  event_count++;
  if (event_count * 2 > entry_mask) grow_table();
  else place(id, (int64_t)event_count - 1);
  return &events[event_count - 1];
}

bool ledger_is_kept(void) { return rows != NULL; }

void ledger_open(const char *path) {
  rows = fopen(path, "w");
  if (!rows) fail("%s cannot be written", path);
  grow_table();
}

void ledger_committed(const User *user, uint64_t sent, uint64_t acknowledged) {
  if (!rows) return;
  Event *event = event_of(user->order_id);
  event->sent = sent;
  event->acknowledged = acknowledged;
  event->committed = true;
  memcpy(event->amount, user->amount, sizeof event->amount);
}

void ledger_seen(int64_t id, uint64_t now) {
  if (!rows) return;
  Event *event = event_of(id);
  if (event->times_seen++ > 0) return;
  event->first_seen = now;
  seen_count++;
}

void ledger_compared(int64_t id, bool right) {
  if (rows) event_of(id)->matched = right;
}

static void entry_read(size_t number, const char *value, size_t length) {
  Event *event = &events[number];
  event->present_at_end = value != NULL;
  event->matched_at_end = value && amount_is(value, length, event->amount, strlen(event->amount));
}

// Reads all entries and writes a row for each event; the number of those that are not as they should be.
uint64_t ledger_close(void) {
  if (!rows) return 0;
  // The last notices may still be on their way.
  uint64_t patience = now_nanoseconds() + 1000000000u;
  while (seen_count < event_count && now_nanoseconds() < patience) loop_turn(patience);
  redis_read_all(event_count, sizeof *events, &events[0].id, entry_read);
  uint64_t wrong = 0;
  fputs("event,id,sent_ns,acked_ns,hop,seen_ns,outcome,anomalies\n", rows);
  for (size_t at = 0; at < event_count; at++) {
    Event *event = &events[at];
    const char *outcome = !event->committed ? "phantom" : !event->times_seen ? "lost" : !event->matched ? "mismatch" : "ok";
    const char *anomaly = event->times_seen > 1 ? "duplicate" : !event->present_at_end ? "missing" : !event->matched_at_end ? "stale" : "";
    wrong += strcmp(outcome, "ok") != 0 || *anomaly;
    fprintf(rows, "order_created,%lld,%llu,%llu,cached,%llu,%s,%s\n", (long long)event->id, (unsigned long long)event->sent,
            (unsigned long long)event->acknowledged, (unsigned long long)event->first_seen, outcome, anomaly);
  }
  if (fclose(rows) != 0) fail("the rows cannot be written");
  return wrong;
}
