// Calls of tools and their results.
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    std::filesystem::path nano_folder() { return data() / ".." / ".." / "models" / "nano"; }

    engine<nano> const& model()
    {
        static auto const loaded =
            load<nano>(nano_folder(), {.context = 1024, .rewind_reserve = 0, .threads = 1});
        return loaded;
    }

    tool_definition tool(std::string name, std::string what, std::string argument, std::string type,
                         std::function<json_value(json_value const&)> call)
    {
        json_value::object const property{{"type", type}, {"description", sentence("The ", argument)}};
        json_value::object const parameters{{"type", "object"},
                                            {"properties", json_value::object{{argument, property}}},
                                            {"required", json_value::array{argument}}};
        return {.name = name,
                .declaration =
                    json_value::object{{"type", "function"},
                                       {"function", json_value::object{{"name", name},
                                                                       {"description", what},
                                                                       {"parameters", parameters}}}},
                .call = std::move(call)};
    }

    // a*b and a+b
    json_value evaluate(json_value const& arguments)
    {
        auto const& text = *arguments.find("expression")->as_string();
        auto const at = text.find_first_of("*+");
        auto const a = std::stoi(text), b = std::stoi(text.substr(at + 1));
        return text[at] == '*' ? a * b : a + b;
    }

    tool_definition calculator(std::function<json_value(json_value const&)> call)
    {
        return tool("calculate", "Evaluates an arithmetic expression", "expression", "string",
                    std::move(call));
    }

    template <class Session>
    std::vector<token_id> rendered(Session const& s)
    {
        auto const& form = *s.model().chat().usual.form;
        std::vector<json_value> tools;
        for (auto const& t : s.options().tools) { tools.push_back(t.declaration); }
        return encode(
            render_segments(form, make_chat_request(with_tool_responses(s.messages(), form.rules), tools,
                                                    {.enable_thinking = s.options().thinking})),
            s.model().tokens());
    }
}

TEST_CASE("the model calls the calculator, reads the result and answers")
{
    for (bool const thinking : {false, true})
    {
        CAPTURE(thinking);
        std::vector<json_value> arguments;
        session s(model(), session_options{.tools = {calculator(
                                               [&](json_value const& a)
                                               {
                                                   arguments.push_back(a);
                                                   return evaluate(a);
                                               })},
                                           .thinking = thinking});
        std::size_t prefix = 0;
        for (auto const& [question, expression, result] : {std::tuple{"What is 12 * 34?", "12*34", "408"},
                                                           {"What is 17 + 25?", "17+25", "42"},
                                                           {"What is 11 * 12?", "11*12", "132"}})
        {
            CAPTURE(question);
            arguments.clear();
            std::vector<json_value> results;
            tool_loop_options options;
            options.on_result = [&](tool_call const& call, json_value const& value)
            {
                CHECK(call.name == "calculate");
                results.push_back(value);
            };
            auto loop = s.ask_with_tools(question, s.defaults(), options);
            auto const cached = loop.used().cached_tokens;
            std::size_t calls = 0, ends = 0;
            std::string text;
            for (auto const& event : loop.events())
            {
                calls += std::holds_alternative<tool_call>(event);
                ends += std::holds_alternative<end_of_turn>(event);
                if (auto const* const piece = std::get_if<answer_text>(&event)) { text += piece->text; }
            }
            CHECK(calls == 1);
            CHECK(ends == 1);
            CHECK(loop.rounds() == 1);
            CHECK(loop.said().end == turn_end::turn);
            CHECK(text.find(result) != text.npos);
            REQUIRE(arguments.size() == 1);
            CHECK(*arguments[0].find("expression")->as_string() == expression);
            REQUIRE(results.size() == 1);
            CHECK(to_json(results[0]) == result);
            // all that follows the last question is new, what came before it is not computed again
            CHECK(loop.used().cached_tokens + 1 >= prefix);
            (void)cached;
            auto const messages = s.messages();
            auto const again = rendered(s);
            auto const now = s.tokens();
            auto const shared = std::min(again.size(), now.size());
            CHECK(std::ranges::equal(std::span(again).first(shared), now.first(shared)));
            prefix = thinking ? 0 : now.size();
            CHECK(*messages[messages.size() - 2].find("role")->as_string() == "tool");
        }
    }
}

TEST_CASE("results of any kind reach the model as the template writes them")
{
    auto const& form = chat_template_named("canonical-small");
    auto const rendered_with = [&](json_value result, chat_template const& with)
    {
        json_value::object const function{{"name", "f"}, {"arguments", json_value::object{}}};
        json_value const call(json_value::object{{"id", "call_7"}, {"function", function}});
        std::vector<json_value> const messages{
            chat_message("user", "x"),
            json_value::object{{"role", "assistant"}, {"tool_calls", json_value::array{call}}},
            tool_message(call, std::move(result))};
        auto const text = render(with, make_chat_request(with_tool_responses(messages, with.rules)));
        auto const at = text.find("<|tool_response>");
        return text.substr(at, text.find("<tool_response|>") - at);
    };
    CHECK(rendered_with("a \"b\"", form) == "<|tool_response>response:f{value:<|\"|>a \"b\"<|\"|>}");
    CHECK(rendered_with(12, form) == "<|tool_response>response:f{value:12}");
    CHECK(rendered_with({}, form) == "<|tool_response>response:f{value:null}");
    CHECK(rendered_with(json_value::object{{"b", 1}, {"A", true}}, form)
          == "<|tool_response>response:f{A:true,b:1}");
    CHECK(rendered_with("text", chat_template_named("launch"))
          == "<|tool_response>response:f{value:<|\"|>text<|\"|>}");
    CHECK(rendered_with(json_value::object{{"x", 1.5}}, chat_template_named("launch"))
          == "<|tool_response>response:f{x:1.5}");
}

