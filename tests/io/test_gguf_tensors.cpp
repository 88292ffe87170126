// Every tensor that a weight tree asks for is found in a written file, whatever the dialect, with the values
// of the generator.
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../support/gguf_writer.hpp"
#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/core/types.hpp>
#include <gemma4/io/gguf_tensors.hpp>
#include <gemma4/model/weights.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4_test;

namespace
{
    // Names and shapes that the tree of a variant asks for.
    template <class Variant>
    std::vector<named_shape> wanted()
    {
        std::vector<named_shape> all;
        auto const weights = std::make_unique<gemma4::decoder_weights<Variant, float>>();
        weights->for_each_tensor(
            [&](std::string const& name, auto&, auto... shape) {
                all.push_back({name, {shape...}});
            });
        return all;
    }

    template <class Variant>
    std::size_t owners()
    {
        return Variant::text.layers - Variant::text.kv_shared_layers;
    }

    template <class Variant>
    void check_values(gguf_options const& options, double tolerance)
    {
        scratch_folder const folder;
        gemma4::gguf_file const file(
            write_gguf(data_file("tiny/" + std::string(Variant::name)), folder.path / "m.gguf", options));
        gemma4::gguf_tensors tensors(file);
        for (auto const& [name, shape] : wanted<Variant>())
        {
            CAPTURE(name);
            auto const expected = make_tensor("model." + name, shape, options.seed);
            auto const source = tensors.demand(name, shape);
            bool const split = (options.split_experts || options.ollama) && name.ends_with("gate_up_proj");
            REQUIRE(source.count == (split ? 2 : 1));
            for (std::size_t i = 0; i != source.count; ++i) { CHECK(source.parts[i].scale == nullptr); }
            auto const columns = shape.back();
            auto const rows = expected.size() / columns;
            double worst = 0, largest = 0;
            std::vector<float> row(columns);
            for (std::size_t r = 0; r != rows; ++r)
            {
                // gate rows, then up rows of each expert; where split, each half has its own tensor
                auto const half = split ? shape[1] / 2 : rows;
                auto const part = split ? r / half % 2 : 0;
                auto const own_row = split ? r / (2 * half) * half + r % half : r;
                auto const& t = *source.parts[part].values;
                gemma4::dequantise(t.type, t.data + own_row * t.bytes_per_row(), columns, row.data());
                for (std::size_t c = 0; c != columns; ++c)
                {
                    worst = std::max(worst, std::abs(double(row[c]) - double(expected[r * columns + c])));
                    largest = std::max(largest, std::abs(double(expected[r * columns + c])));
                }
            }
            CHECK(worst <= tolerance * largest);
        }
        CHECK(tensors.unknown(owners<Variant>()).empty());
        CHECK(!tensors.has("lm_head.weight"));
        CHECK(tensors.has("norm.weight"));
    }

    template <class Variant>
    void check_variant()
    {
        check_values<Variant>({}, 0);
        check_values<Variant>({.split_experts = true}, 0);
        check_values<Variant>({.ollama = true}, 0);
        check_values<Variant>({.parts = 2, .leftover_kv = false}, 0);
    }
}

TEST_CASE("gguf tensors: all of a variant, in every dialect")
{
    check_variant<gemma4::tiny_e2b>();
    check_variant<gemma4::tiny_e4b>();
    check_variant<gemma4::tiny_a4b>();
    check_variant<gemma4::tiny_d31b>();
}

TEST_CASE("gguf tensors: encoded values come back within a step of their format")
{
    auto const in = [](gguf_format format)
    { return gguf_options{.format = [format](std::string_view) { return format; }, .seed = 3}; };
    check_values<gemma4::tiny_a4b>(in(gguf_format::f16), 0x1p-11);
    check_values<gemma4::tiny_a4b>(in(gguf_format::bf16), 0x1p-8);
    check_values<gemma4::tiny_a4b>(in(gguf_format::q8_0), 0.51 / 127);
    check_values<gemma4::tiny_a4b>(in(gguf_format::q6_k),
                                   1.2 / 32);    // and F16 where rows are no multiple of 256
    check_values<gemma4::tiny_a4b>(in(gguf_format::q4_0), 1.01 / 8);
    check_values<gemma4::tiny_e2b>(in(gguf_format::q4_0), 1.01 / 8);
}

