// One run of a model: a prompt goes in, tokens and pieces of text come out while they are made.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gemma4/api/answer_stream.hpp>
#include <gemma4/api/call_masks.hpp>
#include <gemma4/api/conversation.hpp>
#include <gemma4/api/engine.hpp>
#include <gemma4/generate/guards.hpp>
#include <gemma4/generate/sampler.hpp>
#include <gemma4/generate/stop.hpp>
#include <gemma4/generate/stop_string_matcher.hpp>
#include <gemma4/text/stream_decoder.hpp>

namespace gemma4::inline v0
{
    // What every generation of a variant is, whatever its logits processors. It works on its session's
    // conversation, and both must outlive it. Logits or hidden states that are not finite are a
    // numeric_error: no token is chosen, and the generation has ended as cancelled.
    template <class Engine>
    class basic_generation : public answer_stream
    {
        using M = typename Engine::variant;
        using clock = std::chrono::steady_clock;

    public:
        // Cancelling is obeyed, inside prefill and decode alike, within the time of one layer of one forward
        // call (at most options().chunk rows), or of one pick of a token.

        // One forward call: a chunk of the prompt, or one more token.
        void advance(std::size_t rows)
        {
            auto const step = begin_step(rows);
            bool done = false;
            try
            {
                done = m_engine->step(
                    std::span(&step, 1), [&](std::size_t, std::span<float> logits) { take(logits); },
                    m_stop.get_token());
            }
            catch (numeric_error const&)
            {
                fail(std::current_exception());
            }
            end_step(step.tokens.size(), done);
        }

        // For batches. The tokens of its next forward call, at most `rows` of them (more where a picture that
        // attends both ways has more); the call's logits go to take(), and when it is over, to end_step().
        sequence_step<M> begin_step(std::size_t rows)
        {
            auto& c = *m_conversation;
            auto count = std::min(rows, m_engine->options().chunk);
            auto const at = c.past.size();
            if (c.pin_at && at < *c.pin_at) { count = std::min<std::size_t>(count, *c.pin_at - at); }
            if (!m_started) { m_started = clock::now(); }
            return c.next_step(count, wanted_logits::last);
        }

        // Chooses the next token. Throws what a logits processor throws, once the batch is over (end_step).
        void take(std::span<float> logits)
        {
            try
            {
                if (!m_has_logits) { m_usage.prefill_seconds = seconds_since(*m_started); }
                m_has_logits = true;
                m_choice = pick(logits, m_conversation->tokens);
            }
            catch (...)
            {
                m_failure = std::current_exception();
            }
        }

        // Whether take() was called since begin_step().
        bool taken() const noexcept { return m_choice.has_value() || m_failure; }

        // The forward call has failed for this generation: end_step() ends it and throws this.
        void fail(std::exception_ptr why) noexcept { m_failure = std::move(why); }

        // What it throws (of a mask or a processor, std::bad_alloc) ends this generation as cancelled: what
        // was chosen cannot be followed.
        void end_step(std::size_t rows, bool done)
        {
            struct cancelled_unless_done
            {
                stop_reason& reason;
                bool done = false;
                ~cancelled_unless_done() { reason = done ? reason : stop_reason::cancelled; }
            } end{m_reason};
            if (m_failure) { std::rethrow_exception(std::exchange(m_failure, nullptr)); }
            auto& c = *m_conversation;
            if (done && c.pin_at == c.past.size())
            {
                c.past.unpin(c.keep_pins);
                c.past.pin();
                c.pin_at.reset();
            }
            if (!m_prompt_reported)
            {
                m_prompt_done += done ? rows : 0;
                m_prompt_reported = m_choice.has_value();
                if (m_options.progress)
                {
                    auto const all = m_usage.prompt_tokens - m_usage.cached_tokens;
                    m_options.progress(std::min(m_prompt_done, all), all);
                }
            }
            if (m_choice)
            {
                accept(*std::exchange(m_choice, std::nullopt));
                m_usage.decode_seconds = seconds_since(*m_started) - m_usage.prefill_seconds;
            }
            if (running() && m_stop.stop_requested()) { stop_with(stop_reason::cancelled); }
            end.done = true;
        }

