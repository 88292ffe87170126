// A session without a model: answers that were written down, for the tests of a host's own code.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/chat/answer_parser.hpp>

namespace gemma4::inline v0
{
    // Gives out an answer in the pieces that it was written in.
    class scripted_answer final : public answer_stream
    {
    public:
        // pieces: as the model would write them, with control tokens spelled: "<|channel>thought\n",
        // "<|tool_call>call:f{x:1}<tool_call|><|tool_response>", "The answer.<turn|>". What is given out is
        // added to `said` as well.
        scripted_answer(std::vector<std::string> pieces, std::shared_ptr<answer> said)
            : m_pieces(pieces.begin(), pieces.end())
            , m_record(std::move(said))
        {}

    private:
        void step() override
        {
            if (m_stop.stop_requested()) { return ended(stop_reason::cancelled); }
            if (m_pieces.empty()) { return ended(stop_reason::stop_token); }
            give(m_parser.push(m_pieces.front()));
            m_pieces.pop_front();
        }

        void ended(stop_reason reason)
        {
            give(m_parser.finish());
            finish(reason, reason == stop_reason::cancelled ? turn_end::cut : m_end);
        }

        void give(std::vector<answer_event> events)
        {
            for (auto& event : events)
            {
                if (auto const* const end = std::get_if<end_of_turn>(&event))
                {
                    if (end->how == turn_end::run_tools) { m_end = end->how; }
                    continue;
                }
                m_record->add(event);
                emit(std::move(event));
            }
        }

        std::deque<std::string> m_pieces;
        std::shared_ptr<answer> m_record;
        answer_parser m_parser;
        turn_end m_end = turn_end::turn;
    };

    // Answers the n-th question, continuation or result of tools with the n-th scripted answer, whatever is
    // said. Its messages are those of a real session. Throws argument_error when the script is at its end.
    class scripted_session final : public any_session
    {
    public:
        using script = std::vector<std::vector<std::string>>;    // answers of pieces

        explicit scripted_session(script answers, session_options options = {})
            : m_script(answers.begin(), answers.end())
            , m_options(std::move(options))
        {
            clear();
        }

        // Answers that were not asked for yet.
        std::size_t left() const noexcept { return m_script.size(); }

        std::unique_ptr<answer_stream> send(turn said, generation_options options) override
        {
            validate(options);
            if (m_script.empty())
            {
                throw argument_error("the script of this session has no further answer");
            }
            m_messages = messages();
            m_messages.insert(m_messages.end(), said.messages.begin(), said.messages.end());
            m_said = std::make_shared<answer>();
            auto stream = std::make_unique<scripted_answer>(std::move(m_script.front()), m_said);
            m_script.pop_front();
            return stream;
        }

        std::unique_ptr<answer_stream> extend(std::string_view, generation_options options) override
        {
            return send(turn(), std::move(options));
        }

        std::unique_ptr<answer_stream> extend(token_prompt, generation_options options) override
        {
            return send(turn(), std::move(options));
        }

        session_options const& options() const override { return m_options; }
        std::vector<std::string> warnings() const override { return {}; }

        void set_options(session_options options) override
        {
            if (options.system != m_options.system) { set_system_message(m_messages, options.system); }
            m_options = std::move(options);
        }

        std::vector<json_value> messages() const override
        {
            auto all = m_messages;
            if (!m_said || *m_said == answer{}) { return all; }
            for (auto& message : answer_messages(*m_said, m_messages, template_rules{}))
            {
                all.push_back(std::move(message));
            }
            return all;
        }

        void set_messages(turn past) override
        {
            m_messages = std::move(past.messages);
            m_said.reset();
        }

        void prepare() override {}

        void clear() override
        {
            m_messages.clear();
            m_said.reset();
            if (!m_options.system.empty()) { m_messages.push_back(chat_message("system", m_options.system)); }
        }

        position size() const override { return 0; }
        std::unique_ptr<any_session> fork() const override
        {
            auto copy =
                std::make_unique<scripted_session>(script(m_script.begin(), m_script.end()), m_options);
            copy->m_messages = messages();
            return copy;
        }

        // Throw argument_error: there is no model whose state could be kept.
        void save(std::filesystem::path const&) const override { no_state(); }
        void load(std::filesystem::path const&) override { no_state(); }

    private:
        [[noreturn]] static void no_state()
        {
            throw argument_error("a scripted session has no state that could be saved or loaded");
        }

        std::deque<std::vector<std::string>> m_script;
        session_options m_options;
        std::vector<json_value> m_messages;
        std::shared_ptr<answer> m_said;    // the last answer, as far as it was given out
    };
}
