// Question, calls, results, answer: the turns of a model that has tools.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <gemma4/api/answer_stream.hpp>
#include <gemma4/chat/answer_event.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/tool.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    struct tool_loop_options
    {
        std::size_t max_rounds = 8;    // of calls; the calls of the round after them stay unanswered

        // What a tool gave, or {"error": text}; called before the model reads it.
        std::function<void(tool_call const&, json_value const& result)> on_result{};
    };

    // The result of a call: what the tool gives, or {"error": text} where it throws or there is none.
    GEMMA4_CODE json_value run_tool(std::vector<tool_definition> const& tools, tool_call const& call);

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

        void cancel() override;

    private:
        void step() override;

        // Runs the calls, and starts the answer to what they give.
        void next_round(answer const& said);

        // A tool that does not exist is ours as well: the model is told so.
        std::function<bool(tool_call const&)> is_ours() const;

        void count();

        std::vector<tool_definition> const* m_tools;
        start m_send;
        messages m_all;
        tool_loop_options m_options;
        std::mutex m_mutex;    // of m_round, against cancel()
        std::unique_ptr<answer_stream> m_round;
        std::size_t m_rounds = 0;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/tool_loop_code.hpp>
#endif
