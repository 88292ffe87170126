// Writes a complete gemma4 GGUF file (or a split one) of generated weights: the same values as
// checkpoint_writer.hpp gives the checkpoint of the same folder and seed, in chosen formats.
//
// The independent side of the tests of GGUF: names, keys and layouts are written down here once more, from
// the descriptions of the format, and nothing of the library is used but the 16-bit floats. The quantisers
// are the simplest valid ones.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint_writer.hpp"
#include "generator.hpp"
#include <nlohmann/json.hpp>

#include <gemma4/core/types.hpp>

namespace gemma4_test
{
    enum class gguf_format : std::uint32_t
    {
        f32 = 0,
        f16 = 1,
        q4_0 = 2,
        q4_1 = 3,
        q5_0 = 6,
        q5_1 = 7,
        q8_0 = 8,
        q2_k = 10,
        q3_k = 11,
        q4_k = 12,
        q5_k = 13,
        q6_k = 14,
        iq4_nl = 20,
        iq4_xs = 23,
        bf16 = 30,
        mxfp4 = 39,
        nvfp4 = 40
    };

    // Formats without a quantiser here: blocks of pseudo-random numbers around 0, about as large as the
    // weights of generator.hpp are.
    struct gguf_scrambled
    {
        gguf_format format;
        std::size_t weights;
        std::size_t bytes;
        std::vector<std::size_t> halves;    // where 16-bit scales are: of the weights, of their offsets
        float scale;
        float offset;                             // of the second: a multiple of the first
        std::vector<std::size_t> small_scales;    // offsets of 8-bit float scales, whose byte is `small`
        unsigned char small;
    };

    inline std::vector<gguf_scrambled> const& scrambled_formats()
    {
        using f = gguf_format;
        static std::vector<gguf_scrambled> const all{
            {f::q4_1, 32, 20, {0, 2}, 0.02f, -7.5f, {}, 0},
            {f::q5_0, 32, 22, {0}, 0.01f, 0, {}, 0},
            {f::q5_1, 32, 24, {0, 2}, 0.01f, -15.5f, {}, 0},
            {f::iq4_nl, 32, 18, {0}, 0.0015f, 0, {}, 0},
            {f::mxfp4, 32, 17, {}, 0, 0, {0}, 120},
            {f::nvfp4, 64, 36, {}, 0, 0, {0, 1, 2, 3}, 0x0d},
            {f::q2_k, 256, 84, {80, 82}, 0.01f, 1.5f, {}, 0},
            {f::q3_k, 256, 110, {108}, 0.0024f, 0, {}, 0},
            {f::q4_k, 256, 144, {0, 2}, 0.0027f, 7.5f, {}, 0},
            {f::q5_k, 256, 176, {0, 2}, 0.0013f, 15.5f, {}, 0},
            {f::iq4_xs, 256, 136, {0}, 0.00008f, 0, {}, 0},
        };
        return all;
    }

    inline gguf_scrambled const* scrambled(gguf_format format)
    {
        for (auto const& one : scrambled_formats())
        {
            if (one.format == format) { return &one; }
        }
        return nullptr;
    }

    inline std::size_t block_size(gguf_format format)
    {
        if (auto const* one = scrambled(format)) { return one->weights; }
        switch (format)
        {
        case gguf_format::q4_0:
        case gguf_format::q8_0: return 32;
        case gguf_format::q6_k: return 256;
        default: return 1;
        }
    }

    namespace gguf_detail
    {
        inline void append(std::string& out, std::uint64_t value, std::size_t width)
        {
            for (std::size_t k = 0; k != width; ++k)
            {
                out.push_back(static_cast<char>((value >> (8 * k)) & 0xffu));
            }
        }

        inline void append_string(std::string& out, std::string_view text)
        {
            append(out, text.size(), 8);
            out += text;
        }

        inline float append_half(std::string& out, float x)
        {
            auto const half = gemma4::f16::from(x);
            append(out, half.bits, 2);
            return half.value();
        }

