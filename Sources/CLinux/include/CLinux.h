#pragma once
// What `import Glibc` does not have: epoll, eventfd, timerfd, signalfd, and the socket options behind macros.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// epoll's 64 bits of user data are a union in C; Swift sees them through these.
static inline int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}
static inline int clinux_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}
static inline int clinux_epoll_delete(int epoll, int descriptor) { return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, 0); }
static inline uint64_t clinux_epoll_data(const struct epoll_event *event) { return event->data.u64; }

// CLOCK_MONOTONIC in nanoseconds, without a Swift struct in between.
static inline uint64_t clinux_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}
static inline int64_t clinux_realtime_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000ll + (int64_t)now.tv_nsec;
}

// The kernel may delay a timed wait by the thread's slack, 50 us unless told otherwise (prctl(2), PR_SET_TIMERSLACK).
static inline void clinux_set_timer_slack(unsigned long nanoseconds) { prctl(PR_SET_TIMERSLACK, nanoseconds); }
static inline int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, uint64_t timeout_nanoseconds) {
  struct timespec timeout = {.tv_sec = (time_t)(timeout_nanoseconds / 1000000000ull), .tv_nsec = (long)(timeout_nanoseconds % 1000000000ull)};
  return epoll_pwait2(epoll, events, capacity, &timeout, 0);
}
