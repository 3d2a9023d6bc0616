internal import Glibc

/// Signals are the main thread's business.
package enum ThreadSignals {
  /// Blocks in the calling thread every signal but those that its own faults raise: a blocked fault would end the process without the
  /// handlers that print a backtrace and give the terminal back (sigprocmask(2), "undefined").
  package static func leaveToMainThread() {
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&signals, fault) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
