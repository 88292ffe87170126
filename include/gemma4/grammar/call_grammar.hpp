// Tool calls in Gemma's own syntax: <|tool_call>call:NAME{key:value,...}<tool_call|>
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/marker.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/value_notation.hpp>
#include <gemma4/text/tokenizer.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    // The tokens that calls are made of.
    struct call_tokens
    {
        token_id open_call;
        token_id close_call;
        token_id quote;

        // mismatch_error: the tokenizer has no such token.
        static call_tokens of(tokenizer const& tokens)
        {
            auto const id = [&](marker m)
            {
                auto const found = tokens.find(name_of(m));
                if (!found)
                {
                    throw mismatch_error(
                        sentence("tokenizer: expected a token ", name_of(m), ", found none"));
                }
                return *found;
            };
            return {id(marker::open_call), id(marker::close_call), id(marker::quote)};
        }
    };

    enum class call_begin
    {
        with_marker,    // <|tool_call> is part of the grammar
        after_marker    // <|tool_call> has been written
    };

    // One call of one of the tools; declarations as chat templates take them ({"type": "function",
    // "function": {"name", "parameters"}}). Arguments come sorted by key, as templates declare and show them.
    // argument_error: no tools, one without a name or with one that no call can hold, or parameters that
    // grammar/json_schema.hpp does not support. With `loose`, none of these is an error of the others: that
    // sentence is handed to it, a tool that no call can name is left out, and the arguments of one whose
    // parameters are not supported, or that is among the `unchecked`, may be any object. argument_error then
    // only where no tool is left.
    inline grammar call_grammar(std::span<json_value const> declarations, call_tokens const& tokens,
                                call_begin begin = call_begin::with_marker,
                                std::function<void(std::string_view)> const& loose = {},
                                std::vector<bool> const& unchecked = {}, grammar_limits const& limits = {})
    {
        auto const refuse = [&](std::string const& why)
        {
            if (!loose) { throw argument_error(why); }
            loose(why);
        };
        grammar out(limits);
        auto notation = value_notation::call(out, tokens.quote);
        std::vector<grammar::part> calls;
        for (std::size_t i = 0; i != declarations.size(); ++i)
        {
            auto const& declaration = declarations[i];
            auto const* const function = declaration.find("function");
            auto const* const name = function ? function->find("name") : nullptr;
            if (!name || !name->as_string() || name->as_string()->empty())
            {
                refuse("tools: expected function.name, found none");
                continue;
            }
            auto const& text = *name->as_string();
            if (text.find('{') != text.npos || python::strip(text) != text || !is_utf8(text))
            {
                refuse(sentence("tools: a call cannot hold the name ", text));
                continue;
            }
            auto const* const parameters = function->find("parameters");
            auto const arguments = [&]
            {
                bool const none = !parameters || parameters->is_null()
                                  || (parameters->as_object() && parameters->as_object()->empty());
                if (none) { return out.literal("{}"); }
                if (i < unchecked.size() && unchecked[i]) { return notation.map(notation.any()); }
                auto const before = out.size();
                auto const known = notation;
                try
                {
                    return schema_compiler(notation, *parameters).object_at(*parameters, text);
                }
                catch (error const& unsupported)
                {
                    if (!loose) { throw; }
                    loose(sentence("tool ", text, ": its arguments are not checked: ", unsupported.what()));
                    out.shrink(before);    // the limits are those of what is checked
                    notation = known;
                    return notation.map(notation.any());
                }
            };
            calls.push_back(out.sequence({out.literal("call:" + text), arguments()}));
        }
        if (calls.empty()) { throw argument_error("tools: expected at least one, found none"); }
        std::vector<grammar::part> parts;
        if (begin == call_begin::with_marker) { parts.push_back(out.token(tokens.open_call)); }
        parts.push_back(out.choice(std::move(calls)));
        parts.push_back(out.token(tokens.close_call));
        out.set_root(out.sequence(std::move(parts)));
        return out;
    }
}