TEST_CASE("a tool that throws, and one that does not exist, give an error that the model reads")
{
    session s(model(),
              session_options{.tools = {calculator([](json_value const&) -> json_value
                                                   { throw std::runtime_error("the battery is empty"); })}});
    auto loop = s.ask_with_tools("What is 12 * 34?");
    (void)loop.rest();
    CHECK(loop.rounds() == 1);
    auto const text = model().tokens().decode(s.tokens());
    CHECK(text.find("response:calculate{error:<|\"|>the battery is empty<|\"|>}") != text.npos);
    CHECK(to_json(run_tool({}, {"nothing", json_value::object{}}))
          == R"({"error": "there is no tool nothing"})");
}

TEST_CASE("calls of a tool without a function are the host's")
{
    session s(model(), session_options{.tools = {calculator({})}});
    auto loop = s.ask_with_tools("What is 12 * 34?");
    CHECK(loop.rest().empty());
    CHECK(loop.rounds() == 0);
    CHECK(loop.said().end == turn_end::run_tools);
    REQUIRE(loop.said().tool_calls.size() == 1);
    auto const calls = unanswered_calls(s.messages());
    REQUIRE(calls.size() == 1);
    auto const before = s.tokens().size();
    auto run = s.send({tool_message(calls[0], "408")}, s.defaults());
    CHECK(run.used().cached_tokens + 1 >= before);    // nothing of the call is computed again
    CHECK(run.rest().find("408") != std::string::npos);
    CHECK(unanswered_calls(s.messages()).empty());
}

TEST_CASE("a loop ends after its rounds, and when it is cancelled")
{
    session s(model(), session_options{.tools = {calculator(evaluate)}});
    auto none = s.ask_with_tools("What is 12 * 34?", s.defaults(), {.max_rounds = 0});
    (void)none.rest();
    CHECK(none.rounds() == 0);
    CHECK(none.said().end == turn_end::run_tools);
    CHECK(unanswered_calls(s.messages()).size() == 1);

    session t(model(), session_options{.tools = {calculator(evaluate)}});
    tool_loop_options options;
    tool_loop* under_way = nullptr;
    options.on_result = [&](tool_call const&, json_value const&) { under_way->cancel(); };
    auto loop = t.ask_with_tools("What is 12 * 34?", t.defaults(), options);
    under_way = &loop;
    CHECK(loop.rest().empty());
    CHECK(loop.reason() == stop_reason::cancelled);
}

TEST_CASE("sessions of any variant do the same")
{
    auto const known = variants<nano>();
    auto const any = load_any_of(known, nano_folder(), {.context = 512, .threads = 1});
    auto const s = any->session(session_options{.tools = {calculator(evaluate)}});
    generation_options const options{.stop = any->defaults().stop};
    auto loop = s->ask_with_tools(user_turn("What is 12 * 34?"), options);
    CHECK(loop->rest().find("408") != std::string::npos);
    auto const fork = s->fork();
    auto const left = s->ask("What is 17 + 25?", options);
    auto const right = fork->ask("What is 17 + 25?", options);
    CHECK(left.said == right.said);
    CHECK(left.said.tool_calls.size() == 1);
    CHECK(s->messages() == fork->messages());
}

TEST_CASE("a loop that fails has ended: no tool is run twice, and the calls wait")
{
    int runs = 0;
    auto const counted = [&](json_value result)
    {
        return calculator(
            [&runs, result](json_value const&)
            {
                ++runs;
                return result;
            });
    };
    {
        session s(model(), session_options{.tools = {counted(408)}});
        tool_loop_options options;
        options.on_result = [](tool_call const&, json_value const&)
        { throw std::runtime_error("the host's own"); };
        auto loop = s.ask_with_tools("What is 12 * 34?", s.defaults(), options);
        CHECK_THROWS_WITH_AS((void)loop.rest(), "the host's own", std::runtime_error);
        CHECK_FALSE(loop.running());
        CHECK_FALSE(loop.next_event());
        CHECK(runs == 1);
        CHECK(unanswered_calls(s.messages()).size() == 1);
    }
    session s(model(), session_options{.tools = {counted(std::string(5000, 'x'))}});
    auto loop = s.ask_with_tools("What is 12 * 34?");
    CHECK_THROWS_AS((void)loop.rest(), capacity_error);
    CHECK_FALSE(loop.next_event());
    CHECK(runs == 2);
    // The host may answer shorter.
    auto const calls = unanswered_calls(s.messages());
    REQUIRE(calls.size() == 1);
    CHECK(s.send({tool_message(calls[0], 408)}, s.defaults()).rest().find("408") != std::string::npos);
}
