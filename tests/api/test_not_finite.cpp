// Weights that are infinite or NaN: an error wherever they would have a say, on every table of kernels, and
// no token.
#include <bit>
#include <fstream>
#include <limits>
#include <optional>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/perplexity.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using M = tiny_e2b;
    using E = engine<M, modality::text, any_format, any_compute>;

    constexpr auto inf = std::numeric_limits<float>::infinity();
    constexpr auto not_a_number = std::numeric_limits<float>::quiet_NaN();

    std::string const layers = "model.language_model.layers.";

    // A copy of the checkpoint in which numbers [first, first + count) of a tensor are `value`.
    std::filesystem::path spoiled(std::string const& tensor, std::size_t first, std::size_t count,
                                  float value)
    {
        auto const folder = scratch() / "spoiled";
        std::filesystem::remove_all(folder);
        std::filesystem::copy(tiny_checkpoint(M::name), folder);
        std::fstream file(folder / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
        std::uint64_t length = 0;
        file.read(reinterpret_cast<char*>(&length), 8);
        std::string header(length, ' ');
        file.read(header.data(), std::streamsize(length));
        auto const begin =
            nlohmann::json::parse(header).at(tensor).at("data_offsets").at(0).get<std::size_t>();
        file.seekp(std::streamoff(8 + length + begin + 4 * first));
        std::vector<float> const values(count, value);
        file.write(reinterpret_cast<char const*>(values.data()), std::streamsize(4 * count));
        return folder;
    }

    std::vector<token_id> prompt(std::size_t count)
    {
        std::vector<token_id> ids(count);
        for (std::size_t i = 0; i != count; ++i) { ids[i] = token_id(i == 0 ? 2 : 400 + 13 * i); }
        return ids;
    }

    stop_options at_most(std::size_t tokens)
    {
        stop_options stop;
        stop.max_tokens = tokens;
        return stop;
    }
}

TEST_CASE("numbers that are not finite reach the check through every table of kernels")
{
    struct spoil
    {
        std::string tensor;
        std::size_t first;
        float value;
    };
    std::vector<spoil> const spoils{
        {layers + "0.input_layernorm.weight", 3, not_a_number},
        {layers + "4.pre_feedforward_layernorm.weight", 70, inf},
        {layers + "1.self_attn.q_norm.weight", 5, not_a_number},
        {layers + "2.self_attn.k_norm.weight", 5, std::bit_cast<float>(~0u)},
        {layers + "3.self_attn.v_proj.weight", 7, -inf},
        {layers + "0.mlp.gate_proj.weight", 9, not_a_number},
        {layers + "6.mlp.down_proj.weight", 33, inf},
        {layers + "11.self_attn.o_proj.weight", 0, not_a_number},
        {layers + "14.post_feedforward_layernorm.weight", 0, inf},
        {"model.language_model.norm.weight", 95, not_a_number},
    };
    auto const ids = prompt(40);
    for (auto const& s : spoils)
    {
        CAPTURE(s.tensor);
        auto const folder = spoiled(s.tensor, s.first, 1, s.value);
        auto const run = [&](load_options options)
        {
            auto const model = E::load(folder, options);
            for (std::size_t const chunk : {1u, 7u, 40u})    // of few and of many rows
            {
                CAPTURE(chunk);
                auto const whole = [&] { (void)all_logits(model, ids, chunk); };
                CHECK_THROWS_AS(whole(), numeric_error);
            }
        };
        auto options = one_thread();
        options.compute = compute_mode::exact;
        run(options);
        options.compute = compute_mode::fast;
        for (auto const* const table : kernels::fast_available())
        {
            CAPTURE(std::string(table->name));
            options.fast_kernels = table;
            for (auto const kv : {kv_type::f32, kv_type::bf16, kv_type::int8})
            {
                options.kv = kv;
                options.weights = kv == kv_type::f32    ? weight_precision::int8
                                  : kv == kv_type::bf16 ? weight_precision::bf16
                                                        : weight_precision::int4;
                run(options);
            }
        }
    }
}

