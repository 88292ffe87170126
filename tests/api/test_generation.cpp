// Thinking budgets and masks.
#include "api/choice_mask.hpp"
#include "api/counting_engine.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/batch.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/api/typed_answer.hpp>
#include <gemma4/generate/processors.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    engine<nano> const& model()
    {
        static auto const loaded = []
        {
            load_options options;
            options.context = 512;
            options.chunk = 64;
            options.threads = 1;
            return load<nano>(data() / ".." / ".." / "models" / "nano", options);
        }();
        return loaded;
    }

    session_options const thinking{.thinking = true};

    // The text of the last answer, markers included.
    template <class Session>
    std::string made(Session const& s, basic_generation<engine<nano>> const& run)
    {
        return s.model().tokens().decode(run.tokens());
    }

    std::shared_ptr<choice_mask> one_of(std::vector<std::string> const& texts)
    {
        return std::make_shared<choice_mask>(model().tokens(), texts);
    }
}

TEST_CASE("a thinking budget closes the thought, and the answer goes on")
{
    for (std::size_t const budget : {0u, 1u, 2u, 5u, 9u, 400u})
    {
        CAPTURE(budget);
        session s(model(), thinking);
        auto options = s.defaults();
        options.thinking_budget = budget;
        auto run = s.ask("What is 27 + 35?", options);
        auto const text = run.rest();
        auto const whole = made(s, run);
        CAPTURE(whole);
        CHECK(!text.empty());
        CHECK(run.said().end == turn_end::turn);
        REQUIRE(whole.starts_with("<|channel>thought\n"));
        auto const close = whole.find("<channel|>");
        REQUIRE(close != whole.npos);
        CHECK(whole[close - 1] == '\n');
        CHECK(whole.find("<|channel>", 1) == whole.npos);
        auto const& tokens = model().tokens();
        auto const in_it = whole.substr(18, close - 18);
        CHECK(tokens.encode(in_it).size() <= budget + 1);    // and the new line
        if (budget == 400)
        {
            session free(model(), thinking);
            CHECK(free.ask("What is 27 + 35?", free.defaults()).rest() == text);
        }
        else if (budget > 0) { CHECK(tokens.encode(in_it).size() >= budget); }
    }
}

TEST_CASE("a budget counts in the thought that the prompt opens after a tool's result")
{
    session s(model(), session_options{.thinking = true});
    s.set_messages(
        {chat_message("user", "What is 12 * 34?"),
         json_value::object{
             {"role", "assistant"},
             {"tool_calls",
              json_value::array{json_value::object{
                  {"function", json_value::object{{"name", "f"}, {"arguments", json_value::object{}}}}}}}},
         json_value::object{{"role", "tool"}, {"content", "408"}}});
    auto options = s.defaults();
    options.thinking_budget = 0;
    auto run = s.send({}, options);
    // closed at once, together with the prompt
    CHECK(model().tokens().decode(s.tokens()).ends_with("<tool_response|><|channel>thought\n<channel|>"));
    auto const text = run.rest();
    CHECK(made(s, run).starts_with("<channel|>"));
    CHECK(run.said().thinking.empty());
    CHECK(!text.empty());
}

TEST_CASE("a mask restricts the answer from the first token on, and stops it when nothing can follow")
{
    for (bool const forces : {false, true})
    {
        CAPTURE(forces);
        counting_engine const counted(model());
        session s(counted);
        auto options = s.defaults();
        auto const mask = one_of({"The capital of Spain is Madrid.", "The capital of Egypt is Cairo."});
        mask->forces = forces;
        options.mask = mask;
        auto run = s.ask("What is the capital of Spain?", options);
        (void)counted.take();
        CHECK(run.rest() == "The capital of Spain is Madrid.");
        CHECK_FALSE(mask->wrong);
        CHECK(run.reason() == stop_reason::completed);
        CHECK(run.said().end == turn_end::turn);
        CHECK(run.said().incomplete.empty());
        auto const counts = counted.take();
        // each token is run once; the last ones are not, because nothing comes after them
        if (forces) { CHECK(counts.calls < run.tokens().size()); }
        CHECK(counts.calls == mask->restricted);
        // and the conversation goes on from there
        CHECK(s.ask("And of Egypt?", s.defaults()).rest().find("Cairo") != std::string::npos);
    }
}

