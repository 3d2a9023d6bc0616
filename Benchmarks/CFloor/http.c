// libcurl's multi interface on the loop: the bare client that HTTP steps are compared with.
#include "floor.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static CURLM *multi;
static CURL **handles;
static char *url;
static uint64_t timer_at = UINT64_MAX;

static void finished(void) {
  CURLMsg *message;
  int rest;
  while ((message = curl_multi_info_read(multi, &rest))) {
    if (message->msg != CURLMSG_DONE) continue;
    if (message->data.result) fail("HTTP: %s", curl_easy_strerror(message->data.result));
    CURL *easy = message->easy_handle;
    User *user;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, easy);
    user_answered(user, status);
  }
}

static void ready(Source *source, uint32_t events) {
  int running, mask = 0;
  if (events & EPOLLIN) mask |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
  if (events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
  curl_multi_socket_action(multi, source->fd, mask, &running);
  finished();
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ours, void *data) {
  Source *source = data;
  if (what == CURL_POLL_REMOVE) {
    if (source) {
      loop_watch(source, 0);
      free(source);
    }
    curl_multi_assign(multi, fd, NULL);
    return 0;
  }
  if (!source) {
    source = calloc(1, sizeof *source);
    *source = (Source){.ready = ready, .fd = fd};
    curl_multi_assign(multi, fd, source);
  }
  loop_watch(source, (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0));
  return 0;
}

static int timer_wanted(CURLM *ours, long milliseconds, void *data) {
  timer_at = milliseconds < 0 ? UINT64_MAX : now_nanoseconds() + (uint64_t)milliseconds * 1000000u;
  return 0;
}

uint64_t http_timer(void) { return timer_at; }

void http_timer_fired(void) {
  int running;
  timer_at = UINT64_MAX;
  curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  finished();
}

static size_t swallow(char *bytes, size_t size, size_t count, void *ours) { return size * count; }

void http_open(int users, const char *path) {
  const char *base = getenv("ORDERS_API");
  if (!base) fail("ORDERS_API is not set");
  url = malloc(strlen(base) + strlen(path) + 1);
  strcat(strcpy(url, base), path);
  curl_global_init(CURL_GLOBAL_ALL);
  multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)users);
  handles = calloc((size_t)users, sizeof *handles);
}

void http_get(User *user) {
  CURL *easy = handles[user->index];
  if (!easy) {
    easy = handles[user->index] = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, user);
  }
  curl_multi_add_handle(multi, easy);
}
