// The decoder against transformers (tests/data/golden, tools/reference/README.md), and the same bits however
// it is run.
#include <cstring>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/model/text_model.hpp>
#include <gemma4/parallel/pool.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    // What the issue allows: the reference's own rounding is near 1e-5 with experts.
    template <class M>
    constexpr double tolerance = M::text.experts != 0 ? 2e-5 : 1e-5;

    template <class M>
    engine<M, modality::text, any_format, exact> tiny(load_options options = one_thread())
    {
        return engine<M, modality::text, any_format, exact>::load(tiny_checkpoint(M::name),
                                                                  std::move(options));
    }

    template <class M>
    std::vector<float> last_logits(engine<M, modality::text, any_format, exact> const& model,
                                   std::span<token_id const> tokens, std::size_t chunk)
    {
        auto past = model.make_state();
        std::vector<float> last;
        for (std::size_t at = 0; at < tokens.size(); at += chunk)
        {
            auto const n = std::min(chunk, tokens.size() - at);
            sequence_step<M> const step{&past, tokens.subspan(at, n),
                                        at + n == tokens.size() ? wanted_logits::last : wanted_logits::none};
            model.step(std::span(&step, 1),
                       [&](std::size_t, std::span<float> row) { last.assign(row.begin(), row.end()); });
        }
        return last;
    }

    bool same_bits(std::vector<float> const& a, std::vector<float> const& b)
    {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    }
}

#define TINY_VARIANTS tiny_e2b, tiny_e4b, tiny_a4b, tiny_d31b

TEST_CASE_TEMPLATE("logits of the last token equal the reference's at every length", M, TINY_VARIANTS)
{
    auto const model = tiny<M>();
    golden const expected(M::name);
    auto const tokens = expected.tokens();
    auto const lengths = expected.integers("lengths");
    auto const logits = expected.floats("last_logits");
    REQUIRE(lengths.size() == 7);
    for (std::size_t i = 0; i != lengths.size(); ++i)
    {
        auto const n = std::size_t(lengths[i]);
        CAPTURE(n);
        auto const found = last_logits(model, std::span(tokens).first(n), n);
        CHECK(relative_error(found, std::span(logits).subspan(i * M::text.vocab, M::text.vocab))
              <= tolerance<M>);
    }
}

TEST_CASE_TEMPLATE("logits of every token equal the reference's", M, TINY_VARIANTS)
{
    auto const model = tiny<M>();
    golden const expected(M::name);
    auto const tokens = expected.tokens();
    auto const found = all_logits(model, tokens, tokens.size());
    auto const every_8th = expected.floats("logits_every_8th");
    auto const largest = expected.floats("row_max");
    auto const argmax = expected.integers("row_argmax");
    std::vector<float> found_8th, found_max;
    for (std::size_t r = 0; r != tokens.size(); ++r)
    {
        auto const row = std::span(found).subspan(r * M::text.vocab, M::text.vocab);
        if (r % 8 == 0) { found_8th.insert(found_8th.end(), row.begin(), row.end()); }
        auto const best = std::max_element(row.begin(), row.end());
        found_max.push_back(*best);
        CHECK(best - row.begin() == argmax[r]);
    }
    CHECK(relative_error(found_8th, every_8th) <= tolerance<M>);
    CHECK(relative_error(found_max, largest) <= tolerance<M>);
}

TEST_CASE_TEMPLATE("bf16 and f16 weights are computed in float32", M, TINY_VARIANTS)
{
    golden const expected(M::name);
    auto const tokens = expected.tokens();
    auto const n = 3 * M::text.window + 5;
    auto const check = [&](stored_dtype type, std::string const& tag)
    {
        auto const folder = tiny_checkpoint(M::name, tag, {.dtype = type, .towers = false});
        auto const model = engine<M, modality::text, any_format, exact>::load(folder, one_thread());
        auto const found = last_logits(model, std::span(tokens).first(n), n);
        CHECK(relative_error(found, expected.floats("last_logits_" + tag)) <= tolerance<M>);
    };
    check(stored_dtype::bf16, "bf16");
    check(stored_dtype::f16, "f16");
}