TEST_CASE("forced tokens run in one forward call, to the same logits")
{
    counting_engine const counted(model());
    session s(counted);
    auto options = s.defaults();
    options.stop.max_tokens = 40;
    auto const question = "Why is the sky blue?";
    std::string const begin = "The sky is blue because";
    struct prefix_then_free final : token_mask
    {
        std::vector<token_id> prefix;
        std::size_t at = 0;
        void restrict(std::span<float>) override {}
        void accept(token_id) override { ++at; }
        std::optional<std::vector<token_id>> forced() override
        {
            if (at != 0) { return {}; }
            return prefix;
        }
        bool complete() const override { return true; }
        bool must_stop() const override { return false; }
    };
    auto const mask = std::make_shared<prefix_then_free>();
    mask->prefix = model().tokens().encode(begin);
    options.mask = mask;
    auto run = s.ask(question, options);
    (void)counted.take();
    auto const text = run.rest();
    CHECK(text.starts_with(begin));
    auto const calls = counted.take().calls;
    // the prompt, up to its checkpoint; the prefix; and every free token but the last
    CHECK(calls == 2 + run.tokens().size() - mask->prefix.size());

    // The same prompt with the prefix in it.
    session other(model());
    auto free = other.ask(question, other.defaults());
    std::vector<token_id> prompt(other.tokens().begin(), other.tokens().end());
    prompt.insert(prompt.end(), mask->prefix.begin(), mask->prefix.end());
    session fresh(model());
    auto whole = fresh.complete(prompt, other.defaults());
    CHECK(begin + whole.rest() == text);
}

TEST_CASE("with thinking the thought is free, and the mask begins when it has closed")
{
    session s(model(), thinking);
    auto options = s.defaults();
    options.thinking_budget = 8;
    auto const mask = one_of({"62", "72"});
    options.mask = mask;
    auto run = s.ask("What is 27 + 35?", options);
    auto const text = run.rest();
    CHECK((text == "62" || text == "72"));
    CHECK(!run.said().thinking.empty());
    CHECK_FALSE(mask->wrong);
    CHECK(run.reason() == stop_reason::completed);

    // a thought that the prompt has opened
    s.set_messages(
        {chat_message("user", "What is 12 * 34?"),
         json_value::object{
             {"role", "assistant"},
             {"tool_calls",
              json_value::array{json_value::object{
                  {"function", json_value::object{{"name", "f"}, {"arguments", json_value::object{}}}}}}}},
         json_value::object{{"role", "tool"}, {"content", "408"}}});
    options.mask = one_of({"yes", "no"});
    auto again = s.send({}, options);
    auto const word = again.rest();
    CHECK((word == "yes" || word == "no"));
}

TEST_CASE("half a restricted answer is an event, and no value")
{
    session s(model());
    auto options = s.defaults();
    auto const mask = one_of({"The capital of Spain is Madrid.", "The capital of Egypt is Cairo."});
    options.mask = mask;
    options.stop.max_tokens = 3;
    auto run = s.ask("What is the capital of Spain?", options);
    std::vector<answer_event> events;
    for (auto const& event : run.events()) { events.push_back(event); }
    REQUIRE(events.size() >= 2);
    CHECK(std::holds_alternative<incomplete_answer>(events[events.size() - 2]));
    CHECK(std::get<end_of_turn>(events.back()).how == turn_end::cut);
    CHECK(run.said().incomplete.find("max_tokens") != std::string::npos);

    session cancelled(model());
    options.mask = one_of({"The capital of Spain is Madrid.", "The capital of Egypt is Cairo."});
    auto stopped = cancelled.ask("What is the capital of Spain?", options);
    stopped.cancel();
    (void)stopped.rest();
    CHECK(!stopped.said().incomplete.empty());

    // where it may stop it is whole
    session whole(model());
    options.mask = one_of({"Yes", "Yes, it is"});
    options.stop.max_tokens = 0;
    auto done = whole.ask("Is water wet?", options);
    auto const text = done.rest();
    CHECK((text == "Yes" || text == "Yes, it is"));
    CHECK(done.said().incomplete.empty());
}

