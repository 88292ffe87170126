// Weights without a checkpoint: the real shapes, random numbers.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>

#include <gemma4/io/load_weights.hpp>

namespace gemma4::inline v0
{
    // Matrices of one dtype, normal-like with std 1 / sqrt(hidden), made of one block of random numbers that
    // repeats; vectors and scalars are 1. Deterministic. Throws capacity_error above `cap` bytes (0: none).
    template <text_model M, class Format, class Towers>
    loaded_weights<M, Format> random_weights(dtype type, std::size_t cap, std::pmr::memory_resource* memory,
                                             Towers& towers)
    {
        loaded_weights<M, Format> made;
        std::size_t floats = 0, ones = 0;    // of the arena that holds everything
        auto const padded = [](std::size_t bytes) { return round_up(bytes, cache_line) / sizeof(float); };
        auto const measure = [&]<class Weight>(std::string const&, Weight&, auto... shape)
        {
            auto const count = (shape * ... * std::size_t(1));
            if constexpr (std::is_same_v<Weight, vector_weight>) { ones = std::max(ones, count); }
            else if constexpr (!std::is_same_v<Weight, float>) { floats += padded(count * size_of(type)); }
        };
        made.weights.for_each_tensor(measure);
        towers.for_each_tree([&](weight_tree, auto& tree) { tree.for_each_tensor(measure); });
        made.bytes.converted = (floats + ones) * sizeof(float);
        if (cap != 0 && made.bytes.converted > cap)
        {
            throw capacity_error(sentence("random weights of ", M::name, " as ", name(type), " need ",
                                          made.bytes.converted, " bytes, but the cap is ", cap));
        }
        made.converted = buffer<float>(floats + ones, memory);
        std::fill_n(made.converted.data(), ones, 1.0f);

        constexpr std::size_t block = 1 << 16;
        buffer<std::byte> pattern(block * size_of(type), memory);
        std::uint64_t random = 0x9e3779b97f4a7c15u;
        for (std::size_t i = 0; i != block; ++i)
        {
            random = random * 6364136223846793005u + 1442695040888963407u;
            auto const sum =
                double((random >> 16) & 0xffff) + double((random >> 32) & 0xffff) + double(random >> 48);
            auto const value = float((sum / 65536 - 1.5) * 2 / std::sqrt(double(M::text.hidden)));
            auto const store = [&](auto stored)
            { std::memcpy(pattern.data() + i * sizeof stored, &stored, sizeof stored); };
            if (type == dtype::f32) { store(value); }
            else if (type == dtype::bf16) { store(bf16::from(value)); }
            else { store(f16::from(value)); }
        }
        float* next = made.converted.data() + ones;
        auto const fill = [&]<class Weight>(std::string const& name, Weight& weight, auto... shape)
        {
            auto const count = (shape * ... * std::size_t(1));
            if constexpr (std::is_same_v<Weight, vector_weight>) { weight = {made.converted.data(), count}; }
            else if constexpr (std::is_same_v<Weight, float>)
            {
                constexpr auto bound = std::numeric_limits<float>::infinity();    // of clipped linears
                weight = name.ends_with("_min") ? -bound : name.ends_with("_max") ? bound : 1.0f;
            }
            else
            {
                auto const bytes = count * size_of(type);
                for (std::size_t at = 0; at < bytes; at += pattern.size())
                {
                    std::memcpy(reinterpret_cast<std::byte*>(next) + at, pattern.data(),
                                std::min(pattern.size(), bytes - at));
                }
                std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                auto const rows = count / extents.back();
                if constexpr (detail::is_gate_up<Weight>)
                {
                    weight.stride = extents[1];
                    weight.gate.bind(next, weight_type_of(type), rows, extents.back());
                    weight.up = weight.gate.rows(extents[1] / 2, rows - extents[1] / 2);
                }
                else { weight.bind(next, weight_type_of(type), rows, extents.back()); }
                next += padded(bytes);
            }
        };
        made.weights.for_each_tensor(fill);
        towers.for_each_tree([&](weight_tree, auto& tree) { tree.for_each_tensor(fill); });
        made.weights.lm_head = made.weights.embed_tokens;
        return made;
    }
}
