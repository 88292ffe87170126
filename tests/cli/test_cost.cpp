#include <filesystem>

#include "support/checkpoint_writer.hpp"
#include <doctest/doctest.h>

#include <gemma4/cli/cost.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;
using namespace gemma4::cli;

namespace
{
    // The elements of the text matrices in the reference's list of tensors, experts apart, and the experts'.
    struct counted
    {
        std::size_t dense = 0, experts = 0, embedding = 0;
    };

    counted count(std::string const& variant)
    {
        counted c;
        for (auto const& t : gemma4_test::read_tensor_list(std::filesystem::path(GEMMA4_TEST_DATA) / "tiny"
                                                           / variant / "tensors.json"))
        {
            if (!t.name.starts_with("model.language_model.") || t.shape.size() < 2) { continue; }
            auto const size = gemma4_test::element_count(t.shape);
            if (t.name.ends_with("embed_tokens_per_layer.weight")) { continue; }
            if (t.name.ends_with("embed_tokens.weight")) { c.embedding = size; }
            else if (t.name.find(".experts.") != t.name.npos) { c.experts += size; }
            else { c.dense += size; }
        }
        return c;
    }
}

TEST_CASE_TEMPLATE("weights of a decode step are the checkpoint's matrices", M, tiny_e2b, tiny_e4b, tiny_a4b,
                   tiny_d31b)
{
    auto const c = count(M::name);
    auto const& t = M::text;
    for (std::size_t const batch : {1u, 3u, 100u})
    {
        auto const experts =
            t.experts ? c.experts / t.experts * std::min(t.experts, batch * t.active_experts) : 0;
        CHECK(weights_per_step(t, batch)
              == c.dense + c.embedding + experts + batch * (t.hidden + t.layers * t.per_layer_input));
    }
}

TEST_CASE("keys and values that a token reads")
{
    // tiny_e2b: 3 global layers of head_dim 64 and 12 sliding ones of 32, one kv head, window 16; float32
    CHECK(kv_bytes(tiny_e2b::text, 0) == (3 * 64 + 12 * 32) * 2 * 4);
    CHECK(kv_bytes(tiny_e2b::text, 15) == 16 * (3 * 64 + 12 * 32) * 2 * 4);
    CHECK(kv_bytes(tiny_e2b::text, 99) == (100 * 3 * 64 + 16 * 12 * 32) * 2 * 4);
    CHECK(kv_bytes(tiny_e2b::text, 99, kernels::kv_type::bf16) * 2 == kv_bytes(tiny_e2b::text, 99));
    CHECK(kv_bytes(tiny_e2b::text, 0, kernels::kv_type::int8) == (3 * 64 + 12 * 32) * 2 + 15 * 2 * 4);
    CHECK(mean_kv_bytes(tiny_e2b::text, 15, 2, kernels::kv_type::f32)
          == double(kv_bytes(tiny_e2b::text, 15) + kv_bytes(tiny_e2b::text, 16)) / 2);
    CHECK(mean_kv_bytes(tiny_e2b::text, 15, 0, kernels::kv_type::f32) == 0);
}

TEST_CASE_TEMPLATE("bytes of a decode step are those of the matrices it reads", M, tiny_e2b, tiny_a4b)
{
    // float32 matrices of the checkpoint's shapes: four bytes for each element that weights_per_step counts
    std::vector<listed_matrix> list;
    auto const type = weight_type_of(dtype::f32);
    for (auto const& t : gemma4_test::read_tensor_list(std::filesystem::path(GEMMA4_TEST_DATA) / "tiny"
                                                       / M::name / "tensors.json"))
    {
        std::string const prefix = "model.language_model.";
        if (!t.name.starts_with(prefix) || t.shape.size() < 2) { continue; }
        auto const size = gemma4_test::element_count(t.shape), ins = std::size_t(t.shape.back());
        list.push_back({t.name.substr(prefix.size()), type, size / ins, ins, 4 * size, 4 * ins});
    }
    for (std::size_t const batch : {1u, 3u, 100u})
    {
        CHECK(bytes_per_step(M::text, list, batch) == 4.0 * double(weights_per_step(M::text, batch)));
    }
    auto const tied = bytes_per_step(M::text, list, 1);
    list.push_back({"lm_head.weight", type, M::text.vocab, M::text.hidden, 7, 7});
    CHECK(bytes_per_step(M::text, list, 1) == tied - 4.0 * double(M::text.vocab * M::text.hidden) + 7);
}

TEST_CASE("what prefill skips")
{
    CHECK(skipped_in_prefill(e2b::text).layers == 20);
    CHECK(skipped_in_prefill(e4b::text).layers == 18);
    CHECK(skipped_in_prefill(d31b::text).layers == 0);
    CHECK(skipped_in_prefill(e2b::text).weight_share > 0.5);
    // one layer of 60, all but its keys: q and o of 32 heads of 512, three matrices of 21504
    auto const last = 2.0 * 32 * 512 * 5376 + 3.0 * 21504 * 5376;
    double all = 0;
    for (std::size_t l = 0; l != 60; ++l)
    {
        bool const global = l % 6 == 5;
        all += 5376.0 * (3 * 21504 + (global ? 2 * 32 * 512 + 4 * 512 : 2 * 32 * 256 + 2 * 16 * 256));
    }
    CHECK(skipped_in_prefill(d31b::text).weight_share == doctest::Approx(last / all).epsilon(1e-12));
}

TEST_CASE("operations of a prompt: one token runs everything, others less")
{
    auto const& t = tiny_d31b::text;
    auto const one = prefill_flops(t, 1);
    // every weight once, attention to one position in 2 global and 10 sliding layers of 8 heads
    CHECK(one == 2.0 * double(weights_per_step(t, 1) - t.hidden) + 4.0 * 8 * (2 * 64 + 10 * 32));
    CHECK(prefill_flops(t, 2) < 2 * one);
    // tiny_e2b, the 100th token of 101: layers 0 .. 8 (one of them global), keys and values of layer 9, the
    // projection of nine per-layer inputs; and the last token sees one position more in 3 global layers
    double const sliding = 96.0 * (2 * 8 * 32 + 2 * 32 + 3 * 160 + 2 * 32),
                 global = 96.0 * (2 * 8 * 64 + 2 * 64 + 3 * 160 + 2 * 32);
    double const weights = 8 * sliding + global + 96.0 * 2 * 64 + 96.0 * 9 * 32;
    double const attention = 4.0 * 8 * (8 * 32 * 16 + 64 * 100) + 4.0 * 8 * 3 * 64;
    CHECK(prefill_flops(tiny_e2b::text, 101) - prefill_flops(tiny_e2b::text, 100) == 2 * weights + attention);
}
