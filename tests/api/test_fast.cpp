#include <cmath>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <kernels/fast_tables.hpp>

#include <gemma4/api/pack_model.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/kernels/fast_tiles.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    template <class M>
    using exact_engine = engine<M, modality::text, any_format, exact>;
    template <class M>
    using fast_engine = engine<M, modality::text, any_format, fast>;

    std::vector<token_id> prompt(std::size_t n)
    {
        std::vector<token_id> ids;
        for (std::size_t i = 0; i != n; ++i) { ids.push_back(token_id(600 + i * 37 % 1300)); }
        return ids;
    }

    // Mean divergence of the next-token distributions of `found` from those of `expected`, rows of `vocab`
    // logits.
    double divergence(std::span<float const> expected, std::span<float const> found, std::size_t vocab)
    {
        auto const log_sum = [](std::span<float const> row)
        {
            double sum = 0;
            for (auto const x : row) { sum += std::exp(double(x)); }
            return std::log(sum);
        };
        double total = 0;
        for (std::size_t at = 0; at != expected.size(); at += vocab)
        {
            auto const p = expected.subspan(at, vocab), q = found.subspan(at, vocab);
            auto const lp = log_sum(p), lq = log_sum(q);
            for (std::size_t i = 0; i != vocab; ++i)
            {
                total += std::exp(double(p[i]) - lp) * (double(p[i]) - lp - double(q[i]) + lq);
            }
        }
        return total / (double(expected.size()) / double(vocab));
    }

    // A file of these weights, so that both ways compute from the same quantised numbers.
    std::filesystem::path nano_as(weight_precision weights)
    {
        auto const out = scratch() / (std::string("nano-") + name(weights) + ".g4");
        if (!std::filesystem::exists(out))
        {
            auto const folder = data() / ".." / ".." / "models" / "nano";
            pack_model<nano>(open_model(folder, nano::text, nano::name), out,
                             {.weights = weights, .threads = 1});
        }
        return out;
    }
}

TEST_CASE("on trained weights the fast path stays close to float32, for every precision and length of step")
{
    auto const ids = prompt(70);
    for (auto const weights :
         {weight_precision::stored, weight_precision::bf16, weight_precision::int8, weight_precision::int4})
    {
        CAPTURE(name(weights));
        auto const file = nano_as(weights);
        auto const expected = all_logits(exact_engine<nano>::load(file, one_thread()), ids, 256);
        for (auto const kv : {kv_type::f32, kv_type::bf16, kv_type::int8})
        {
            auto options = one_thread();
            options.kv = kv;
            auto const quick = fast_engine<nano>::load(file, options);
            for (std::size_t const chunk : {1u, 2u, 5u, 8u, 9u, 33u, 256u})
            {
                CAPTURE(chunk);
                CHECK(divergence(expected, all_logits(quick, ids, chunk), nano::text.vocab)
                      < (kv == kv_type::int8 ? 5e-3 : 2e-3));
            }
        }
    }
}

TEST_CASE_TEMPLATE("the fast path of every structure", M, tiny_e2b, tiny_e4b, tiny_d31b)
{
    auto const ids = prompt(60);
    auto const file = scratch() / (std::string(M::name) + "-fast-int8.g4");
    pack_model<M>(open_model(tiny_checkpoint(M::name), M::text, M::name), file,
                  {.weights = weight_precision::int8, .threads = 1});
    auto const expected = all_logits(exact_engine<M>::load(file, one_thread()), ids, 256);
    auto options = one_thread();
    options.kv = kv_type::f32;
    auto const quick = fast_engine<M>::load(file, options);
    for (std::size_t const chunk : {1u, 4u, 60u})
    {
        CAPTURE(chunk);
        // one row: 15 bits of activation; more: 8
        CHECK(relative_error(all_logits(quick, ids, chunk), expected) < (chunk == 1 ? 2e-3 : 0.15));
    }
}

TEST_CASE_TEMPLATE("every table of fast kernels, and the matrix unit in plain C++", M, tiny_e2b, tiny_a4b)
{
    static constexpr auto tiles =
        kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>("emulated tiles");
    auto tables = all_fast_tables();
    tables.push_back(&tiles);
    auto const ids = prompt(150);
    auto const file = scratch() / (std::string(M::name) + "-fast-int8.g4");
    pack_model<M>(open_model(tiny_checkpoint(M::name), M::text, M::name), file,
                  {.weights = weight_precision::int8, .threads = 1});
    auto const expected = all_logits(exact_engine<M>::load(file, one_thread()), ids, 256);
    for (auto const* table : tables)
    {
        auto options = one_thread();
        options.fast_kernels = table;
        auto const found = all_logits(fast_engine<M>::load(file, options), ids, 150);
        std::size_t close = 0;
        for (std::size_t r = 0; r != ids.size(); ++r)
        {
            std::span const row(found.data() + r * M::text.vocab, M::text.vocab);
            std::span const wanted(expected.data() + r * M::text.vocab, M::text.vocab);
            close += relative_error(row, wanted) < 0.15;
        }
        CAPTURE(std::string(table->name));
        CHECK(close >= ids.size() * (M::text.experts == 0 ? 100 : 85) / 100);
    }
}

TEST_CASE("experts on the fast path")
{
    using M = tiny_a4b;
    auto const ids = prompt(60);
    auto const file = scratch() / "tiny_a4b-fast-int8.g4";
    pack_model<M>(open_model(tiny_checkpoint(M::name), M::text, M::name), file,
                  {.weights = weight_precision::int8, .threads = 1});
    auto const expected = all_logits(exact_engine<M>::load(file, one_thread()), ids, 256);
    auto options = one_thread();
    options.kv = kv_type::f32;
    auto const quick = fast_engine<M>::load(file, options);
    // A route that was nearly tied may go the other way: a row then differs much, but few rows do.
    auto const found = all_logits(quick, ids, 1);
    std::size_t close = 0;
    for (std::size_t r = 0; r != ids.size(); ++r)
    {
        auto const row = [&](std::vector<float> const& of)
        { return std::span(of).subspan(r * M::text.vocab, M::text.vocab); };
        close += relative_error(row(found), row(expected)) < 0.05;
    }
    CHECK(close >= 55);
    // 8 bits of activation turn more routes of these random weights, so only distributions are compared.
    CHECK(divergence(expected, all_logits(quick, ids, 60), M::text.vocab) < 0.5);
}

TEST_CASE("the exact path refuses what would not be exact")
{
    auto options = one_thread();
    options.kv = kv_type::bf16;
    CHECK_THROWS_WITH_AS(exact_engine<tiny_e2b>::load(tiny_checkpoint("tiny_e2b"), options),
                         doctest::Contains("keeps keys and values in float32"), argument_error);
    options.kv.reset();
    options.weights = weight_precision::int8;
    CHECK_THROWS_WITH_AS(exact_engine<tiny_e2b>::load(tiny_checkpoint("tiny_e2b"), options),
                         doctest::Contains("takes weights as they are stored"), argument_error);
}
