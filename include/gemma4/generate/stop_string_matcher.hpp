// Streams text up to the first stop string.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    // Pieces of text go in, text that is safe to show comes out: everything but the longest suffix that may
    // yet become a stop string. The match that is complete first wins (the longest of several that end at the
    // same byte), so the output does not depend on how the text is cut into pieces. The stop string and what
    // follows it are never shown. Works on bytes; with UTF-8 in and UTF-8 stop strings, no character is cut.
    // One step per byte and stop string.
    class stop_string_matcher
    {
    public:
        stop_string_matcher() = default;

        // Throws argument_error when a stop string is empty.
        explicit stop_string_matcher(std::vector<std::string> const& strings);

        // The text that became safe to show. Nothing after a match.
        std::string push(std::string_view piece);

        // The end of the text: what was held back, unless a stop string was found.
        std::string finish();

        bool matched() const noexcept { return m_match != none; }

        // Index of the stop string that was found. Only when matched().
        std::size_t match() const noexcept { return m_match; }

        // The matcher as it was when made.
        void reset();

    private:
        static constexpr auto none = static_cast<std::size_t>(-1);

        struct pattern
        {
            std::string text;
            std::vector<std::size_t> border;    // (text) Knuth, Morris, Pratt 1977
            std::size_t have;    // the longest suffix of the text so far that begins this stop string
        };

        // borders(t)[i]: length of the longest proper prefix of t[0..i] that is also its suffix.
        static std::vector<std::size_t> borders(std::string_view text);

        std::string take_held();

        // True when byte completes a stop string.
        bool step(char byte);

        std::vector<pattern> m_patterns;
        std::string m_held;         // text not shown yet, behind some that was
        std::size_t m_shown = 0;    // of it
        std::size_t m_match = none;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/generate/stop_string_matcher_code.hpp>
#endif
