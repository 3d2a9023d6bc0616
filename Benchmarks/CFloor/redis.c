// hiredis as encoder and decoder over our own buffers: commands of one turn leave in one send.
#include "floor.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

typedef struct {
  Source source;
  redisReader *reader;
  Buffer out;
  User **waiting;  // a ring: whose reply comes next
  size_t waiting_start, waiting_count, waiting_capacity;
} Link;

static Link *links, notices;
static int link_count;

// Which user waits for which order: open addressing, linear probing; 0 is an empty place.
static struct Place {
  int64_t order;
  User *user;
} *places;
static size_t place_mask;

static size_t place_of(int64_t order) { return ((uint64_t)order * 0x9E3779B97F4A7C15u >> 20) & place_mask; }

void redis_await(User *user, int64_t order) {
  size_t at = place_of(order);
  while (places[at].order) at = (at + 1) & place_mask;
  places[at] = (struct Place){order, user};
}

static struct Place *find(int64_t order) {
  for (size_t at = place_of(order); places[at].order; at = (at + 1) & place_mask)
    if (places[at].order == order) return &places[at];
  return NULL;
}

void redis_forget(int64_t order) {
  struct Place *place = find(order);
  if (!place) return;
  size_t hole = (size_t)(place - places);
  places[hole].order = 0;
  for (size_t at = (hole + 1) & place_mask; places[at].order; at = (at + 1) & place_mask) {
    // Whoever could have stood in the hole moves there.
    if (((at - place_of(places[at].order)) & place_mask) < ((at - hole) & place_mask)) continue;
    places[hole] = places[at];
    places[at].order = 0;
    hole = at;
  }
}

static void append(Link *link, int count, const char **words, const size_t *lengths, User *user) {
  char *command = NULL;
  int length = redisFormatCommandArgv(&command, count, words, lengths);
  memcpy(buffer_room(&link->out, (size_t)length), command, (size_t)length);
  link->out.end += (size_t)length;
  free(command);
  if (link->waiting_count == link->waiting_capacity) {
    size_t capacity = link->waiting_capacity ? link->waiting_capacity * 2 : 1024;
    User **larger = malloc(capacity * sizeof *larger);
    for (size_t i = 0; i < link->waiting_count; i++) larger[i] = link->waiting[(link->waiting_start + i) & (link->waiting_capacity - 1)];
    free(link->waiting);
    link->waiting = larger;
    link->waiting_start = 0;
    link->waiting_capacity = capacity;
  }
  link->waiting[(link->waiting_start + link->waiting_count++) & (link->waiting_capacity - 1)] = user;
}

void redis_get(User *user, const char *key, size_t length) {
  const char *words[2] = {"GET", key};
  size_t lengths[2] = {3, length};
  append(&links[user->index % link_count], 2, words, lengths, user);
}

void redis_flush(void) {
  for (int i = 0; i < link_count; i++)
    if (links[i].out.end && !(links[i].source.mask & EPOLLOUT)) buffer_send(&links[i].out, &links[i].source);
}

static bool feed(Link *link) {
  char bytes[65536];
  ssize_t count = recv(link->source.fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count == 0) fail("Redis closed the connection");
  if (count < 0 && errno != EAGAIN) fail("Redis: %s", strerror(errno));
  if (count > 0) redisReaderFeed(link->reader, bytes, (size_t)count);
  return count > 0;
}

static redisReply *next_reply(Link *link) {
  void *reply = NULL;
  if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) fail("Redis: %s", link->reader->errstr);
  return reply;
}

static void ready(Source *source, uint32_t events) {
  Link *link = (Link *)source;
  if (events & EPOLLOUT) buffer_send(&link->out, source);
  if (!(events & ~(uint32_t)EPOLLOUT) || !feed(link)) return;
  redisReply *reply;
  while ((reply = next_reply(link))) {
    if (reply->type == REDIS_REPLY_ERROR) fail("Redis: %s", reply->str);
    User *user = link->waiting[link->waiting_start];
    link->waiting_start = (link->waiting_start + 1) & (link->waiting_capacity - 1);
    link->waiting_count--;
    bool found = reply->type == REDIS_REPLY_STRING;
    user_got(user, found ? reply->str : NULL, found ? (size_t)reply->len : 0);
    freeReplyObject(reply);
  }
}

// ["message", "__redis__:invalidate", ["order:17", ...]]
static void notices_ready(Source *source, uint32_t events) {
  if (!feed(&notices)) return;
  uint64_t now = ledger_is_kept() ? now_nanoseconds() : 0;
  redisReply *reply;
  while ((reply = next_reply(&notices))) {
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[2]->type == REDIS_REPLY_ARRAY) {
      redisReply *keys = reply->element[2];
      for (size_t i = 0; i < keys->elements; i++) {
        if (keys->element[i]->len <= 6) continue;
        int64_t id = atoll(keys->element[i]->str + 6);
        ledger_seen(id, now);
        struct Place *place = find(id);
        if (place) user_noticed(place->user);
      }
    }
    freeReplyObject(reply);
  }
}

