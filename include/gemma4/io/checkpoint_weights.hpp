// A checkpoint folder as a source of weights.
#pragma once

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/shape_text.hpp>
#include <gemma4/io/weight_source.hpp>

namespace gemma4::inline v0
{
    class checkpoint_weights final : public weight_source
    {
    public:
        // mismatch_error where the folder holds no text model.
        explicit checkpoint_weights(std::shared_ptr<checkpoint const> file)
            : m_file(std::move(file))
            , m_text_prefix(text_prefix(*m_file))
        {}

        stored_weight demand(weight_tree tree, std::string const& name,
                             std::span<std::size_t const> shape) override
        {
            auto const full = full_name(tree, name);
            auto const* t = m_file->find(full);
            if (!t) { throw mismatch_error(sentence(where(), ": tensor ", full, " is missing")); }
            if (!std::ranges::equal(shape, t->shape))
            {
                throw mismatch_error(sentence(t->file, ": tensor ", full, " has shape ", detail::shape_text(t->shape),
                                              ", expected ", detail::shape_text(shape)));
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
            return {demand(tree, name, shape)};
        }

        bool has(weight_tree tree, std::string const& name) const override
        {
            return m_file->find(full_name(tree, name)) != nullptr;
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
            for (auto const& t : m_file->tensors()) { all.push_back({t.name, t.dtype_word, t.shape, t.bytes}); }
            return all;
        }

        std::string where() const override { return m_file->folder().string(); }

    private:
        // Conditional-generation or causal-LM class.
        static std::string text_prefix(checkpoint const& file)
        {
            for (std::string_view const prefix : {"model.language_model.", "model."})
            {
                if (file.find(sentence(prefix, "embed_tokens.weight"))) { return std::string(prefix); }
            }
            throw mismatch_error(sentence(file.folder().string(),
                                          ": tensor model.language_model.embed_tokens.weight or "
                                          "model.embed_tokens.weight is missing"));
        }

        std::string full_name(weight_tree tree, std::string const& name) const
        {
            switch (tree)
            {
            case weight_tree::text: return name == "lm_head.weight" ? name : m_text_prefix + name;
            case weight_tree::vision: return "model.vision_tower." + name;
            case weight_tree::vision_projector: return "model.embed_vision." + name;
            case weight_tree::audio: return "model.audio_tower." + name;
            case weight_tree::audio_projector: return "model.embed_audio." + name;
            }
            return name;
        }

        // Tensors that may be passed over: towers that were not asked for, k and v of layers that share
        // another's, rope buffers, a tied head.
        bool is_known_leftover(std::string_view name, expected_leftovers const& expected) const
        {
            for (std::string_view const tower : {"model.vision_tower.", "model.audio_tower.",
                                                 "model.embed_vision.", "model.embed_audio."})
            {
                if (name.starts_with(tower)) { return true; }
            }
            if (name.ends_with("inv_freq")) { return true; }
            if (name == "lm_head.weight") { return expected.tied; }
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
        std::set<std::string_view> m_used;
    };
}
