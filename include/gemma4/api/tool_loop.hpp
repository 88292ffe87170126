// Question, calls, results, answer: the turns of a model that has tools.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gemma4/api/answer_stream.hpp>
#include <gemma4/chat/answer_message.hpp>
#include <gemma4/chat/tool.hpp>

namespace gemma4::inline v0
{
    struct tool_loop_options
    {
        std::size_t max_rounds = 8;    // of calls; the calls of the round after them stay unanswered

        // What a tool gave, or {"error": text}; called before the model reads it.
        std::function<void(tool_call const&, json_value const& result)> on_result{};
    };

    // The result of a call: what the tool gives, or {"error": text} where it throws or there is none.
    inline json_value run_tool(std::vector<tool_definition> const& tools, tool_call const& call)
    {
        auto const failed = [](std::string_view what) { return json_value::object{{"error", what}}; };
        auto const tool =
            std::find_if(tools.begin(), tools.end(), [&](auto const& t) { return t.name == call.name; });
        if (tool == tools.end() || !tool->call) { return failed(sentence("there is no tool ", call.name)); }
        try
        {
            return tool->call(call.arguments);
        }
        catch (std::exception const& e)
        {
            return failed(e.what());
        }
    }

    // One answer of several rounds: the events of all of them, and one end_of_turn. Where a call is of a tool
    // that the host runs itself, or after max_rounds, it ends with turn_end::run_tools, and the calls wait in
    // the session's messages (unanswered_calls). Where the results do not fit into the context, next_event()
    // throws capacity_error and the loop has ended: the calls wait then as well.
    class tool_loop final : public answer_stream
    {
    public:
        // Starts the model's answer to these messages after those before.
        using start = std::function<std::unique_ptr<answer_stream>(std::vector<json_value> added)>;
        using messages = std::function<std::vector<json_value>()>;

        // `first` is the answer to the question. What `tools`, `send` and `all` refer to must outlive the
        // loop.
        tool_loop(std::vector<tool_definition> const& tools, start send, messages all,
                  std::unique_ptr<answer_stream> first, tool_loop_options options = {})
            : m_tools(&tools)
            , m_send(std::move(send))
            , m_all(std::move(all))
            , m_options(std::move(options))
            , m_round(std::move(first))
        {}

        // Rounds of calls that were run.
        std::size_t rounds() const noexcept { return m_rounds; }

        void cancel() override
        {
            answer_stream::cancel();
            std::scoped_lock const lock(m_mutex);
            m_round->cancel();
        }

    private:
        void step() override
        {
            auto event = m_round->next_event();
            if (event && !std::holds_alternative<end_of_turn>(*event)) { return emit(std::move(*event)); }
            auto const& said = m_round->said();
            count();
            if (said.tool_calls.empty() || said.end != turn_end::run_tools || m_rounds == m_options.max_rounds
                || m_stop.stop_requested() || !std::ranges::all_of(said.tool_calls, is_ours()))
            {
                return finish(m_round->reason(), said.end);
            }
            ++m_rounds;
            try
            {
                next_round(said);
            }
            catch (...)    // ended: no tool is run a second time
            {
                m_reason = stop_reason::cancelled;
                throw;
            }
        }

        // Runs the calls, and starts the answer to what they give.
        void next_round(answer const& said)
        {
            auto const calls = unanswered_calls(m_all());
            std::vector<json_value> results;
            for (std::size_t i = 0; i != calls.size(); ++i)
            {
                auto result = run_tool(*m_tools, said.tool_calls[i]);
                if (m_options.on_result) { m_options.on_result(said.tool_calls[i], result); }
                results.push_back(tool_message(calls[i], std::move(result)));
            }
            auto next = m_send(std::move(results));
            std::scoped_lock const lock(m_mutex);
            m_round = std::move(next);
            if (m_stop.stop_requested()) { m_round->cancel(); }
        }

        // A tool that does not exist is ours as well: the model is told so.
        std::function<bool(tool_call const&)> is_ours() const
        {
            return [this](tool_call const& call) {
                return std::ranges::none_of(*m_tools,
                                            [&](auto const& t) { return t.name == call.name && !t.call; });
            };
        }

        void count()
        {
            auto const& used = m_round->used();
            auto const tokens = m_round->tokens();
            m_new.insert(m_new.end(), tokens.begin(), tokens.end());
            auto const choices = m_round->choices();
            m_choices.insert(m_choices.end(), choices.begin(), choices.end());
            if (m_rounds == 0) { m_usage.cached_tokens = used.cached_tokens; }
            m_usage.prompt_tokens += used.prompt_tokens - (m_rounds == 0 ? 0 : used.cached_tokens);
            m_usage.new_tokens += used.new_tokens;
            m_usage.prefill_seconds += used.prefill_seconds;
            m_usage.decode_seconds += used.decode_seconds;
        }

        std::vector<tool_definition> const* m_tools;
        start m_send;
        messages m_all;
        tool_loop_options m_options;
        std::mutex m_mutex;    // of m_round, against cancel()
        std::unique_ptr<answer_stream> m_round;
        std::size_t m_rounds = 0;
    };
}
