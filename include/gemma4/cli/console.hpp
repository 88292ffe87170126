// Where a program reads and writes. Only the program itself names the standard streams.
#pragma once

#include <cerrno>
#include <istream>
#include <ostream>
#include <string>
#include <system_error>

#include <gemma4/cli/line_editor.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::cli
{
    struct console
    {
        std::istream& in;
        std::ostream& out;    // results only
        std::ostream& err;    // errors, warnings, progress, prompts of a chat
        bool in_is_terminal = false;
        bool err_is_terminal = false;
        bool out_is_terminal = false;
        line_reader read_line{};    // of a chat; empty: plain lines of `in`

        // Throws file_error where what was written to `out` has not arrived: a full disk, a closed pipe.
        void flush() const
        {
            errno = 0;
            if (out.flush()) { return; }
            throw file_error(sentence("standard output cannot be written",
                                      errno == 0 ? "" : ": " + std::generic_category().message(errno)));
        }
    };

    // Exit statuses.
    inline constexpr int success = 0;
    inline constexpr int failure = 1;
    inline constexpr int wrong_usage = 2;
}
