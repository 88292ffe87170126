// Quantised activations, and the numbers they stand for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <reference/values.hpp>

#include <gemma4/core/memory.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/kernels/fast_activations.hpp>
#include <gemma4/simd/arch/cpu.hpp>

struct quantised_activations
{
    gemma4::buffer<std::byte> bytes;
    gemma4::kernels::activations view;

    // What the codes of row r at k mean, read naively.
    double value(std::size_t r, std::size_t k) const
    {
        using namespace gemma4::kernels;
        auto const panel = r / activation_panel * activation_panel;
        auto const stride = std::min(view.rows - panel, activation_panel);
        auto const at = panel * ((view.ins + 31) / 32) + k / 32 * stride + (r - panel);
        std::size_t place = 0;
        while (gemma4::packed_order[place] != k % 8) { ++place; }
        auto const i = k % 32 / 8 * 8 + place;
        switch (view.kind)
        {
        case activation_kind::int8:
        {
            auto const& group = static_cast<int8_group const*>(view.data)[at];
            return double(group.terms.scale) * group.codes[i];
        }
        case activation_kind::int16:
        {
            auto const& group = static_cast<int16_group const*>(view.data)[at];
            return double(group.terms.scale) * (128 * group.high[i] + group.low[i]);
        }
        case activation_kind::tiles:
        {
            // [512 of k][32 rows][32 of k] tiles of (16, 32)
            auto const groups = (view.ins + 31) / 32;
            auto const strips = (view.rows + 31) / 32;
            auto const depths = k / 512;
            auto const depth = std::min<std::size_t>(16, groups - 16 * depths);
            auto const tile = 2 * (16 * depths * strips + r / 32 * depth + k % 512 / 32) + r % 32 / 16;
            auto const* const values = static_cast<std::uint16_t const*>(view.data);
            return 0x1p-52 * double(gemma4::bf16{values[512 * tile + r % 16 * 32 + k % 32]}.value());
        }
        case activation_kind::float32:
            return double(static_cast<float32_group const*>(view.data)[at].x[k % 32]);
        default:
            return double(gemma4::bf16{static_cast<bfloat16_group const*>(view.data)[at].x[k % 32]}.value());
        }
    }
};

inline quantised_activations quantised(gemma4::kernels::fast_table const& table,
                                       gemma4::kernels::activation_kind kind, float const* x, std::size_t ldx,
                                       std::size_t rows, std::size_t ins)
{
    gemma4::buffer<std::byte> bytes(table.activation_bytes(kind, rows, ins));
    gemma4::kernels::activations const view{bytes.data(), kind, rows, ins};
    table.quantise(x, ldx, 0, rows, view);
    return {std::move(bytes), view};
}

// table.matmul, in scratch of its own.
inline void multiply(gemma4::kernels::fast_table const& table, gemma4::packed_type type,
                     gemma4::kernels::activations const& x, std::size_t first, std::size_t count,
                     std::byte const* block, std::size_t outs, float* y, std::size_t ldy)
{
    gemma4::buffer<std::byte> scratch(table.scratch_bytes);
    table.matmul[std::size_t(type)](x, first, count, block, outs, y, ldy, scratch.data());
}

// A weight as it meets activations of this kind: the matrix unit takes bfloat16, rounded to nearest, halves
// up; q4 and q8 go through binary16, 2^8 times as large, where the processor has its arithmetic.
inline float as_multiplied(gemma4::kernels::fast_table const& table, gemma4::packed_type type,
                           gemma4::kernels::activation_kind kind, float weight)
{
    using gemma4::packed_type;
    if (kind != gemma4::kernels::activation_kind::tiles) { return weight; }
    bool const in_half = std::string_view(table.name) == "amx" && gemma4::simd::cpu().avx512_fp16
                         && (type == packed_type::q4 || type == packed_type::q8);
    if (in_half && std::abs(weight) < 128) { weight = gemma4::f16::from(256 * weight).value() / 256; }
    return reference::half_up(weight);
}
