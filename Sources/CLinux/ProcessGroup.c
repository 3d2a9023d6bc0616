// Starts a command in a process group of its own, so that it can be ended with everything it has started. What is used here is behind
// _GNU_SOURCE, which Swift does not define.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "CLinux.h"

int clinux_spawn_group(const char *file, char *const arguments[], char *const environment[], const char *folder, int output, pid_t *process) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  if ((error = posix_spawnattr_init(&attributes))) {
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  // Signals are blocked in our threads, and ignored ones stay ignored across exec(2): the command begins as a shell would begin it.
  if (!error) error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!error) error = posix_spawnattr_setpgroup(&attributes, 0);
  if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
  if (!error && folder) error = posix_spawn_file_actions_addchdir_np(&actions, folder);
  if (!error) error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, 2);
  // Sockets of connectors and the journal are nobody else's business, whatever their libraries have set on them.
  if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!error) error = posix_spawnp(process, file, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

int clinux_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int clinux_process_has_ended(pid_t process) {
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return errno == EINTR ? 0 : 1;
  return info.si_pid == process;
}

int clinux_reap(pid_t process, int *status, int *signal) {
  int word = 0;
  pid_t reaped;
  do reaped = waitpid(process, &word, 0);
  while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return -1;
  *signal = WIFSIGNALED(word) ? WTERMSIG(word) : 0;
  *status = WIFEXITED(word) ? WEXITSTATUS(word) : 0;
  return 0;
}

char *const *clinux_environment(void) { return environ; }