        inline int nearest(float x, float step, int low, int high)
        {
            auto const q = step == 0 ? 0 : int(std::lround(x / step));
            return std::clamp(q, low, high);
        }

        inline float largest(std::span<float const> values)    // by magnitude, with its sign
        {
            float found = 0;
            for (float const x : values) { found = std::abs(x) > std::abs(found) ? x : found; }
            return found;
        }

        inline void append_q8_0(std::string& out, std::span<float const, 32> x)
        {
            auto const d = append_half(out, std::abs(largest(x)) / 127);
            for (float const one : x)
            {
                append(out, std::uint64_t(std::int64_t(nearest(one, d, -127, 127))), 1);
            }
        }

        inline void append_q4_0(std::string& out, std::span<float const, 32> x)
        {
            auto const d = append_half(out, largest(x) / -8);
            auto const q = [&](std::size_t i) { return unsigned(nearest(x[i], d, -8, 7) + 8); };
            for (std::size_t i = 0; i != 16; ++i) { append(out, q(i) | q(i + 16) << 4, 1); }
        }

        inline void append_q6_k(std::string& out, std::span<float const, 256> x)
        {
            float scales[16];
            float most = 0;
            for (std::size_t g = 0; g != 16; ++g)
            {
                scales[g] = largest(x.subspan(16 * g, 16)) / -32;
                most = std::max(most, std::abs(scales[g]));
            }
            auto const d = gemma4::f16::from(most / 127).value();
            int factors[16];
            unsigned q[256];
            for (std::size_t g = 0; g != 16; ++g) { factors[g] = nearest(scales[g], d, -128, 127); }
            for (std::size_t i = 0; i != 256; ++i)
            {
                q[i] = unsigned(nearest(x[i], d * float(factors[i / 16]), -32, 31) + 32);
            }
            for (std::size_t half = 0; half != 2; ++half)    // weights l and l + 64 of a half share a byte
            {
                for (std::size_t l = 0; l != 64; ++l)
                {
                    auto const* const h = q + 128 * half;
                    append(out, (h[l] & 15u) | (h[l + 64] & 15u) << 4, 1);
                }
            }
            for (std::size_t half = 0; half != 2; ++half)    // four weights 32 apart share a byte
            {
                for (std::size_t l = 0; l != 32; ++l)
                {
                    auto const* const h = q + 128 * half;
                    append(out, h[l] >> 4 | h[l + 32] >> 4 << 2 | h[l + 64] >> 4 << 4 | h[l + 96] >> 4 << 6,
                           1);
                }
            }
            for (int const factor : factors) { append(out, std::uint64_t(std::int64_t(factor)), 1); }
            append_half(out, d);
        }
    }

    namespace gguf_detail
    {
        // Numbers that depend on the values of the block.
        inline void append_scrambled(std::string& out, gguf_scrambled const& as, float const* x)
        {
            auto state = fnv1a64_start;
            for (std::size_t i = 0; i != as.weights; ++i)
            {
                state = mix(state ^ std::bit_cast<std::uint32_t>(x[i]));
            }
            std::string block;
            for (std::size_t i = 0; i != as.bytes; ++i)
            {
                state = mix(state + golden_gamma);
                block += static_cast<char>(state & 0xffu);
            }
            auto const first = as.scale * (1 + 0.001f * float(state % 100));
            for (auto const at : as.halves)
            {
                std::string half;
                append_half(half, at == as.halves.front() ? first : as.offset * first);
                block.replace(at, 2, half);
            }
            // Where groups have small scales of weights and of offsets, the two are equal.
            auto const group = [&]
            {
                state = mix(state + golden_gamma);
                return 4 + state % 8;
            };
            if (as.format == gguf_format::q2_k)
            {
                for (std::size_t g = 0; g != 16; ++g) { block[g] = static_cast<char>(group() * 17); }
            }
            if (as.format == gguf_format::q4_k || as.format == gguf_format::q5_k)
            {
                for (std::size_t g = 0; g != 4; ++g)
                {
                    block[4 + g] = block[8 + g] = static_cast<char>(group());
                    block[12 + g] = static_cast<char>(group() * 17);
                }
            }
            for (auto const at : as.small_scales)
            {
                block[at] = static_cast<char>(as.small + (state >> at) % 4);
            }
            out += block;
        }
    }

