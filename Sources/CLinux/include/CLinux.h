#pragma once
// What `import Glibc` does not have: epoll, eventfd, timerfd, signalfd, and the socket options behind macros.
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
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

// Asks for the cache lines in which the `bytes` from `at` on lie: they are about to be read and written. A hint, which never faults.
static inline void clinux_prefetch(const void *at, unsigned long bytes) {
  const char *end = (const char *)at + bytes;
  for (const char *line = (const char *)((uintptr_t)at & ~63ul); line < end; line += 64) __builtin_prefetch(line, 1);
}

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
// Asks the scheduler for slices of `nanoseconds` for the calling thread: since Linux 6.12 a fair thread with a short slice is run sooner after
// it wakes, and no longer in all (sched_setattr(2), `sched_runtime` of SCHED_OTHER). Earlier kernels take the call and change nothing; one
// that refuses it changes nothing either. The C library has no wrapper for it, and its header and the kernel's define the same names.
static inline void clinux_set_slice(unsigned long nanoseconds) {
  struct { unsigned size, policy; unsigned long flags; int nice; unsigned priority; unsigned long runtime, deadline, period; } attributes =
      {.size = 48, .policy = SCHED_OTHER, .nice = getpriority(PRIO_PROCESS, 0), .runtime = nanoseconds};
  if (sched_getscheduler(0) == SCHED_OTHER) syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static inline void clinux_set_timer_slack(unsigned long nanoseconds) { prctl(PR_SET_TIMERSLACK, nanoseconds); }
static inline int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, uint64_t timeout_nanoseconds) {
  struct timespec timeout = {.tv_sec = (time_t)(timeout_nanoseconds / 1000000000ull), .tv_nsec = (long)(timeout_nanoseconds % 1000000000ull)};
  return epoll_pwait2(epoll, events, capacity, &timeout, 0);
}

// The flags are enumerations in C, each a type of its own in Swift.
static inline int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int clinux_timer_descriptor(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }
// Readable from `nanoseconds` of CLOCK_MONOTONIC on; at once if that has passed.
static inline int clinux_timer_set(int descriptor, uint64_t nanoseconds) {
  struct itimerspec when = {.it_value = {.tv_sec = (time_t)(nanoseconds / 1000000000ull), .tv_nsec = (long)(nanoseconds % 1000000000ull)}};
  return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &when, 0);
}
static inline int clinux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int clinux_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }
static inline int clinux_connect(int descriptor, const void *address, uint32_t length) {
  return connect(descriptor, (const struct sockaddr *)address, length);
}
static inline long clinux_send(int descriptor, const void *bytes, unsigned long count) {
  return send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}
static inline long clinux_receive(int descriptor, void *bytes, unsigned long count) { return recv(descriptor, bytes, count, MSG_DONTWAIT); }

// With SO_TIMESTAMPNS a read also tells when the last of its bytes reached this host (CLOCK_REALTIME, nanoseconds; 0 where it is not known).
static inline int clinux_enable_receive_stamps(int descriptor) {
  int on = 1;
  return setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}
static inline long clinux_receive_stamped(int descriptor, void *bytes, unsigned long count, int64_t *arrived) {
  struct iovec part = {.iov_base = bytes, .iov_len = count};
  union { char bytes[CMSG_SPACE(sizeof(struct timespec))]; struct cmsghdr alignment; } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  long received = recvmsg(descriptor, &message, MSG_DONTWAIT);
  *arrived = 0;
  if (received <= 0) return received;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SO_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
    *arrived = (int64_t)stamp.tv_sec * 1000000000ll + (int64_t)stamp.tv_nsec;
  }
  return received;
}

// sched_getaffinity(2) by its number: the C library's wrapper and its set type are behind _GNU_SOURCE. One bit for each processor that this
// thread may use, in 64-bit words. The number of words; 0 if it fails.
static inline int clinux_affinity(uint64_t *words, int capacity) {
  long bytes = syscall(SYS_sched_getaffinity, 0, (unsigned long)capacity * sizeof words[0], words);
  return bytes > 0 ? (int)(bytes / (long)sizeof words[0]) : 0;
}

// The signals that the main thread takes care of, as a descriptor; they must be blocked in every thread. -1 if it fails.
static inline int clinux_signal_descriptor(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGWINCH);
  sigaddset(&set, SIGTSTP);
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}
static inline int clinux_take_signal(int descriptor) {
  struct signalfd_siginfo info;
  return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

// TerminalGuard.c: makes a terminal silent and unbuffered, and gives it back, also when a signal ends the process. Main thread only.
int clinux_terminal_take(int descriptor);
void clinux_terminal_give_back(void);

// ProcessGroup.c: starts a command as the leader of a process group of its own, in a folder, with nothing to read, and with its standard
// output and error in `output`; all other descriptors are closed. A name without a '/' is looked for on our PATH. 0, or errno.
int clinux_spawn_group(const char *file, char *const arguments[], char *const environment[], const char *folder, int output, pid_t *process);
// A descriptor that becomes readable when the process ends (Linux 5.3); -1 if it fails.
int clinux_process_descriptor(pid_t process);
// Whether it has ended; it is not reaped, so its number and its group's stay its own.
int clinux_process_has_ended(pid_t process);
// Waits for the end. Its exit status, or the signal that ended it; -1 if it is no child of ours.
int clinux_reap(pid_t process, int *status, int *signal);
// The environment of this process: `NAME=value`, ended by a null. Nothing in this program changes it.
char *const *clinux_environment(void);