// A command and its answer before the run, with waiting.
static redisReply *ask(Link *link, int count, const char **words) {
  size_t lengths[8];
  for (int i = 0; i < count; i++) lengths[i] = strlen(words[i]);
  char *command = NULL;
  int length = redisFormatCommandArgv(&command, count, words, lengths);
  if (send(link->source.fd, command, (size_t)length, MSG_NOSIGNAL) != length) fail("Redis: %s", strerror(errno));
  free(command);
  redisReply *reply;
  char bytes[4096];
  while (!(reply = next_reply(link))) {
    ssize_t got = recv(link->source.fd, bytes, sizeof bytes, 0);
    if (got <= 0) fail("Redis closed the connection");
    redisReaderFeed(link->reader, bytes, (size_t)got);
  }
  if (reply->type == REDIS_REPLY_ERROR) fail("Redis: %s", reply->str);
  return reply;
}

static void open_link(Link *link, void (*handler)(Source *, uint32_t)) {
  Address address = address_from("ORDERS_CACHE", 6379);
  link->reader = redisReaderCreate();
  link->source = (Source){.ready = handler, .fd = tcp_connect(&address)};
  if (address.password) {
    const char *words[3] = {"AUTH", address.user && *address.user ? address.user : "default", address.password};
    freeReplyObject(ask(link, 3, words));
  }
}

void redis_open(int connections, bool push) {
  link_count = connections;
  links = calloc((size_t)connections, sizeof *links);
  for (int i = 0; i < connections; i++) open_link(&links[i], ready);
  place_mask = (1u << 16) - 1;
  places = calloc(place_mask + 1, sizeof *places);
  if (push) {
    open_link(&notices, notices_ready);
    const char *id_words[2] = {"CLIENT", "ID"};
    redisReply *id = ask(&notices, 2, id_words);
    char text[24];
    snprintf(text, sizeof text, "%lld", id->integer);
    freeReplyObject(id);
    const char *subscribe[2] = {"SUBSCRIBE", "__redis__:invalidate"};
    freeReplyObject(ask(&notices, 2, subscribe));
    const char *tracking[8] = {"CLIENT", "TRACKING", "ON", "REDIRECT", text, "BCAST", "PREFIX", "order:"};
    freeReplyObject(ask(&links[0], 8, tracking));
    loop_watch(&notices.source, EPOLLIN);
  }
  for (int i = 0; i < connections; i++) loop_watch(&links[i].source, EPOLLIN);
}

void redis_read_all(size_t count, size_t stride, const int64_t *ids, void (*read)(size_t number, const char *value, size_t length)) {
  enum { BATCH = 500 };
  for (size_t first = 0; first < count; first += BATCH) {
    size_t end = first + BATCH < count ? first + BATCH : count;
    for (size_t number = first; number < end; number++) {
      char key[32] = "order:";
      int64_t id = *(const int64_t *)((const char *)ids + number * stride);
      const char *words[2] = {"GET", key};
      size_t lengths[2] = {3, 6 + write_number(key + 6, (uint64_t)id)};
      char *command = NULL;
      int length = redisFormatCommandArgv(&command, 2, words, lengths);
      memcpy(buffer_room(&links[0].out, (size_t)length), command, (size_t)length);
      links[0].out.end += (size_t)length;
      free(command);
    }
    buffer_send(&links[0].out, &links[0].source);
    if (links[0].out.end) fail("Redis does not take %d commands at once", BATCH);
    for (size_t number = first; number < end; number++) {
      redisReply *reply;
      char bytes[65536];
      while (!(reply = next_reply(&links[0]))) {
        ssize_t got = recv(links[0].source.fd, bytes, sizeof bytes, 0);
        if (got <= 0) fail("Redis closed the connection");
        redisReaderFeed(links[0].reader, bytes, (size_t)got);
      }
      bool found = reply->type == REDIS_REPLY_STRING;
      read(number, found ? reply->str : NULL, found ? (size_t)reply->len : 0);
      freeReplyObject(reply);
    }
  }
}

void redis_fill(int keys) {
  for (int i = 0; i < keys; i++) {
    char key[32];
    snprintf(key, sizeof key, "bench:%d", i);
    const char *words[3] = {"SET", key, "{\"order_id\": 9007199254740993, \"amount\": 12.10}"};
    freeReplyObject(ask(&links[0], 3, words));
  }
}
