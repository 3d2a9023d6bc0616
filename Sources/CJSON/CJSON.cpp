#include "CJSON.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>
#include <vector>

namespace {

constexpr size_t keptScratchBytes = 1 << 20;

// What a thread keeps between parses, so that a parse costs one allocation. Owned by its thread, seen by nobody.
struct Scratch {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  std::vector<cjson_node> nodes;
  std::vector<uint8_t> strings;

  bool reserve(size_t length) {
    if (!parser) {
      if (simdjson::get_active_implementation()->create_dom_parser_implementation(4096, CJSON_MAX_DEPTH, parser) != simdjson::SUCCESS) {
        return false;
      }
    }
    if (parser->capacity() < length + 1) {
      size_t capacity = 4096;
      while (capacity < length + 1) capacity *= 2;
      if (parser->set_capacity(capacity) != simdjson::SUCCESS) return false;
    }
    nodes.clear();
    strings.clear();
    return true;
  }

  void shrink() {
    if (parser && parser->capacity() > keptScratchBytes) parser.reset();
    if (nodes.capacity() * sizeof(cjson_node) > keptScratchBytes) std::vector<cjson_node>().swap(nodes);
    if (strings.capacity() > keptScratchBytes) std::vector<uint8_t>().swap(strings);
  }
};

thread_local Scratch scratch;

bool endsScalar(uint8_t c) {
  return c == ',' || c == '}' || c == ']' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool isDigit(uint8_t c) { return c >= '0' && c <= '9'; }

int hexValue(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Second stage: from simdjson's structural positions to the tape. Checks everything that stage 1 does not:
// the grammar, numbers, literals, escapes.
class Walk {
 public:
  Walk(const uint8_t *text, size_t length, const uint32_t *positions, size_t positionCount, Scratch &scratch)
      : text(text), length(length), positions(positions), positionCount(positionCount), scratch(scratch) {}

  size_t errorOffset = 0;

  cjson_status run() {
    struct Open { uint32_t node; bool isObject; };
    Open open[CJSON_MAX_DEPTH];
    size_t depth = 0;

    for (;;) {  // one value per turn
      if (at >= positionCount) return fail(length, CJSON_UNEXPECTED);
      size_t start = positions[at++];
      uint8_t c = text[start];
      if (c == '{' || c == '[') {
        if (depth == CJSON_MAX_DEPTH) return fail(start, CJSON_TOO_DEEP);
        open[depth++] = {static_cast<uint32_t>(scratch.nodes.size()), c == '{'};
        push(c == '{' ? CJSON_OBJECT : CJSON_ARRAY, start, 0);
        if (at >= positionCount) return fail(length, CJSON_UNEXPECTED);
        if (text[positions[at]] != (c == '{' ? '}' : ']')) {
          if (c == '{') {
            cjson_status status = key();
            if (status != CJSON_OK) return status;
          }
          continue;
        }
      } else {
        cjson_status status = scalar(start, c);
        if (status != CJSON_OK) return status;
        if (depth > 0) scratch.nodes[open[depth - 1].node].count++;
      }

      // A value has ended, or an empty container is about to: close as many containers as the text does.
      for (;;) {
        if (depth == 0) return at == positionCount ? CJSON_OK : fail(positions[at], CJSON_TRAILING);
        if (at >= positionCount) return fail(length, CJSON_UNEXPECTED);
        size_t position = positions[at++];
        Open &top = open[depth - 1];
        if (text[position] == (top.isObject ? '}' : ']')) {
          cjson_node &node = scratch.nodes[top.node];
          node.length = static_cast<uint32_t>(position + 1 - node.offset);
          node.next = static_cast<uint32_t>(scratch.nodes.size());
          depth--;
          if (depth > 0) scratch.nodes[open[depth - 1].node].count++;
          continue;
        }
        if (text[position] != ',') return fail(position, CJSON_UNEXPECTED);
        if (top.isObject) {
          cjson_status status = key();
          if (status != CJSON_OK) return status;
        }
        break;
      }
    }
  }

 private:
  const uint8_t *text;
  size_t length;
  const uint32_t *positions;
  size_t positionCount;
  Scratch &scratch;
  size_t at = 0;

  cjson_status fail(size_t offset, cjson_status status) {
    errorOffset = offset;
    return status;
  }

  void push(cjson_kind kind, size_t offset, size_t bytes) {
    scratch.nodes.push_back({static_cast<uint32_t>(kind), static_cast<uint32_t>(offset), static_cast<uint32_t>(bytes),
                             static_cast<uint32_t>(scratch.nodes.size() + 1), 0});
  }

  cjson_status key() {
    if (at >= positionCount) return fail(length, CJSON_UNEXPECTED);
    size_t start = positions[at++];
    if (text[start] != '"') return fail(start, CJSON_UNEXPECTED);
    cjson_status status = string(start);
    if (status != CJSON_OK) return status;
    if (at >= positionCount) return fail(length, CJSON_UNEXPECTED);
    size_t colon = positions[at++];
    return text[colon] == ':' ? CJSON_OK : fail(colon, CJSON_UNEXPECTED);
  }

  cjson_status scalar(size_t start, uint8_t c) {
    if (c == '"') return string(start);
    if (c == '-' || isDigit(c)) return number(start);
    if (c == 't') return literal(start, "true", 4, CJSON_TRUE);
    if (c == 'f') return literal(start, "false", 5, CJSON_FALSE);
    if (c == 'n') return literal(start, "null", 4, CJSON_NULL);
    return fail(start, CJSON_UNEXPECTED);
  }

  cjson_status literal(size_t start, const char *word, size_t bytes, cjson_kind kind) {
    if (length - start < bytes || memcmp(text + start, word, bytes) != 0) return fail(start, CJSON_BAD_LITERAL);
    if (start + bytes < length && !endsScalar(text[start + bytes])) return fail(start, CJSON_BAD_LITERAL);
    push(kind, start, bytes);
    return CJSON_OK;
  }

  cjson_status number(size_t start) {  // RFC 8259, section 6
    size_t i = start;
    if (text[i] == '-') i++;
    if (i < length && text[i] == '0') {
      i++;
    } else {
      size_t first = i;
      while (i < length && isDigit(text[i])) i++;
      if (i == first) return fail(start, CJSON_BAD_NUMBER);
    }
    if (i < length && text[i] == '.') {
      size_t first = ++i;
      while (i < length && isDigit(text[i])) i++;
      if (i == first) return fail(start, CJSON_BAD_NUMBER);
    }
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
      i++;
      if (i < length && (text[i] == '+' || text[i] == '-')) i++;
      size_t first = i;
      while (i < length && isDigit(text[i])) i++;
      if (i == first) return fail(start, CJSON_BAD_NUMBER);
    }
    if (i < length && !endsScalar(text[i])) return fail(start, CJSON_BAD_NUMBER);
    push(CJSON_NUMBER, start, i - start);
    return CJSON_OK;
  }

  cjson_status string(size_t start) {
    size_t begin = start + 1;
    size_t i = begin;
    while (i < length && text[i] != '"' && text[i] != '\\') i++;
    if (i >= length) return fail(start, CJSON_UNCLOSED_STRING);
    if (text[i] == '"') {
      push(CJSON_STRING, begin, i - begin);
      return CJSON_OK;
    }
    std::vector<uint8_t> &out = scratch.strings;
    size_t first = out.size();
    out.insert(out.end(), text + begin, text + i);
    for (;;) {
      if (i >= length) return fail(start, CJSON_UNCLOSED_STRING);
      uint8_t c = text[i++];
      if (c == '"') break;
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      if (i >= length) return fail(start, CJSON_UNCLOSED_STRING);
      size_t escape = i - 1;
      switch (text[i++]) {
        case '"': out.push_back('"'); break;
        case '\\': out.push_back('\\'); break;
        case '/': out.push_back('/'); break;
        case 'b': out.push_back('\b'); break;
        case 'f': out.push_back('\f'); break;
        case 'n': out.push_back('\n'); break;
        case 'r': out.push_back('\r'); break;
        case 't': out.push_back('\t'); break;
        case 'u': {
          int32_t unit = codeUnit(i);
          if (unit < 0) return fail(escape, CJSON_BAD_STRING);
          i += 4;
          uint32_t scalar = static_cast<uint32_t>(unit);
          if (scalar >= 0xDC00 && scalar <= 0xDFFF) return fail(escape, CJSON_BAD_STRING);
          if (scalar >= 0xD800 && scalar <= 0xDBFF) {
            if (length - i < 6 || text[i] != '\\' || text[i + 1] != 'u') return fail(escape, CJSON_BAD_STRING);
            int32_t low = codeUnit(i + 2);
            if (low < 0xDC00 || low > 0xDFFF) return fail(escape, CJSON_BAD_STRING);
            i += 6;
            scalar = 0x10000 + ((scalar - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
          }
          encode(scalar);
          break;
        }
        default: return fail(escape, CJSON_BAD_STRING);
      }
    }
    // Offsets above the text say: in the arena, which will follow the text and its terminating zero.
    push(CJSON_STRING, length + 1 + first, out.size() - first);
    return CJSON_OK;
  }

  int32_t codeUnit(size_t i) const {
    if (i > length || length - i < 4) return -1;
    int32_t unit = 0;
    for (size_t k = 0; k < 4; k++) {
      int digit = hexValue(text[i + k]);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  void encode(uint32_t scalar) {
    std::vector<uint8_t> &out = scratch.strings;
    if (scalar < 0x80) {
      out.push_back(static_cast<uint8_t>(scalar));
    } else if (scalar < 0x800) {
      out.push_back(static_cast<uint8_t>(0xC0 | (scalar >> 6)));
      out.push_back(static_cast<uint8_t>(0x80 | (scalar & 0x3F)));
    } else if (scalar < 0x10000) {
      out.push_back(static_cast<uint8_t>(0xE0 | (scalar >> 12)));
      out.push_back(static_cast<uint8_t>(0x80 | ((scalar >> 6) & 0x3F)));
      out.push_back(static_cast<uint8_t>(0x80 | (scalar & 0x3F)));
    } else {
      out.push_back(static_cast<uint8_t>(0xF0 | (scalar >> 18)));
      out.push_back(static_cast<uint8_t>(0x80 | ((scalar >> 12) & 0x3F)));
      out.push_back(static_cast<uint8_t>(0x80 | ((scalar >> 6) & 0x3F)));
      out.push_back(static_cast<uint8_t>(0x80 | (scalar & 0x3F)));
    }
  }
};

cjson_status statusOf(simdjson::error_code code) {
  switch (code) {
    case simdjson::SUCCESS: return CJSON_OK;
    case simdjson::UTF8_ERROR: return CJSON_BAD_UTF8;
    case simdjson::EMPTY: return CJSON_EMPTY;
    case simdjson::UNESCAPED_CHARS: return CJSON_BAD_STRING;
    case simdjson::UNCLOSED_STRING: return CJSON_UNCLOSED_STRING;
    case simdjson::MEMALLOC: return CJSON_OUT_OF_MEMORY;
    case simdjson::CAPACITY: return CJSON_TOO_LARGE;
    default: return CJSON_UNEXPECTED;
  }
}

cjson_status parse(const uint8_t *text, size_t length, cjson_document *out, size_t *errorOffset) {
  if (!scratch.reserve(length)) return CJSON_OUT_OF_MEMORY;
  cjson_status status = statusOf(scratch.parser->stage1(text, length, simdjson::stage1_mode::regular));
  if (status != CJSON_OK) return status;

  Walk walk(text, length, scratch.parser->structural_indexes.get(), scratch.parser->n_structural_indexes, scratch);
  status = walk.run();
  if (status != CJSON_OK) {
    *errorOffset = walk.errorOffset;
    return status;
  }

  size_t nodeBytes = scratch.nodes.size() * sizeof(cjson_node);
  auto *storage = static_cast<uint8_t *>(malloc(nodeBytes + length + 1 + scratch.strings.size()));
  if (storage == nullptr) return CJSON_OUT_OF_MEMORY;
  memcpy(storage, scratch.nodes.data(), nodeBytes);
  memcpy(storage + nodeBytes, text, length);
  storage[nodeBytes + length] = 0;
  if (!scratch.strings.empty()) memcpy(storage + nodeBytes + length + 1, scratch.strings.data(), scratch.strings.size());
  out->storage = storage;
  out->nodes = reinterpret_cast<const cjson_node *>(storage);
  out->bytes = storage + nodeBytes;
  out->node_count = static_cast<uint32_t>(scratch.nodes.size());
  out->text_length = static_cast<uint32_t>(length);
  return CJSON_OK;
}

}  // namespace

extern "C" cjson_status cjson_parse(const uint8_t *text, size_t length, size_t max_length, cjson_document *out, size_t *error_offset) {
  *error_offset = 0;
  *out = {};
  // Offsets are 32 bits and the arena is never longer than the text.
  if (length > max_length || length >= (size_t{1} << 30)) return CJSON_TOO_LARGE;
  if (length == 0) return CJSON_EMPTY;
  try {
    cjson_status status = parse(text, length, out, error_offset);
    scratch.shrink();
    return status;
  } catch (...) {
    return CJSON_OUT_OF_MEMORY;
  }
}

extern "C" void cjson_free(void *storage) { free(storage); }
