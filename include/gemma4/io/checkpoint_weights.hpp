// A checkpoint folder as a source of weights.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/nvfp4_checkpoint.hpp>
#include <gemma4/io/shape_text.hpp>
#include <gemma4/io/tower_config.hpp>
#include <gemma4/io/weight_source.hpp>

namespace gemma4::inline v0
{
    class checkpoint_weights final : public weight_source
    {
    public:
        // The names of tensors are those that transformers 5.24 loads into the class of config.json: with all
        // prefixes of the class, or saved from an inner model (language_model.layers..., layers...), or with
        // the prefix "model." twice. mismatch_error where the folder holds no text model.
        explicit checkpoint_weights(std::shared_ptr<checkpoint const> file)
            : m_file(std::move(file))
            , m_text_prefix(text_prefix(*m_file))
            , m_head(m_file->find("model.lm_head.weight") ? "model.lm_head.weight" : "lm_head.weight")
        {
            for (std::size_t i = 0; i != towers.size(); ++i)
            {
                m_tower_prefixes[i] = tower_prefix(towers[i]);
            }
        }

        stored_weight demand(weight_tree tree, std::string const& name,
                             std::span<std::size_t const> shape) override
        {
            auto const full = full_name(tree, name);
            if (auto const parts = find_nvfp4(*m_file, full))
            {
                return nvfp4_matrix(full, {&*parts, 1}, shape);
            }
            auto const* t = m_file->find(full);
            if (!t && shape.size() == 3)
            {
                if (auto const found = experts(full, shape)) { return *found; }
            }
            if (!t) { throw mismatch_error(sentence(where(), ": tensor ", full, " is missing")); }
            if (!std::ranges::equal(shape, t->shape))
            {
                throw mismatch_error(sentence(t->file, ": tensor ", full, " has shape ",
                                              detail::shape_text(t->shape), ", expected ",
                                              detail::shape_text(shape)));
            }
            if (!t->supported)
            {
                throw mismatch_error(sentence(t->file, ": tensor ", full, " has dtype ", t->dtype_word,
                                              ", expected F32, BF16 or F16"));
            }
            m_used.insert(t->name);
            return {t->data, t->bytes, weight_type_of(t->type), {}, t->file, t->name};
        }

        std::vector<stored_weight> demand_halves(weight_tree tree, std::string const& name,
                                                 std::span<std::size_t const> shape) override
        {
            auto const full = full_name(tree, name);
            constexpr std::string_view both = "gate_up_proj";
            if (m_file->find(full) || !full.ends_with(both)) { return {demand(tree, name, shape)}; }
            auto const begin = full.substr(0, full.size() - both.size());
            std::array<std::size_t, 3> const half{shape[0], shape[1] / 2, shape[2]};
            auto gate = experts(begin + "gate_proj", half);
            auto up = gate ? experts(begin + "up_proj", half) : std::nullopt;
            if (!up) { return {demand(tree, name, shape)}; }    // throws: missing
            return {*gate, *up};
        }

        bool has(weight_tree tree, std::string const& name) const override
        {
            auto const full = full_name(tree, name);
            return m_file->find(full) || m_file->find(full + "_packed");
        }

        std::vector<std::string> unknown(expected_leftovers const& expected) const override
        {
            std::vector<std::string> names;
            for (auto const& t : m_file->tensors())
            {
                if (!m_used.contains(t.name) && !is_known_leftover(t.name, expected))
                {
                    names.push_back(t.name);
                }
            }
            for (auto const& name : m_file->unlisted()) { names.push_back(name); }
            return names;
        }

        std::vector<listed_tensor> tensors() const override
        {
            std::vector<listed_tensor> all;
            for (auto const& t : m_file->tensors())
            {
                all.push_back({t.name, t.dtype_word, t.shape, t.bytes, t.data});
            }
            return all;
        }

        void check(vision_config const& compiled, std::size_t, std::string_view variant) const override
        {
            check_vision_config(compiled, variant, m_file->config(), m_file->config_path().string());
        }

        void check(audio_config const& compiled, std::size_t, std::string_view variant) const override
        {
            check_audio_config(compiled, variant, m_file->config(), m_file->config_path().string());
        }

        void drop(void const* data, std::size_t bytes) const noexcept override { m_file->drop(data, bytes); }

        std::size_t read_bytes() const noexcept override
        {
            std::size_t all = 0;
            for (auto const& file : m_file->files())
            {
                all += file.file().is_mapped() ? 0 : file.file().bytes().size();
            }
            return all;
        }

        std::string where() const override { return m_file->folder().string(); }

    private:
        // What is demanded twice is the same memory while somebody has it. Factors stay.
        stored_weight nvfp4_matrix(std::string const& full, std::span<nvfp4_parts const> parts,
                                   std::span<std::size_t const> shape)
        {
            auto const& first = *parts.front().packed;
            std::vector<std::size_t> found{parts.front().outs(), parts.front().ins()};
            if (shape.size() == 3) { found.insert(found.begin(), parts.size()); }
            if (!std::ranges::equal(shape, found))
            {
                throw mismatch_error(sentence(first.file, ": tensor ", first.name, " is a matrix of shape ",
                                              detail::shape_text(found), ", expected ",
                                              detail::shape_text(shape)));
            }
            for (auto const& p : parts)
            {
                for (auto const* t : {p.packed, p.scales, p.factor}) { m_used.insert(t->name); }
            }
            auto& known = m_nvfp4[full];
            auto blocks = known.blocks.lock();
            if (!blocks)
            {
                auto made = read_nvfp4(*m_file, parts);
                blocks = std::move(made.blocks);
                known.blocks = blocks;
                known.bytes = made.bytes;
                if (known.factors.empty()) { known.factors = std::move(made.factors); }
            }
            return {blocks.get(),
                    known.bytes,
                    weight_type_of(ggml_type::nvfp4),
                    {known.factors.data(), parts.front().outs()},
                    first.file,
                    first.name,
                    blocks};
        }

