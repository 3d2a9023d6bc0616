// Gives a terminal back when a signal ends the process: a hidden cursor and a silent keyboard would outlive it.
//
// A signal handler can only see static memory: this is the one place in the project that has any. It is written by the main thread while no
// handler is installed, and read by the handlers.
#include "CLinux.h"
#include <errno.h>
#include <string.h>
#include <termios.h>

static const int guarded[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGQUIT, SIGHUP, SIGXCPU};
enum { guarded_count = sizeof guarded / sizeof guarded[0] };

static struct sigaction previous[guarded_count];
static struct termios saved;
static int terminal = -1;
static volatile sig_atomic_t is_active = 0;

// Only what signal-safety(7) lists: write, tcsetattr, sigaction, raise.
static void give_back(void) {
  if (!is_active) return;
  is_active = 0;
  static const char text[] = "\r\033[0m\033[?25h";
  ssize_t ignored = write(terminal, text, sizeof text - 1);
  (void)ignored;
  tcsetattr(terminal, TCSANOW, &saved);
}

static void handle(int number, siginfo_t *info, void *context) {
  (void)context;
  int error = errno;
  give_back();
  for (int index = 0; index < guarded_count; index++)
    if (guarded[index] == number) sigaction(number, &previous[index], 0);
  // A fault happens again when the handler returns, and then meets the previous handler; everything else must be sent again.
  int is_fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
  if (!is_fault || info->si_code <= 0) raise(number);
  errno = error;
}

int clinux_terminal_take(int descriptor) {
  if (is_active) return 0;
  if (tcgetattr(descriptor, &saved) != 0) return -1;
  terminal = descriptor;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int index = 0; index < guarded_count; index++) sigaction(guarded[index], &action, &previous[index]);
  is_active = 1;
  struct termios silent = saved;
  silent.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  silent.c_cc[VMIN] = 0;
  silent.c_cc[VTIME] = 0;
  if (tcsetattr(descriptor, TCSANOW, &silent) != 0) {
    clinux_terminal_give_back();
    return -1;
  }
  return 0;
}

void clinux_terminal_give_back(void) {
  if (!is_active) return;
  give_back();
  for (int index = 0; index < guarded_count; index++) sigaction(guarded[index], &previous[index], 0);
}
