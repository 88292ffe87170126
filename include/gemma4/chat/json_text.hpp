// JSON text <-> json_value, reading what Python's json module reads: also NaN, Infinity and -Infinity, and of
// duplicate names the last value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t max_chat_json_depth = 256;

    namespace detail
    {
        // The number that the whole of `text` is in JSON's grammar; nothing: it is none.
        GEMMA4_CODE std::optional<json_value> json_number(std::string_view text);

        // The escapes of a JSON string: text[at] is the character after the backslash; appends what it means
        // and returns the place after it, or npos: no such escape.
        GEMMA4_CODE std::size_t json_escape(std::string_view text, std::size_t at, std::string& out);
    }

    // argument_error names `where`, the byte, what was expected and what was found.
    GEMMA4_CODE json_value read_json_value(std::string_view text, std::string_view where);

    // JSON string in quotes; ill-formed UTF-8 becomes U+FFFD.
    GEMMA4_CODE void append_json_string(std::string& out, std::string_view text);

    // On one line. A float keeps a point or an exponent, so that it stays a float; one beyond the range of a
    // double is 1e999.
    GEMMA4_CODE void append_json(std::string& out, json_value const& value);

    GEMMA4_CODE std::string to_json(json_value const& value);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/json_text_code.hpp>
#endif
