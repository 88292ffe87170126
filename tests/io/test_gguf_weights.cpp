// The towers of an mmproj file and of Ollama's one-file models under the names of the checkpoint: the values
// of the generator, wherever and in whatever order the file has them. Names and layouts are written down here
// once more.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "../support/gguf_writer.hpp"
#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/gguf_weights.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4_test;

namespace
{
    using gemma4::weight_tree;

    struct place
    {
        weight_tree tree;
        std::string name;    // after the prefix
    };

    std::vector<std::pair<std::string, weight_tree>> const prefixes{
        {"model.vision_tower.", weight_tree::vision},
        {"model.audio_tower.", weight_tree::audio},
        {"model.embed_vision.", weight_tree::vision_projector},
        {"model.embed_audio.", weight_tree::audio_projector},
    };

    std::string replaced(std::string text, std::map<std::string, std::string> const& words)
    {
        for (auto const& [from, to] : words)
        {
            if (auto const at = text.find(from); at != text.npos)
            {
                return text.replace(at, from.size(), to);
            }
        }
        return text;
    }

    std::string gguf_name_of(weight_tree tree, std::string name, bool ollama)
    {
        if (tree == weight_tree::vision_projector) { return "mm.input_projection.weight"; }
        if (tree == weight_tree::audio_projector) { return "mm.a.input_projection.weight"; }
        name = replaced(name, {{".linear.weight", ".weight"}});
        if (tree == weight_tree::vision)
        {
            if (!name.starts_with("encoder."))
            {
                return replaced("v." + name,
                                {{"patch_embedder.input_proj", "patch_embd"},
                                 {"patch_embedder.position_embedding_table", "position_embd.weight"}});
            }
            return replaced("v.blk." + name.substr(15), {{"input_layernorm", "ln1"},
                                                         {"self_attn.q_proj", "attn_q"},
                                                         {"self_attn.k_proj", "attn_k"},
                                                         {"self_attn.v_proj", "attn_v"},
                                                         {"self_attn.o_proj", "attn_out"},
                                                         {"self_attn.q_norm", "attn_q_norm"},
                                                         {"self_attn.k_norm", "attn_k_norm"},
                                                         {"post_attention_layernorm", "attn_post_norm"},
                                                         {"pre_feedforward_layernorm", "ln2"},
                                                         {"post_feedforward_layernorm", "ffn_post_norm"},
                                                         {"mlp.gate_proj", "ffn_gate"},
                                                         {"mlp.up_proj", "ffn_up"},
                                                         {"mlp.down_proj", "ffn_down"}});
        }
        if (!name.starts_with("layers."))
        {
            return replaced("a." + name, {{"subsample_conv_projection.layer0.conv", "conv1d.0"},
                                          {"subsample_conv_projection.layer0.norm", "conv1d.0.norm"},
                                          {"subsample_conv_projection.layer1.conv", "conv1d.1"},
                                          {"subsample_conv_projection.layer1.norm", "conv1d.1.norm"},
                                          {"subsample_conv_projection.input_proj_linear",
                                           ollama ? "pre_encode.out" : "input_projection"},
                                          {ollama ? "a.output_proj" : "output_proj",
                                           ollama ? "mm.a.fc" : "pre_encode.out"}});
        }
        return replaced("a.blk." + name.substr(7),
                        {{"feed_forward1.pre_layer_norm", "ffn_norm"},
                         {"feed_forward1.ffw_layer_1", "ffn_up"},
                         {"feed_forward1.ffw_layer_2", "ffn_down"},
                         {"feed_forward1.post_layer_norm", "ffn_post_norm"},
                         {"feed_forward2.pre_layer_norm", "ffn_norm_1"},
                         {"feed_forward2.ffw_layer_1", "ffn_up_1"},
                         {"feed_forward2.ffw_layer_2", "ffn_down_1"},
                         {"feed_forward2.post_layer_norm", "ffn_post_norm_1"},
                         {"norm_pre_attn", ollama ? "ln1" : "attn_pre_norm"},
                         {"norm_post_attn", ollama ? "ln2" : "attn_post_norm"},
                         {"norm_out", ollama ? "layer_pre_norm" : "ln2"},
                         {"self_attn.q_proj", "attn_q"},
                         {"self_attn.k_proj", "attn_k"},
                         {"self_attn.v_proj", "attn_v"},
                         {"self_attn.post", "attn_out"},
                         {"self_attn.relative_k_proj", ollama ? "linear_pos" : "attn_k_rel"},
                         {"self_attn.per_dim_scale", "per_dim_scale.weight"},
                         {"lconv1d.pre_layer_norm", "conv_norm"},
                         {"lconv1d.conv_norm", "norm_conv"},
                         {"lconv1d.linear_start", "conv_pw1"},
                         {"lconv1d.linear_end", "conv_pw2"},
                         {"lconv1d.depthwise_conv1d", "conv_dw"}});
    }

