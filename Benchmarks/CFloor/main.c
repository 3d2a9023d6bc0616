#include "floor.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char usage[] =
    "usage: CFloor MODE [options]\n"
    "  MODE                  order | redis-get | pg-read | publish | http-get\n"
    "  --users N             virtual users (16)\n"
    "  --seconds S           how long new iterations begin (5)\n"
    "  --iterations N        instead of --seconds: how many iterations in all\n"
    "  --rate R              open load: R iterations a second begin, whatever the answers do\n"
    "  --wait push|poll      how 'order' waits for the cache (push)\n"
    "  --pg-pool N           PostgreSQL connections (users, at most 16)\n"
    "  --redis-connections N (1; users for redis-get)\n"
    "  --routing-key KEY     for 'publish' (bench.none, which no queue is bound to)\n"
    "  --path PATH           for 'http-get' (/items)\n"
    "  --ledger FILE         'order' keeps every event, reads all entries at the end and writes a row for each\n"
    "addresses come from ORDERS_DB, ORDERS_MQ, ORDERS_CACHE, ORDERS_API\n";

enum Mode { ORDER, REDIS_GET, PG_READ, PUBLISH, HTTP_GET };
static const char *const mode_names[] = {"order", "redis-get", "pg-read", "publish", "http-get"};

enum Step { INSERT, SEND, WAIT, ITERATION, STEPS };
static const char *const step_names[] = {"insert", "publish", "wait", "iteration"};

// Log-linear: 128 places for each doubling, so a percentile is right to 0.8 %.
typedef struct {
  uint64_t count;
  uint32_t places[64 * 128];
} Histogram;
static Histogram histograms[STEPS];

static void record(enum Step step, uint64_t nanoseconds) {
  unsigned at = (unsigned)nanoseconds;
  if (nanoseconds >= 128) {
    unsigned shift = 63u - (unsigned)__builtin_clzll(nanoseconds) - 7u;
    at = (shift + 1) * 128 + (unsigned)(nanoseconds >> shift) - 128;
  }
  histograms[step].places[at]++;
  histograms[step].count++;
}

static double percentile_us(const Histogram *histogram, double share) {
  uint64_t wanted = (uint64_t)((double)histogram->count * share + 0.5), seen = 0;
  if (wanted < 1) wanted = 1;
  for (unsigned at = 0; at < 64 * 128; at++) {
    seen += histogram->places[at];
    if (seen < wanted) continue;
    if (at < 128) return at / 1e3;
    unsigned shift = at / 128 - 1;
    return ((double)((uint64_t)(at % 128 + 128) << shift) + (double)(1ull << shift) / 2) / 1e3;
  }
  return 0;
}

static enum Mode mode;
static int user_count = 16;
static bool push = true;
static double rate;
static uint64_t begin_until, iterations_left = UINT64_MAX;
static uint64_t iterations, wrong, gets, running;
static uint64_t next_arrival, arrival_gap;
static User *idle_users;
static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static void begin(User *user, uint64_t intended) {
  user->intended_start = intended;
  user->step_start = now_nanoseconds();
  running++;
  if (iterations_left != UINT64_MAX) iterations_left--;
  switch (mode) {
    case ORDER:
    case PUBLISH: {
      uint64_t cents = 100 + next_random() % 49901;
      size_t length = write_number(user->amount, cents / 100);
      user->amount[length++] = '.';
      user->amount[length++] = (char)('0' + cents / 10 % 10);
      user->amount[length++] = (char)('0' + cents % 10);
      user->amount[length] = 0;
      user->amount_length = (int)length;
      if (mode == ORDER) postgres_insert(user, user->amount);
      else rabbitmq_publish(user, (int64_t)iterations + 1, user->amount, user->amount_length);
      break;
    }
    case REDIS_GET: {
      char key[32] = "bench:";
      redis_get(user, key, 6 + write_number(key + 6, next_random() % 1000));
      break;
    }
    case PG_READ: postgres_read(user, postgres_first_id + (int64_t)(next_random() % 1000)); break;
    case HTTP_GET: http_get(user); break;
  }
}

