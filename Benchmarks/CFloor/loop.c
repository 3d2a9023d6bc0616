#include "floor.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int epoll_descriptor;

uint64_t now_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("CFloor: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(3);
}

void loop_open(void) {
  // The kernel may delay a timed wait by 50 us otherwise (prctl(2)): nobody wants to be measured against that.
  prctl(PR_SET_TIMERSLACK, 1);
  epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_descriptor < 0) fail("epoll_create1: %s", strerror(errno));
}

void loop_watch(Source *source, uint32_t mask) {
  if (mask == source->mask) return;
  struct epoll_event event = {.events = mask, .data = {.ptr = source}};
  int operation = source->mask == 0 ? EPOLL_CTL_ADD : mask == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll_descriptor, operation, source->fd, &event) < 0 && mask != 0) fail("epoll_ctl: %s", strerror(errno));
  source->mask = mask;
}

// A binary heap; a user is in it once at most.
static struct Timer {
  uint64_t when;
  User *user;
} *timers;
static size_t timer_count, timer_capacity;

void loop_at(uint64_t when, User *user) {
  if (timer_count == timer_capacity) {
    timer_capacity = timer_capacity ? timer_capacity * 2 : 256;
    timers = realloc(timers, timer_capacity * sizeof *timers);
  }
  size_t at = timer_count++;
  for (; at > 0 && timers[(at - 1) / 2].when > when; at = (at - 1) / 2) timers[at] = timers[(at - 1) / 2];
  timers[at] = (struct Timer){when, user};
}

static User *timer_pop(void) {
  User *first = timers[0].user;
  struct Timer last = timers[--timer_count];
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < timer_count; at = child) {
    if (child + 1 < timer_count && timers[child + 1].when < timers[child].when) child++;
    if (timers[child].when >= last.when) break;
    timers[at] = timers[child];
  }
  timers[at] = last;
  return first;
}

void loop_turn(uint64_t wake_at) {
  redis_flush();
  rabbitmq_flush();
  uint64_t http_at = http_timer();
  if (http_at < wake_at) wake_at = http_at;
  if (timer_count > 0 && timers[0].when < wake_at) wake_at = timers[0].when;
  uint64_t now = now_nanoseconds();
  uint64_t pause = wake_at > now ? wake_at - now : 0;
  struct timespec limit = {.tv_sec = (time_t)(pause / 1000000000u), .tv_nsec = (long)(pause % 1000000000u)};
  struct epoll_event events[256];
  int count = epoll_pwait2(epoll_descriptor, events, 256, &limit, NULL);
  if (count < 0 && errno != EINTR) fail("epoll_pwait2: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    Source *source = events[i].data.ptr;
    source->ready(source, events[i].events);
  }
  if (timer_count > 0 || http_at != UINT64_MAX) {
    now = now_nanoseconds();
    while (timer_count > 0 && timers[0].when <= now) user_timer(timer_pop());
    if (http_timer() <= now) http_timer_fired();
  }
}

char *buffer_room(Buffer *buffer, size_t wanted) {
  if (buffer->end + wanted > buffer->capacity) {
    buffer->capacity = (buffer->end + wanted) * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->capacity);
  }
  return buffer->bytes + buffer->end;
}

void buffer_send(Buffer *buffer, Source *source) {
  if (buffer->start == buffer->end) return;
  ssize_t sent = send(source->fd, buffer->bytes + buffer->start, buffer->end - buffer->start, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
  if (sent > 0) buffer->start += (size_t)sent;
  bool all = buffer->start == buffer->end;
  if (all) buffer->start = buffer->end = 0;
  loop_watch(source, all ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

Address address_from(const char *variable, int default_port) {
  const char *text = getenv(variable);
  if (!text) fail("%s is not set", variable);
  CURLU *url = curl_url();
  if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME)) fail("%s is no address", variable);
  Address address = {.port = default_port};
  char *port = NULL;
  curl_url_get(url, CURLUPART_HOST, &address.host, 0);
  curl_url_get(url, CURLUPART_USER, &address.user, CURLU_URLDECODE);
  curl_url_get(url, CURLUPART_PASSWORD, &address.password, CURLU_URLDECODE);
  curl_url_get(url, CURLUPART_PATH, &address.path, CURLU_URLDECODE);
  if (!curl_url_get(url, CURLUPART_PORT, &port, 0)) address.port = atoi(port);
  curl_url_cleanup(url);
  return address;
}

int tcp_connect(const Address *address) {
  char port[16];
  snprintf(port, sizeof port, "%d", address->port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
  if (getaddrinfo(address->host, port, &hints, &found)) fail("no such host: %s", address->host);
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0) fail("%s:%s: %s", address->host, port, strerror(errno));
  freeaddrinfo(found);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

size_t write_number(char *to, uint64_t value) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  for (size_t i = 0; i < count; i++) to[i] = digits[count - 1 - i];
  return count;
}
