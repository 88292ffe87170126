// Metadata of architecture gemma4 against the variants, and one changed key after the other.
#include <filesystem>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "../support/gguf_writer.hpp"
#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/gguf_config.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4_test;

namespace
{
    gemma4::gguf_file open_tiny(scratch_folder const& folder, std::string const& name,
                                gguf_options const& options = {})
    {
        return gemma4::gguf_file(
            write_gguf(data_file("tiny/" + name), folder.path / (name + ".gguf"), options));
    }

    template <class Variant>
    void check_variant()
    {
        scratch_folder const folder;
        for (bool const ollama : {false, true})
        {
            auto const file = open_tiny(folder, Variant::name, {.ollama = ollama});
            auto expected = Variant::text;
            expected.media_both_ways = false;    // GGUF does not say
            if (expected.shared_ffn == expected.ffn) { expected.shared_ffn = 0; }
            CHECK(gemma4::read_text_config(file) == expected);
            CHECK(gemma4::matches(Variant::text, file));
            CHECK_NOTHROW(gemma4::check_text_config(Variant::text, Variant::name, file));
        }
    }

    // A file of keys only, for tiny_e2b, after `change`; its text_config refused with this sentence.
    struct keys
    {
        std::vector<bool> sliding = std::vector<bool>(6, true);
        std::vector<std::int32_t> kv_heads{1, 1, 2, 1, 1, 2};
        std::vector<std::int32_t> widths{64, 64, 64, 128, 128, 128};
        std::vector<float> rope_freqs{1, 1, 1e30f, 1e30f};
        std::string architecture = "gemma4";
        std::uint64_t layers = 6, shared = 3, value_length = 8, missing_v = 0;
        bool with_eps = true;
    };

    std::string read(std::function<void(keys&)> const& change, gemma4::text_config* text = nullptr)
    {
        keys k;
        k.sliding[2] = k.sliding[5] = false;
        change(k);
        gguf_writer w;
        w.text("general.architecture", k.architecture);
        w.u32("gemma4.block_count", k.layers);
        w.u32("gemma4.context_length", 1024);
        w.u32("gemma4.embedding_length", 32);
        w.integers("gemma4.feed_forward_length", k.widths);
        w.u32("gemma4.attention.head_count", 4);
        w.integers("gemma4.attention.head_count_kv", k.kv_heads);
        w.u32("gemma4.attention.key_length", 8);
        w.u32("gemma4.attention.value_length", k.value_length);
        w.u32("gemma4.attention.key_length_swa", 4);
        w.u32("gemma4.attention.sliding_window", 16);
        w.flags("gemma4.attention.sliding_window_pattern", k.sliding);
        w.u32("gemma4.attention.shared_kv_layers", k.shared);
        if (k.with_eps) { w.f32("gemma4.attention.layer_norm_rms_epsilon", 1e-6f); }
        w.strings("tokenizer.ggml.tokens", {"a", "b", "c"});
        std::string values;
        for (float const x : k.rope_freqs) { values += encode_gguf(std::span(&x, 1), gguf_format::f32); }
        w.tensor("rope_freqs.weight", {k.rope_freqs.size()}, 0, values);
        for (std::uint64_t l = 0; l != 3; ++l)
        {
            if (l == 2 && k.missing_v != 0) { continue; }
            w.tensor("blk." + std::to_string(l) + ".attn_v.weight", {1}, 0, std::string(4, '\0'));
        }
        scratch_folder const folder;
        w.write(folder.path / "f.gguf");
        gemma4::gguf_file const file(folder.path / "f.gguf");
        return sentence_of<gemma4::error>(
            [&]
            {
                auto const found = gemma4::read_text_config(file);
                if (text) { *text = found; }
            });
    }
}

TEST_CASE("gguf config: the tiny variants, in both dialects")
{
    check_variant<gemma4::tiny_e2b>();
    check_variant<gemma4::tiny_e4b>();
    check_variant<gemma4::tiny_a4b>();
    check_variant<gemma4::tiny_d31b>();
}

