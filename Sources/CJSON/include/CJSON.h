// The C face of simdjson 3.0.1: JSON text in, a flat tape of nodes out, number text untouched.
// Why stage 1 of simdjson and a walk of our own: docs/decisions/json.md.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CJSON_MAX_DEPTH = 64 };

typedef enum {
  CJSON_NULL = 0,
  CJSON_FALSE,
  CJSON_TRUE,
  CJSON_NUMBER,
  CJSON_STRING,
  CJSON_ARRAY,
  CJSON_OBJECT
} cjson_kind;

typedef enum {
  CJSON_OK = 0,
  CJSON_EMPTY,
  CJSON_TOO_LARGE,
  CJSON_TOO_DEEP,
  CJSON_BAD_UTF8,
  CJSON_BAD_STRING,
  CJSON_UNCLOSED_STRING,
  CJSON_BAD_NUMBER,
  CJSON_BAD_LITERAL,
  CJSON_UNEXPECTED,
  CJSON_TRAILING,
  CJSON_OUT_OF_MEMORY
} cjson_status;

// One value. A container's descendants follow it directly; `next` is the first node after them.
// In an object every key is a string node of its own, directly before its value.
typedef struct {
  uint32_t kind;    // cjson_kind
  uint32_t offset;  // number, literal, container: into `bytes`, the text as it came; string: its unescaped content
  uint32_t length;  // bytes from offset
  uint32_t next;    // index of the node after this value's subtree
  uint32_t count;   // elements or members; 0 for scalars
} cjson_node;

// One malloc block: nodes, then the text, then the unescaped strings that differ from their text.
typedef struct {
  void *storage;
  const cjson_node *nodes;
  const uint8_t *bytes;
  uint32_t node_count;
  uint32_t text_length;
} cjson_document;

// Copies and parses `text`; needs no padding. On success the caller owns `out->storage` (cjson_free). Never throws.
// `error_offset`: the byte at which the text stopped being JSON, or 0 where only the kind of error is known.
cjson_status cjson_parse(const uint8_t *text, size_t length, size_t max_length, cjson_document *out, size_t *error_offset);
void cjson_free(void *storage);

// The number or string that the object `text` has under `key`, without a parse: 1 and its content's place (a string's without its quotes),
// or 0 where only cjson_parse can tell: no such member, another kind of value, escapes, anything that is not ASCII, or no JSON at all.
int cjson_plain_member(const uint8_t *text, size_t length, const uint8_t *key, size_t key_length, size_t *offset, size_t *bytes);

#ifdef __cplusplus
}
#endif