static void end(User *user, bool right) {
  uint64_t now = now_nanoseconds();
  record(ITERATION, now - user->intended_start);
  iterations++;
  running--;
  wrong += !right;
  if (rate == 0 && now < begin_until && iterations_left > 0) {
    begin(user, now);
  } else if (rate > 0 && next_arrival <= now && next_arrival < begin_until && iterations_left > 0) {
    // Overdue: its response time counts from when it should have begun.
    uint64_t intended = next_arrival;
    next_arrival += arrival_gap;
    begin(user, intended);
  } else {
    user->next = idle_users;
    idle_users = user;
  }
}

static void step_ended(User *user, enum Step step) {
  uint64_t now = now_nanoseconds();
  record(step, now - user->step_start);
  user->step_start = now;
}

static void look(User *user) {
  char key[32] = "order:";
  user->get_in_flight = true;
  user->noticed = false;
  gets++;
  redis_get(user, key, 6 + write_number(key + 6, (uint64_t)user->order_id));
}

void user_inserted(User *user, int64_t id) {
  uint64_t sent = user->step_start;
  step_ended(user, INSERT);
  user->order_id = id;
  ledger_committed(user, sent, user->step_start);
  rabbitmq_publish(user, id, user->amount, user->amount_length);
}

void user_confirmed(User *user, bool taken) {
  if (mode == PUBLISH) {
    end(user, taken);
    return;
  }
  step_ended(user, SEND);
  if (!taken) {
    end(user, false);
    return;
  }
  user->wait_start = user->step_start;
  if (push) redis_await(user, user->order_id);
  look(user);
}

bool amount_is(const char *value, size_t length, const char *amount, size_t amount_length) {
  const char *found = memmem(value, length, "\"amount\":", 9);
  if (found) found += 9 + (found[9] == ' ');
  return found && found + amount_length < value + length && memcmp(found, amount, amount_length) == 0;
}

void user_got(User *user, const char *value, size_t length) {
  if (mode == REDIS_GET) {
    end(user, value != NULL);
    return;
  }
  user->get_in_flight = false;
  if (!value) {
    if (!push) {
      uint64_t now = now_nanoseconds(), quarter = (now - user->wait_start) / 4;
      loop_at(now + (quarter > 50000 ? quarter : 50000), user);
    } else if (user->noticed) {
      look(user);
    }
    return;
  }
  if (push) redis_forget(user->order_id);
  step_ended(user, WAIT);
  bool right = amount_is(value, length, user->amount, (size_t)user->amount_length);
  ledger_compared(user->order_id, right);
  end(user, right);
}

void user_noticed(User *user) {
  // A notice that overtakes the reply of the first GET is remembered; that reply may say "nothing there".
  if (user->get_in_flight) user->noticed = true;
  else look(user);
}

void user_timer(User *user) { look(user); }
void user_read(User *user, bool found) { end(user, found); }
void user_answered(User *user, long status) { end(user, status == 200); }

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void report(double seconds, double cpu) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double count = iterations > 0 ? (double)iterations : 1;
  printf("{\"mode\":\"%s\",\"users\":%d", mode_names[mode], user_count);
  if (mode == ORDER) printf(",\"wait\":\"%s\",\"gets_per_iteration\":%.3f", push ? "push" : "poll", (double)gets / count);
  if (rate > 0) printf(",\"rate\":%.1f", rate);
  printf(",\"iterations\":%llu,\"wrong\":%llu,\"seconds\":%.3f,\"iterations_per_second\":%.1f", (unsigned long long)iterations,
         (unsigned long long)wrong, seconds, (double)iterations / seconds);
  printf(",\"cpu_seconds\":%.3f,\"cpu_us_per_iteration\":%.2f,\"max_rss_kb\":%ld,\"steps\":{", cpu, cpu * 1e6 / count, used.ru_maxrss);
  for (int step = mode == ORDER ? INSERT : ITERATION; step < STEPS; step++) {
    printf("\"%s\":{\"p50_us\":%.1f,\"p99_us\":%.1f}%s", step_names[step], percentile_us(&histograms[step], 0.5),
           percentile_us(&histograms[step], 0.99), step < ITERATION ? "," : "");
  }
  printf("}}\n");
}

