#define _GNU_SOURCE
#include "CVirtualClock.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

// initial-exec: reading it needs no call, and so no clock and no allocation.
static __thread uint64_t now __attribute__((tls_model("initial-exec")));
// When the thread's timer goes off; 0 when it will not. A reactor has one.
static __thread uint64_t alarm_at __attribute__((tls_model("initial-exec")));

void cvirtualclock_begin(uint64_t nanoseconds) { now = nanoseconds, alarm_at = 0; }
void cvirtualclock_end(void) { now = 0, alarm_at = 0; }
void cvirtualclock_advance(uint64_t nanoseconds) { now += nanoseconds; }
uint64_t cvirtualclock_now(void) { return now; }

// glibc's own, which asks the kernel's shared page and makes no system call.
static int (*next_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void find_next(void) { next_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime"); }

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (now != 0 && clock == CLOCK_MONOTONIC) {
    time->tv_sec = (time_t)(now / 1000000000ull);
    time->tv_nsec = (long)(now % 1000000000ull);
    return 0;
  }
  if (next_clock_gettime) return next_clock_gettime(clock, time);
  return (int)syscall(SYS_clock_gettime, clock, time);
}

int timerfd_settime(int descriptor, int flags, const struct itimerspec *when, struct itimerspec *previous) {
  if (now == 0) return (int)syscall(SYS_timerfd_settime, descriptor, flags, when, previous);
  alarm_at = (uint64_t)when->it_value.tv_sec * 1000000000ull + (uint64_t)when->it_value.tv_nsec;
  return 0;
}

int epoll_pwait2(int epoll, struct epoll_event *events, int capacity, const struct timespec *timeout, const sigset_t *mask) {
  if (now == 0) return (int)syscall(SYS_epoll_pwait2, epoll, events, capacity, timeout, mask, 8);
  struct timespec none = {0};
  int count = (int)syscall(SYS_epoll_pwait2, epoll, events, capacity, &none, mask, 8);
  if (count == 0 && timeout) {
    uint64_t end = now + (uint64_t)timeout->tv_sec * 1000000000ull + (uint64_t)timeout->tv_nsec;
    if (alarm_at != 0 && alarm_at < end) end = alarm_at > now ? alarm_at : now;
    now = end;
  }
  if (alarm_at <= now) alarm_at = 0;
  return count;
}
