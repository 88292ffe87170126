// One run of a model: a prompt goes in, tokens and pieces of text come out while they are made.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/api/conversation.hpp>
#include <gemma4/api/engine.hpp>
#include <gemma4/generate/sampler.hpp>
#include <gemma4/generate/stop.hpp>
#include <gemma4/generate/stop_string_matcher.hpp>
#include <gemma4/text/stream_decoder.hpp>

namespace gemma4::inline v0
{
    struct generation_options
    {
        sampling_options sampling{};
        stop_options stop{};
        bool keep_special_tokens = false;    // show control tokens in the text
        std::function<void(std::size_t done, std::size_t all)> progress{};    // of the prompt, in tokens
    };

    // Throws argument_error naming the option.
    inline void validate(generation_options const& options)
    {
        validate(options.sampling);
        stop_string_matcher{options.stop.strings};
    }

    struct usage
    {
        std::size_t prompt_tokens = 0;    // of which
        std::size_t cached_tokens = 0;    // were in the state already
        std::size_t new_tokens = 0;       // made, a stop token not counted
        double prefill_seconds = 0;       // until the first token's logits
        double decode_seconds = 0;        // from then on
    };

    // What every generation of a variant is, whatever its logits processors. Drive it alone, by next() or as
    // a range, or with others in a batch. A generation works on its session's conversation, and both must
    // outlive it.
    template <class Engine>
    class basic_generation
    {
        using M = typename Engine::variant;
        using clock = std::chrono::steady_clock;

    public:
        basic_generation(basic_generation const&) = delete;
        basic_generation& operator=(basic_generation const&) = delete;
        virtual ~basic_generation() = default;

        bool running() const noexcept { return m_reason == stop_reason::running; }
        stop_reason reason() const noexcept { return m_reason; }
        usage const& used() const noexcept { return m_usage; }
        std::span<token_id const> tokens() const noexcept { return m_new; }    // made so far, no stop token
        std::span<choice const> choices() const noexcept
        {
            return m_choices;
        }    // where log-probabilities are asked for

        // From any thread. Inside prefill and decode alike it is obeyed within the time of one layer of one
        // forward call (at most options().chunk rows), or of one pick of a token.
        void cancel() noexcept { m_stop.request_stop(); }

        // The next piece of text, running the model until there is one; none when it has ended. Pieces are
        // whole UTF-8.
        std::optional<std::string> next()
        {
            while (m_text.empty() && running()) { advance(m_engine->options().chunk); }
            if (m_text.empty()) { return std::nullopt; }
            return std::exchange(m_text, {});
        }

        // Runs to the end and returns the rest of the text.
        std::string rest()
        {
            std::string all;
            while (auto piece = next()) { all += *piece; }
            return all;
        }

        // One forward call: a chunk of the prompt, or one more token.
        void advance(std::size_t rows)
        {
            auto const step = begin_step(rows);
            bool const done = m_engine->step(
                std::span(&step, 1), [&](std::size_t, std::span<float> logits) { take(logits); },
                m_stop.get_token());
            end_step(step.tokens.size(), done);
        }

        // For batches. The tokens of its next forward call, at most `rows` of them; the call's logits go to
        // take(), and when it is over, to end_step().
        sequence_step<M> begin_step(std::size_t rows)
        {
            auto& c = *m_conversation;
            auto count = std::min({rows, c.waiting(), m_engine->options().chunk});
            auto const at = c.past.size();
            if (c.pin_at && at < *c.pin_at) { count = std::min<std::size_t>(count, *c.pin_at - at); }
            if (!m_started) { m_started = clock::now(); }
            return {&c.past,
                    {c.tokens.data() + at, count},
                    count == c.waiting() ? wanted_logits::last : wanted_logits::none};
        }

        // Chooses the next token. Throws what a logits processor throws, once the batch is over (end_step).
        void take(std::span<float> logits)
        {
            try
            {
                auto const& c = *m_conversation;
                if (m_new.empty() && m_usage.prefill_seconds == 0)
                {
                    m_usage.prefill_seconds = seconds_since(*m_started);
                }
                m_choice = pick(logits, c.tokens);
            }
            catch (...)
            {
                m_failure = std::current_exception();
            }
        }

        void end_step(std::size_t rows, bool done)
        {
            if (m_failure)
            {
                m_reason = stop_reason::cancelled;
                std::rethrow_exception(std::exchange(m_failure, nullptr));
            }
            auto& c = *m_conversation;
            if (done && c.pin_at == c.past.size())
            {
                c.past.unpin();
                c.past.pin();
            }
            m_prompt_done += done ? rows : 0;
            if (m_options.progress && m_new.empty() && !m_choice) { report_progress(); }
            if (m_choice)
            {
                if (m_new.empty()) { report_progress(); }
                accept(*std::exchange(m_choice, std::nullopt));
                m_usage.decode_seconds = seconds_since(*m_started) - m_usage.prefill_seconds;
            }
            if (running() && m_stop.stop_requested()) { end(stop_reason::cancelled); }
        }