TEST_CASE("nothing has moved where a hidden state is not finite")
{
    auto const model = E::load(spoiled("model.language_model.embed_tokens_per_layer.weight",
                                       700 * M::text.layers * M::text.per_layer_input, 1, not_a_number),
                               one_thread());
    auto past = model.make_state();
    std::vector<token_id> const good{2, 500, 501}, bad{502, 700, 503};
    auto const step = [&](std::vector<token_id> const& tokens)
    {
        std::vector<float> last;
        sequence_step<M> const one{&past, tokens, wanted_logits::last};
        model.step(std::span(&one, 1),
                   [&](std::size_t, std::span<float> row) { last.assign(row.begin(), row.end()); });
        return last;
    };
    (void)step(good);
    CHECK_THROWS_WITH_AS(
        (void)step(bad),
        "tiny_e2b: the hidden state at position 4 (token 700) is not finite after layer 0 of 15 (the "
        "first is 0): numbers of the weights, or activations, are out of range",
        numeric_error);
    CHECK(past.size() == good.size());
    auto const after = step(good);
    past.clear();
    (void)step(good);
    CHECK(step(good) == after);
}

TEST_CASE("one member of a batch fails, the others get what they get alone")
{
    auto const model = E::load(spoiled("model.language_model.embed_tokens_per_layer.weight",
                                       700 * M::text.layers * M::text.per_layer_input, 1, not_a_number),
                               []
                               {
                                   auto options = one_thread();
                                   options.compute = compute_mode::exact;
                                   return options;
                               }());
    std::vector<std::vector<token_id>> const prompts{{2, 500, 501}, {2, 502, 700, 503}, {2, 600}};
    std::vector<session<E>> sessions(3, session<E>(model));
    std::vector<std::unique_ptr<generation<E>>> runs;
    batch together(model);
    for (std::size_t i = 0; i != prompts.size(); ++i)
    {
        runs.emplace_back(new generation<E>(sessions[i].complete(prompts[i], {.stop = at_most(6)})));
        together.join(*runs.back());
    }
    CHECK_THROWS_WITH_AS(together.run(), doctest::Contains("position 2 (token 700)"), numeric_error);
    together.run();
    CHECK(together.size() == 0);
    for (std::size_t i = 0; i != prompts.size(); ++i)
    {
        CAPTURE(i);
        session<E> alone(model);
        auto run = alone.complete(prompts[i], {.stop = at_most(6)});
        if (i == 1)
        {
            CHECK(runs[i]->reason() == stop_reason::cancelled);
            CHECK(runs[i]->tokens().empty());
            CHECK_THROWS_AS((void)run.rest(), numeric_error);
            CHECK_FALSE(run.running());
            continue;
        }
        (void)run.rest();
        CHECK(runs[i]->reason() == stop_reason::max_tokens);
        CHECK(std::ranges::equal(runs[i]->tokens(), run.tokens()));
    }
}

TEST_CASE("a head that overflows: every way to use its logits says so, and ends")
{
    // of token 700, which is no input of the prompt
    auto const folder = spoiled("model.language_model.embed_tokens.weight", 700 * M::text.hidden, 1, inf);
    auto const model = E::load(folder, one_thread());
    auto const ids = prompt(12);
    auto const says = doctest::Contains("tiny_e2b: the logit of token 700 after position ");
    CHECK_THROWS_WITH_AS((void)all_logits(model, ids, 12), says, numeric_error);
    for (bool const samples : {false, true})
    {
        session<E> s(model);
        generation_options options{.stop = at_most(3)};
        options.sampling.do_sample = samples;
        options.sampling.top_log_probabilities = 3;
        auto run = s.complete(ids, options);
        CHECK_THROWS_WITH_AS((void)run.rest(), says, numeric_error);
        CHECK(run.reason() == stop_reason::cancelled);
        CHECK(run.tokens().empty());
    }
    std::vector<session<E>> sessions(2, session<E>(model));
    std::vector<std::unique_ptr<generation<E>>> runs;
    batch together(model);
    for (auto& s : sessions)
    {
        runs.emplace_back(new generation<E>(s.complete(ids, {.stop = at_most(3)})));
        together.join(*runs.back());
    }
    CHECK_THROWS_WITH_AS(together.run(), says, numeric_error);
    CHECK(together.size() == 0);
    CHECK_THROWS_WITH_AS((void)perplexity(model, ids, perplexity_options{.window = 12}), says, numeric_error);
    // as an input it is no number from the start
    CHECK_THROWS_WITH_AS((void)all_logits(model, std::vector<token_id>{2, 700}, 2),
                         doctest::Contains("position 1 (token 700) is not finite in its embedding"),
                         numeric_error);
}
