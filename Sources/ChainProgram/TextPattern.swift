internal import CPCRE2

/// A compiled regular expression (PCRE2 10, UTF-8, just-in-time code where the machine has it).
///
/// Matching is bounded: a pattern that backtracks too much ends in `Failure.limit` and never hangs. Not Sendable, since the match data is
/// reused; the compiler makes one to see that the pattern is right, and each reactor makes its own.
package final class TextPattern {
  /// What is wrong with a pattern's text, and where.
  package struct Mistake: Error, Sendable {
    /// PCRE2's own words: `missing closing parenthesis`.
    package let message: String
    /// Bytes from the pattern's start.
    package let offset: Int
  }

  package enum Failure: Error, Sendable {
    /// More than `matchLimit` internal calls, or more stack or heap than there is.
    case limit
  }

  /// Internal `match()` calls; PCRE2's own default is a hundred times more.
  package static let matchLimit: UInt32 = 100_000
  /// KiB that the interpreter may take for backtracking.
  private static let heapLimit: UInt32 = 4096

  private let code: OpaquePointer
  private let data: OpaquePointer
  private let context: OpaquePointer

  package init(_ pattern: String) throws(Mistake) {
    var number: Int32 = 0
    var offset = 0
    var text = pattern
    let options = PCRE2_UTF | UInt32(PCRE2_NEVER_BACKSLASH_C)
    let compiled = text.withUTF8 { bytes in
      // A null pattern is refused even when its length is 0.
      if let base = bytes.baseAddress { return pcre2_compile_8(base, bytes.count, options, &number, &offset, nil) }
      let empty: [UInt8] = [0]
      return empty.withUnsafeBufferPointer { pcre2_compile_8($0.baseAddress, 0, options, &number, &offset, nil) }
    }
    guard let compiled else {
      var message = [UInt8](repeating: 0, count: 160)
      let length = pcre2_get_error_message_8(number, &message, message.count)
      throw Mistake(
        message: length > 0 ? String(decoding: message.prefix(Int(length)), as: UTF8.self) : "error \(number)", offset: offset)
    }
    // Without just-in-time code the interpreter matches; the answer is the same.
    _ = pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
    guard let data = pcre2_match_data_create_from_pattern_8(compiled, nil), let context = pcre2_match_context_create_8(nil) else {
      pcre2_code_free_8(compiled)
      throw Mistake(message: "no memory for it", offset: 0)
    }
    code = compiled
    self.data = data
    self.context = context
    pcre2_set_match_limit_8(context, TextPattern.matchLimit)
    pcre2_set_heap_limit_8(context, TextPattern.heapLimit)
  }

  deinit {
    pcre2_match_context_free_8(context)
    pcre2_match_data_free_8(data)
    pcre2_code_free_8(code)
  }

  /// Whether the pattern is found anywhere in the text.
  package func matches(_ text: String) throws(Failure) -> Bool { try find(text) { _, _ in true } ?? false }

  /// The text of the first group, or of the whole match where the pattern has no group; nil if it is not found or the group took no part.
  package func extract(_ text: String) throws(Failure) -> String? {
    let found = try find(text) { bytes, offsets -> String? in
      let group = pcre2_get_ovector_count_8(self.data) > 1 ? 1 : 0
      let (from, to) = (offsets[2 * group], offsets[2 * group + 1])
      // An unset group has the largest size for its place, which is -1 here; \K may put the start after the end.
      guard from >= 0, from <= to, to <= bytes.count else { return nil }
      return String(decoding: bytes[from..<to], as: UTF8.self)
    }
    return found ?? nil
  }

  private func find<Found>(_ text: String, _ read: (UnsafeBufferPointer<UInt8>, UnsafePointer<Int>) -> Found) throws(Failure) -> Found? {
    var text = text
    var result: Int32 = 0
    let found: Found? = text.withUTF8 { bytes in
      let nothing: StaticString = ""
      result = pcre2_match_8(code, bytes.baseAddress ?? nothing.utf8Start, bytes.count, 0, UInt32(PCRE2_NO_UTF_CHECK), data, context)
      guard result >= 0, let offsets = pcre2_get_ovector_pointer_8(data) else { return nil }
      return read(bytes, UnsafePointer(offsets))
    }
    if result >= 0 || result == PCRE2_ERROR_NOMATCH { return found }
    throw .limit
  }
}
