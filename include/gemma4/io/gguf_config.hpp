// The numbers of the text decoder in the metadata of a GGUF file (architecture gemma4), compared with a compiled variant key
// by key, as io/config.hpp does with config.json.
//
// Three things are not in the metadata and are read from the tensors: that keys serve as values (attn_v is missing in global
// layers), how much of a global head rope turns (rope_freqs.weight), and where gemma4.vocab_size is absent the vocabulary
// (tokenizer.ggml.tokens, or token_embd.weight). Whether media tokens see both ways is in no GGUF file: not compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    // Keys of one architecture: "block_count" is metadata gemma4.block_count. For variants of other architectures as well.
    class gguf_fields
    {
    public:
        gguf_fields(gguf_metadata const& metadata, std::string_view architecture)
            : m_metadata(&metadata), m_prefix(sentence(architecture, "."))
        {
        }

        // The architecture of the file: general.architecture.
        explicit gguf_fields(gguf_metadata const& metadata) : gguf_fields(metadata, metadata.text("general.architecture")) {}

        std::string key(std::string_view word) const { return m_prefix + std::string(word); }
        bool has(std::string_view word) const { return m_metadata->find(key(word)) != nullptr; }
        gguf_metadata const& metadata() const noexcept { return *m_metadata; }

        std::size_t size(std::string_view word) const { return m_metadata->size(key(word)); }
        std::size_t size(std::string_view word, std::size_t fallback) const { return m_metadata->size(key(word), fallback); }
        float number(std::string_view word) const { return m_metadata->number(key(word)); }
        float number(std::string_view word, float fallback) const { return m_metadata->number(key(word), fallback); }

        // One value for each layer; a single value counts for all of them.
        std::vector<std::size_t> sizes_by_layer(std::string_view word, std::size_t layers) const
        {
            if (!m_metadata->is_array(key(word))) { return std::vector<std::size_t>(layers, size(word)); }
            return by_layer(word, m_metadata->sizes(key(word)), layers);
        }

        std::vector<bool> flags_by_layer(std::string_view word, std::size_t layers) const
        {
            if (!m_metadata->is_array(key(word))) { return std::vector<bool>(layers, m_metadata->boolean(key(word))); }
            return by_layer(word, m_metadata->flags(key(word)), layers);
        }

    private:
        template <class T>
        std::vector<T> by_layer(std::string_view word, std::vector<T> values, std::size_t layers) const
        {
            if (values.size() != layers)
            {
                throw file_error(sentence(m_metadata->file(), ": metadata ", key(word), " has ", values.size(),
                                          " values, but ", key("block_count"), " is ", layers));
            }
            return values;
        }

        gguf_metadata const* m_metadata;
        std::string m_prefix;
    };

    namespace detail
    {
        struct gguf_text_fields
        {
            text_config text{};          // global_every is not derived yet
            std::vector<bool> global;    // (layers)
        };

        // The value that all layers with f(layer) share; `none` where there is none.
        template <class F>
        std::size_t common_value(gguf_fields const& fields, std::string_view word, std::vector<std::size_t> const& values,
                                 std::string_view kind, std::size_t none, F&& f)
        {
            std::size_t first = values.size();
            for (std::size_t l = 0; l != values.size(); ++l)
            {
                if (!f(l)) { continue; }
                if (first == values.size()) { first = l; }
                if (values[l] != values[first])
                {
                    throw mismatch_error(sentence(fields.metadata().file(), ": metadata ", fields.key(word), "[", l, "] is ",
                                                  values[l], ", but layer ", first, ", also ", kind, ", has ", values[first]));
                }
            }
            return first == values.size() ? none : values[first];
        }

        // rope_freqs.weight divides the frequencies of global layers: 1 where a pair turns, 1e30 where it does not.
        inline float rotated_share(gguf_file const& file, std::size_t head_dim)
        {
            auto const* t = file.find("rope_freqs.weight");
            if (!t) { return 1.0f; }
            auto const pairs = head_dim / 2;
            if (t->type != ggml_type::f32 || t->elements() != pairs || pairs == 0)
            {
                throw mismatch_error(sentence(file.name_of(*t), ": tensor rope_freqs.weight has ", t->elements(), " values of ",
                                              name(t->type), ", expected ", pairs, " of F32, half of a global head"));
            }
            std::size_t turned = 0;
            for (std::size_t i = 0; i != pairs; ++i)
            {
                auto const factor = read_as<float>(t->data + i * sizeof(float));
                bool const turns = factor == 1.0f;
                if ((!turns && !(factor >= 1e20f)) || (turns && turned != i))
                {
                    throw mismatch_error(sentence(file.name_of(*t), ": tensor rope_freqs.weight has ", factor, " at ", i,
                                                  ", only ones followed by 1e30 are supported"));
                }
                turned += turns;
            }
            return float(turned) / float(pairs);
        }

        inline std::size_t gguf_vocab(gguf_fields const& fields, gguf_file const& file)
        {
            if (fields.has("vocab_size")) { return fields.size("vocab_size"); }
            if (auto const* tokens = fields.metadata().find("tokenizer.ggml.tokens"); tokens && tokens->is_array)
            {
                return tokens->count;
            }
            auto const* table = file.find("token_embd.weight");
            return table && table->rank == 2 ? table->extents[0] : fields.size("vocab_size");    // throws: missing
        }

        // A key whose value we can honour only where it equals another one.
        inline void require_equal(gguf_fields const& fields, std::string_view word, std::size_t expected, std::string_view other)
        {
            if (auto const found = fields.size(word, expected); found != expected)
            {
                throw mismatch_error(sentence(fields.metadata().file(), ": metadata ", fields.key(word), " is ", found, ", only ",
                                              expected, ", the value of ", fields.key(other), ", is supported"));
            }
        }

        inline gguf_text_fields read_text_fields(gguf_file const& file)
        {
            auto const& metadata = file.metadata();
            auto const architecture = metadata.text("general.architecture");
            if (architecture != "gemma4")
            {
                throw mismatch_error(sentence(metadata.file(), ": metadata general.architecture is ", printable(architecture),
                                              ", only \"gemma4\" is supported"));
            }
            gguf_fields const fields(metadata, architecture);
            gguf_text_fields out;
            auto& text = out.text;
            text.layers = fields.size("block_count");
            if (text.layers == 0 || text.layers > max_layers)
            {
                throw file_error(sentence(metadata.file(), ": metadata ", fields.key("block_count"), " is ", text.layers,
                                          ", expected 1 to ", max_layers));
            }
            auto const sliding = fields.flags_by_layer("attention.sliding_window_pattern", text.layers);
            for (bool const one : sliding) { out.global.push_back(!one); }
            auto const is_global = [&](std::size_t l) { return bool(out.global[l]); };
            auto const is_sliding = [&](std::size_t l) { return !out.global[l]; };
            auto const any = [](std::size_t) { return true; };

            text.vocab = gguf_vocab(fields, file);
            text.hidden = fields.size("embedding_length");
            text.heads = common_value(fields, "attention.head_count", fields.sizes_by_layer("attention.head_count", text.layers),
                                      "a layer", 0, any);
            auto const kv_heads = fields.sizes_by_layer("attention.head_count_kv", text.layers);
            text.kv_heads = common_value(fields, "attention.head_count_kv", kv_heads, "a sliding layer", kv_heads[0], is_sliding);
            text.global_kv_heads = common_value(fields, "attention.head_count_kv", kv_heads, "a global layer", text.kv_heads,
                                                is_global);
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
                throw mismatch_error(sentence(metadata.file(), ": metadata ", fields.key("attention.shared_kv_layers"), " is ",
                                              text.kv_shared_layers, ", expected fewer than the ", text.layers, " layers"));
            }
            auto const owners = text.layers - text.kv_shared_layers;
            auto const widths = fields.sizes_by_layer("feed_forward_length", text.layers);
            text.ffn = common_value(fields, "feed_forward_length", widths, "with keys and values of its own", 0,
                                    [&](std::size_t l) { return l < owners; });
            text.shared_ffn = common_value(fields, "feed_forward_length", widths, "without keys and values of its own", 0,
                                           [&](std::size_t l) { return l >= owners; });
            if (text.shared_ffn == text.ffn) { text.shared_ffn = 0; }

            text.per_layer_input = fields.size("embedding_length_per_layer_input", 0);
            text.experts = fields.size("expert_count", 0);
            if (text.experts != 0)
            {
                text.active_experts = fields.size("expert_used_count");
                text.expert_ffn = fields.size("expert_feed_forward_length");
            }
            text.max_positions = fields.size("context_length");
            text.rope_theta = fields.number("rope.freq_base_swa", 10000.0f);
            text.global_rope_theta = fields.number("rope.freq_base", 1000000.0f);
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
                throw mismatch_error(sentence(metadata.file(), ": attn_v.weight is missing in ", missing, " of ", owning_globals,
                                              " global layers, expected all or none"));
            }
            text.value_is_key = missing != 0;
            return out;
        }

        // What a GGUF file cannot say, set alike.
        constexpr text_config comparable(text_config text)
        {
            text = normal_form(text);
            text.media_both_ways = false;
            return text;
        }
    }

    // The numbers of the text decoder. media_both_ways is false. file_error: a key is missing or of the wrong type.
    // mismatch_error: an architecture other than gemma4, or an option that no variant of ours can honour.
    inline text_config read_text_config(gguf_file const& file)
    {
        auto const fields = detail::read_text_fields(file);
        auto const& name = file.metadata().file();
        constexpr std::string_view key = "gemma4.attention.sliding_window_pattern";
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
                                          ", only a schedule where every n-th layer is false (here n = ", text.global_every,
                                          ") is supported"));
        }
        if (!fields.global.back())
        {
            throw mismatch_error(sentence(name, ": metadata ", key, "[", text.layers - 1,
                                          "] is true, only a last layer of false is supported"));
        }
        return text;
    }

    // mismatch_error for the first key where the file and the compiled variant differ, with both values; and all errors of
    // read_text_config.
    inline void check_text_config(text_config const& compiled, std::string_view variant_name, gguf_file const& file)
    {
        auto const fields = detail::read_text_fields(file);
        auto const& found = fields.text;
        auto const same = [&](std::string_view what, auto is, auto expected)
        {
            if (is == expected) { return; }
            throw mismatch_error(sentence(file.metadata().file(), ": ", what, " is ", is, ", but the compiled variant ",
                                          variant_name, " has ", expected));
        };
        auto const key = [&](std::string_view word, auto is, auto expected)
        { same(sentence("metadata gemma4.", word), is, expected); };

        key("block_count", found.layers, compiled.layers);
        if (auto const l = detail::first_off_schedule(fields.global, compiled.global_every); l != found.layers)
        {
            key(sentence("attention.sliding_window_pattern[", l, "]"), !fields.global[l], bool(fields.global[l]));
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
        key("feed_forward_length of layers that share keys and values", shared_width(found), shared_width(compiled));
        key("embedding_length_per_layer_input", found.per_layer_input, compiled.per_layer_input);
        key("expert_count", found.experts, compiled.experts);
        key("expert_used_count", found.active_experts, compiled.active_experts);
        key("expert_feed_forward_length", found.expert_ffn, compiled.expert_ffn);
        key("context_length", found.max_positions, compiled.max_positions);
        key("rope.freq_base_swa", found.rope_theta, compiled.rope_theta);
        key("rope.freq_base", found.global_rope_theta, compiled.global_rope_theta);
        key("final_logit_softcapping", found.softcap, compiled.softcap);
        key("attention.layer_norm_rms_epsilon", found.norm_eps, compiled.norm_eps);
        same("the number of tokens", found.vocab, compiled.vocab);
        same("attn_v.weight missing in global layers", found.value_is_key, compiled.value_is_key);
        same("the share of a head that rope_freqs.weight turns", found.global_rotated, compiled.global_rotated);
    }

    // Whether the file describes this variant. Any error is also a "no": check_text_config says why.
    inline bool matches(text_config const& compiled, gguf_file const& file)
    {
        try
        {
            return detail::comparable(read_text_config(file)) == detail::comparable(compiled);
        }
        catch (error const&)
        {
            return false;
        }
    }
}