TEST_CASE_TEMPLATE("every layer's output and attention equal the reference's", M, TINY_VARIANTS)
{
    // hidden_states: rows 19 and 39 of a run of 40, before layer 0, after each layer, after the final norm
    auto const model = tiny<M>();
    golden const expected(M::name);
    auto const tokens = expected.tokens();
    auto const hidden = expected.floats("hidden_states");
    auto const attention = expected.floats("attention_output");
    constexpr auto width = M::text.hidden;
    auto past = model.make_state();
    std::size_t seen = 0;
    auto const compare = [&](layer_point point, std::size_t layer, auto const& rows)
    {
        REQUIRE(rows.shape(0) == 40);
        REQUIRE(rows.shape(1) == width);
        std::vector<float> found;
        for (std::size_t const r : {19u, 39u})
        {
            for (std::size_t i = 0; i != width; ++i) { found.push_back(rows(r, i)); }
        }
        auto const& from = point == layer_point::attention ? attention : hidden;
        auto const at = (point == layer_point::output ? layer + 1 : layer) * 2 * width;
        CAPTURE(layer);
        CAPTURE(int(point));
        CHECK(relative_error(found, std::span(from).subspan(at, 2 * width)) <= tolerance<M>);
        ++seen;
    };
    sequence_step<M> const step{&past, std::span(tokens).first(40), wanted_logits::all};
    model.step(
        std::span(&step, 1), [](std::size_t, std::span<float>) {}, {}, compare);
    CHECK(seen == 3 * M::text.layers);
}

TEST_CASE_TEMPLATE("the same bits for every way of cutting a prompt", M, TINY_VARIANTS)
{
    auto const model = tiny<M>();
    auto const tokens = golden(M::name).tokens();
    auto const whole = all_logits(model, tokens, tokens.size());
    constexpr auto window = M::text.window;
    for (std::size_t const chunk :
         {std::size_t(1), std::size_t(7), window - 1, window, window + 1, std::size_t(128)})
    {
        CAPTURE(chunk);
        CHECK(same_bits(all_logits(model, tokens, chunk), whole));
    }
    // rows whose logits nobody wants are dropped on the way: the last token's are the same
    auto const last = std::vector<float>(whole.end() - M::text.vocab, whole.end());
    CHECK(same_bits(last_logits(model, tokens, tokens.size()), last));
    CHECK(same_bits(last_logits(model, tokens, 1), last));
    CHECK(same_bits(last_logits(model, tokens, window + 1), last));
}

TEST_CASE_TEMPLATE("the same bits with any number of threads", M, TINY_VARIANTS)
{
    auto const tokens = golden(M::name).tokens();
    auto const alone = all_logits(tiny<M>(), tokens, tokens.size());
    for (std::size_t const threads : {2u, 3u, 5u, 16u, 64u})
    {
        CAPTURE(threads);
        auto const model =
            tiny<M>({.context = 512, .chunk = 256, .executor = std::make_shared<pool>(threads)});
        CHECK(model.threads() == threads);
        CHECK(same_bits(all_logits(model, tokens, tokens.size()), alone));
        CHECK(same_bits(all_logits(model, std::span(tokens).first(20), 1),
                        std::vector<float>(alone.begin(), alone.begin() + 20 * M::text.vocab)));
    }
}

TEST_CASE_TEMPLATE("the same bits beside other sequences", M, TINY_VARIANTS)
{
    auto const model = tiny<M>({.context = 512, .chunk = 256, .threads = 2});
    auto const tokens = golden(M::name).tokens();
    std::span const all(tokens);
    auto const alone = all_logits(model, tokens, tokens.size());
    auto const row_of = [&](std::size_t r)
    {
        auto const row = std::span(alone).subspan(r * M::text.vocab, M::text.vocab);
        return std::vector<float>(row.begin(), row.end());
    };

    // three sequences of the same text at different positions, stepping by different lengths
    std::vector<state<M>> states(3, model.make_state());
    std::size_t const lengths[][3] = {{40, 1, 17}, {1, 60, 1}, {1, 1, 30}, {25, 2, 1}, {1, 1, 1}};
    for (auto const& n : lengths)
    {
        std::vector<sequence_step<M>> steps;
        std::vector<std::size_t> rows;
        for (std::size_t s = 0; s != 3; ++s)
        {
            steps.push_back({&states[s], all.subspan(states[s].size(), n[s]), wanted_logits::last});
            rows.push_back(states[s].size() + n[s] - 1);
        }
        model.step(std::span<sequence_step<M> const>(steps),
                   [&](std::size_t i, std::span<float> logits) {
                       CHECK(same_bits({logits.begin(), logits.end()}, row_of(rows[i])));
                   });
    }
}

TEST_CASE_TEMPLATE("greedy continuation equals the reference's", M, TINY_VARIANTS)
{
    auto const model = tiny<M>();
    for (auto const& entry : golden(M::name).json("greedy"))
    {
        auto const prompt = entry.at("prompt").get<std::vector<token_id>>();
        auto const expected = entry.at("new_tokens").get<std::vector<token_id>>();
        REQUIRE(expected.size() == 64);
        auto past = model.make_state();
        std::vector<token_id> next = prompt, found;
        while (found.size() != 64)
        {
            sequence_step<M> const step{&past, next, wanted_logits::last};
            token_id best = 0;
            model.step(std::span(&step, 1), [&](std::size_t, std::span<float> row)
                       { best = token_id(std::max_element(row.begin(), row.end()) - row.begin()); });
            next = {best};
            found.push_back(best);
        }
        CHECK(found == expected);
    }
}