    // values.size() is a multiple of the block.
    inline std::string encode_gguf(std::span<float const> values, gguf_format format)
    {
        using namespace gguf_detail;
        std::string out;
        for (std::size_t at = 0; at < values.size(); at += block_size(format))
        {
            auto const* const x = values.data() + at;
            switch (format)
            {
            case gguf_format::f32: append(out, std::bit_cast<std::uint32_t>(*x), 4); break;
            case gguf_format::f16: append(out, gemma4::f16::from(*x).bits, 2); break;
            case gguf_format::bf16: append(out, gemma4::bf16::from(*x).bits, 2); break;
            case gguf_format::q8_0: append_q8_0(out, std::span<float const, 32>(x, 32)); break;
            case gguf_format::q4_0: append_q4_0(out, std::span<float const, 32>(x, 32)); break;
            case gguf_format::q6_k: append_q6_k(out, std::span<float const, 256>(x, 256)); break;
            default: append_scrambled(out, *scrambled(format), x); break;
            }
        }
        return out;
    }

    // The bytes of a GGUF file, piece by piece.
    class gguf_writer
    {
    public:
        explicit gguf_writer(std::size_t alignment = 32)
            : m_alignment(alignment)
        {}

        void u32(std::string_view key, std::uint64_t value) { number(key, 4, value, 4); }
        void u16(std::string_view key, std::uint64_t value) { number(key, 2, value, 2); }
        void i32(std::string_view key, std::uint64_t value) { number(key, 5, value, 4); }
        void f32(std::string_view key, float value)
        {
            number(key, 6, std::bit_cast<std::uint32_t>(value), 4);
        }
        void boolean(std::string_view key, bool value) { number(key, 7, value, 1); }

        void text(std::string_view key, std::string_view value)
        {
            begin(key, 8);
            gguf_detail::append_string(m_pairs, value);
        }

        void integers(std::string_view key, std::vector<std::int32_t> const& values)
        {
            array(key, 5, values.size());
            for (auto const value : values)
            {
                gguf_detail::append(m_pairs, std::uint64_t(std::int64_t(value)), 4);
            }
        }

        void floats(std::string_view key, std::vector<float> const& values)
        {
            array(key, 6, values.size());
            for (auto const value : values)
            {
                gguf_detail::append(m_pairs, std::bit_cast<std::uint32_t>(value), 4);
            }
        }

        void flags(std::string_view key, std::vector<bool> const& values)
        {
            array(key, 7, values.size());
            for (bool const value : values) { gguf_detail::append(m_pairs, value, 1); }
        }

        void strings(std::string_view key, std::vector<std::string> const& values)
        {
            array(key, 8, values.size());
            for (auto const& value : values) { gguf_detail::append_string(m_pairs, value); }
        }

        // shape as in a checkpoint: the contiguous extent last.
        void tensor(std::string_view name, shape_type const& shape, std::uint32_t type,
                    std::string_view bytes)
        {
            gguf_detail::append_string(m_infos, name);
            gguf_detail::append(m_infos, shape.size(), 4);
            for (auto d = shape.rbegin(); d != shape.rend(); ++d) { gguf_detail::append(m_infos, *d, 8); }
            gguf_detail::append(m_infos, type, 4);
            m_data.resize((m_data.size() + m_alignment - 1) / m_alignment * m_alignment);
            gguf_detail::append(m_infos, m_data.size(), 8);
            m_data += bytes;
            ++m_tensor_count;
        }

