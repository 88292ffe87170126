// The states of an answer: marked text (marker.hpp) in, events out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/chat/answer_event.hpp>
#include <gemma4/chat/call_reader.hpp>
#include <gemma4/chat/marker.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    enum class starts_in
    {
        content,
        thought    // the prompt has opened it: starts_in_thought(prompt)
    };

    namespace detail
    {
        // Trims text that comes in pieces of whole characters.
        class piecewise_strip
        {
        public:
            // What is certain of all text so far and was not given out yet.
            std::string put(std::string_view piece);

            bool any() const noexcept { return m_any; }

        private:
            std::string m_blanks;
            bool m_any = false;
        };

        // Reads marked text.
        class answer_reader
        {
        public:
            explicit answer_reader(starts_in where)
                : m_state(where == starts_in::thought ? state::thought : state::content)
            {}

            void push(std::string_view marked, std::vector<answer_event>& events);

            void finish(std::vector<answer_event>& events);

            bool stopped() const noexcept { return m_state == state::stopped; }

            // Inside a thought, its name included; past its name.
            bool in_thought() const noexcept;
            bool in_thought_text() const noexcept { return m_state == state::thought; }
            bool in_call() const noexcept { return m_state == state::call; }

        private:
            enum class state
            {
                content,
                turn_header,
                thought_header,
                thought,
                call,
                stopped
            };

            static constexpr std::string_view thought_name = "thought\n";
            static constexpr std::string_view turn_name = "model\n";

            void stop(turn_end how, std::vector<answer_event>& events);

            void content(std::string_view piece, std::vector<answer_event>& events);

            void thought(std::string_view piece, std::vector<answer_event>& events);

            void text(std::string_view piece, std::vector<answer_event>& events);

            void take_marker(marker m, std::vector<answer_event>& events);

            // A marker comes while a name is awaited: "thought" or "model" without its newline is the name,
            // anything else is text.
            void end_header(std::vector<answer_event>& events);

            static bool is_quote(std::string_view marked, std::size_t at);

            // The first marker that is no quote: where a call ends, unless it is inside a string.
            static std::size_t call_border(std::string_view marked);

            // Whether `marked` has what can close the string that is open.
            bool may_close_string(std::string_view marked) const;

            // Reads on in a call and ends it at the first border outside a string, which is left. Returns how
            // much was read.
            std::size_t take_call(std::string_view marked, std::vector<answer_event>& events);

            void finish_call(std::vector<answer_event>& events);

            void end_call(call_reader& reader, call_reader::outcome outcome,
                          std::vector<answer_event>& events);

            using string_kind = call_reader::string_kind;

            state m_state;
            std::string m_header;
            piecewise_strip m_content;
            piecewise_strip m_thought;
            bool m_thoughts = false;    // a thought with text was given out
            bool m_began = false;       // a marker was read
            std::string m_call;
            string_kind m_open_string = string_kind::none;    // at the last border of m_call
            bool m_closable = false;                          // what could close it came since

            // A call is read again at every marker that may end it. Bytes until that is enough for one
            // answer: from there on a call ends at its first marker.
            std::size_t m_to_read = std::size_t(1) << 26;
        };
    }
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/answer_reader_code.hpp>
#endif
