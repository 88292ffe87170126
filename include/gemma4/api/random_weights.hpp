// Weights without a checkpoint: the real shapes, random numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <gemma4/io/load_weights.hpp>
#include <gemma4/io/pack_weights.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // A stream of random numbers, normal-like, that repeats after `period` of them.
        class random_pattern
        {
        public:
            static constexpr std::size_t period = std::size_t(1) << 16;

            random_pattern(dtype type, double deviation)
                : m_type(type)
                , m_bytes(period * size_of(type))
            {
                std::uint64_t random = 0x9e3779b97f4a7c15u;
                for (std::size_t i = 0; i != period; ++i)
                {
                    random = random * 6364136223846793005u + 1442695040888963407u;
                    auto const sum = double((random >> 16) & 0xffff) + double((random >> 32) & 0xffff)
                                     + double(random >> 48);
                    auto const value = float((sum / 65536 - 1.5) * 2 * deviation);
                    auto const store = [&](auto stored)
                    { std::memcpy(m_bytes.data() + i * sizeof stored, &stored, sizeof stored); };
                    if (type == dtype::f32) { store(value); }
                    else if (type == dtype::bf16) { store(bf16::from(value)); }
                    else { store(f16::from(value)); }
                }
            }

            // The first `count` numbers.
            void write(std::size_t count, std::byte* to) const
            {
                auto const bytes = count * size_of(m_type);
                for (std::size_t at = 0; at < bytes; at += m_bytes.size())
                {
                    std::memcpy(to + at, m_bytes.data(), std::min(m_bytes.size(), bytes - at));
                }
            }

            // The same numbers as a packed matrix (outs, ins). Blocks repeat, so that only the first are
            // packed.
            void pack(std::size_t outs, std::size_t ins, packed_type to, std::byte* blocks) const
            {
                auto const all = ceil_div(outs, packed_rows);
                auto const different = std::min(all, ceil_div(period / std::gcd(period, ins), packed_rows));
                auto const rows = std::min(outs, different * packed_rows);
                std::vector<std::byte> plain(rows * ins * size_of(m_type));
                write(rows * ins, plain.data());
                std::vector<float> wide(packed_rows * ins);
                auto const bytes = packed_block_bytes(to, ins);
                stored_rows const from{plain.data(), weight_type_of(m_type), rows, ins};
                for (std::size_t b = 0; b != different; ++b)
                {
                    pack_block(from, b * packed_rows, to, blocks + b * bytes, wide.data());
                }
                for (auto b = different; b < all; ++b)
                {
                    std::memcpy(blocks + b * bytes, blocks + b % different * bytes, bytes);
                }
                if (auto const left = outs % packed_rows; left != 0 && all > different)
                {
                    pack_block({plain.data() + (all - 1) % different * packed_rows * ins * size_of(m_type),
                                weight_type_of(m_type), left, ins},
                               0, to, blocks + (all - 1) * bytes, wide.data());
                }
            }

        private:
            dtype m_type;
            std::vector<std::byte> m_bytes;
        };

        // Rows of Q4_0 or Q8_0 blocks, for tables that are read row by row: random codes, one scale.
        inline void write_random_blocks(ggml_type type, std::size_t bytes, double deviation, std::byte* to)
        {
            constexpr double q4_deviation = 4.6, q8_deviation = 73.9;    // of the codes
            auto const block = traits_of(type).bytes_per_block;
            auto const scale =
                f16::from(float(deviation / (type == ggml_type::q4_0 ? q4_deviation : q8_deviation)));
            std::vector<std::byte> pattern(4096 * block);
            std::uint64_t random = 0x9e3779b97f4a7c15u;
            for (auto& byte : pattern)
            {
                random = random * 6364136223846793005u + 1442695040888963407u;
                byte = std::byte(random >> 56);
            }
            for (std::size_t at = 0; at != pattern.size(); at += block)
            {
                std::memcpy(pattern.data() + at, &scale, sizeof scale);
            }
            for (std::size_t at = 0; at < bytes; at += pattern.size())
            {
                std::memcpy(to + at, pattern.data(), std::min(pattern.size(), bytes - at));
            }
        }

        // How the random weights of a matrix lie.
        struct random_layout
        {
            weight_type type;
            std::size_t bytes;
        };

        // Tables that int8 and int4 leave alone in a checkpoint are blocks of as many bits here: they need
        // not fit twice.
        template <class Format>
        random_layout layout_of(weight_tree tree, std::string const& name, dtype type,
                                std::optional<weight_precision> packing, std::size_t outs, std::size_t ins)
        {
            auto const plain = weight_type_of(type);
            if (packing && is_table(name) && ins % packed_group == 0)
            {
                auto const blocks =
                    weight_type_of(*packing == weight_precision::int4 ? ggml_type::q4_0 : ggml_type::q8_0);
                bool const few_bits =
                    *packing == weight_precision::int4 || *packing == weight_precision::int8;
                if (few_bits && matrix<Format>::accepts(blocks))
                {
                    return {blocks, outs * row_bytes(blocks, ins)};
                }
            }
            auto const to = packing ? packed_target(plain, tree, name, *packing) : std::nullopt;
            if (to && matrix<Format>::accepts(weight_type_of(*to)))
            {
                return {weight_type_of(*to), packed_bytes(*to, outs, ins)};
            }
            return {plain, outs * ins * size_of(type)};
        }
    }

    // Matrices of one dtype, normal-like with std 1 / sqrt(hidden), made of one block of random numbers that
    // repeats; vectors and scalars are 1. Deterministic. `packing`: for the fast path, the matrices are made
    // in the layouts that pack_weights would bring them to, in large pages. Throws capacity_error above `cap`
    // bytes (0: none).
    template <text_model M, class Format, class Towers>
    loaded_weights<M, Format> random_weights(dtype type, std::optional<weight_precision> packing,
                                             std::size_t cap, std::pmr::memory_resource* memory,
                                             Towers& towers)
    {
        loaded_weights<M, Format> made;
        std::size_t bytes = 0, ones = 0;
        auto const padded = [](std::size_t size) { return round_up(size, cache_line); };
        auto id = weight_tree::text;    // of the tree under way
        auto const layout = [&](std::string const& name, std::size_t outs, std::size_t ins)
        { return detail::layout_of<Format>(id, name, type, packing, outs, ins); };
        auto const measure = [&]<class Weight>(std::string const& name, Weight&, auto... shape)
        {
            auto const count = (shape * ... * std::size_t(1));
            if constexpr (std::is_same_v<Weight, vector_weight>) { ones = std::max(ones, count); }
            else if constexpr (!std::is_same_v<Weight, float>)
            {
                std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                bytes += padded(layout(name, count / extents.back(), extents.back()).bytes);
            }
        };
        made.weights.for_each_tensor(measure);
        towers.for_each_tree(
            [&](weight_tree tower, auto& tree)
            {
                id = tower;
                tree.for_each_tensor(measure);
            });
        made.bytes.converted = ones * sizeof(float);
        made.bytes.packed = bytes;
        if (cap != 0 && made.bytes.all() > cap)
        {
            throw capacity_error(sentence("random weights of ", M::name, " as ", name(type), " need ",
                                          made.bytes.all(), " bytes, but the cap is ", cap));
        }
        made.converted = buffer<float>(ones, memory);
        std::fill_n(made.converted.data(), ones, 1.0f);
        made.packed = buffer<std::byte>(bytes + huge_page, memory);
        advise_huge_pages(made.packed.data(), made.packed.size());
        auto const begin = reinterpret_cast<std::uintptr_t>(made.packed.data());
        auto* next = made.packed.data() + (round_up(begin, huge_page) - begin);

        auto const deviation = 1 / std::sqrt(double(M::text.hidden));
        detail::random_pattern const pattern(type, deviation);
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
                std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                auto const ins = extents.back(), outs = count / ins;
                auto const of = layout(name, outs, ins);
                if (is_packed(of.type)) { pattern.pack(outs, ins, packing_of(of.type), next); }
                else if (is_plain(of.type)) { pattern.write(count, next); }
                else { detail::write_random_blocks(ggml_type_of(of.type), of.bytes, deviation, next); }
                if constexpr (detail::is_gate_up<Weight>)
                {
                    weight.stride = extents[1];
                    weight.gate.bind(next, of.type, outs, ins);
                    weight.up = weight.gate.rows(extents[1] / 2, outs - extents[1] / 2);
                }
                else { weight.bind(next, of.type, outs, ins); }
                next += padded(of.bytes);
            }
        };
        id = weight_tree::text;
        made.weights.for_each_tensor(fill);
        towers.for_each_tree(
            [&](weight_tree tower, auto& tree)
            {
                id = tower;
                tree.for_each_tensor(fill);
            });
        made.weights.lm_head = made.weights.embed_tokens;
        return made;
    }
}
