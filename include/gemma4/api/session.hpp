// A conversation with a model.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/generation.hpp>

namespace gemma4::inline v0
{
    // Owns the state of one conversation. One thread at a time; several sessions share an engine.
    // Copying is forking: both go on from the same past, sharing its memory. Not while a generation of it
    // runs.
    template <class Engine>
    class session
    {
        using M = typename Engine::variant;

    public:
        explicit session(Engine engine, std::string system = {})
            : m_engine(std::move(engine))
            , m_system(std::move(system))
            , m_conversation(m_engine.make_state())
        {}

        Engine const& model() const noexcept { return m_engine; }
        std::span<token_id const> tokens() const noexcept { return m_conversation.tokens; }
        state<M> const& past() const noexcept { return m_conversation.past; }

        // The checkpoint's own defaults: how to choose, when to stop.
        generation_options defaults() const
        {
            return {.sampling = m_engine.defaults().sampling, .stop = m_engine.defaults().stop};
        }

        // Forgets everything but the system text.
        void clear()
        {
            m_conversation.past.clear();
            m_conversation.tokens.clear();
            m_turns.clear();
            m_open = false;
        }

        // The model's answer to one more turn of the user. Throws mismatch_error on a base model, which has
        // no chat format.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        ask(std::string_view text, generation_options options, Processors... processors)
        {
            if (!m_engine.chat())
            {
                throw mismatch_error(sentence(m_engine.folder().string(),
                                              " has no chat template: it is a base model, which "
                                              "continues text (complete) and cannot be asked"));
            }
            validate(options);
            chat_writer const write(m_engine.tokens(), *m_engine.chat());
            auto turns = history(write);
            write.turn("user", text, turns);
            auto prompt = turns;
            write.model_turn(prompt);
            auto const answer_at = prompt.size();
            write.generation_prompt(prompt);

            auto const cached = m_conversation.become(std::move(prompt));
            m_conversation.pin_at = answer_at;
            m_turns = std::move(turns);
            m_answer_at = m_conversation.tokens.size();
            m_open = true;
            return {m_engine, m_conversation, cached, std::move(options),
                    processor_chain<Processors...>(std::move(processors)...)};
        }

        auto ask(std::string_view text) { return ask(text, defaults()); }

        // The continuation of raw text; bos is put in front unless it is there. The conversation becomes this
        // text.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        complete(std::string_view text, generation_options options, Processors... processors)
        {
            auto const& tokens = m_engine.tokens();
            auto const bos = tokens.find("<bos>");
            std::vector<token_id> prompt;
            tokens.encode(text, prompt, special_tokens::recognise);
            if (bos && (prompt.empty() || prompt.front() != *bos)) { prompt.insert(prompt.begin(), *bos); }
            return complete(std::move(prompt), std::move(options), std::move(processors)...);
        }

        auto complete(std::string_view text) { return complete(text, defaults()); }

        // The continuation of token ids as they are.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        complete(std::vector<token_id> prompt, generation_options options, Processors... processors)
        {
            validate(options);
            auto const cached = m_conversation.become(std::move(prompt));
            m_conversation.pin_at.reset();
            m_open = false;
            m_turns.clear();
            return {m_engine, m_conversation, cached, std::move(options),
                    processor_chain<Processors...>(std::move(processors)...)};
        }

    private:
        // The turns so far as the template writes them, the last answer closed: the model's own tokens,
        // without the empty thought that some prompts put before them.
        std::vector<token_id> history(chat_writer const& write) const
        {
            auto turns = m_turns;
            if (turns.empty())
            {
                write.begin(turns);
                if (!m_system.empty()) { write.turn("system", m_system, turns); }
            }
            if (m_open)
            {
                write.model_turn(turns);
                turns.insert(turns.end(), m_conversation.tokens.begin() + std::ptrdiff_t(m_answer_at),
                             m_conversation.tokens.end());
                write.end_turn(turns);
            }
            return turns;
        }

        Engine m_engine;
        std::string m_system;
        conversation<M> m_conversation;
        std::vector<token_id> m_turns;    // closed turns, up to the last user's
        std::size_t m_answer_at = 0;      // where the last answer begins in the conversation's tokens
        bool m_open = false;              // there is a last answer
    };
}
