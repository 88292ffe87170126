// The default model of the repository against transformers (tools/train/make_golden.py).
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/session.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    engine<nano, modality::text, any_format, exact> const& model()
    {
        static auto const loaded = engine<nano, modality::text, any_format, exact>::load(
            data() / ".." / ".." / "models" / "nano", {.context = 1024, .threads = 2});
        return loaded;
    }
}

TEST_CASE("the default model's tokens and answers are the reference's")
{
    auto const entries = golden("nano").json("greedy");
    REQUIRE(entries.size() == 6);
    for (auto const& entry : entries)
    {
        auto const text = entry.at("text").get<std::string>();
        CAPTURE(text);
        auto const prompt = entry.at("prompt").get<std::vector<token_id>>();
        CHECK(model().tokens().encode(text) == prompt);
        auto expected = entry.at("new_tokens").get<std::vector<token_id>>();
        session s(model());
        auto run = s.complete(prompt, {.stop = {.max_tokens = expected.size()}});
        run.rest();
        CHECK(std::vector(run.tokens().begin(), run.tokens().end()) == expected);
    }
}

TEST_CASE("the default model's logits are the reference's")
{
    auto const prompt = golden("nano").json("greedy").at(0).at("prompt").get<std::vector<token_id>>();
    auto const found = all_logits(model(), prompt, prompt.size());
    CHECK(relative_error(std::span(found).last(nano::text.vocab), golden("nano").floats("last_logits"))
          <= 1e-5);
}

TEST_CASE("asking renders the prompt as its chat template does, and stops at the end of the turn")
{
    auto const entry = golden("nano").json("greedy").at(0);
    session s(model());
    auto run = s.ask("Why is the sky blue?");
    CHECK(std::vector(s.tokens().begin(), s.tokens().end())
          == entry.at("prompt").get<std::vector<token_id>>());
    CHECK(run.rest() + "<turn|>" == entry.at("answer").get<std::string>());
    CHECK(run.reason() == stop_reason::stop_token);
}
