// A tool call as the model writes it: call:NAME{key:value,...}, with the mistakes that models are known to
// make.
//
// Grammar: a value is <|"|>text<|"|>, a number, true, false, null, {key:value,...} or [value,...]; blank
// space is allowed around values, keys and commas. Strings are raw: everything in them is data, also markers.
// Tolerated, none of which changes the reading of well-formed text: <|"|> inside a string (it closes only
// before , } ] or the end), a missing opening <|"|>, bare words, JSON strings and keys in quotes, Python's
// None, True and False, Python's strings and keys in single or triple quotes. Other text that is written as
// Python's (tuples, prefixes, strings side by side) is malformed: quote marks never become part of a value.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/marker.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    struct tool_call
    {
        std::string name;
        json_value arguments;    // an object

        bool operator==(tool_call const&) const = default;
    };

    namespace detail
    {
        // Reads marked text that begins after <|tool_call>. Markers other than <|"|> end the call unless they
        // are inside a string.
        class call_reader
        {
        public:
            enum class outcome
            {
                call,         // read up to the end or a marker
                malformed,    // reason() says why
                unfinished    // the text ends inside a string
            };

            enum class string_kind
            {
                none,
                quoted,
                json,
                python    // in single quotes
            };

            explicit call_reader(std::string_view marked)
                : m_text(marked)
            {}

            outcome read();

            tool_call& call() noexcept { return m_call; }
            std::string const& reason() const noexcept { return m_reason; }

            // The kind of the string that outcome::unfinished ends in.
            string_kind open_string() const noexcept { return m_open_string; }

        private:
            struct stop
            {
                outcome result;
            };

            [[noreturn]] void fail(std::string_view reason);

            [[noreturn]] void unfinished(string_kind open);

            bool is_quote(std::size_t at) const { return marker_at(m_text, at, marker::quote); }

            bool take(std::string_view word);

            std::size_t after_space(std::size_t at) const;
            void skip_space() { m_at = after_space(m_at); }

            // The first place from here on with one of these characters or a marker, or the end.
            std::size_t scan(std::string_view characters) const { return scan(characters, m_at); }

            std::size_t scan(std::string_view characters, std::size_t at) const;

            // Whether what stands at `at` can follow a value.
            bool ends_value(std::size_t at) const;

            json_value read_object(std::size_t depth);

            json_value read_array(std::size_t depth);

            void enter(std::size_t depth);

            std::string read_key();

            json_value read_value(std::size_t depth, bool in_object);

            // <|"|>text<|"|>
            json_value read_quoted();

            // "text" with escapes, up to a quote before one of `followers` or a marker; an unknown escape is
            // two characters.
            std::pair<std::string, std::size_t> json_string(std::string_view followers);

            // 'text' with Python's escapes, up to a quote as above; an apostrophe inside stands between
            // letters. Or any of """text""" and '''text'''.
            std::pair<std::string, std::size_t> python_string(std::string_view followers);

            // What begins with a quote mark here; nothing: no text in quotes.
            std::optional<std::pair<std::string, std::size_t>> string_in_quotes(std::string_view followers);

            // What stands without quotes must not be the rest of something with quotes.
            void refuse_quotes(std::string_view word);

            json_value read_bare(bool in_object);

            std::string_view m_text;
            std::size_t m_at = 0;
            tool_call m_call;
            std::string m_reason;
            string_kind m_open_string = string_kind::none;
        };
    }
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/call_reader_code.hpp>
#endif