        std::string bytes(std::uint32_t version = 3) const
        {
            std::string out = "GGUF";
            gguf_detail::append(out, version, 4);
            gguf_detail::append(out, m_tensor_count, 8);
            gguf_detail::append(out, m_pair_count, 8);
            out += m_pairs + m_infos;
            if (m_tensor_count != 0)
            {
                out.resize((out.size() + m_alignment - 1) / m_alignment * m_alignment);
            }
            return out + m_data;
        }

        void write(std::filesystem::path const& file) const { writer_detail::write_text(file, bytes()); }

    private:
        void begin(std::string_view key, std::uint32_t type)
        {
            gguf_detail::append_string(m_pairs, key);
            gguf_detail::append(m_pairs, type, 4);
            ++m_pair_count;
        }

        void number(std::string_view key, std::uint32_t type, std::uint64_t value, std::size_t width)
        {
            begin(key, type);
            gguf_detail::append(m_pairs, value, width);
        }

        void array(std::string_view key, std::uint32_t type, std::size_t size)
        {
            begin(key, 9);
            gguf_detail::append(m_pairs, type, 4);
            gguf_detail::append(m_pairs, size, 8);
        }

        std::size_t m_alignment;
        std::string m_pairs, m_infos, m_data;
        std::uint64_t m_pair_count = 0, m_tensor_count = 0;
    };

    struct gguf_options
    {
        // The format of matrices, by GGUF name; where its block does not divide the rows they are F16.
        // Vectors are F32.
        std::function<gguf_format(std::string_view)> format = [](std::string_view)
        { return gguf_format::f32; };
        std::uint64_t seed = 1;
        std::size_t parts = 1;         // more than one: NAME-0000k-of-0000n.gguf beside each other
        bool leftover_kv = true;       // as in released files
        bool split_experts = false;    // gate and up of the experts as two tensors
        bool ollama = false;    // tokenizer model "llama", per_expert_scale, towers in the same file; implies
                                // split_experts
        bool tokenizer = true;
        // Store the F32 values that the encoded ones stand for: a file that any engine must agree with
        // exactly. nullptr: encode.
        std::function<void(gguf_format, std::string const& bytes, std::span<float> values)> decoded = nullptr;
        std::function<void(gguf_writer&)> more = nullptr;    // further pairs and tensors
    };