        // ".experts.down_proj" (experts, outs, ins) from ".experts.0.down_proj.weight" and so on; none where
        // there is no first one in NVFP4.
        std::optional<stored_weight> experts(std::string const& full, std::span<std::size_t const> shape)
        {
            auto const dot = full.rfind('.');
            std::vector<nvfp4_parts> all;
            for (std::size_t e = 0; e != shape[0]; ++e)
            {
                auto const name = sentence(full.substr(0, dot), ".", e, full.substr(dot), ".weight");
                auto const parts = find_nvfp4(*m_file, name);
                if (!parts && e == 0) { return std::nullopt; }
                if (!parts) { throw mismatch_error(sentence(where(), ": tensor ", name, " is missing")); }
                all.push_back(*parts);
            }
            return nvfp4_matrix(full, all, shape);
        }

        // What names of the text model begin with. The first of each list is what the class itself saves.
        static std::string text_prefix(checkpoint const& file)
        {
            using names = std::vector<std::string_view>;
            auto const& config = file.config();
            bool const nested = config.is_object() && config.contains("text_config");
            auto const prefixes = nested ? names{"model.language_model.",       "language_model.",
                                                 "model.model.language_model.", "model.language_model.model.",
                                                 "language_model.model.model.", "model."}
                                         : names{"model.", "", "model.model.", "model.language_model."};
            for (auto const prefix : prefixes)
            {
                for (auto const name : {"embed_tokens.weight", "norm.weight"})
                {
                    if (file.find(sentence(prefix, name))) { return std::string(prefix); }
                }
            }
            std::string other;
            for (auto const& t : file.tensors())
            {
                if (t.name.ends_with("embed_tokens.weight")) { other = sentence("; it holds ", t.name); }
            }
            throw mismatch_error(sentence(file.folder().string(),
                                          ": tensor model.language_model.embed_tokens.weight or "
                                          "model.embed_tokens.weight is missing",
                                          other));
        }

        static constexpr std::array<std::string_view, 4> towers{"vision_tower.", "embed_vision.",
                                                                "audio_tower.", "embed_audio."};

        static std::vector<std::string> tower_prefixes(std::string_view tower)
        {
            return {sentence("model.", tower), std::string(tower), sentence("model.model.", tower)};
        }

        std::string tower_prefix(std::string_view tower) const
        {
            auto all = tower_prefixes(tower);
            for (auto& prefix : all)
            {
                auto const& tensors = m_file->tensors();
                auto const first = std::ranges::lower_bound(tensors, prefix, {}, &tensor::name);
                if (first != tensors.end() && first->name.starts_with(prefix)) { return std::move(prefix); }
            }
            return std::move(all.front());
        }

        std::string full_name(weight_tree tree, std::string const& name) const
        {
            if (tree != weight_tree::text) { return m_tower_prefixes[std::size_t(tree) - 1] + name; }
            if (name == "lm_head.weight") { return m_head; }
            auto full = m_text_prefix + name;
            // Tied tensors may be saved under the name of either.
            bool const only_head =
                name == "embed_tokens.weight" && !m_file->find(full) && m_file->find(m_head);
            return only_head ? m_head : full;
        }

        // Tensors that may be passed over: towers that were not asked for, k and v of layers that share
        // another's, rope buffers, a tied head.
        bool is_known_leftover(std::string_view name, expected_leftovers const& expected) const
        {
            for (auto const tower : towers)
            {
                for (auto const& prefix : tower_prefixes(tower))
                {
                    if (name.starts_with(prefix)) { return true; }
                }
            }
            if (name.ends_with("inv_freq")) { return true; }
            for (std::string_view const scale :
                 {".input_scale", ".input_global_scale", ".k_scale", ".v_scale"})
            {
                if (name.ends_with(scale)) { return true; }    // of activations that are not quantised here
            }
            if (name == m_head) { return expected.tied; }
            if (!name.starts_with(m_text_prefix)) { return false; }
            name.remove_prefix(m_text_prefix.size());
            if (!name.starts_with("layers.")) { return false; }
            name.remove_prefix(7);
            std::size_t layer = 0;
            auto const [end, failed] = std::from_chars(name.data(), name.data() + name.size(), layer);
            if (failed != std::errc() || layer >= expected.layers || layer < expected.owners)
            {
                return false;
            }
            name.remove_prefix(std::size_t(end - name.data()));
            return name == ".self_attn.k_proj.weight" || name == ".self_attn.v_proj.weight"
                   || name == ".self_attn.k_norm.weight";
        }

        std::shared_ptr<checkpoint const> m_file;
        std::string m_text_prefix;
        std::string m_head;
        std::array<std::string, towers.size()> m_tower_prefixes;    // in the order of weight_tree
        struct known_nvfp4
        {
            std::weak_ptr<std::byte[]> blocks;
            std::size_t bytes = 0;
            std::vector<float> factors;
        };

        std::map<std::string, known_nvfp4> m_nvfp4;
        std::set<std::string_view> m_used;
    };
}