    // Writes all tensors of the towers as llama.cpp's converter does.
    std::vector<std::pair<place, named_shape>> write_towers(gguf_writer& file, std::string const& variant,
                                                            bool ollama)
    {
        std::vector<std::pair<place, named_shape>> written;
        for (auto const& row : read_tensor_list(data_file("tiny/" + variant + "/tensors.json")))
        {
            for (auto const& [prefix, tree] : prefixes)
            {
                if (!row.name.starts_with(prefix)) { continue; }
                auto const name = row.name.substr(prefix.size());
                auto values = make_tensor(row.name, row.shape, 1);
                auto shape = row.shape.empty() ? shape_type{1} : row.shape;
                if (name == "patch_embedder.input_proj.weight")
                {
                    auto const from = values;
                    shape = {row.shape[0], 3, 16, 16};
                    for (std::size_t i = 0; i != values.size(); ++i)    // (hidden, channel, row, column)
                    {
                        auto const out = i / 768, channel = i % 768 / 256, pixel = i % 256;
                        values[i] = from[out * 768 + pixel * 3 + channel];
                    }
                }
                if (name.ends_with("per_dim_scale"))
                {
                    for (float& x : values) { x = float(std::log1p(std::exp(double(x)))); }
                }
                if (name.ends_with("depthwise_conv1d.weight")) { shape = {row.shape[0], row.shape[2]}; }
                file.tensor(gguf_name_of(tree, name, ollama), shape, 0,
                            encode_gguf(values, gguf_format::f32));
                written.push_back({{tree, name}, row});
            }
        }
        return written;
    }

    void check_towers(std::string const& variant, bool ollama)
    {
        CAPTURE(variant);
        scratch_folder const folder;
        gguf_writer towers;
        towers.text("general.architecture", "clip");
        auto rows = write_towers(towers, variant, ollama);
        towers.write(folder.path / "mmproj.gguf");
        gguf_options options;
        if (ollama)
        {
            options.more = [&](gguf_writer& w) { write_towers(w, variant, true); };
        }
        auto const text = std::make_shared<gemma4::gguf_file const>(
            write_gguf(data_file("tiny/" + variant), folder.path / "m.gguf", options));
        gemma4::gguf_weights source(
            text, ollama ? nullptr : std::make_shared<gemma4::gguf_file const>(folder.path / "mmproj.gguf"));
        REQUIRE(rows.size() > 20);
        for (auto const& [at, row] : rows)
        {
            CAPTURE(row.name);
            REQUIRE(source.has(at.tree, at.name));
            auto const found = source.demand(at.tree, at.name, row.shape);
            REQUIRE(found.type == gemma4::weight_type_of(gemma4::dtype::f32));
            auto const expected = make_tensor(row.name, row.shape, 1);
            REQUIRE(found.bytes == expected.size() * sizeof(float));
            auto const* values = reinterpret_cast<float const*>(found.data);
            bool const exact = !row.name.ends_with("per_dim_scale");
            for (std::size_t i = 0; i != expected.size(); ++i)
            {
                if (exact) { REQUIRE(values[i] == expected[i]); }
                else { REQUIRE(values[i] == doctest::Approx(expected[i]).epsilon(1e-5)); }
            }
            CHECK(source.demand(at.tree, at.name, row.shape).data == found.data);
        }
        for (auto const& name : source.unknown({}))    // the decoder, of which nothing was asked for
        {
            CHECK((name.starts_with("blk.") || name.find("_norm") != name.npos
                   || name.find("embd") != name.npos || name.starts_with("per_layer")));
        }
        CHECK(source.tensors().size() == text->tensors().size() + (ollama ? 0 : rows.size()));
    }
}

