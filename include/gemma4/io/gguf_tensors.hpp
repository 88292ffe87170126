// The tensors of a GGUF file under the names of a checkpoint (after its prefix, as model/weights.hpp has
// them).
//
// Shapes are those of the checkpoint: io/gguf.hpp has turned the order round already, and the bytes are the
// same. What GGUF stores otherwise: experts.gate_up_proj may be two tensors; an NVFP4 tensor may have a
// factor beside it; the rotated share of global layers is a tensor (io/gguf_config.hpp). Norm weights of
// Gemma 4 are as in the checkpoint, nothing is added.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/formats/format_of.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/io/shape_text.hpp>

namespace gemma4::inline v0
{
    struct tensor_names
    {
        std::string_view checkpoint;
        std::string_view gguf;
    };

    inline constexpr std::array global_tensor_names{
        tensor_names{"embed_tokens.weight", "token_embd.weight"},
        tensor_names{"norm.weight", "output_norm.weight"},
        tensor_names{"embed_tokens_per_layer.weight", "per_layer_token_embd.weight"},
        tensor_names{"per_layer_model_projection.weight", "per_layer_model_proj.weight"},
        tensor_names{"per_layer_projection_norm.weight", "per_layer_proj_norm.weight"},
        tensor_names{"lm_head.weight", "output.weight"},    // absent where tied
    };

