// Calls of tools under the mask of their declarations: whatever the weights are, a call can be read and fits.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "api/choice_mask.hpp"
#include "api/counting_engine.hpp"
#include "grammar/checker.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/session.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using M = tiny_e2b;
    using E = engine<M, modality::text, any_format, exact>;

    std::vector<std::string> warnings;

    // Random weights with a chat template: it writes garbage.
    E const& garbage()
    {
        static auto const loaded = []
        {
            auto const folder = tiny_checkpoint(M::name, "calls");
            std::filesystem::copy_file(data() / ".." / ".." / "models" / "nano" / "chat_template.jinja",
                                       folder / "chat_template.jinja",
                                       std::filesystem::copy_options::skip_existing);
            return E::load(folder,
                           {.context = 2048, .chunk = 64, .threads = 1, .log = [](std::string_view what) {
                                warnings.emplace_back(what);
                            }});
        }();
        return loaded;
    }

    tool_definition declared(std::string const& name, std::string const& parameters)
    {
        json_value::object function{{"name", name}, {"description", "d"}};
        if (!parameters.empty())
        {
            function.push_back({"parameters", read_json_value(parameters, "parameters")});
        }
        return {name, json_value::object{{"type", "function"}, {"function", std::move(function)}}, {}};
    }

    // Short values, so that garbage comes to an end.
    std::vector<tool_definition> const& tools()
    {
        static std::vector<tool_definition> const all{
            declared("find",
                     R"({"type": "object", "properties": {"where": {"type": "string", "maxLength": 12},
                "Kinds": {"type": "array", "maxItems": 3, "items": {"type": "string", "enum": ["a b", "c"]}},
                "limit": {"type": "integer", "minimum": -20, "maximum": 300},
                "box": {"type": "object", "properties": {"x": {"type": "number"}, "deep": {"type":
                "boolean"}}, "required": ["x"]}}, "required": ["where", "limit"]})"),
            declared("now", ""),
            declared("mcp.server/set-level", R"({"type": "OBJECT", "properties": {"level": {"type": "STRING",
                "enum": ["low", "high"]}}, "required": ["level"]})")};
        return all;
    }

    bool fits(tool_call const& call)
    {
        auto const tool = std::ranges::find(tools(), call.name, &tool_definition::name);
        if (tool == tools().end()) { return false; }
        auto const* const parameters = tool->declaration.find("function")->find("parameters");
        auto arguments = gemma4_test::json::parse(to_json(call.arguments));
        if (!parameters) { return arguments.empty(); }
        auto schema = gemma4_test::json::parse(to_json(*parameters));
        if (call.name.starts_with("mcp"))    // the checker knows types as JSON Schema writes them
        {
            schema["type"] = "object";
            schema["properties"]["level"]["type"] = "string";
        }
        return valid(schema, arguments, schema);
    }

    // What an answer must say next, outside of calls: these markers, one after the other; inside it changes
    // nothing.
    struct opens
    {
        std::vector<token_id> script;
        token_id open, close;
        std::size_t said = 0;    // of the script
        std::size_t seen = 0;    // tokens of history
        bool in_call = false;
        std::size_t* masked = nullptr;     // picks in a call where something was forbidden
        std::size_t* touched = nullptr;    // and outside

        opens(tokenizer const& tokens, std::vector<std::string> const& names)
            : open(*tokens.find("<|tool_call>"))
            , close(*tokens.find("<tool_call|>"))
        {
            for (auto const& name : names) { script.push_back(*tokens.find(name)); }
        }

        void operator()(std::span<float> logits, std::span<token_id const> history)
        {
            if (seen == 0) { seen = history.size(); }
            for (; seen != history.size(); ++seen)
            {
                if (history[seen] == open) { in_call = true; }
                if (history[seen] == close) { in_call = false; }
            }
            bool const forbidden = std::ranges::any_of(logits, [](float x) { return std::isinf(x); });
            if (in_call && masked) { *masked += forbidden; }
            if (!in_call && touched) { *touched += forbidden; }
            if (in_call || said == script.size()) { return; }
            for (std::size_t i = 0; i != logits.size(); ++i)
            {
                if (token_id(i) != script[said]) { logits[i] = -INFINITY; }
            }
            ++said;
        }
    };

    generation_options sampled(std::uint64_t seed, std::size_t most = 600)
    {
        generation_options o;
        o.sampling.do_sample = true;
        o.sampling.temperature = 1.0;
        o.sampling.top_k = 0;
        o.sampling.top_p = 1.0;
        o.sampling.seed = seed;
        o.stop.max_tokens = most;
        return o;
    }

    tool_definition calculator()
    {
        return declared("calculate", R"({"type": "object", "properties": {"expression": {"type": "string",
            "description": "The expression"}}, "required": ["expression"]})");
    }
}

