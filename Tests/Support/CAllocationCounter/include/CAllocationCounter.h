#ifndef CALLOCATIONCOUNTER_H
#define CALLOCATIONCOUNTER_H

#include <stdint.h>

/// Allocations that the calling thread has asked for since it began: malloc, calloc, realloc, posix_memalign and aligned_alloc.
///
/// Counted by functions of those names in the test executable, which the dynamic linker finds before glibc's; they pass the request
/// on to glibc's own (`__libc_malloc` and its like), so that `free` needs no counterpart.
uint64_t callocationcounter_thread_count(void);

#endif
