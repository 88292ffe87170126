// How activations lie for the fast kernels: in panels of 96 rows; in a panel, for each group of 32 of k, one
// record for each row. A kernel that holds a group of weights in registers walks the rows in a straight line.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <gemma4/core/types.hpp>
#include <gemma4/kernels/bfloat16.hpp>
#include <gemma4/kernels/fast_table.hpp>

namespace gemma4::inline v0::kernels
{
    // What a product needs of a group besides the codes: the scale, and the share of the weights' zero
    // points.
    struct group_terms
    {
        float scale;
        std::int32_t zero_q4;       // -8 * sum of the codes
        std::int32_t zero_q8;       // -128 * sum
        std::int32_t zero_q6[2];    // -32 * sum of each 16
        float sum[2];               // scale * sum of each 16
        float total;                // scale * sum
    };

    // Codes are in packed_order inside each 8.
    struct int8_group
    {
        std::int8_t codes[32];
        group_terms terms;
    };

    // code = 128 * high + low
    struct int16_group
    {
        std::int8_t high[32];
        std::int8_t low[32];
        group_terms terms;
    };

    struct float32_group
    {
        float x[32];
    };

    struct bfloat16_group
    {
        std::uint16_t x[32];
    };

    static_assert(sizeof(int8_group) == 64 && sizeof(int16_group) == 96);

    [[gnu::always_inline]] constexpr std::size_t group_bytes(activation_kind kind)
    {
        switch (kind)
        {
        case activation_kind::int8: return sizeof(int8_group);
        case activation_kind::int16: return sizeof(int16_group);
        case activation_kind::float32: return sizeof(float32_group);
        default: return sizeof(bfloat16_group);
        }
    }

    inline constexpr std::size_t activation_panel = 96;

    // Rows [first, first + rows) of the activations, all in one panel: records[g * stride + r].
    template <class Group>
    struct panel_of
    {
        Group const* records;
        std::size_t stride;
        std::size_t rows;
        std::size_t groups;

        // As many of the rows [first, last) as lie in the panel of the first.
        [[gnu::always_inline]] static panel_of at(activations const& x, std::size_t first, std::size_t last)
        {
            auto const groups = (x.ins + 31) / 32;
            auto const panel = first / activation_panel * activation_panel;
            auto const end = panel + activation_panel < x.rows ? panel + activation_panel : x.rows;
            auto const stop = last < end ? last : end;
            return {static_cast<Group const*>(x.data) + panel * groups + (first - panel), end - panel,
                    stop - first, groups};
        }

        [[gnu::always_inline]] Group const* group(std::size_t g) const { return records + g * stride; }
    };

    // Codes of activations where the instruction set has no way of its own.
    struct plain_codes
    {
        // The largest magnitude of 32 numbers: of their bits, which is a loop that compilers vectorise.
        [[gnu::always_inline]] static float largest(float const* x)
        {
            std::uint32_t magnitude = 0;
            for (std::size_t i = 0; i != 32; ++i)
            {
                auto const bits = std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu;
                magnitude = bits > magnitude ? bits : magnitude;
            }
            return std::bit_cast<float>(magnitude);
        }

        // 16 numbers times factor, rounded to the nearest integer, as int8 in packed_order; returns their
        // sum.
        [[gnu::always_inline]] static std::int32_t codes(float const* x, float factor, std::int8_t* out)
        {
            std::int8_t narrow[16];
            std::int32_t sum = 0;
            for (std::size_t i = 0; i != 16; ++i)
            {
                auto const code = rounded(x[i] * factor);
                narrow[i] = std::int8_t(code);
                sum += code;
            }
            put(narrow, out);
            return sum;
        }

        // The same as 128 * high + low.
        [[gnu::always_inline]] static std::int32_t codes(float const* x, float factor, std::int8_t* high,
                                                         std::int8_t* low)
        {
            std::int8_t upper[16], lower[16];
            std::int32_t sum = 0;
            for (std::size_t i = 0; i != 16; ++i)
            {
                auto const code = rounded(x[i] * factor);
                upper[i] = high_of(code);
                lower[i] = low_of(code);
                sum += code;
            }
            put(upper, high);
            put(lower, low);
            return sum;
        }

        [[gnu::always_inline]] static std::int32_t rounded(float x)
        {
            constexpr auto magic = 12582912.0f;    // 1.5 * 2^23: the sum's last bit is worth one
            return std::bit_cast<std::int32_t>(x + magic) - std::bit_cast<std::int32_t>(magic);
        }

        // code = 128 * high + low, for codes of up to 16256 in magnitude.
        [[gnu::always_inline]] static std::int8_t high_of(std::int32_t code)
        {
            return std::int8_t((code + 64) >> 7);
        }
        [[gnu::always_inline]] static std::int8_t low_of(std::int32_t code)
        {
            return std::int8_t(((code + 64) & 127) - 64);
        }