TEST_CASE("whatever random weights write, calls can be read and fit their declarations")
{
    std::size_t names[3] = {};
    for (std::uint64_t seed = 1; seed != 25; ++seed)
    {
        CAPTURE(seed);
        session s(garbage(), session_options{.tools = tools()});
        std::size_t masked = 0, touched = 0;
        opens script(garbage().tokens(),
                     {"<|tool_call>", "<|tool_call>", "<|tool_call>", "<|tool_response>"});
        script.masked = &masked;
        script.touched = &touched;
        auto run = s.ask("Go", sampled(seed), script);
        while (run.next_event()) {}
        auto const& said = run.said();
        CHECK(said.malformed.empty());
        CHECK(said.content.empty());
        CHECK(run.reason() == stop_reason::stop_token);
        CHECK(said.end == turn_end::run_tools);
        REQUIRE(said.tool_calls.size() == 3);
        for (auto const& call : said.tool_calls)
        {
            CAPTURE(to_json(call.arguments));
            CHECK(fits(call));
            ++names[std::size_t(std::ranges::find(tools(), call.name, &tool_definition::name)
                                - tools().begin())];
        }
        CHECK(masked > 0);
        CHECK(touched == 0);
    }
    for (auto const count : names) { CHECK(count > 0); }
    CHECK(warnings.empty());
}

TEST_CASE("without the mask the same weights write no call")
{
    session s(garbage(), session_options{.tools = tools(), .mask_calls = false});
    auto run = s.ask("Go", sampled(1, 60), opens(garbage().tokens(), {"<|tool_call>"}));
    while (run.next_event()) {}
    CHECK(run.said().tool_calls.empty());
    CHECK(run.said().malformed.size() == 1);
}

TEST_CASE("a thought is free and keeps its budget, and a call after it is masked")
{
    for (std::uint64_t seed = 1; seed != 6; ++seed)
    {
        CAPTURE(seed);
        session s(garbage(), session_options{.tools = tools(), .thinking = true});
        auto options = sampled(seed);
        options.thinking_budget = 5;
        options.sampling.suppress_tokens = {*garbage().tokens().find("<|tool_call>"),
                                            *garbage().tokens().find("<channel|>")};
        opens script(garbage().tokens(), {"<|channel>"});
        struct then
        {
            opens first;
            token_id open, close_thought;
            void operator()(std::span<float> logits, std::span<token_id const> history)
            {
                if (history.back() != close_thought) { return first(logits, history); }
                std::ranges::fill(logits, -INFINITY);    // also what is suppressed
                logits[std::size_t(open)] = 0;
            }
        } const both{script, script.open, *garbage().tokens().find("<channel|>")};
        auto run = s.ask("Go", options, both);
        std::size_t calls = 0;
        while (auto const event = run.next_event())
        {
            if (auto const* const call = std::get_if<tool_call>(&*event))
            {
                ++calls;
                CHECK(fits(*call));
                run.cancel();
            }
        }
        CHECK(calls == 1);
        CHECK(run.said().malformed.empty());
        auto const made = run.tokens();
        auto const closed = std::ranges::find(made, both.close_thought);
        CHECK(closed - made.begin() <= 2 + 5 + 3);    // <|channel>, its name, the budget, a new line
    }
}

TEST_CASE("the default model's call passes through its mask, in fewer forward calls")
{
    auto const nano_model = load<nano>(data() / ".." / ".." / "models" / "nano",
                                       {.context = 512, .rewind_reserve = 0, .threads = 1});
    std::vector<token_id> tokens[2];
    std::size_t forward[2] = {};
    for (bool const masked : {false, true})
    {
        counting_engine const counted(nano_model);
        session s(counted, session_options{.tools = {calculator()}, .mask_calls = masked});
        auto run = s.ask("What is 12 * 34?");
        while (run.next_event()) {}
        REQUIRE(run.said().tool_calls.size() == 1);
        CHECK(run.said().tool_calls[0].name == "calculate");
        CHECK(to_json(run.said().tool_calls[0].arguments) == R"({"expression": "12*34"})");
        CHECK(run.said().end == turn_end::run_tools);
        tokens[masked].assign(run.tokens().begin(), run.tokens().end());
        forward[masked] = counted.take().calls;
    }
    CHECK(tokens[0] == tokens[1]);
    // call:calculate{expression:<|"|> and }<tool_call|> need no choice
    auto const fixed = nano_model.tokens().encode("call:calculate{expression:").size();
    CHECK(forward[0] - forward[1] >= fixed);
}

TEST_CASE("calls beyond the limits of a session are not checked, with a warning")
{
    session_options options{.tools = tools()};
    session const within(garbage(), options);
    CHECK(within.warnings().empty());
    options.call_limits.states = 8;
    session s(garbage(), options);
    auto run = s.ask("Go", sampled(3), opens(garbage().tokens(), {"<|tool_call>", "<turn|>"}));
    while (run.next_event()) {}
    auto const said = s.warnings();
    REQUIRE(!said.empty());
    CHECK(said.back().find("grammar_limits::states") != said.back().npos);
}