    namespace gguf_detail
    {
        // HF name after "layers.N." -> GGUF name after "blk.N."
        inline std::string layer_leaf(std::string const& leaf)
        {
            static std::map<std::string, std::string> const leaves{
                {"input_layernorm.weight", "attn_norm.weight"},
                {"self_attn.q_proj.weight", "attn_q.weight"},
                {"self_attn.k_proj.weight", "attn_k.weight"},
                {"self_attn.v_proj.weight", "attn_v.weight"},
                {"self_attn.o_proj.weight", "attn_output.weight"},
                {"self_attn.q_norm.weight", "attn_q_norm.weight"},
                {"self_attn.k_norm.weight", "attn_k_norm.weight"},
                {"post_attention_layernorm.weight", "post_attention_norm.weight"},
                {"pre_feedforward_layernorm.weight", "ffn_norm.weight"},
                {"mlp.gate_proj.weight", "ffn_gate.weight"},
                {"mlp.up_proj.weight", "ffn_up.weight"},
                {"mlp.down_proj.weight", "ffn_down.weight"},
                {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
                {"layer_scalar", "layer_output_scale.weight"},
                {"per_layer_input_gate.weight", "inp_gate.weight"},
                {"per_layer_projection.weight", "proj.weight"},
                {"post_per_layer_input_norm.weight", "post_norm.weight"},
                {"router.proj.weight", "ffn_gate_inp.weight"},
                {"router.scale", "ffn_gate_inp.scale"},
                {"router.per_expert_scale", "ffn_down_exps.scale"},
                {"experts.gate_up_proj", "ffn_gate_up_exps.weight"},
                {"experts.down_proj", "ffn_down_exps.weight"},
                {"pre_feedforward_layernorm_2.weight", "pre_ffw_norm_2.weight"},
                {"post_feedforward_layernorm_1.weight", "post_ffw_norm_1.weight"},
                {"post_feedforward_layernorm_2.weight", "post_ffw_norm_2.weight"}};
            return leaves.at(leaf);
        }

        inline std::string name_of(std::string const& canonical_name)    // "model. ..."
        {
            static std::map<std::string, std::string> const globals{
                {"embed_tokens.weight", "token_embd.weight"},
                {"norm.weight", "output_norm.weight"},
                {"embed_tokens_per_layer.weight", "per_layer_token_embd.weight"},
                {"per_layer_model_projection.weight", "per_layer_model_proj.weight"},
                {"per_layer_projection_norm.weight", "per_layer_proj_norm.weight"}};
            auto const name = canonical_name.substr(std::string_view("model.").size());
            if (!name.starts_with("layers.")) { return globals.at(name); }
            auto const dot = name.find('.', 7);
            return "blk." + name.substr(7, dot - 7) + "." + layer_leaf(name.substr(dot + 1));
        }

        // Pieces of a model that go into one or more files.
        struct piece
        {
            std::string name;
            shape_type shape;
            gguf_format format;
            std::string bytes;
        };

        inline piece make_piece(std::string name, shape_type shape, std::span<float const> values,
                                gguf_options const& o)
        {
            bool const vector = shape.size() == 1 || name.ends_with("ffn_gate_inp.weight");
            auto format = vector ? gguf_format::f32 : o.format(name);
            if (shape.back() % block_size(format) != 0) { format = gguf_format::f16; }
            auto bytes = encode_gguf(values, format);
            if (o.decoded && format != gguf_format::f32)
            {
                std::vector<float> plain(values.size());
                o.decoded(format, bytes, plain);
                format = gguf_format::f32;
                bytes = encode_gguf(plain, format);
            }
            return {std::move(name), std::move(shape), format, std::move(bytes)};
        }

        inline std::vector<piece> make_pieces(std::filesystem::path const& source, nlohmann::json const& text,
                                              gguf_options const& o)
        {
            checkpoint_options const as{.seed = o.seed, .towers = false, .leftover_kv = o.leftover_kv};
            std::vector<piece> pieces;
            for (auto const& row :
                 writer_detail::stored_tensors(read_tensor_list(source / "tensors.json"), as))
            {
                auto const values = make_tensor(row.values_of, row.shape, o.seed);
                auto name = name_of(canonical(row.name));
                if (name.ends_with("ffn_gate_up_exps.weight") && (o.split_experts || o.ollama))
                {
                    shape_type const half{row.shape[0], row.shape[1] / 2, row.shape[2]};
                    auto const size = half[1] * half[2];
                    std::vector<float> halves[2];
                    for (std::size_t k = 0; k != 2 * half[0]; ++k)
                    {
                        auto const from = values.begin() + std::ptrdiff_t(k * size);
                        halves[k % 2].insert(halves[k % 2].end(), from, from + std::ptrdiff_t(size));
                    }
                    auto const begin = name.substr(0, name.rfind("ffn_"));
                    pieces.push_back(make_piece(begin + "ffn_gate_exps.weight", half, halves[0], o));
                    pieces.push_back(make_piece(begin + "ffn_up_exps.weight", half, halves[1], o));
                    continue;
                }
                if (o.ollama && name.ends_with("ffn_down_exps.scale"))
                {
                    name = name.substr(0, name.rfind("ffn_")) + "ffn_gate_inp.per_expert_scale";
                }
                pieces.push_back(make_piece(name, row.shape, values, o));
            }
            auto const pairs = text.at("global_head_dim").get<std::size_t>() / 2;
            std::vector<float> turned(pairs, 1e30f);
            std::fill_n(turned.begin(), pairs / 4, 1.0f);
            pieces.push_back(make_piece("rope_freqs.weight", {pairs}, turned, o));
            if (o.ollama)
            {
                std::vector<float> const one{1.0f};
                for (auto const* tower :
                     {"v.blk.0.ln1.weight", "a.blk.0.ln1.weight", "mm.input_projection.weight"})
                {
                    pieces.push_back(make_piece(tower, {1}, one, o));
                }
            }
            return pieces;
        }

        inline void write_keys(gguf_writer& file, nlohmann::json const& text)
        {
            auto const size = [&](char const* key) { return text.at(key).get<std::size_t>(); };
            auto const number = [](nlohmann::json const& value) { return float(value.get<double>()); };
            auto const layers = size("num_hidden_layers");
            bool const key_is_value = text.value("attention_k_eq_v", false);
            std::vector<bool> sliding;
            std::vector<std::int32_t> kv_heads, widths;
            for (std::size_t l = 0; l != layers; ++l)
            {
                sliding.push_back(text.at("layer_types").at(l) == "sliding_attention");
                auto const heads =
                    key_is_value && !sliding.back() ? "num_global_key_value_heads" : "num_key_value_heads";
                kv_heads.push_back(std::int32_t(size(heads)));
                bool const wide =
                    text.value("use_double_wide_mlp", false) && l >= layers - size("num_kv_shared_layers");
                widths.push_back(std::int32_t(size("intermediate_size") * (wide ? 2 : 1)));
            }
            auto const u32 = [&](char const* key, std::size_t value)
            { file.u32(std::string("gemma4.") + key, value); };
            auto const f32 = [&](char const* key, nlohmann::json const& value)
            { file.f32(std::string("gemma4.") + key, number(value)); };
            auto const one_or_all = [&](char const* key, std::vector<std::int32_t> const& values)
            {
                bool const same =
                    std::all_of(values.begin(), values.end(), [&](auto v) { return v == values[0]; });
                if (same) { u32(key, std::size_t(values[0])); }
                else { file.integers(std::string("gemma4.") + key, values); }
            };
            u32("block_count", layers);
            u32("context_length", size("max_position_embeddings"));
            u32("embedding_length", size("hidden_size"));
            one_or_all("feed_forward_length", widths);
            u32("attention.head_count", size("num_attention_heads"));
            one_or_all("attention.head_count_kv", kv_heads);
            for (auto const* word :
                 {"attention.key_length", "attention.value_length", "rope.dimension_count"})
            {
                u32(word, size("global_head_dim"));
                u32((std::string(word) + "_swa").c_str(), size("head_dim"));
            }
            u32("attention.sliding_window", size("sliding_window"));
            file.flags("gemma4.attention.sliding_window_pattern", sliding);
            u32("attention.shared_kv_layers", text.value("num_kv_shared_layers", std::size_t(0)));
            f32("attention.layer_norm_rms_epsilon", text.at("rms_norm_eps"));
            f32("rope.freq_base", text.at("rope_parameters").at("full_attention").at("rope_theta"));
            f32("rope.freq_base_swa", text.at("rope_parameters").at("sliding_attention").at("rope_theta"));
            f32("final_logit_softcapping", text.at("final_logit_softcapping"));
            u32("embedding_length_per_layer_input", size("hidden_size_per_layer_input"));
            if (text.value("enable_moe_block", false))
            {
                u32("expert_count", size("num_experts"));
                u32("expert_used_count", size("top_k_experts"));
                u32("expert_feed_forward_length", size("moe_intermediate_size"));
            }
        }
    }

