#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/choices.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>

namespace
{
    gemma4::grammar_mask mask_of(gemma4::grammar const& source)
    {
        return gemma4::grammar_mask(source, gemma4_test::tiny_trie(), {gemma4_test::stop, 1});
    }

    std::string text_of(std::vector<gemma4::token_id> const& ids)
    {
        std::string out;
        for (auto const id : ids) { out += gemma4_test::tiny_trie()->text(id); }
        return out;
    }
}

TEST_CASE("grammar_mask: stop tokens are allowed exactly where the text may end, special tokens nowhere")
{
    auto mask = mask_of(gemma4::regular_expression_grammar("a+"));
    CHECK_FALSE(mask.complete());
    CHECK_FALSE(mask.allows(gemma4_test::stop));
    mask.accept(*gemma4_test::tiny_tokens().find("a"));
    CHECK(mask.complete());
    CHECK_FALSE(mask.must_stop());
    std::vector<float> logits(gemma4_test::tiny_tokens().size() + 10, 0.5f);
    mask.restrict(logits);
    CHECK(logits[gemma4_test::stop] == 0.5f);
    CHECK(logits[1] == 0.5f);
    for (auto const id : {0, 2, 3, 48, 52, 105}) { CHECK(logits[std::size_t(id)] < 0); }
    CHECK(logits.back() == -std::numeric_limits<float>::infinity());    // rows beyond the vocabulary
    mask.accept(gemma4_test::stop);
    CHECK(mask.must_stop());
    CHECK(mask.complete());
    CHECK_THROWS_AS(mask.accept(*gemma4_test::tiny_tokens().find("a")), gemma4::argument_error);
}

TEST_CASE("grammar_mask: a token that is not allowed changes nothing")
{
    auto mask = mask_of(gemma4::regular_expression_grammar("ab"));
    auto const b = *gemma4_test::tiny_tokens().find("b");
    CHECK_THROWS_WITH_AS(
        mask.accept(b),
        gemma4::sentence("grammar mask: token ", b, " does not continue what has been written").c_str(),
        gemma4::argument_error);
    CHECK_THROWS_AS(mask.accept(gemma4_test::stop), gemma4::argument_error);
    mask.accept(*gemma4_test::tiny_tokens().find("a"));
    mask.accept(b);
    CHECK(mask.must_stop());
}

TEST_CASE("grammar_mask: a copy goes its own way")
{
    auto mask = mask_of(gemma4::choice_grammar(std::vector<std::string>{"ax", "ay"}));
    mask.accept(*gemma4_test::tiny_tokens().find("a"));
    auto fork = mask;
    mask.accept(*gemma4_test::tiny_tokens().find("x"));
    CHECK(mask.must_stop());
    CHECK_FALSE(fork.complete());
    fork.accept(*gemma4_test::tiny_tokens().find("y"));
    CHECK(fork.must_stop());
}

TEST_CASE("grammar_mask: forced text is what the tokenizer gives for it")
{
    auto mask = mask_of(gemma4::choice_grammar(std::vector<std::string>{"The only answer."}));
    auto const forced = mask.forced();
    REQUIRE(forced);
    CHECK(*forced == gemma4_test::tiny_tokens().encode("The only answer.", gemma4::special_tokens::as_text));
    for (auto const id : *forced) { mask.accept(id); }
    CHECK(mask.must_stop());
    CHECK_FALSE(mask.forced());

    auto keys = mask_of(gemma4::json_schema_grammar(gemma4::read_json_value(
        R"({"type": "object", "properties": {"number": {"type": "string"}, "ok": {"type": "boolean"}},
            "required": ["number", "ok"]})",
        "schema")));
    auto const first = keys.forced();
    REQUIRE(first);
    // All of {"number": " but what a longer token may still take up.
    CHECK(std::string_view(R"({"number": ")").starts_with(text_of(*first)));
    CHECK(text_of(*first).size() >= 10);

    CHECK_FALSE(mask_of(gemma4::regular_expression_grammar("a|b")).forced());
    CHECK_FALSE(mask_of(gemma4::regular_expression_grammar("a?")).forced());
}

TEST_CASE("grammar_mask: forced text with U+2581 and with cut characters")
{
    // U+2581 in text would be a space after the tokenizer; its bytes are left to byte tokens.
    std::mt19937 random(5);
    for (std::string const text : {"a\u2581b", "\u00e9\u00e8", "\U0001f642"})
    {
        CAPTURE(text);
        auto const rules = std::make_shared<gemma4::token_grammar>(
            gemma4::choice_grammar(std::vector<std::string>{text, text.substr(0, text.size() - 1) + "\xbf"}),
            gemma4_test::tiny_trie());
        for (int i = 0; i != 10; ++i)
        {
            auto const made = gemma4_test::random_text(rules, random);
            CHECK(made.substr(0, text.size() - 1) == text.substr(0, text.size() - 1));
        }
    }
}

TEST_CASE("grammar_mask: choices")
{
    auto const g = gemma4::choice_grammar(std::vector<std::string>{"yes", "no", "not sure"});
    CHECK(gemma4_test::accepts(g, "yes"));
    CHECK(gemma4_test::accepts(g, "no"));
    CHECK(gemma4_test::accepts(g, "not sure"));
    CHECK_FALSE(gemma4_test::accepts(g, "not"));
    CHECK_THROWS_AS(gemma4::choice_grammar({}), gemma4::argument_error);
    CHECK_THROWS_AS(gemma4::choice_grammar(std::vector<std::string>{""}), gemma4::argument_error);
}
