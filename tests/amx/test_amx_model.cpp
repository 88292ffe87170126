// A prompt of a whole model on several threads through the machine code of the table "amx".
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <amx/amx_table.hpp>
#include <doctest/doctest.h>
#include <support/tiny_models.hpp>

#include <gemma4/api/pack_model.hpp>
#include <gemma4/kernels/fast_tiles.hpp>
#include <gemma4/parallel/pool.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    std::vector<token_id> prompt(std::size_t n)
    {
        std::vector<token_id> ids;
        for (std::size_t i = 0; i != n; ++i) { ids.push_back(token_id(600 + i * 37 % 1300)); }
        return ids;
    }

    // Rows of logits within this of the largest, as a share of all.
    template <class M>
    double share_within(double bound, std::span<float const> found, std::span<float const> expected)
    {
        std::size_t close = 0, rows = expected.size() / M::text.vocab;
        for (std::size_t r = 0; r != rows; ++r)
        {
            close += relative_error(found.subspan(r * M::text.vocab, M::text.vocab),
                                    expected.subspan(r * M::text.vocab, M::text.vocab))
                     < bound;
        }
        return double(close) / double(rows);
    }
}

TEST_CASE_TEMPLATE("amx: a prompt of a whole model", M, tiny_e2b, tiny_a4b)
{
    if (!amx::can_run()) { return; }
    static constexpr auto in_cpp =
        kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>("emulated tiles");
    auto const ids = prompt(150);
    auto const file = scratch() / (std::string(M::name) + "-amx-int8.g4");
    pack_model<M>(open_model(tiny_checkpoint(M::name), M::text, M::name), file,
                  {.weights = weight_precision::int8, .threads = 1});
    using exact_engine = engine<M, modality::text, any_format, exact>;
    using fast_engine = engine<M, modality::text, any_format, fast>;
    auto const expected = all_logits(exact_engine::load(file, one_thread()), ids, 256);
    auto options = one_thread();
    options.fast_kernels = &in_cpp;
    auto const emulated = all_logits(fast_engine::load(file, options), ids, 150);

    amx::tile_trap const trap;
    options.fast_kernels = &amx::table();
    for (std::size_t const threads : {1u, 4u})
    {
        CAPTURE(threads);
        options.executor = std::make_shared<pool>(threads);
        auto const found = all_logits(fast_engine::load(file, options), ids, 150);
        // Routes of experts that were nearly tied may go the other way.
        double const most = M::text.experts == 0 ? 1.0 : 0.85;
        CHECK(share_within<M>(0.15, found, expected) >= most);
        CHECK(share_within<M>(0.15, found, emulated) >= most);
    }
    // A prompt in steps of few rows, as an answer is made: products without the unit, pages with it.
    options.kv = kv_type::bf16;
    options.executor = std::make_shared<pool>(2);
    auto const steps = all_logits(fast_engine::load(file, options), ids, 5);
    CHECK(share_within<M>(0.15, steps, expected) >= (M::text.experts == 0 ? 1.0 : 0.85));
    options.executor.reset();
    amx::check_executed(2);
}
