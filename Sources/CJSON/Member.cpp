// One scalar member of a small plain object, found in one pass without a tape: what the mapping of a sighting asks for.
#include "CJSON.h"

#include <cstring>

namespace {

// RFC 8259 over plain ASCII text without escapes. Whatever else stands there is left to cjson_parse: to read it, or to say what is wrong.
class PlainScan {
 public:
  PlainScan(const uint8_t *text, size_t length, const uint8_t *key, size_t keyLength) : text(text), length(length), key(key), keyLength(keyLength) {}

  size_t offset = 0, bytes = 0;
  bool isScalar = false;

  bool run() {
    space();
    if (at >= length || text[at] != '{' || !value(0)) return false;
    space();
    return at == length;
  }

 private:
  const uint8_t *text;
  size_t length;
  const uint8_t *key;
  size_t keyLength;
  size_t at = 0;

  void space() {
    while (at < length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) at++;
  }

  bool is(uint8_t c) {
    if (at >= length || text[at] != c) return false;
    at++;
    return true;
  }

  // Leaves the content's place in `begin` and `end`.
  bool string(size_t &begin, size_t &end) {
    if (!is('"')) return false;
    begin = at;
    const uint8_t *c = text + at, *stop = text + length;
    while (c < stop && *c != '"' && *c != '\\' && (uint8_t)(*c - 0x20) < 0x60) c++;
    end = at = (size_t)(c - text);
    return is('"');
  }

  bool digits() {
    const uint8_t *c = text + at, *stop = text + length;
    while (c < stop && (uint8_t)(*c - '0') < 10) c++;
    bool isThere = c > text + at;
    at = (size_t)(c - text);
    return isThere;
  }

  bool number() {
    is('-');
    if (!is('0') && !digits()) return false;
    if (is('.') && !digits()) return false;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
      at++;
      if (at < length && (text[at] == '+' || text[at] == '-')) at++;
      return digits();
    }
    return true;
  }

  bool literal(const char *word, size_t count) {
    if (length - at < count || memcmp(text + at, word, count) != 0) return false;
    at += count;
    return true;
  }

  // The value that begins at `at`; `depth` containers are open.
  bool value(int depth) {
    if (at >= length) return false;
    size_t begin, end;
    switch (text[at]) {
      case '"': return string(begin, end);
      case 't': return literal("true", 4);
      case 'f': return literal("false", 5);
      case 'n': return literal("null", 4);
      case '{':
      case '[': return container(depth);
      default: return number();
    }
  }

  bool container(int depth) {
    if (depth == CJSON_MAX_DEPTH) return false;
    bool isObject = text[at++] == '{';
    uint8_t close = isObject ? '}' : ']';
    space();
    if (is(close)) return true;
    for (;;) {
      bool isWanted = false;
      space();
      if (isObject) {
        size_t begin, end;
        if (!string(begin, end)) return false;
        isWanted = depth == 0 && end - begin == keyLength && memcmp(text + begin, key, keyLength) == 0;
        space();
        if (!is(':')) return false;
        space();
      }
      size_t start = at;
      if (!value(depth + 1)) return false;
      if (isWanted) note(start);
      space();
      if (is(',')) continue;
      return is(close);
    }
  }

  // The last member with the key counts.
  void note(size_t start) {
    uint8_t c = text[start];
    isScalar = c == '"' || c == '-' || (c >= '0' && c <= '9');
    size_t quotes = c == '"' ? 1 : 0;
    offset = start + quotes;
    bytes = at - start - 2 * quotes;
  }
};

}  // namespace

extern "C" int cjson_plain_member(
    const uint8_t *text, size_t length, const uint8_t *key, size_t key_length, size_t *offset, size_t *bytes) {
  PlainScan scan(text, length, key, key_length);
  if (!scan.run() || !scan.isScalar) return 0;
  *offset = scan.offset;
  *bytes = scan.bytes;
  return 1;
}