        std::stop_token stop_token() const noexcept { return m_stop.get_token(); }

        // Tokens that have not been run yet.
        std::size_t waiting() const noexcept { return m_conversation->waiting(); }

        // Input range of pieces of text.
        class iterator
        {
        public:
            using value_type = std::string;
            using difference_type = std::ptrdiff_t;

            iterator() = default;
            explicit iterator(basic_generation& from)
                : m_from(&from)
                , m_piece(from.next())
            {}
            std::string const& operator*() const noexcept { return *m_piece; }
            iterator& operator++()
            {
                m_piece = m_from->next();
                return *this;
            }
            void operator++(int) { ++*this; }
            bool operator==(std::default_sentinel_t) const noexcept { return !m_piece; }

        private:
            basic_generation* m_from = nullptr;
            std::optional<std::string> m_piece;
        };

        iterator begin() { return iterator(*this); }
        std::default_sentinel_t end() const noexcept { return {}; }

    protected:
        // `c` holds the prompt.
        basic_generation(Engine const& engine, conversation<M>& c, std::size_t cached,
                         generation_options options)
            : m_engine(&engine)
            , m_conversation(&c)
            , m_options(std::move(options))
            , m_matcher(m_options.stop.strings)
        {
            if (engine.has_tokenizer())
            {
                m_decoder.emplace(engine.tokens(), !m_options.keep_special_tokens);
            }
            else if (!m_options.stop.strings.empty()) { engine.tokens(); }
            m_usage.prompt_tokens = c.tokens.size();
            m_usage.cached_tokens = cached;
        }

        virtual choice pick(std::span<float> logits, std::span<token_id const> history) = 0;

        generation_options const& options() const noexcept { return m_options; }

    private:
        static double seconds_since(clock::time_point from)
        {
            return std::chrono::duration<double>(clock::now() - from).count();
        }

        void report_progress() const
        {
            if (m_options.progress)
            {
                m_options.progress(m_prompt_done, m_usage.prompt_tokens - m_usage.cached_tokens);
            }
        }

        void accept(choice chosen)
        {
            auto const& stop = m_options.stop;
            if (stop.is_stop(chosen.id)) { return end(stop_reason::stop_token); }
            m_new.push_back(chosen.id);
            m_conversation->tokens.push_back(chosen.id);
            m_usage.new_tokens = m_new.size();
            if (m_decoder) { m_text += m_matcher.push(m_decoder->put(chosen.id)); }
            if (m_options.sampling.log_probability || m_options.sampling.top_log_probabilities != 0)
            {
                m_choices.push_back(std::move(chosen));
            }
            if (m_matcher.matched()) { return end(stop_reason::stop_string); }
            if (stop.max_tokens != 0 && m_new.size() == stop.max_tokens)
            {
                return end(stop_reason::max_tokens);
            }
            if (m_conversation->past.size() == m_engine->options().context)
            {
                return end(stop_reason::context_full);
            }
        }

        void end(stop_reason reason)
        {
            m_reason = reason;
            if (m_decoder && !m_matcher.matched())
            {
                m_text += m_matcher.push(m_decoder->finish());
                m_text += m_matcher.finish();
            }
        }

        Engine const* m_engine;
        conversation<M>* m_conversation;
        generation_options m_options;
        stop_string_matcher m_matcher;
        std::optional<stream_decoder> m_decoder;
        std::stop_source m_stop;
        std::optional<choice> m_choice;    // of the forward call under way
        std::exception_ptr m_failure;
        std::vector<token_id> m_new;
        std::vector<choice> m_choices;
        std::string m_text;    // made and not yet handed out
        std::size_t m_prompt_done = 0;
        usage m_usage;
        std::optional<clock::time_point> m_started;
        stop_reason m_reason = stop_reason::running;
    };

    // A generation with a host's own logits processors in the chain (generate/sampler.hpp says where they
    // run).
    template <class Engine, class Extra = processor_chain<>>
    class generation final : public basic_generation<Engine>
    {
        using base = basic_generation<Engine>;

    public:
        generation(Engine const& engine, conversation<typename Engine::variant>& c, std::size_t cached,
                   generation_options options, Extra extra = Extra{})
            : base(engine, c, cached, std::move(options))
            , m_sampler(base::options().sampling, std::move(extra))
        {}

        Extra& processors() noexcept { return m_sampler.extra(); }

    private:
        choice pick(std::span<float> logits, std::span<token_id const> history) override
        {
            return m_sampler.pick(logits, history);
        }

        basic_sampler<Extra> m_sampler;
    };
}
