// What api/tool_loop.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <exception>
#include <string_view>
#include <variant>

#include <gemma4/api/tool_loop.hpp>
#include <gemma4/chat/answer_message.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE void tool_loop::cancel()
    {
        answer_stream::cancel();
        std::scoped_lock const lock(m_mutex);
        m_round->cancel();
    }

    GEMMA4_CODE void tool_loop::step()
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

    GEMMA4_CODE void tool_loop::next_round(answer const& said)
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

    GEMMA4_CODE std::function<bool(tool_call const&)> tool_loop::is_ours() const
    {
        return [this](tool_call const& call) {
            return std::ranges::none_of(*m_tools,
                                        [&](auto const& t) { return t.name == call.name && !t.call; });
        };
    }

    GEMMA4_CODE void tool_loop::count()
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

    GEMMA4_CODE json_value run_tool(std::vector<tool_definition> const& tools, tool_call const& call)
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
}