    // The arrays of a tokenizer.json.
    inline void write_tokenizer_keys(gguf_writer& file, nlohmann::json const& tokenizer,
                                     std::string const& model = "gemma4")
    {
        auto const& vocab = tokenizer.at("model").at("vocab");
        std::vector<std::string> tokens(vocab.size());
        std::vector<std::int32_t> types(vocab.size(), 1);
        for (auto const& [token, id] : vocab.items())
        {
            tokens.at(id.get<std::size_t>()) = token;
            if (token.size() == 6 && token.starts_with("<0x")) { types.at(id.get<std::size_t>()) = 6; }
        }
        for (auto const& added : tokenizer.at("added_tokens"))
        {
            auto const word = added.at("content").get<std::string>();
            bool const visible =
                word.find("tool_") != word.npos || word.find("channel") != word.npos || word == "<|\"|>";
            types.at(added.at("id").get<std::size_t>()) = visible ? 4 : 3;
        }
        std::vector<std::string> merges;
        for (auto const& merge : tokenizer.at("model").at("merges"))
        {
            merges.push_back(merge.is_string()
                                 ? merge.get<std::string>()
                                 : merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>());
        }
        file.text("tokenizer.ggml.model", model);
        file.strings("tokenizer.ggml.tokens", tokens);
        file.floats("tokenizer.ggml.scores", std::vector<float>(tokens.size(), -1000.0f));
        file.integers("tokenizer.ggml.token_type", types);
        file.strings("tokenizer.ggml.merges", merges);
        file.u32("tokenizer.ggml.bos_token_id", vocab.at("<bos>").get<std::uint64_t>());
        file.u32("tokenizer.ggml.eos_token_id", vocab.at("<eos>").get<std::uint64_t>());
        file.u32("tokenizer.ggml.unknown_token_id", vocab.at("<unk>").get<std::uint64_t>());
        file.u32("tokenizer.ggml.padding_token_id", vocab.at("<pad>").get<std::uint64_t>());
        file.boolean("tokenizer.ggml.add_bos_token", true);
        file.boolean("tokenizer.ggml.add_space_prefix", false);
    }

