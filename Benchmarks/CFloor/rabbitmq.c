// librabbitmq as a codec: it logs in with its own blocking calls; from then on only its encoder and decoder are used.
#include "floor.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static Source source;
static Buffer out;
static amqp_connection_state_t state;
static char publish_frame[512];
static size_t publish_length;
static User **waiting;  // a ring by delivery tag
static uint64_t waiting_mask, next_tag = 1, oldest_tag = 1;

static size_t frame_header(char *to, int type, size_t length) {
  to[0] = (char)type;
  to[1] = 0;
  to[2] = 1;
  to[3] = (char)(length >> 24);
  to[4] = (char)(length >> 16);
  to[5] = (char)(length >> 8);
  to[6] = (char)length;
  return 7;
}

static void settled(uint64_t tag, bool multiple, bool taken) {
  for (uint64_t at = multiple ? oldest_tag : tag; at <= tag; at++) {
    User *user = waiting[at & waiting_mask];
    waiting[at & waiting_mask] = NULL;
    if (user) user_confirmed(user, taken);
  }
  while (oldest_tag < next_tag && !waiting[oldest_tag & waiting_mask]) oldest_tag++;
}

static void ready(Source *self, uint32_t events) {
  if (events & EPOLLOUT) buffer_send(&out, self);
  if (!(events & ~(uint32_t)EPOLLOUT)) return;
  char bytes[65536];
  ssize_t count = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count == 0) fail("RabbitMQ closed the connection");
  if (count < 0) {
    if (errno == EAGAIN) return;
    fail("RabbitMQ: %s", strerror(errno));
  }
  amqp_bytes_t rest = {.len = (size_t)count, .bytes = bytes};
  while (rest.len > 0) {
    amqp_frame_t frame;
    int used = amqp_handle_input(state, rest, &frame);
    if (used < 0) fail("RabbitMQ: %s", amqp_error_string2(used));
    rest.bytes = (char *)rest.bytes + used;
    rest.len -= (size_t)used;
    if (frame.frame_type != AMQP_FRAME_METHOD) continue;
    switch (frame.payload.method.id) {
      case AMQP_BASIC_ACK_METHOD: {
        amqp_basic_ack_t *ack = frame.payload.method.decoded;
        settled(ack->delivery_tag, ack->multiple, true);
        break;
      }
      case AMQP_BASIC_NACK_METHOD: {
        amqp_basic_nack_t *nack = frame.payload.method.decoded;
        settled(nack->delivery_tag, nack->multiple, false);
        break;
      }
      case AMQP_CHANNEL_CLOSE_METHOD:
      case AMQP_CONNECTION_CLOSE_METHOD: {
        amqp_channel_close_t *closed = frame.payload.method.decoded;  // both begin with code and text
        fail("RabbitMQ: %.*s", (int)closed->reply_text.len, (char *)closed->reply_text.bytes);
      }
      default: break;
    }
  }
  amqp_maybe_release_buffers(state);
}

static void check(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("RabbitMQ: %s failed", what);
}

void rabbitmq_open(const char *routing_key, int users) {
  Address address = address_from("ORDERS_MQ", 5672);
  state = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(state);
  if (amqp_socket_open(socket, address.host, address.port)) fail("RabbitMQ: %s:%d cannot be reached", address.host, address.port);
  const char *vhost = address.path && strlen(address.path) > 1 ? address.path + 1 : "/";
  check(amqp_login(state, vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, address.user, address.password), "logging in");
  amqp_channel_open(state, 1);
  check(amqp_get_rpc_reply(state), "opening a channel");
  amqp_confirm_select(state, 1);
  check(amqp_get_rpc_reply(state), "asking for confirms");

  uint64_t capacity = 1024;
  while (capacity < (uint64_t)users * 4) capacity *= 2;
  waiting = calloc(capacity, sizeof *waiting);
  waiting_mask = capacity - 1;

  amqp_basic_publish_t publish = {.exchange = amqp_cstring_bytes("orders"), .routing_key = amqp_cstring_bytes(routing_key)};
  amqp_bytes_t room = {.len = sizeof publish_frame - 12, .bytes = publish_frame + 11};
  int length = amqp_encode_method(AMQP_BASIC_PUBLISH_METHOD, &publish, room);
  if (length < 0) fail("RabbitMQ: the routing key is too long");
  frame_header(publish_frame, AMQP_FRAME_METHOD, (size_t)length + 4);
  memcpy(publish_frame + 7, "\0\074\0\050", 4);  // class 60, method 40
  publish_frame[11 + length] = (char)AMQP_FRAME_END;
  publish_length = (size_t)length + 12;

  source = (Source){.ready = ready, .fd = amqp_get_sockfd(state)};
  loop_watch(&source, EPOLLIN);
}

void rabbitmq_publish(User *user, int64_t order, const char *amount, int amount_length) {
  char body[128], id[24];
  memcpy(body, "{\"order_id\":", 12);
  size_t id_length = write_number(id, (uint64_t)order);
  size_t body_length = 12;
  memcpy(body + body_length, id, id_length);
  body_length += id_length;
  memcpy(body + body_length, ",\"amount\":", 10);
  body_length += 10;
  memcpy(body + body_length, amount, (size_t)amount_length);
  body_length += (size_t)amount_length;
  body[body_length++] = '}';

  char *start = buffer_room(&out, publish_length + 512), *at = start;
  memcpy(at, publish_frame, publish_length);
  at += publish_length;

  amqp_basic_properties_t properties = {
      ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
      .content_type = {.len = 16, .bytes = "application/json"},
      .delivery_mode = 2,
      .message_id = {.len = id_length, .bytes = id}};
  amqp_bytes_t room = {.len = 256, .bytes = at + 19};
  int length = amqp_encode_properties(AMQP_BASIC_CLASS, &properties, room);
  frame_header(at, AMQP_FRAME_HEADER, (size_t)length + 12);
  memcpy(at + 7, "\0\074\0\0\0\0\0\0\0\0\0", 11);
  at[18] = (char)body_length;
  at += 19 + length;
  *at++ = (char)AMQP_FRAME_END;

  at += frame_header(at, AMQP_FRAME_BODY, body_length);
  memcpy(at, body, body_length);
  at += body_length;
  *at++ = (char)AMQP_FRAME_END;
  out.end += (size_t)(at - start);
  waiting[next_tag++ & waiting_mask] = user;
}

void rabbitmq_flush(void) {
  if (out.end && !(source.mask & EPOLLOUT)) buffer_send(&out, &source);
}