TEST_CASE("the layers that share keys and values run for wanted rows only")
{
    auto const model = tiny<tiny_e2b>();
    auto const tokens = golden("tiny_e2b").tokens();
    auto past = model.make_state();
    std::vector<std::size_t> rows(tiny_e2b::text.layers);
    auto const count = [&](layer_point point, std::size_t layer, auto const& x)
    {
        if (point == layer_point::output) { rows[layer] = x.shape(0); }
    };
    sequence_step<tiny_e2b> const step{&past, std::span(tokens).first(50), wanted_logits::last};
    model.step(
        std::span(&step, 1), [](std::size_t, std::span<float>) {}, {}, count);
    for (std::size_t l = 0; l != rows.size(); ++l) { CHECK(rows[l] == (l < 9 ? 50 : 1)); }

    // none wanted: nothing above the last owner's keys runs, and the next token's logits are the same
    std::fill(rows.begin(), rows.end(), 99);
    sequence_step<tiny_e2b> const silent{&past, std::span(tokens).subspan(50, 30), wanted_logits::none};
    model.step(
        std::span(&silent, 1), [](std::size_t, std::span<float>) { FAIL("no logits were asked for"); }, {},
        count);
    CHECK(rows[8] == 30);
    CHECK(rows[9] == 0);
    CHECK(rows[10] == 99);
    std::vector<float> found;
    sequence_step<tiny_e2b> const one{&past, std::span(tokens).subspan(80, 1), wanted_logits::last};
    model.step(std::span(&one, 1),
               [&](std::size_t, std::span<float> row) { found.assign(row.begin(), row.end()); });
    CHECK(same_bits(found, last_logits(model, std::span(tokens).first(81), 81)));
}

TEST_CASE("bad batches are refused and change nothing")
{
    auto const model = tiny<tiny_e2b>({.context = 64, .chunk = 32, .threads = 1});
    auto past = model.make_state();
    auto const run = [&](std::vector<token_id> const& tokens)
    {
        sequence_step<tiny_e2b> const step{&past, tokens, wanted_logits::last};
        model.step(std::span(&step, 1), [](std::size_t, std::span<float>) {});
    };
    run({2, 600, 601});
    CHECK_THROWS_WITH_AS(run({5, -1}), "token 1 is -1, expected an id in 0 .. 2047", argument_error);
    CHECK_THROWS_WITH_AS(run({2048}), "token 0 is 2048, expected an id in 0 .. 2047", argument_error);
    CHECK_THROWS_WITH_AS(run({}), "a sequence of a batch brings no token; at least one is needed",
                         argument_error);
    CHECK_THROWS_AS(run(std::vector<token_id>(33, 600)), capacity_error);
    CHECK_THROWS_WITH_AS(run(std::vector<token_id>(62, 600)),
                         "context full: 3 tokens are there and 62 more were given, but the context holds 64",
                         capacity_error);
    CHECK(past.size() == 3);
    std::vector<token_id> const one{600};
    sequence_step<tiny_e2b> const twice[] = {{&past, one, wanted_logits::last},
                                             {&past, one, wanted_logits::last}};
    CHECK_THROWS_AS(
        model.step(std::span<sequence_step<tiny_e2b> const>(twice), [](std::size_t, std::span<float>) {}),
        argument_error);
    CHECK(past.size() == 3);
}

TEST_CASE("a cancelled forward call moves nothing")
{
    auto const model = tiny<tiny_e4b>();
    auto const tokens = golden("tiny_e4b").tokens();
    auto past = model.make_state();
    std::stop_source stop;
    auto const at_layer_5 = [&](layer_point, std::size_t layer, auto const&)
    {
        if (layer == 5) { stop.request_stop(); }
    };
    sequence_step<tiny_e4b> const step{&past, std::span(tokens).first(100), wanted_logits::last};
    CHECK_FALSE(model.step(
        std::span(&step, 1), [](std::size_t, std::span<float>) { FAIL("cancelled"); }, stop.get_token(),
        at_layer_5));
    CHECK(past.size() == 0);
    std::vector<float> found;
    model.step(std::span(&step, 1),
               [&](std::size_t, std::span<float> row) { found.assign(row.begin(), row.end()); });
    CHECK(same_bits(found, last_logits(model, std::span(tokens).first(100), 7)));
}
