// A host's code is tested without a model.
#include <doctest/doctest.h>

#include <gemma4/api/scripted_session.hpp>
#include <gemma4/chat/json_text.hpp>

using namespace gemma4;

namespace
{
    // What a host might have written: it never sees which session it has.
    std::string host(any_session& s, std::string const& question)
    {
        std::string shown;
        auto loop = s.ask_with_tools(user_turn(question), {});
        for (auto const& event : loop->events())
        {
            if (auto const* const piece = std::get_if<answer_text>(&event)) { shown += piece->text; }
            if (std::holds_alternative<tool_call>(event)) { shown += "[calling]"; }
        }
        return shown;
    }
}

TEST_CASE("scripted answers come as events, tools are run, messages are kept")
{
    int calls = 0;
    session_options options{.system = "Be brief."};
    options.tools.push_back({.name = "clock",
                             .declaration = {},
                             .call = [&](json_value const& a) -> json_value
                             {
                                 ++calls;
                                 CHECK(to_json(a) == R"({"zone": "UTC"})");
                                 return "12:30";
                             }});
    scripted_session s({{"<|channel>thought\nI ", "look<channel|><|tool_ca",
                         "ll>call:clock{zone:<|\"|>UTC<|\"|>}<tool_call|><|tool_response>"},
                        {"It is ", "12:30.<turn|>"},
                        {"You are welcome."}},
                       options);
    CHECK(host(s, "What time is it?") == "[calling]It is 12:30.");
    CHECK(calls == 1);
    CHECK(s.left() == 1);
    auto const messages = s.messages();
    REQUIRE(messages.size() == 5);
    CHECK(*messages[0].find("content")->as_string() == "Be brief.");
    CHECK(*messages[2].find("reasoning")->as_string() == "I look");
    CHECK(*messages[3].find("content")->as_string() == "12:30");
    auto const fork = s.fork();
    CHECK(s.ask("Thanks", {}).text == "You are welcome.");
    CHECK(fork->ask("Thanks", {}).said.end == turn_end::turn);
    CHECK(fork->messages() == s.messages());
    CHECK_THROWS_AS((void)s.ask("More", {}), argument_error);
    CHECK_THROWS_AS(s.save("x"), argument_error);
    s.clear();
    CHECK(s.messages().size() == 1);
}

TEST_CASE("a scripted answer can be cancelled, and is what came until then")
{
    scripted_session s({{"One ", "two ", "three"}, {"four"}});
    auto run = s.send(user_turn("Count"), {});
    CHECK(run->next() == "One");
    run->cancel();
    (void)run->rest();
    CHECK(run->reason() == stop_reason::cancelled);
    CHECK(run->said().end == turn_end::cut);
    CHECK(*s.messages().back().find("content")->as_string() == "One");
    CHECK(s.ask("Go on", {}).text == "four");
}