    // source: a folder of tests/data/tiny (config.json, tensors.json; tokenizer.json there or beside it).
    // `file`: PREFIX.gguf. Returns the path to open: `file`, or the first part of a split model.
    inline std::filesystem::path write_gguf(std::filesystem::path const& source,
                                            std::filesystem::path const& file, gguf_options const& o = {})
    {
        namespace fs = std::filesystem;
        auto const read = [](fs::path const& path)
        {
            std::ifstream in(path, std::ios::binary);
            if (!in) { throw std::runtime_error("cannot read " + path.string()); }
            return nlohmann::json::parse(in);
        };
        auto const config = read(source / "config.json");
        auto const& text = config.contains("text_config") ? config.at("text_config") : config;
        auto const pieces = gguf_detail::make_pieces(source, text, o);

        auto const path_of = [&](std::size_t k)
        {
            if (o.parts <= 1) { return file; }
            char tail[64];
            std::snprintf(tail, sizeof tail, "-%05zu-of-%05zu.gguf", k + 1, o.parts);
            return file.parent_path() / (file.stem().string() + tail);
        };
        for (std::size_t k = 0; k != std::max<std::size_t>(o.parts, 1); ++k)
        {
            gguf_writer out;
            out.text("general.architecture", "gemma4");
            if (k == 0)
            {
                out.text("general.type", "model");
                gguf_detail::write_keys(out, text);
                if (o.tokenizer)
                {
                    auto const own = source / "tokenizer.json";
                    write_tokenizer_keys(out, read(fs::exists(own) ? own : source / ".." / "tokenizer.json"),
                                         o.ollama ? "llama" : "gemma4");
                }
                if (fs::exists(source / "chat_template.jinja"))
                {
                    std::ifstream in(source / "chat_template.jinja", std::ios::binary);
                    out.text("tokenizer.chat_template", std::string(std::istreambuf_iterator<char>(in), {}));
                }
            }
            if (o.parts > 1)
            {
                out.u16("split.no", k);
                out.u16("split.count", o.parts);
                out.i32("split.tensors.count", pieces.size());
            }
            auto const first = k * pieces.size() / std::max<std::size_t>(o.parts, 1);
            auto const last = (k + 1) * pieces.size() / std::max<std::size_t>(o.parts, 1);
            for (auto i = first; i != last; ++i)
            {
                out.tensor(pieces[i].name, pieces[i].shape, std::uint32_t(pieces[i].format), pieces[i].bytes);
            }
            if (k == 0 && o.more) { o.more(out); }
            out.write(path_of(k));
        }
        return path_of(0);
    }
}