    private:
        // packed_order takes turns between the first four of eight and the last.
        [[gnu::always_inline]] static void put(std::int8_t const* codes, std::int8_t* out)
        {
            for (std::size_t i = 0; i != 16; i += 8)
            {
                std::uint64_t first = 0, last = 0;
                __builtin_memcpy(&first, codes + i, 4);
                __builtin_memcpy(&last, codes + i + 4, 4);
                auto const eight = spread(first) | spread(last) << 8;
                __builtin_memcpy(out + i, &eight, 8);
            }
        }

        // Four bytes to the even places of eight.
        [[gnu::always_inline]] static std::uint64_t spread(std::uint64_t x)
        {
            x = (x | x << 16) & 0x0000ffff0000ffffu;
            return (x | x << 8) & 0x00ff00ff00ff00ffu;
        }
    };

    template <class Isa>
    struct fast_quantise
    {
        static std::size_t bytes(activation_kind kind, std::size_t rows, std::size_t ins)
        {
            return (ins + 31) / 32 * rows * group_bytes(kind);
        }

        static void run(float const* x, std::size_t ldx, std::size_t first, std::size_t count,
                        activations const& to)
        {
            auto const groups = (to.ins + 31) / 32;
            for (std::size_t r = first; r != first + count; ++r)
            {
                auto const panel = r / activation_panel * activation_panel;
                auto const stride = to.rows - panel < activation_panel ? to.rows - panel : activation_panel;
                for (std::size_t g = 0; g != groups; ++g)
                {
                    auto const* from = x + r * ldx + 32 * g;
                    auto const left = to.ins - 32 * g;
                    float padded[32];
                    if (left < 32)
                    {
                        for (std::size_t i = 0; i != 32; ++i) { padded[i] = i < left ? from[i] : 0.0f; }
                        from = padded;
                    }
                    auto const at = panel * groups + g * stride + (r - panel);
                    switch (to.kind)
                    {
                    case activation_kind::int8: one(from, static_cast<int8_group*>(to.data)[at]); break;
                    case activation_kind::int16: one(from, static_cast<int16_group*>(to.data)[at]); break;
                    case activation_kind::float32: one(from, static_cast<float32_group*>(to.data)[at]); break;
                    default: one(from, static_cast<bfloat16_group*>(to.data)[at]); break;
                    }
                }
            }
        }

    private:
        using codes_of = std::conditional_t<requires(float const* x) { Isa::largest(x); }, Isa, plain_codes>;

        // Below this the inverse would overflow; such a group is zero.
        [[gnu::always_inline]] static float inverse_of(float amax, float levels)
        {
            return amax > 0x1p-100f ? levels / amax : 0.0f;
        }
        [[gnu::always_inline]] static float step_of(float amax, float levels)
        {
            return amax > 0x1p-100f ? amax * (1.0f / levels) : 0.0f;
        }

        // Codes cannot say what is not finite: all that the group is multiplied with becomes NaN.
        template <class Group>
        [[gnu::always_inline]] static bool is_spoiled(float amax, Group& out)
        {
            if (amax < __builtin_inff()) [[likely]] { return false; }
            constexpr auto nan = __builtin_nanf("");
            out = {};
            out.terms = {nan, 0, 0, {0, 0}, {nan, nan}, nan};
            return true;
        }

        static void one(float const* x, int8_group& out)
        {
            auto const amax = codes_of::largest(x);
            if (is_spoiled(amax, out)) { return; }
            auto const inverse = inverse_of(amax, 127.0f);
            auto const first = codes_of::codes(x, inverse, out.codes);
            auto const second = codes_of::codes(x + 16, inverse, out.codes + 16);
            terms_of(step_of(amax, 127.0f), first, second, out.terms);
        }

        static void one(float const* x, int16_group& out)
        {
            auto const amax = codes_of::largest(x);
            if (is_spoiled(amax, out)) { return; }
            auto const inverse = inverse_of(amax, 16256.0f);
            auto const first = codes_of::codes(x, inverse, out.high, out.low);
            auto const second = codes_of::codes(x + 16, inverse, out.high + 16, out.low + 16);
            terms_of(step_of(amax, 16256.0f), first, second, out.terms);
        }

        [[gnu::always_inline]] static void terms_of(float scale, std::int32_t first, std::int32_t second,
                                                    group_terms& out)
        {
            auto const total = first + second;
            out = {scale,
                   -8 * total,
                   -128 * total,
                   {-32 * first, -32 * second},
                   {scale * float(first), scale * float(second)},
                   scale * float(total)};
        }

        static void one(float const* x, float32_group& out)
        {
            for (std::size_t i = 0; i != 32; ++i) { out.x[i] = x[i]; }
        }

        static void one(float const* x, bfloat16_group& out)
        {
            for (std::size_t i = 0; i != 32; ++i) { out.x[i] = bfloat16_of(x[i]); }
        }
    };
}
