// Generated weights, each tensor of a type that the test names: what a GGUF or safetensors file of such
// tensors gives an engine, without the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "gguf_writer.hpp"

#include <gemma4/io/weight_source.hpp>

namespace gemma4_test
{
    class drawn_weights final : public gemma4::weight_source
    {
    public:
        // The type of a tensor; F16 takes the place of one whose blocks are no whole rows, F32 that of one
        // that is not plain where there are no rows.
        using type_of_fn = std::function<gguf_format(std::string_view name)>;

        explicit drawn_weights(type_of_fn type_of, std::uint64_t seed = 1)
            : m_type_of(std::move(type_of))
            , m_seed(seed)
        {}

        gemma4::stored_weight demand(gemma4::weight_tree tree, std::string const& name,
                                     std::span<std::size_t const> shape) override
        {
            constexpr std::string_view prefixes[] = {"model.", "model.vision_tower.", "model.embed_vision.",
                                                     "model.audio_tower.", "model.embed_audio."};
            shape_type const extents(shape.begin(), shape.end());
            auto const full = std::string(prefixes[std::size_t(tree)]) + name;
            auto [place, is_new] = m_made.try_emplace(full);
            auto& [format, bytes] = place->second;
            if (is_new)
            {
                format = format_of(full, extents);
                bytes = encode_gguf(make_tensor(full, extents, m_seed), format);
            }
            return {reinterpret_cast<std::byte const*>(bytes.data()),
                    bytes.size(),
                    gemma4::weight_type_of(gemma4::ggml_type(format)),
                    {},
                    "drawn",
                    place->first};
        }

        std::vector<gemma4::stored_weight> demand_halves(gemma4::weight_tree tree, std::string const& name,
                                                         std::span<std::size_t const> shape) override
        {
            std::size_t const half[] = {shape[0], shape[1] / 2, shape[2]};
            return {demand(tree, name + ".gate", half), demand(tree, name + ".up", half)};
        }

        bool has(gemma4::weight_tree, std::string const&) const override { return false; }
        std::vector<std::string> unknown(gemma4::expected_leftovers const&) const override { return {}; }
        std::string where() const override { return "drawn"; }

    private:
        gguf_format format_of(std::string const& name, shape_type const& shape) const
        {
            auto const format = m_type_of(name);
            bool const plain = block_size(format) == 1;
            // What is no matrix of a product: vectors, numbers, taps, the table of positions.
            bool const matrix = shape.size() == 2 || name.find(".experts.") != name.npos;
            if (!matrix) { return plain ? format : gguf_format::f32; }
            return shape.back() % block_size(format) == 0 ? format : gguf_format::f16;
        }

        type_of_fn m_type_of;
        std::uint64_t m_seed;
        std::map<std::string, std::pair<gguf_format, std::string>> m_made;
    };
}