        // Tokens that have not been run yet.
        std::size_t waiting() const noexcept { return m_conversation->waiting(); }

    protected:
        // `c` holds the prompt, and for an answer an open_answer; it may think where `thinks`. Calls are free
        // without `calls`, and where the options have a mask, which then is in charge of all that is written.
        basic_generation(Engine const& engine, conversation<M>& c, std::size_t cached,
                         generation_options options, bool thinks, std::shared_ptr<call_masks> calls)
            : m_engine(&engine)
            , m_conversation(&c)
            , m_options(std::move(options))
            , m_matcher(m_options.stop.strings)
            , m_calls(m_options.mask ? nullptr : std::move(calls))
        {
            if (m_options.stop.repetition) { m_repetition.emplace(*m_options.stop.repetition); }
            if (!c.answering && engine.has_tokenizer())
            {
                m_decoder.emplace(engine.tokens(), !m_options.keep_special_tokens);
            }
            else if (!m_options.stop.strings.empty()) { engine.tokens(); }
            m_usage.prompt_tokens = c.tokens.size();
            m_usage.cached_tokens = cached;
            if (c.answering)
            {
                auto const& tokens = engine.tokens();
                m_open_thought = tokens.find(name_of(marker::open_channel));
                m_close_thought = tokens.find(name_of(marker::close_channel));
                m_open_call = tokens.find(name_of(marker::open_call));
                for (auto const m : {marker::close_turn, marker::eos, marker::open_response})
                {
                    if (auto const id = tokens.find(name_of(m))) { m_turn_ends.push_back(*id); }
                }
            }
            if (m_options.mask)
            {
                m_phase =
                    thinks ? (in_thought() ? mask_phase::thought : mask_phase::may_think) : mask_phase::on;
            }
            run_forced();
        }

        virtual choice pick(std::span<float> logits, std::span<token_id const> history) = 0;

        generation_options const& options() const noexcept { return m_options; }

        // Removes the tokens that must not come next: by the mask, or because no thought may begin any more.
        void restrict(std::span<float> logits)
        {
            if (m_call) { return m_call->restrict(logits); }
            constexpr auto never = -std::numeric_limits<float>::infinity();
            auto const at = [&](token_id id) -> float& { return logits[std::size_t(id)]; };
            auto const for_each_stop = [&](auto&& use)
            {
                for (auto const* const ids : {&m_turn_ends, &m_options.stop.tokens})
                {
                    for (auto const id : *ids)
                    {
                        if (id >= 0 && std::size_t(id) < logits.size()) { use(id); }
                    }
                }
            };
            if (m_thought_spent && m_open_thought && !in_thought()) { at(*m_open_thought) = never; }
            if (m_phase == mask_phase::thought)    // the thought must lead to the answer
            {
                for_each_stop([&](token_id id) { at(id) = never; });
                if (m_open_call) { at(*m_open_call) = never; }
            }
            if (m_phase != mask_phase::on && m_phase != mask_phase::may_think) { return; }
            std::vector<std::pair<token_id, float>> kept;
            if (m_options.mask->complete())
            {
                for_each_stop([&](token_id id) { kept.emplace_back(id, at(id)); });
            }
            if (m_phase == mask_phase::may_think && m_open_thought)
            {
                kept.emplace_back(*m_open_thought, at(*m_open_thought));
            }
            auto& mask = *m_options.mask;
            mask.restrict(logits);
            for_each_stop([&](token_id id) { at(id) = never; });
            for (auto const& [id, logit] : kept) { at(id) = logit; }
        }

    private:
        enum class mask_phase
        {
            none,
            may_think,    // before the first token
            thought,
            on
        };

        void step() override { advance(m_engine->options().chunk); }

        static double seconds_since(clock::time_point from)
        {
            return std::chrono::duration<double>(clock::now() - from).count();
        }

        bool in_thought() const noexcept
        {
            return m_conversation->answering && m_conversation->answering->parser.in_thought();
        }

        void accept(choice chosen)
        {
            add(std::move(chosen));
            run_forced();
        }