TEST_CASE("gguf tensors: the table of names is a bijection and covers what files and trees have")
{
    std::set<std::string_view> checkpoint, gguf;
    for (auto const& row : gemma4::global_tensor_names)
    {
        CHECK((checkpoint.insert(row.checkpoint).second && gguf.insert(row.gguf).second));
    }
    for (auto const& row : gemma4::layer_tensor_names)
    {
        CHECK((checkpoint.insert(row.checkpoint).second && gguf.insert(row.gguf).second));
    }
    CHECK(gemma4::gguf_name("layers.12.self_attn.q_proj.weight") == "blk.12.attn_q.weight");
    CHECK(gemma4::checkpoint_name("blk.0.layer_output_scale.weight") == "layers.0.layer_scalar");
    CHECK(gemma4::checkpoint_name("token_embd.weight") == "embed_tokens.weight");
    for (auto const* odd :
         {"", "blk.", "blk.1", "blk.01.attn_q.weight", "blk.-1.attn_q.weight",
          "blk.99999999999999999999.proj.weight", "blk.1.", "attn_q.weight", "v.blk.0.attn_q.weight"})
    {
        CAPTURE(odd);
        CHECK(!gemma4::checkpoint_name(odd));
    }
    CHECK(!gemma4::gguf_name("layers.0.self_attn.q_proj.bias"));
}

TEST_CASE("gguf tensors: what does not fit is refused by name")
{
    scratch_folder const folder;
    gguf_writer w;
    w.text("general.architecture", "gemma4");
    std::string const zeros(4096, '\0');
    w.tensor("blk.0.attn_q.weight", {2, 256}, 16, zeros.substr(0, 132));    // IQ2_XXS
    w.tensor("blk.0.attn_k.weight", {4, 64}, 40, zeros.substr(0, 144));     // NVFP4
    w.tensor("blk.0.attn_k.scale", {1}, 0, encode_gguf(std::vector{0.5f}, gguf_format::f32));
    w.tensor("blk.0.attn_k.input_scale", {1}, 0, zeros.substr(0, 4));
    w.tensor("blk.0.attn_v.weight", {4, 64}, 40, zeros.substr(0, 144));
    w.tensor("blk.0.attn_v.scale", {3}, 0, zeros.substr(0, 12));
    w.tensor("blk.0.ffn_gate_exps.weight", {3, 2, 64}, 40, zeros.substr(0, 216));
    w.tensor("blk.0.ffn_gate_exps.scale", {3}, 0, zeros.substr(0, 12));
    w.tensor("blk.0.ffn_down_exps.weight", {3, 2, 64}, 40, zeros.substr(0, 216));
    w.tensor("blk.0.ffn_down_exps.scale", {3}, 0,
             encode_gguf(std::vector{1.0f, 2.0f, 3.0f}, gguf_format::f32));
    w.tensor("blk.0.mystery.weight", {1}, 0, zeros.substr(0, 4));
    w.write(folder.path / "m.gguf");
    gemma4::gguf_file const file(folder.path / "m.gguf");
    gemma4::gguf_tensors tensors(file);
    auto const sentence = [&](char const* name, std::vector<std::size_t> const& shape)
    { return sentence_of<gemma4::mismatch_error>([&] { tensors.demand(name, shape); }); };

    CHECK(holds(sentence("layers.0.self_attn.q_proj.weight", {2, 256}),
                "tensor blk.0.attn_q.weight is of type IQ2_XXS, which this library cannot read"));
    CHECK(holds(sentence("layers.0.self_attn.o_proj.weight", {1}),
                "tensor blk.0.attn_output.weight is missing"));
    CHECK(holds(sentence("layers.0.self_attn.k_proj.weight", {64, 4}),
                "tensor blk.0.attn_k.weight has shape [4, 64], expected [64, 4]"));
    CHECK(holds(sentence("layers.0.self_attn.v_proj.weight", {4, 64}),
                "tensor blk.0.attn_v.scale has 3 values of F32, expected 1 of F32"));
    CHECK(holds(sentence("layers.0.experts.gate_up_proj", {3, 4, 64}),
                "tensor blk.0.ffn_up_exps.weight is missing"));
    CHECK(holds(sentence("layers.0.other.weight", {1}), "has no name in GGUF"));

    std::vector<std::size_t> const shape{4, 64};
    auto const k = tensors.demand("layers.0.self_attn.k_proj.weight", shape);
    REQUIRE(k.parts[0].scale);
    CHECK(k.parts[0].scale->name == "blk.0.attn_k.scale");
    std::vector<std::size_t> const experts{3, 2, 64}, one{3};
    CHECK(tensors.demand("layers.0.experts.down_proj", experts).parts[0].scale == nullptr);
    CHECK(tensors.floats("layers.0.router.per_expert_scale", one) == std::vector<float>{1, 2, 3});
    auto const unknown = tensors.unknown(1);
    CHECK(std::ranges::any_of(unknown, [](auto const& name) { return holds(name, "blk.0.mystery.weight"); }));
    CHECK(std::ranges::none_of(unknown, [](auto const& name) { return holds(name, "attn_k"); }));
}
