#ifndef CVIRTUALCLOCK_H
#define CVIRTUALCLOCK_H

#include <stdint.h>

/// A clock of its own for the calling thread: from `begin` to `end`, CLOCK_MONOTONIC is what this says, and an `epoll_pwait2` that finds
/// nothing ready does not wait but moves the clock on by its timeout, or to where the thread's `timerfd_settime` goes off. A reactor, and
/// everything on it, then lives through hours in moments, each timer at its exact time, on however busy a machine. A thread has one reactor.
///
/// Done by functions of those names in the test executable, which the dynamic linker finds before glibc's. Other threads are not concerned.
void cvirtualclock_begin(uint64_t nanoseconds);
void cvirtualclock_end(void);

/// Moves the thread's clock on, as work or a standstill would.
void cvirtualclock_advance(uint64_t nanoseconds);

/// While virtual time runs: its now; 0 otherwise.
uint64_t cvirtualclock_now(void);

#endif