TEST_CASE("gguf config: another variant's file is refused with key and both values")
{
    scratch_folder const folder;
    auto const file = open_tiny(folder, "tiny_e2b");
    CHECK(!gemma4::matches(gemma4::tiny_e4b::text, file));
    auto const sentence = [&](gemma4::text_config const& compiled) {
        return sentence_of<gemma4::mismatch_error>([&]
                                                   { gemma4::check_text_config(compiled, "mine", file); });
    };
    CHECK(holds(sentence(gemma4::tiny_e4b::text),
                "tiny_e2b.gguf: metadata gemma4.block_count is 15, but the compiled variant mine has 18"));

    auto const changed = [&](auto gemma4::text_config::*field, auto value)
    {
        auto text = gemma4::tiny_e2b::text;
        text.*field = static_cast<std::remove_reference_t<decltype(text.*field)>>(value);
        return sentence(text);
    };
    using config = gemma4::text_config;
    CHECK(holds(changed(&config::hidden, 97),
                "gemma4.embedding_length is 96, but the compiled variant mine has 97"));
    CHECK(holds(changed(&config::heads, 4), "gemma4.attention.head_count is 8,"));
    CHECK(holds(changed(&config::kv_heads, 2), "gemma4.attention.head_count_kv of sliding layers is 1,"));
    CHECK(
        holds(changed(&config::global_kv_heads, 2), "gemma4.attention.head_count_kv of global layers is 1,"));
    CHECK(holds(changed(&config::head_dim, 48), "gemma4.attention.key_length_swa is 32,"));
    CHECK(holds(changed(&config::global_head_dim, 48), "gemma4.attention.key_length is 64,"));
    CHECK(holds(changed(&config::window, 8), "gemma4.attention.sliding_window is 16,"));
    CHECK(holds(changed(&config::kv_shared_layers, 10), "gemma4.attention.shared_kv_layers is 5,"));
    CHECK(holds(changed(&config::ffn, 96), "gemma4.feed_forward_length is 160,"));
    CHECK(holds(changed(&config::shared_ffn, 96),
                "share keys and values is 320, but the compiled variant mine has 96"));
    CHECK(holds(changed(&config::per_layer_input, 0), "gemma4.embedding_length_per_layer_input is 32,"));
    CHECK(holds(changed(&config::experts, 4), "gemma4.expert_count is 0,"));
    CHECK(changed(&config::max_positions, 1).empty());
    CHECK(gemma4::positions_of(file) == 4096);
    CHECK(holds(changed(&config::rope_theta, 1.0f), "gemma4.rope.freq_base_swa is 10000,"));
    CHECK(holds(changed(&config::global_rope_theta, 1.0f), "gemma4.rope.freq_base is 1e+06,"));
    CHECK(holds(changed(&config::softcap, 0.0f), "gemma4.final_logit_softcapping is 30,"));
    CHECK(holds(changed(&config::norm_eps, 1.0f), "gemma4.attention.layer_norm_rms_epsilon is 1e-06,"));
    CHECK(holds(changed(&config::vocab, 7), "the number of tokens is 2048,"));
    CHECK(holds(changed(&config::value_is_key, true), "attn_v.weight missing in global layers is false,"));
    CHECK(holds(changed(&config::global_rotated, 1.0f), "rope_freqs.weight turns is 0.25,"));
    CHECK(holds(changed(&config::global_every, 3), "sliding_window_pattern[2] is true,"));
    CHECK(changed(&config::media_both_ways, true).empty());
}

TEST_CASE("gguf config: arrays by layer, and files that no variant can honour")
{
    gemma4::text_config text{};
    REQUIRE(read([](keys&) {}, &text) == "");
    CHECK(text.global_every == 3);
    CHECK(text.kv_heads == 1);
    CHECK(text.global_kv_heads == 2);
    CHECK(text.ffn == 64);
    CHECK(text.shared_ffn == 128);
    CHECK(text.global_rotated == 0.5f);
    CHECK(text.vocab == 3);
    CHECK(text.softcap == 30.0f);
    CHECK(!text.value_is_key);
    REQUIRE(read([](keys& k) { k.missing_v = 1; }, &text) == "");
    CHECK(text.value_is_key);

    CHECK(holds(read([](keys& k) { k.architecture = "llama"; }),
                "general.architecture is \"llama\", only \"gemma4\" and \"gemma3\""));
    CHECK(holds(read([](keys& k) { k.layers = 0; }), "gemma4.block_count is 0, expected 1 to 4096"));
    CHECK(holds(read([](keys& k) { k.layers = 7; }), "has 6 values, but gemma4.block_count is 7"));
    CHECK(holds(read([](keys& k) { k.kv_heads[4] = 2; }),
                "head_count_kv[4] is 2, but layer 0, also a sliding layer, has 1"));
    CHECK(holds(read([](keys& k) { k.widths[5] = 64; }), "feed_forward_length[5] is 64, but layer 3"));
    CHECK(holds(read([](keys& k) { k.shared = 6; }),
                "shared_kv_layers is 6, expected fewer than the 6 layers"));
    CHECK(holds(read([](keys& k) { k.value_length = 4; }), "gemma4.attention.value_length is 4, only 8"));
    CHECK(holds(read([](keys& k) { k.with_eps = false; }), "layer_norm_rms_epsilon is missing"));
    CHECK(holds(read(
                    [](keys& k)
                    {
                        k.sliding.assign(6, true);
                        k.kv_heads.assign(6, 1);
                    }),
                "has no global layer"));
    CHECK(holds(read(
                    [](keys& k)
                    {
                        k.sliding[3] = false;
                        k.kv_heads.assign(6, 1);
                    }),
                "sliding_window_pattern[3] is false, only a schedule"));
    CHECK(holds(read(
                    [](keys& k) {
                        k.rope_freqs = {1, 1e30f};
                    }),
                "rope_freqs.weight has 2 values of F32, expected 4"));
    CHECK(holds(read([](keys& k) { k.rope_freqs[0] = 8; }), "rope_freqs.weight has 8 at 0"));
    CHECK(holds(read([](keys& k) { k.rope_freqs = {1, 1e30f, 1, 1e30f}; }), "rope_freqs.weight has 1 at 2"));
}

