// An answer while it is made, whoever makes it.
#pragma once

#include <cstddef>
#include <deque>
#include <iterator>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gemma4/api/generation_options.hpp>
#include <gemma4/chat/answer_event.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/sampler.hpp>

namespace gemma4::inline v0
{
    // A range of pieces of text, and, by events(), of everything that the answer consists of. One thread at a
    // time, except cancel().
    class answer_stream
    {
    public:
        answer_stream(answer_stream const&) = delete;
        answer_stream& operator=(answer_stream const&) = delete;
        virtual ~answer_stream() = default;

        bool running() const noexcept { return m_reason == stop_reason::running; }
        stop_reason reason() const noexcept { return m_reason; }
        usage const& used() const noexcept { return m_usage; }
        std::span<token_id const> tokens() const noexcept { return m_new; }    // made so far, no stop token
        std::span<choice const> choices() const noexcept
        {
            return m_choices;
        }    // where log-probabilities are asked for

        // All events so far, put together.
        answer const& said() const noexcept { return m_said; }

        // From any thread.
        virtual void cancel() { m_stop.request_stop(); }
        std::stop_token stop_token() const noexcept { return m_stop.get_token(); }

        // The next event, running the model until there is one; none after end_of_turn.
        std::optional<answer_event> next_event()
        {
            while (m_events.empty() && running()) { step(); }
            if (m_events.empty()) { return std::nullopt; }
            auto event = std::move(m_events.front());
            m_events.pop_front();
            return event;
        }

        // The next piece of text, whole UTF-8, without thoughts and calls; what is passed over stays in
        // said(). None when the answer has ended.
        std::optional<std::string> next()
        {
            while (auto event = next_event())
            {
                if (auto* const piece = std::get_if<answer_text>(&*event)) { return std::move(piece->text); }
            }
            return std::nullopt;
        }

        // Runs to the end and returns the rest of the text.
        std::string rest()
        {
            std::string all;
            while (auto piece = next()) { all += *piece; }
            return all;
        }

        // Input iterator over what `Next` gives until there is none.
        template <class Value, std::optional<Value> (answer_stream::*Next)()>
        class iterator_of
        {
        public:
            using value_type = Value;
            using difference_type = std::ptrdiff_t;

            iterator_of() = default;
            explicit iterator_of(answer_stream& from)
                : m_from(&from)
                , m_value((from.*Next)())
            {}
            Value const& operator*() const noexcept { return *m_value; }
            Value const* operator->() const noexcept { return &*m_value; }
            iterator_of& operator++()
            {
                m_value = (m_from->*Next)();
                return *this;
            }
            void operator++(int) { ++*this; }
            bool operator==(std::default_sentinel_t) const noexcept { return !m_value; }

        private:
            answer_stream* m_from = nullptr;
            std::optional<Value> m_value;
        };

        using iterator = iterator_of<std::string, &answer_stream::next>;
        iterator begin() { return iterator(*this); }
        std::default_sentinel_t end() const noexcept { return {}; }

        struct event_range
        {
            using iterator = iterator_of<answer_event, &answer_stream::next_event>;
            answer_stream* from;
            iterator begin() const { return iterator(*from); }
            std::default_sentinel_t end() const noexcept { return {}; }
        };

        event_range events() { return {this}; }

    protected:
        answer_stream() = default;

        // A little more of the answer: emit() what there is, finish() at the end. Called while running().
        virtual void step() = 0;

        // Neighbouring pieces of the same kind become one.
        void emit(answer_event event)
        {
            m_said.add(event);
            if (!m_events.empty())
            {
                if (append<answer_text>(m_events.back(), event)) { return; }
                if (append<thought_text>(m_events.back(), event)) { return; }
            }
            m_events.push_back(std::move(event));
        }

        void finish(stop_reason reason, turn_end how)
        {
            m_reason = reason;
            emit(end_of_turn{how});
        }

        std::stop_source m_stop;
        usage m_usage;
        std::vector<token_id> m_new;
        std::vector<choice> m_choices;
        stop_reason m_reason = stop_reason::running;

    private:
        template <class Kind>
        static bool append(answer_event& to, answer_event const& more)
        {
            auto* const last = std::get_if<Kind>(&to);
            auto const* const next = std::get_if<Kind>(&more);
            if (!last || !next) { return false; }
            last->text += next->text;
            return true;
        }

        std::deque<answer_event> m_events;    // made and not yet handed out
        answer m_said;
    };
}