        // Tokens that need no choice join those that wait, and run with them in one forward call.
        void run_forced()
        {
            while (running())
            {
                auto const ids = forced();
                if (ids.empty()) { return; }
                for (auto const id : ids)
                {
                    if (running()) { add({.id = id}); }
                }
            }
        }

        std::vector<token_id> forced()
        {
            auto const& parser = m_conversation->answering;
            if (m_options.thinking_budget && parser && parser->parser.in_thought_text()
                && m_thought_tokens >= *m_options.thinking_budget && m_close_thought)
            {
                m_thought_spent = true;
                return end_of_thought();
            }
            if (m_call) { return m_call->forced().value_or(std::vector<token_id>()); }
            if (m_phase != mask_phase::on) { return {}; }
            return m_options.mask->forced().value_or(std::vector<token_id>());
        }

        // What the template writes after a thought: a new line, unless there is one, and the marker.
        std::vector<token_id> end_of_thought() const
        {
            auto const& tokens = m_engine->tokens();
            std::vector<token_id> ids;
            auto const last = m_conversation->tokens.back();
            if (!tokens.contains(last) || !tokens.piece(last).ends_with('\n'))
            {
                tokens.encode("\n", ids, special_tokens::as_text);
            }
            ids.push_back(*m_close_thought);
            return ids;
        }

        // The text of an answer runs through the stop strings.
        void show(std::vector<answer_event> events)
        {
            auto& open = *m_conversation->answering;
            for (auto& event : events)
            {
                if (auto const* const turn = std::get_if<end_of_turn>(&event))
                {
                    open.said.end = turn->how;
                    continue;
                }
                if (m_matcher.matched()) { continue; }
                if (auto* const piece = std::get_if<answer_text>(&event))
                {
                    piece->text = m_matcher.push(piece->text);
                    if (piece->text.empty()) { continue; }
                }
                open.said.add(event);
                emit(std::move(event));
            }
        }

        void add(choice chosen)
        {
            auto& c = *m_conversation;
            auto const id = chosen.id;
            auto const& stop = m_options.stop;
            bool const was_in_text = c.answering && c.answering->parser.in_thought_text();
            bool const was_in_call = c.answering && c.answering->parser.in_call();
            bool const ends_turn = std::find(m_turn_ends.begin(), m_turn_ends.end(), id) != m_turn_ends.end();
            if (c.answering && (ends_turn || !stop.is_stop(id)))
            {
                c.answering->begun = true;
                show(c.answering->parser.push(id));
            }
            if (stop.is_stop(id) || (c.answering && c.answering->parser.stopped()))
            {
                return stop_with(stop_reason::stop_token);
            }
            m_new.push_back(id);
            c.tokens.push_back(id);
            m_usage.new_tokens = m_new.size();
            if (m_decoder) { say(m_matcher.push(m_decoder->put(id))); }
            if (m_options.sampling.log_probability || m_options.sampling.top_log_probabilities != 0)
            {
                m_choices.push_back(std::move(chosen));
            }
            if (was_in_text && c.answering->parser.in_thought_text()) { ++m_thought_tokens; }
            follow_mask(id);
            if (m_calls) { follow_call(id, was_in_call); }

            if (m_matcher.matched()) { return stop_with(stop_reason::stop_string); }
            if (m_repetition)
            {
                (*m_repetition)({}, m_new);
                if (m_repetition->collapsed()) { return stop_with(stop_reason::repetition); }
            }
            if (m_phase == mask_phase::on && m_options.mask->must_stop())
            {
                return stop_with(stop_reason::completed);
            }
            if (stop.max_tokens != 0 && m_new.size() == stop.max_tokens)
            {
                return stop_with(stop_reason::max_tokens);
            }
            if (c.tokens.size() > m_engine->options().context)
            {
                return stop_with(stop_reason::context_full);
            }
        }

        void follow_mask(token_id id)
        {
            switch (m_phase)
            {
            case mask_phase::none: return;
            case mask_phase::may_think:
                if (in_thought())
                {
                    m_phase = mask_phase::thought;
                    return;
                }
                m_phase = mask_phase::on;
                break;
            case mask_phase::thought:
                if (!in_thought()) { m_phase = mask_phase::on; }
                return;
            case mask_phase::on: break;
            }
            m_options.mask->accept(id);
        }