TEST_CASE("gguf config: Gemma 3, whose metadata leave most unsaid")
{
    scratch_folder const folder;
    auto const open = [&](std::function<void(gguf_writer&)> const& more)
    {
        gguf_writer w;
        w.text("general.architecture", "gemma3");
        w.u32("gemma3.block_count", 12);
        w.u32("gemma3.context_length", 1024);
        w.u32("gemma3.embedding_length", 64);
        w.u32("gemma3.feed_forward_length", 128);
        w.u32("gemma3.attention.head_count", 4);
        w.u32("gemma3.attention.head_count_kv", 2);
        w.u32("gemma3.attention.key_length", 16);
        w.u32("gemma3.attention.sliding_window", 32);
        w.f32("gemma3.attention.layer_norm_rms_epsilon", 1e-6f);
        w.strings("tokenizer.ggml.tokens", {"a", "b"});
        more(w);
        w.write(folder.path / "g3.gguf");
        return gemma4::gguf_file(folder.path / "g3.gguf");
    };
    gemma4::text_config const expected{
        .vocab = 2,
        .hidden = 64,
        .layers = 12,
        .global_every = 6,
        .heads = 4,
        .kv_heads = 2,
        .global_kv_heads = 2,
        .head_dim = 16,
        .global_head_dim = 16,
        .window = 32,
        .ffn = 128,
        .max_positions = 1024,
        .global_rotated = 1.0f,
        .softcap = 0.0f,
        .value_norm = false,
        .layer_scalar = false,
        .query_scale = 0.25f,
    };
    auto const plain = open([](gguf_writer&) {});
    CHECK(gemma4::read_text_config(plain) == expected);
    CHECK(gemma4::matches(expected, plain));
    CHECK_NOTHROW(gemma4::check_text_config(expected, "mine", plain));
    CHECK(gemma4::read_text_config(
              open([](gguf_writer& w) { w.u32("gemma3.attention.sliding_window_pattern", 4); }))
              .global_every
          == 4);

    auto const refusal = [&](std::function<void(gguf_writer&)> const& more, auto&& change)
    {
        auto compiled = expected;
        change(compiled);
        auto const file = open(more);
        return sentence_of<gemma4::mismatch_error>([&]
                                                   { gemma4::check_text_config(compiled, "mine", file); });
    };
    auto const nothing = [](gguf_writer&) {};
    CHECK(holds(refusal(nothing, [](auto& c) { c.value_norm = true; }),
                "the norm of values in its architecture is absent, but the compiled variant mine has there"));
    CHECK(holds(refusal(nothing, [](auto& c) { c.layer_scalar = true; }),
                "the scalar of a layer in its architecture is absent"));
    CHECK(holds(refusal(nothing, [](auto& c) { c.query_scale = 1; }),
                "the scale of queries in its architecture is 0.25"));
    CHECK(holds(refusal(nothing, [](auto& c) { c.hidden = 32; }), "metadata gemma3.embedding_length is 64"));
    CHECK(holds(refusal([](gguf_writer& w) { w.f32("gemma3.rope.scaling.factor", 8); }, [](auto&) {}),
                "gemma3.rope.scaling.factor is 8, only 1 is supported"));
}