int main(int count, char **arguments) {
  static const struct option options[] = {
      {"users", 1, 0, 'u'}, {"seconds", 1, 0, 's'}, {"iterations", 1, 0, 'i'}, {"rate", 1, 0, 'r'}, {"wait", 1, 0, 'w'},
      {"pg-pool", 1, 0, 'p'}, {"redis-connections", 1, 0, 'c'}, {"routing-key", 1, 0, 'k'}, {"path", 1, 0, 'h'}, {"ledger", 1, 0, 'l'}, {0}};
  double seconds = 5;
  int pool = 0, redis_connections = 0;
  uint64_t wanted = 0;
  const char *routing_key = NULL, *path = "/items", *ledger = NULL;
  for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
    switch (option) {
      case 'u': user_count = atoi(optarg); break;
      case 's': seconds = atof(optarg); break;
      case 'i': wanted = strtoull(optarg, NULL, 10); break;
      case 'r': rate = atof(optarg); break;
      case 'w': push = strcmp(optarg, "poll") != 0; break;
      case 'p': pool = atoi(optarg); break;
      case 'c': redis_connections = atoi(optarg); break;
      case 'k': routing_key = optarg; break;
      case 'h': path = optarg; break;
      case 'l': ledger = optarg; break;
      default: fputs(usage, stderr); return 2;
    }
  }
  int found = -1;
  for (int i = 0; optind < count && i <= HTTP_GET; i++)
    if (strcmp(arguments[optind], mode_names[i]) == 0) found = i;
  if (found < 0 || user_count < 1 || seconds <= 0 || rate < 0) {
    fputs(usage, stderr);
    return 2;
  }
  mode = (enum Mode)found;
  signal(SIGPIPE, SIG_IGN);
  if (pool == 0) pool = user_count < 16 ? user_count : 16;
  if (redis_connections == 0) redis_connections = mode == REDIS_GET ? user_count : 1;
  if (mode == ORDER) redis_connections = 1;

  loop_open();
  if (mode == ORDER || mode == PG_READ) postgres_open(pool, mode == ORDER);
  if (mode == ORDER || mode == REDIS_GET) redis_open(redis_connections, mode == ORDER && push);
  if (mode == REDIS_GET) redis_fill(1000);
  if (mode == ORDER || mode == PUBLISH) {
    rabbitmq_open(routing_key ? routing_key : mode == ORDER ? "order.created" : "bench.none", user_count);
  }
  if (mode == ORDER && ledger) ledger_open(ledger);
  if (mode == HTTP_GET) http_open(user_count, path);

  User *users = calloc((size_t)user_count, sizeof *users);
  double cpu_before = cpu_seconds();
  uint64_t started = now_nanoseconds();
  begin_until = wanted ? UINT64_MAX : started + (uint64_t)(seconds * 1e9);
  if (wanted) iterations_left = wanted;
  if (rate > 0) {
    arrival_gap = (uint64_t)(1e9 / rate);
    next_arrival = started;
  }
  for (int i = 0; i < user_count; i++) {
    users[i].index = i;
    if (rate == 0 && iterations_left > 0) {
      begin(&users[i], now_nanoseconds());
    } else {
      users[i].next = idle_users;
      idle_users = &users[i];
    }
  }
  bool arriving = rate > 0;
  while (running > 0 || arriving) {
    uint64_t now = now_nanoseconds();
    while (arriving && idle_users && next_arrival <= now && next_arrival < begin_until && iterations_left > 0) {
      User *user = idle_users;
      idle_users = user->next;
      uint64_t intended = next_arrival;
      next_arrival += arrival_gap;
      begin(user, intended);
    }
    arriving = rate > 0 && next_arrival < begin_until && iterations_left > 0;
    // Without the begin of an iteration for ten seconds after the last, something is lost: say so instead of waiting for ever.
    uint64_t hopeless = begin_until == UINT64_MAX ? now + 10000000000u : begin_until + 10000000000u;
    if (now >= hopeless) fail("%llu iterations did not end within 10 s", (unsigned long long)running);
    loop_turn(arriving && idle_users && next_arrival < hopeless ? next_arrival : hopeless);
  }
  report((double)(now_nanoseconds() - started) / 1e9, cpu_seconds() - cpu_before);
  wrong += ledger_close();
  return wrong == 0 ? 0 : 1;
}
