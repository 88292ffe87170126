// The numbers of the text decoder in the metadata of a GGUF file, compared with a compiled variant key by
// key, as io/config.hpp does with config.json. Architectures gemma4 and gemma3 (io/gguf_gemma3_config.hpp).
//
// Of gemma4 three things are not in the metadata and are read from the tensors: that keys serve as values
// (attn_v is missing in global layers), how much of a global head rope turns (rope_freqs.weight), and where
// gemma4.vocab_size is absent the vocabulary (tokenizer.ggml.tokens, or token_embd.weight). Whether media
// tokens see both ways is in no GGUF file: not compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/config_difference.hpp>
#include <gemma4/io/gguf_fields.hpp>
#include <gemma4/io/gguf_gemma3_config.hpp>
#include <gemma4/io/gguf_options.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // rope_freqs.weight divides the frequencies of global layers: 1 where a pair turns, 1e30 where it
        // does not.
        inline float rotated_share(gguf_file const& file, std::size_t head_dim)
        {
            auto const* t = file.find("rope_freqs.weight");
            if (!t) { return 1.0f; }
            auto const pairs = head_dim / 2;
            if (t->type != ggml_type::f32 || t->elements() != pairs || pairs == 0)
            {
                throw mismatch_error(sentence(file.name_of(*t), ": tensor rope_freqs.weight has ",
                                              t->elements(), " values of ", name(t->type), ", expected ",
                                              pairs, " of F32, half of a global head"));
            }
            std::size_t turned = 0;
            for (std::size_t i = 0; i != pairs; ++i)
            {
                auto const factor = read_as<float>(t->data + i * sizeof(float));
                bool const turns = factor == 1.0f;
                if ((!turns && !(factor >= 1e20f)) || (turns && turned != i))
                {
                    throw mismatch_error(sentence(file.name_of(*t), ": tensor rope_freqs.weight has ", factor,
                                                  " at ", i, ", only ones followed by 1e30 are supported"));
                }
                turned += turns;
            }
            return float(turned) / float(pairs);
        }

        inline gguf_text_fields read_gemma4_fields(gguf_file const& file)
        {
            auto const& metadata = file.metadata();
            gguf_fields const fields(metadata, "gemma4");
            gguf_text_fields out;
            auto& text = out.text;
            text.layers = gguf_layers(fields);
            auto const sliding = fields.flags_by_layer("attention.sliding_window_pattern", text.layers);
            for (bool const one : sliding) { out.global.push_back(!one); }
            auto const is_global = [&](std::size_t l) { return bool(out.global[l]); };
            auto const is_sliding = [&](std::size_t l) { return !out.global[l]; };
            auto const any = [](std::size_t) { return true; };

            text.vocab = gguf_vocab(fields, file);
            text.hidden = fields.size("embedding_length");
            text.heads =
                common_value(fields, "attention.head_count",
                             fields.sizes_by_layer("attention.head_count", text.layers), "a layer", 0, any);
            auto const kv_heads = fields.sizes_by_layer("attention.head_count_kv", text.layers);
            text.kv_heads = common_value(fields, "attention.head_count_kv", kv_heads, "a sliding layer",
                                         kv_heads[0], is_sliding);
            text.global_kv_heads = common_value(fields, "attention.head_count_kv", kv_heads, "a global layer",
                                                text.kv_heads, is_global);
            text.head_dim = fields.size("attention.key_length_swa");
            text.global_head_dim = fields.size("attention.key_length");
            require_equal(fields, "attention.value_length_swa", text.head_dim, "attention.key_length_swa");
            require_equal(fields, "attention.value_length", text.global_head_dim, "attention.key_length");
            require_equal(fields, "rope.dimension_count_swa", text.head_dim, "attention.key_length_swa");
            require_equal(fields, "rope.dimension_count", text.global_head_dim, "attention.key_length");
            text.window = fields.size("attention.sliding_window");

            text.kv_shared_layers = fields.size("attention.shared_kv_layers", 0);
            if (text.kv_shared_layers >= text.layers)
            {
                throw mismatch_error(
                    sentence(metadata.file(), ": metadata ", fields.key("attention.shared_kv_layers"), " is ",
                             text.kv_shared_layers, ", expected fewer than the ", text.layers, " layers"));
            }
            auto const owners = text.layers - text.kv_shared_layers;
            auto const widths = fields.sizes_by_layer("feed_forward_length", text.layers);
            text.ffn = common_value(fields, "feed_forward_length", widths, "with keys and values of its own",
                                    0, [&](std::size_t l) { return l < owners; });
            text.shared_ffn =
                common_value(fields, "feed_forward_length", widths, "without keys and values of its own", 0,
                             [&](std::size_t l) { return l >= owners; });
            if (text.shared_ffn == text.ffn) { text.shared_ffn = 0; }

            text.per_layer_input = fields.size("embedding_length_per_layer_input", 0);
            text.experts = fields.size("expert_count", 0);
            if (text.experts != 0)
            {
                text.active_experts = fields.size("expert_used_count");
                text.expert_ffn = fields.size("expert_feed_forward_length");
            }
            text.max_positions = gguf_positions(fields);
            text.rope_theta = rope_base(fields, "rope.freq_base_swa", "rope.local.freq_base", 10000.0f);
            text.global_rope_theta = rope_base(fields, "rope.freq_base", "rope.global.freq_base", 1000000.0f);
            check_attention_scale(fields, text.query_scale);
            text.global_rotated = rotated_share(file, text.global_head_dim);
            text.softcap = fields.number("final_logit_softcapping", 30.0f);    // the default of llama.cpp
            text.norm_eps = fields.number("attention.layer_norm_rms_epsilon");

            std::size_t missing = 0, owning_globals = 0;
            for (std::size_t l = 0; l != owners; ++l)
            {
                if (!out.global[l]) { continue; }
                ++owning_globals;
                missing += !file.find(sentence("blk.", l, ".attn_v.weight"));
            }
            if (missing != 0 && missing != owning_globals)
            {
                throw mismatch_error(sentence(metadata.file(), ": attn_v.weight is missing in ", missing,
                                              " of ", owning_globals,
                                              " global layers, expected all or none"));
            }
            text.value_is_key = missing != 0;
            return out;
        }

        inline gguf_text_fields read_text_fields(gguf_file const& file)
        {
            auto const& metadata = file.metadata();
            auto const architecture = metadata.text("general.architecture");
            if (architecture == "gemma4" || architecture == "gemma3") { check_gguf_options(metadata); }
            if (architecture == "gemma4") { return read_gemma4_fields(file); }
            if (architecture == "gemma3") { return read_gemma3_fields(file); }
            if (architecture == "clip")
            {
                throw mismatch_error(sentence(metadata.file(),
                                              " is a projector file (metadata general.architecture is "
                                              "\"clip\"): name the model's file, and this one as mmproj"));
            }
            throw mismatch_error(sentence(metadata.file(), ": metadata general.architecture is ",
                                          printable(architecture),
                                          ", only \"gemma4\" and \"gemma3\" are supported"));
        }
    }

    // The numbers of the text decoder. media_both_ways is false. file_error: a key is missing or of the wrong
    // type. mismatch_error: an architecture other than gemma4 and gemma3, or an option that no variant of
    // ours can honour.
    inline text_config read_text_config(gguf_file const& file)
    {
        auto const fields = detail::read_text_fields(file);
        auto const& name = file.metadata().file();
        auto const key = gguf_fields(file.metadata()).key("attention.sliding_window_pattern");
        auto const first = std::find(fields.global.begin(), fields.global.end(), true);
        if (first == fields.global.end())
        {
            throw mismatch_error(sentence(name, ": metadata ", key, " has no global layer"));
        }
        auto text = fields.text;
        text.global_every = static_cast<std::size_t>(first - fields.global.begin()) + 1;
        if (auto const l = detail::first_off_schedule(fields.global, text.global_every); l != text.layers)
        {
            throw mismatch_error(sentence(name, ": metadata ", key, "[", l, "] is ", !fields.global[l],
                                          ", only a schedule where every n-th layer is false (here n = ",
                                          text.global_every, ") is supported"));
        }
        if (!fields.global.back())
        {
            throw mismatch_error(sentence(name, ": metadata ", key, "[", text.layers - 1,
                                          "] is true, only a last layer of false is supported"));
        }
        return text;
    }

    // context_length. Errors as read_text_config.
    inline std::size_t positions_of(gguf_file const& file)
    {
        return detail::read_text_fields(file).text.max_positions;
    }

    // The keys in which the file and the compiled variant differ; and all errors of read_text_config but
    // those of a schedule. context_length is not compared: nothing is computed from it, it is the most
    // positions that a conversation may have.
    inline config_differences text_differences(text_config const& compiled, gguf_file const& file)
    {
        auto const fields = detail::read_text_fields(file);
        auto const& found = fields.text;
        config_differences all;
        auto const same = [&](std::string_view what, auto is, auto expected)
        { add_difference(all, what, is, expected); };
        gguf_fields const keys(file.metadata());
        auto const key = [&](std::string_view word, auto is, auto expected)
        { same(sentence("metadata ", keys.key(word)), is, expected); };

        key("block_count", found.layers, compiled.layers);
        if (auto const l = detail::first_off_schedule(fields.global, compiled.global_every);
            l != found.layers)
        {
            key(sentence("attention.sliding_window_pattern[", l, "]"), !fields.global[l],
                bool(fields.global[l]));
        }
        key("embedding_length", found.hidden, compiled.hidden);
        key("attention.head_count", found.heads, compiled.heads);
        key("attention.head_count_kv of sliding layers", found.kv_heads, compiled.kv_heads);
        key("attention.head_count_kv of global layers", found.global_kv_heads, compiled.global_kv_heads);
        key("attention.key_length_swa", found.head_dim, compiled.head_dim);
        key("attention.key_length", found.global_head_dim, compiled.global_head_dim);
        key("attention.sliding_window", found.window, compiled.window);
        key("attention.shared_kv_layers", found.kv_shared_layers, compiled.kv_shared_layers);
        key("feed_forward_length", found.ffn, compiled.ffn);
        auto const shared_width = [](text_config const& text)
        {
            auto const width = detail::normal_form(text).shared_ffn;
            return width == 0 ? text.ffn : width;
        };
        key("feed_forward_length of layers that share keys and values", shared_width(found),
            shared_width(compiled));
        key("embedding_length_per_layer_input", found.per_layer_input, compiled.per_layer_input);
        key("expert_count", found.experts, compiled.experts);
        key("expert_used_count", found.active_experts, compiled.active_experts);
        key("expert_feed_forward_length", found.expert_ffn, compiled.expert_ffn);
        key("rope.freq_base_swa", found.rope_theta, compiled.rope_theta);
        key("rope.freq_base", found.global_rope_theta, compiled.global_rope_theta);
        key("final_logit_softcapping", found.softcap, compiled.softcap);
        key("attention.layer_norm_rms_epsilon", found.norm_eps, compiled.norm_eps);
        same("the number of tokens", found.vocab, compiled.vocab);
        same("attn_v.weight missing in global layers", found.value_is_key, compiled.value_is_key);
        same("the share of a head that rope_freqs.weight turns", found.global_rotated,
             compiled.global_rotated);
        auto const norm = [](bool there) { return std::string_view(there ? "there" : "absent"); };
        same("the norm of values in its architecture", norm(found.value_norm), norm(compiled.value_norm));
        same("the scalar of a layer in its architecture", norm(found.layer_scalar),
             norm(compiled.layer_scalar));
        same("the scale of queries in its architecture", found.query_scale, compiled.query_scale);
        return all;
    }

    // mismatch_error for the first key where the file and the compiled variant differ, with both values; and
    // all errors of read_text_config.
    inline void check_text_config(text_config const& compiled, std::string_view variant_name,
                                  gguf_file const& file)
    {
        refuse_difference(text_differences(compiled, file), file.metadata().file(), variant_name);
    }

    // Whether the file describes this variant. Any error is also a "no": check_text_config says why.
    inline bool matches(text_config const& compiled, gguf_file const& file)
    {
        try
        {
            return text_differences(compiled, file).empty();
        }
        catch (error const&)
        {
            return false;
        }
    }
}