TEST_CASE("members of a batch have masks and budgets of their own")
{
    std::vector<std::string> const questions{"What is the capital of Spain?", "What is 27 + 35?",
                                             "Why is the sky blue?"};
    auto const options_of = [](std::size_t i)
    {
        generation_options options{.stop = model().defaults().stop};
        if (i == 0) { options.mask = one_of({"Madrid", "Cairo"}); }
        if (i == 1) { options.thinking_budget = 4; }
        return options;
    };
    std::vector<std::string> alone;
    for (std::size_t i = 0; i != questions.size(); ++i)
    {
        session s(model(), session_options{.thinking = i == 1});
        alone.push_back(s.ask(questions[i], options_of(i)).rest());
    }
    CHECK(alone[0] == "Madrid");
    std::vector<session<engine<nano>>> sessions;
    std::vector<std::unique_ptr<generation<engine<nano>>>> runs;
    batch together(model());
    for (std::size_t i = 0; i != questions.size(); ++i)
    {
        sessions.emplace_back(model(), session_options{.thinking = i == 1});
    }
    for (std::size_t i = 0; i != questions.size(); ++i)
    {
        using run = generation<engine<nano>>;
        runs.emplace_back(new run(sessions[i].ask(questions[i], options_of(i))));
        together.join(*runs.back());
    }
    together.run();
    for (std::size_t i = 0; i != questions.size(); ++i) { CHECK(runs[i]->rest() == alone[i]); }
}

namespace
{
    struct lamp
    {
        std::string color;
        int watts = 0;
        static constexpr auto fields =
            gemma4::fields(gemma4::field("color", &lamp::color), gemma4::field("watts", &lamp::watts));
    };
}

TEST_CASE("a typed answer that ends early is an error of its own, with what was written")
{
    session s(model());
    auto options = s.defaults();
    options.stop.max_tokens = 3;
    try
    {
        (void)s.ask<lamp>(user_turn("Describe a lamp."), options);
        FAIL("no error");
    }
    catch (incomplete_error const& e)
    {
        CHECK(std::string(e.what()).find("max_tokens") != std::string::npos);
        CHECK(e.reason() == stop_reason::max_tokens);
        CHECK(e.said().content.starts_with("{"));
        CHECK(!e.said().incomplete.empty());
    }
    CHECK_THROWS_AS((void)s.ask<lamp>(user_turn("Describe a lamp."), options), error);
}

TEST_CASE("a generation ends where its tokens only repeat themselves, if it is to")
{
    auto const& tokens = model().tokens();
    auto const word = tokens.encode("the").front();
    logit_bias const always({{word, 1000.0f}});
    for (bool const asked : {false, true})
    {
        session s(model());
        generation_options options;
        options.stop.max_tokens = 60;
        if (asked) { options.stop.repetition.emplace(); }
        auto run = s.complete("<bos>Say", options, always);
        (void)run.rest();
        CHECK(run.reason() == (asked ? stop_reason::repetition : stop_reason::max_tokens));
        CHECK(run.tokens().size() == (asked ? 32 : 60));
        CHECK(run.said().end == turn_end::cut);
    }
    // what the prompt repeats is no matter
    session s(model());
    generation_options options;
    options.stop.max_tokens = 4;
    options.stop.repetition.emplace();
    auto run = s.complete(std::vector<token_id>(80, word), options);
    (void)run.rest();
    CHECK(run.reason() == stop_reason::max_tokens);
    options.stop.repetition->times = 1;
    CHECK_THROWS_AS((void)s.complete("a", options), argument_error);
}

TEST_CASE("other options of a session: the past is said under the new system text and tools")
{
    auto const answer = [](session<engine<nano>>& s, std::string_view text)
    {
        auto options = s.defaults();
        options.stop.max_tokens = 12;
        return s.ask(text, options).rest();
    };
    session s(model(), "You are a poet.");
    auto const first = answer(s, "What is 2 + 3?");
    auto const plain = [&]
    {
        auto other = s;
        return answer(other, "And 4 + 5?");
    }();
    session_options changed{.system = "You are a judge.", .thinking = true};
    s.set_options(changed);
    CHECK(s.options().system == "You are a judge.");
    auto const messages = s.messages();
    REQUIRE(messages.size() == 3);
    CHECK(messages[0] == chat_message("system", "You are a judge."));
    auto const now = answer(s, "And 4 + 5?");
    // the same as held with them from the start
    session whole(model(), changed);
    whole.set_messages(turn(messages));
    CHECK(answer(whole, "And 4 + 5?") == now);
    CHECK(std::ranges::equal(whole.tokens(), s.tokens()));
    // none any more, and back to none
    s.set_options({});
    CHECK(s.messages().size() == 4);
    s.set_options(session_options{.system = "You are a poet."});
    CHECK(s.messages().front() == chat_message("system", "You are a poet."));
    // the same options change nothing
    session same(model(), "You are a poet.");
    CHECK(answer(same, "What is 2 + 3?") == first);
    same.set_options(session_options{.system = "You are a poet."});
    CHECK(answer(same, "And 4 + 5?") == plain);
}