TEST_CASE("stop strings are of the text, not of calls; a limit inside a call is an event")
{
    session s(garbage(), session_options{.tools = {tools()[2]}});
    auto options = sampled(3);
    options.stop.strings = {"level"};
    auto run = s.ask("Go", options, opens(garbage().tokens(), {"<|tool_call>", "<turn|>"}));
    while (run.next_event()) {}
    CHECK(run.said().tool_calls.size() == 1);
    CHECK(run.said().end == turn_end::turn);

    auto const whole = run.tokens().size();
    for (std::size_t most = 2; most != whole; ++most)
    {
        CAPTURE(most);
        session cut(garbage(), session_options{.tools = {tools()[2]}});
        auto half = cut.ask("Go", sampled(3, most), opens(garbage().tokens(), {"<|tool_call>"}));
        while (half.next_event()) {}
        CHECK(half.reason() == stop_reason::max_tokens);
        CHECK(half.tokens().size() == most);
        CHECK(half.said().malformed.size() + half.said().tool_calls.size() == 1);
        for (auto const& call : half.said().tool_calls) { CHECK(fits(call)); }
    }
}

TEST_CASE("a processor that overrides the mask frees the call instead of failing")
{
    auto const x = *garbage().tokens().find("x");
    struct stubborn
    {
        opens first;
        token_id x;
        std::size_t picks = 0;
        void operator()(std::span<float> logits, std::span<token_id const> history)
        {
            first(logits, history);
            if (!first.in_call || ++picks > 3) { return; }
            std::ranges::fill(logits, -INFINITY);
            logits[std::size_t(x)] = 0;
        }
    };
    session s(garbage(), session_options{.tools = tools()});
    auto run = s.ask("Go", sampled(1, 40), stubborn{opens(garbage().tokens(), {"<|tool_call>"}), x});
    while (run.next_event()) {}
    CHECK(run.said().malformed.size() == 1);
}

TEST_CASE("a tool whose parameters have no grammar is held to the syntax, and a warning says so")
{
    warnings.clear();
    std::vector<tool_definition> const odd{
        declared("odd", R"({"type": "object", "properties": {"a": {"type": "string", "format": "email"}}})"),
        tools()[1]};
    session s(garbage(), session_options{.tools = odd});
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0]
          == "tool odd: its arguments are not checked: schema: odd.a.format: expected date, time, "
             "date-time or uuid, found \"email\"");
    warnings.clear();
    for (std::uint64_t seed = 1; seed != 9; ++seed)
    {
        CAPTURE(seed);
        session fork = s;
        auto run = fork.ask("Go", sampled(seed, 500), opens(garbage().tokens(), {"<|tool_call>"}));
        std::size_t events = 0;
        while (auto const event = run.next_event())
        {
            if (auto const* const call = std::get_if<tool_call>(&*event))
            {
                ++events;
                CHECK((call->name == "odd" || call->name == "now"));
                run.cancel();
            }
        }
        if (run.reason() == stop_reason::cancelled) { CHECK(events == 1); }
    }
    CHECK(warnings.empty());
}

TEST_CASE("a tool whose parameters no arguments can meet takes any, and a warning says so")
{
    warnings.clear();
    session s(garbage(), session_options{.tools = {declared("never", R"({"type": "object",
        "properties": {"a": false}, "required": ["a"]})")}});
    auto run = s.ask("Go", sampled(1, 30), opens(garbage().tokens(), {"<|tool_call>"}));
    while (run.next_event()) {}
    CHECK(run.said().malformed.size() == 1);
    CHECK(warnings
          == std::vector<std::string>{
              "tool never: its arguments are not checked: grammar: no text matches it"});
    warnings.clear();
}

TEST_CASE("a restricted answer cannot be lost in a call that a thought opens")
{
    session s(garbage(), session_options{.tools = tools(), .thinking = true});
    auto options = sampled(1, 60);
    options.thinking_budget = 8;
    options.mask = std::make_shared<choice_mask>(garbage().tokens(), std::vector<std::string>{"yes", "no"});
    struct wishes    // after a first token of a thought, for a call
    {
        token_id open_thought, open_call;
        std::size_t picks = 0;
        void operator()(std::span<float> logits, std::span<token_id const>)
        {
            logits[std::size_t(picks++ == 0 ? open_thought : open_call)] += 1e6f;
        }
    } const wish{*garbage().tokens().find("<|channel>"), *garbage().tokens().find("<|tool_call>")};
    auto run = s.ask("Go", options, wish);
    while (run.next_event()) {}
    CHECK((run.said().content == "yes" || run.said().content == "no"));
    CHECK(run.said().incomplete.empty());
    CHECK(std::ranges::find(run.tokens(), wish.open_thought) != run.tokens().end());
    CHECK(std::ranges::find(run.tokens(), wish.open_call) == run.tokens().end());
}