        // A call's mask begins behind the token that opens it, and ends with the one that closes it. A host's
        // own processor may still have chosen what the mask forbids: the call is free from there on.
        void follow_call(token_id id, bool was_in_call)
        {
            if (m_call)
            {
                if (m_call->allows(id)) { m_call->accept(id); }
                else { m_call.reset(); }
                if (m_call && m_call->must_stop()) { m_call.reset(); }
            }
            else if (!was_in_call && m_conversation->answering && m_conversation->answering->parser.in_call())
            {
                m_call = m_calls->next();
            }
        }

        void say(std::string text)
        {
            if (!text.empty()) { emit(answer_text{std::move(text)}); }
        }

        void stop_with(stop_reason reason)
        {
            auto how = reason == stop_reason::stop_token || reason == stop_reason::completed ? turn_end::turn
                                                                                             : turn_end::cut;
            if (auto& open = m_conversation->answering)
            {
                if (!open->parser.stopped()) { show(open->parser.finish()); }
                else { how = open->said.end; }
                if (auto rest = m_matcher.matched() ? std::string() : m_matcher.finish(); !rest.empty())
                {
                    open->said.content += rest;
                    say(std::move(rest));
                }
                open->said.end = how;
                open->ended = true;
            }
            else if (m_decoder && !m_matcher.matched())
            {
                say(m_matcher.push(m_decoder->finish()));
                say(m_matcher.finish());
            }
            if (m_options.mask && reason != stop_reason::completed && !m_options.mask->complete())
            {
                incomplete_answer half{
                    sentence("the answer ended (", name(reason), ") before it was what was asked for")};
                if (auto& open = m_conversation->answering) { open->said.add(half); }
                emit(std::move(half));
            }
            finish(reason, how);
        }

        Engine const* m_engine;
        conversation<M>* m_conversation;
        generation_options m_options;
        stop_string_matcher m_matcher;
        std::optional<stream_decoder> m_decoder;    // of a continuation
        std::shared_ptr<call_masks> m_calls;        // null: calls are free
        std::optional<repetition_guard> m_repetition;
        std::optional<grammar_mask> m_call;         // of the call that is being written
        std::optional<token_id> m_open_thought, m_close_thought, m_open_call;
        std::vector<token_id> m_turn_ends;    // what ends an answer, whatever the options say
        mask_phase m_phase = mask_phase::none;
        std::size_t m_thought_tokens = 0;
        bool m_thought_spent = false;
        std::optional<choice> m_choice;    // of the forward call under way
        std::exception_ptr m_failure;
        std::size_t m_prompt_done = 0;
        bool m_has_logits = false;
        bool m_prompt_reported = false;
        std::optional<clock::time_point> m_started;
    };

    // A generation with a host's own logits processors in the chain (generate/sampler.hpp says where they
    // run). Drive it alone, by next() or as a range, or with others in a batch.
    template <class Engine, class Extra = processor_chain<>>
    class generation final : public basic_generation<Engine>
    {
        using base = basic_generation<Engine>;

    public:
        generation(Engine const& engine, conversation<typename Engine::variant>& c, std::size_t cached,
                   generation_options options, Extra extra = Extra{}, bool thinks = false,
                   std::shared_ptr<call_masks> calls = {})
            : base(engine, c, cached, std::move(options), thinks, std::move(calls))
            , m_sampler(base::options().sampling, restricted{this, std::move(extra)})
        {}

        Extra& processors() noexcept { return m_sampler.extra().extra; }

    private:
        struct restricted
        {
            generation* self;
            [[no_unique_address]] Extra extra;

            void operator()(std::span<float> logits, std::span<token_id const> history)
            {
                self->restrict(logits);
                extra(logits, history);
            }
        };

        choice pick(std::span<float> logits, std::span<token_id const> history) override
        {
            return m_sampler.pick(logits, history);
        }

        basic_sampler<restricted> m_sampler;
    };
}