    // After "layers.N." and "blk.N.".
    inline constexpr std::array layer_tensor_names{
        tensor_names{"input_layernorm.weight", "attn_norm.weight"},
        tensor_names{"self_attn.q_proj.weight", "attn_q.weight"},
        tensor_names{"self_attn.k_proj.weight", "attn_k.weight"},
        tensor_names{"self_attn.v_proj.weight", "attn_v.weight"},
        tensor_names{"self_attn.o_proj.weight", "attn_output.weight"},
        tensor_names{"self_attn.q_norm.weight", "attn_q_norm.weight"},
        tensor_names{"self_attn.k_norm.weight", "attn_k_norm.weight"},
        tensor_names{"post_attention_layernorm.weight", "post_attention_norm.weight"},
        tensor_names{"pre_feedforward_layernorm.weight", "ffn_norm.weight"},
        tensor_names{"mlp.gate_proj.weight", "ffn_gate.weight"},
        tensor_names{"mlp.up_proj.weight", "ffn_up.weight"},
        tensor_names{"mlp.down_proj.weight", "ffn_down.weight"},
        tensor_names{"post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
        tensor_names{"layer_scalar", "layer_output_scale.weight"},
        tensor_names{"per_layer_input_gate.weight", "inp_gate.weight"},
        tensor_names{"per_layer_projection.weight", "proj.weight"},
        tensor_names{"post_per_layer_input_norm.weight", "post_norm.weight"},
        tensor_names{"router.proj.weight", "ffn_gate_inp.weight"},
        tensor_names{"router.scale", "ffn_gate_inp.scale"},
        tensor_names{"router.per_expert_scale", "ffn_down_exps.scale"},
        tensor_names{"experts.gate_up_proj", "ffn_gate_up_exps.weight"},
        tensor_names{"experts.down_proj", "ffn_down_exps.weight"},
        tensor_names{"pre_feedforward_layernorm_2.weight", "pre_ffw_norm_2.weight"},
        tensor_names{"post_feedforward_layernorm_1.weight", "post_ffw_norm_1.weight"},
        tensor_names{"post_feedforward_layernorm_2.weight", "post_ffw_norm_2.weight"},
    };

    namespace detail
    {
        struct layer_name
        {
            std::size_t layer;
            std::string_view rest;
        };

        // "blk.12.attn_q.weight" with prefix "blk." -> {12, "attn_q.weight"}
        inline std::optional<layer_name> split_layer(std::string_view name, std::string_view prefix)
        {
            if (!name.starts_with(prefix)) { return std::nullopt; }
            name.remove_prefix(prefix.size());
            std::size_t layer = 0;
            auto const [end, failed] = std::from_chars(name.data(), name.data() + name.size(), layer);
            auto const digits = std::size_t(end - name.data());
            bool const valid = failed == std::errc() && digits < name.size() && name[digits] == '.'
                               && (digits == 1 || name[0] != '0');
            return valid ? std::optional(layer_name{layer, name.substr(digits + 1)}) : std::nullopt;
        }

        template <std::size_t N>
        std::optional<std::string_view>
        translated(std::array<tensor_names, N> const& table, std::string_view name,
                   std::string_view tensor_names::*from, std::string_view tensor_names::*to)
        {
            auto const row = std::ranges::find(table, name, from);
            return row == table.end() ? std::nullopt : std::optional((*row).*to);
        }
    }

    // "layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"; nothing for a name that GGUF does not
    // have.
    inline std::optional<std::string> gguf_name(std::string_view checkpoint_name)
    {
        using names = tensor_names;
        if (auto const place = detail::split_layer(checkpoint_name, "layers."))
        {
            auto const found =
                detail::translated(layer_tensor_names, place->rest, &names::checkpoint, &names::gguf);
            return found ? std::optional(sentence("blk.", place->layer, ".", *found)) : std::nullopt;
        }
        auto const found =
            detail::translated(global_tensor_names, checkpoint_name, &names::checkpoint, &names::gguf);
        return found ? std::optional(std::string(*found)) : std::nullopt;
    }

    // The other way round.
    inline std::optional<std::string> checkpoint_name(std::string_view gguf_name)
    {
        using names = tensor_names;
        if (auto const place = detail::split_layer(gguf_name, "blk."))
        {
            auto const found =
                detail::translated(layer_tensor_names, place->rest, &names::gguf, &names::checkpoint);
            return found ? std::optional(sentence("layers.", place->layer, ".", *found)) : std::nullopt;
        }
        auto const found =
            detail::translated(global_tensor_names, gguf_name, &names::gguf, &names::checkpoint);
        return found ? std::optional(std::string(*found)) : std::nullopt;
    }

    // Where the values of one checkpoint tensor lie.
    struct gguf_source
    {
        struct part
        {
            gguf_tensor const* values;
            gguf_tensor const*
                scale;    // F32 (1) or (experts): multiplies the product with `values`; nullptr: 1
        };

        std::array<part, 2> parts{};
        // 2: gate and up of experts.gate_up_proj, each (experts, expert_ffn, hidden).
        std::size_t count = 0;

        gguf_tensor const& only() const noexcept { return *parts[0].values; }
    };

    // Finds tensors by checkpoint name and keeps count of those asked for. `file` must outlive it.
    class gguf_tensors
    {
    public:
        explicit gguf_tensors(gguf_file const& file)
            : m_file(&file)
        {}

        bool has(std::string_view checkpoint_name) const
        {
            auto const name = gguf_name(checkpoint_name);
            return name && m_file->find(*name);
        }

        // mismatch_error: missing, of another shape, or of a type that this library has no format for.
        gguf_source demand(std::string_view checkpoint_name, std::span<std::size_t const> shape)
        {
            auto const name = gguf_name(checkpoint_name);
            if (!name)
            {
                throw mismatch_error(sentence(m_file->metadata().file(), ": a tensor like ", checkpoint_name,
                                              " has no name in GGUF files"));
            }
            gguf_source source;
            if (auto const halves = gate_and_up(checkpoint_name, *name))
            {
                std::vector<std::size_t> half(shape.begin(), shape.end());
                if (half.size() == 3) { half[1] /= 2; }
                for (auto const& one : *halves) { source.parts[source.count++] = checked(one, half); }
                return source;
            }
            source.parts[source.count++] = checked(other_name(*name), shape);
            return source;
        }

        // The same for tensors that are small and plain: as float32.
        std::vector<float> floats(std::string_view checkpoint_name, std::span<std::size_t const> shape)
        {
            auto const source = demand(checkpoint_name, shape);
            auto const& t = source.only();
            std::vector<float> values(t.elements());
            dequantise(t.type, t.data, values.size(), values.data());
            return values;
        }

        // Tensors that nobody has asked for and that a decoder of `owners` layers with keys and values of
        // their own has no use for either. Passed over: other towers of one-file models (v., a., mm.),
        // rope_freqs, activation scales (.input_scale), attn_k, attn_v and attn_k_norm of layers that share
        // another's.
        std::vector<std::string> unknown(std::size_t owners) const
        {
            std::vector<std::string> names;
            for (auto const& t : m_file->tensors())
            {
                if (!m_used.contains(t.name) && !is_known_leftover(t.name, owners))
                {
                    names.push_back(detail::shown(t.name));
                }
            }
            return names;
        }

    private:
        // Ollama's name of ffn_down_exps.scale.
        std::string other_name(std::string const& name) const
        {
            constexpr std::string_view usual = "ffn_down_exps.scale";
            if (!name.ends_with(usual) || m_file->find(name)) { return name; }
            auto other = name.substr(0, name.size() - usual.size()) + "ffn_gate_inp.per_expert_scale";
            return m_file->find(other) ? other : name;
        }

        // The names of the two tensors that stand for experts.gate_up_proj, unless it is one.
        std::optional<std::array<std::string, 2>> gate_and_up(std::string_view checkpoint_name,
                                                              std::string const& name) const
        {
            if (!checkpoint_name.ends_with(".experts.gate_up_proj") || m_file->find(name))
            {
                return std::nullopt;
            }
            auto const begin = name.substr(0, name.rfind("ffn_"));
            std::array<std::string, 2> halves{begin + "ffn_gate_exps.weight", begin + "ffn_up_exps.weight"};
            bool const split = m_file->find(halves[0]) || m_file->find(halves[1]);
            return split ? std::optional(std::move(halves)) : std::nullopt;
        }

        gguf_source::part checked(std::string const& name, std::span<std::size_t const> shape)
        {
            auto const* t = m_file->find(name);
            if (!t)
            {
                throw mismatch_error(sentence(m_file->metadata().file(), ": tensor ", name, " is missing"));
            }
            if (!std::ranges::equal(shape, t->shape()))
            {
                throw mismatch_error(sentence(m_file->name_of(*t), ": tensor ", name, " has shape ",
                                              detail::shape_text(t->shape()), ", expected ",
                                              detail::shape_text(shape)));
            }
            if (!is_supported(t->type))
            {
                throw mismatch_error(sentence(m_file->name_of(*t), ": tensor ", name, " is of type ",
                                              gemma4::name(t->type), ", which this library cannot read"));
            }
            m_used.insert(t->name);
            gguf_source::part part{t, nullptr};
            // router.scale and router.per_expert_scale are tensors of their own: they scale no product.
            if (name.ends_with(".weight") && !name.ends_with("ffn_gate_inp.weight")
                && !name.ends_with("ffn_down_exps.weight"))
            {
                part.scale = scale_of(name, shape);
            }
            return part;
        }

        gguf_tensor const* scale_of(std::string_view name, std::span<std::size_t const> shape)
        {
            auto const scale_name =
                sentence(name.substr(0, name.size() - std::string_view("weight").size()), "scale");
            auto const* scale = m_file->find(scale_name);
            if (!scale) { return nullptr; }
            auto const experts = shape.size() == 3 ? shape[0] : 1;
            if (scale->type != ggml_type::f32 || (scale->elements() != 1 && scale->elements() != experts))
            {
                throw mismatch_error(sentence(m_file->name_of(*scale), ": tensor ", scale_name, " has ",
                                              scale->elements(), " values of ", gemma4::name(scale->type),
                                              ", expected ", experts, " of F32"));
            }
            m_used.insert(scale->name);
            return scale;
        }

        static bool is_known_leftover(std::string_view name, std::size_t owners)
        {
            for (std::string_view const tower : {"v.", "a.", "mm."})
            {
                if (name.starts_with(tower)) { return true; }
            }
            if (name == "rope_freqs.weight" || name.ends_with(".input_scale")) { return true; }
            auto const place = detail::split_layer(name, "blk.");
            if (!place) { return false; }
            if (place->rest == "rope_freqs.weight") { return true; }
            if (place->layer < owners) { return false; }
            for (std::string_view const leftover :
                 {"attn_k.weight", "attn_v.weight", "attn_k_norm.weight", "attn_k.scale", "attn_v.scale"})
            {
                if (place->rest == leftover) { return true; }
            }
            return false;
        }

        gguf_file const* m_file;
        std::set<std::string_view, std::less<>> m_used;
    };
}