TEST_CASE("gguf weights: every tensor of the towers, in an mmproj file and in Ollama's dialect")
{
    check_towers("tiny_e2b", false);
    check_towers("tiny_e2b", true);
    check_towers("tiny_a4b", false);    // no audio, standardised
}

TEST_CASE("gguf weights: refused in a sentence")
{
    scratch_folder const folder;
    gguf_writer towers;
    towers.text("general.architecture", "clip");
    towers.tensor("v.std_bias", {4}, 0, std::string(16, '\0'));
    towers.tensor("v.std_scale", {4}, 24, std::string(4, '\0'));
    towers.tensor("a.blk.0.per_dim_scale.weight", {4}, 0, std::string(16, '\0'));
    towers.write(folder.path / "mmproj.gguf");
    auto const file = std::make_shared<gemma4::gguf_file const>(folder.path / "mmproj.gguf");
    gemma4::gguf_weights source(file);
    auto const refusal = [&](weight_tree tree, std::string const& name, std::vector<std::size_t> const& shape)
    { return sentence_of<gemma4::mismatch_error>([&] { source.demand(tree, name, shape); }); };
    CHECK(refusal(weight_tree::vision, "std_bias", {4}) == "");
    CHECK(holds(refusal(weight_tree::vision, "std_bias", {5}),
                "tensor v.std_bias has shape [4], expected [5]"));
    CHECK(holds(refusal(weight_tree::vision, "std_scale", {4}),
                "tensor v.std_scale is of type I8, which this library cannot"));
    CHECK(holds(refusal(weight_tree::vision, "mystery", {4}),
                "a tensor like mystery has no name in GGUF files"));
    CHECK(holds(refusal(weight_tree::audio, "output_proj.bias", {4}),
                "tensor a.pre_encode.out.bias is missing"));
    CHECK(holds(refusal(weight_tree::audio, "layers.0.self_attn.per_dim_scale", {4}),
                "holds 0, expected positive numbers"));
    CHECK(!source.has(weight_tree::vision_projector, "embedding_projection.weight"));
    CHECK(!source.has(weight_tree::text, "norm.weight"));
}

TEST_CASE("gguf weights: the numbers of the towers are compared key by key")
{
    scratch_folder const folder;
    auto const refusal = [&](bool vision, auto&& change)
    {
        gguf_writer w;
        w.text("general.architecture", "clip");
        w.boolean("clip.has_vision_encoder", true);
        change(w);
        w.write(folder.path / "mmproj.gguf");
        gemma4::gguf_weights const source(
            std::make_shared<gemma4::gguf_file const>(folder.path / "mmproj.gguf"));
        return sentence_of<gemma4::mismatch_error>(
            [&]
            {
                if (vision) { source.check(gemma4::tiny_e2b::vision, 96, "tiny_e2b"); }
                else { source.check(gemma4::tiny_e2b::audio, 96, "tiny_e2b"); }
            });
    };
    auto const vision = [](gguf_writer& w)
    {
        w.text("clip.vision.projector_type", "gemma4v");
        w.u32("clip.vision.embedding_length", 192);
        w.u32("clip.vision.block_count", 3);
        w.u32("clip.vision.attention.head_count", 3);
        w.u32("clip.vision.feed_forward_length", 320);
        w.u32("clip.vision.projection_dim", 96);
        w.f32("clip.vision.attention.layer_norm_epsilon", 1e-6f);
    };
    CHECK(refusal(true, vision) == "");
    for (auto const* word :
         {"embedding_length", "block_count", "attention.head_count", "feed_forward_length", "projection_dim"})
    {
        auto const sentence =
            refusal(true, [&](gguf_writer& w) { w.u32(std::string("clip.vision.") + word, 7); });
        CHECK(holds(sentence, std::string("mmproj.gguf: metadata clip.vision.") + word
                                  + " is 7, but the compiled variant tiny_e2b"));
    }
    CHECK(holds(refusal(true, [](gguf_writer& w) { w.text("clip.vision.projector_type", "gemma3"); }),
                "projector_type is gemma3"));
    CHECK(holds(refusal(false, vision), "clip.has_audio_encoder is not true"));
}
