// Few query rows against one page, against sums in double over the numbers as they are kept. What is left is
// the rounding of queries and weights.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <reference/values.hpp>

#include <gemma4/core/memory.hpp>
#include <gemma4/kernels/fast_table.hpp>

namespace page_attention
{
    using namespace gemma4;
    using kernels::kv_type;
    using kernels::page_positions;

    inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();

    // Keys or values of a page; what nobody may read is no number.
    struct vectors
    {
        buffer<bf16> half;
        buffer<std::int8_t> codes;
        std::vector<float> scales, exact;

        vectors(kv_type type, std::size_t head_dim, std::size_t from, std::size_t to, std::uint32_t seed)
            : half(page_positions * head_dim)
            , codes(page_positions * head_dim)
            , scales(reference::values(page_positions, seed + 1, 0.002f))
            , exact(reference::values(page_positions * head_dim, seed))
        {
            for (std::size_t at = 0; at != page_positions; ++at)
            {
                scales[at] = at >= from && at < to ? std::abs(scales[at]) + 1e-4f : nan;
            }
            for (std::size_t i = 0; i != exact.size(); ++i)
            {
                auto const at = i / head_dim;
                bool const seen = at >= from && at < to;
                half.data()[i] = bf16::from(seen ? exact[i] : nan);
                codes.data()[i] = std::int8_t(std::lround(exact[i] * 127));
                exact[i] =
                    type == kv_type::bf16 ? half.data()[i].value() : float(codes.data()[i]) * scales[at];
            }
        }

        void const* data(kv_type type) const
        {
            return type == kv_type::bf16 ? static_cast<void const*>(half.data()) : codes.data();
        }
    };

    inline void check(kernels::fast_table const& fast, kv_type type, std::size_t rows, std::size_t head_dim,
                      std::size_t from, std::size_t to)
    {
        CAPTURE(std::string(fast.name));
        CAPTURE(int(type));
        CAPTURE(rows);
        CAPTURE(head_dim);
        CAPTURE(from);
        CAPTURE(to);
        vectors const keys(type, head_dim, from, to, 3), values(type, head_dim, from, to, 8);
        kernels::kv_page const page{keys.data(type), values.data(type),
                                    type == kv_type::int8 ? keys.scales.data() : nullptr,
                                    type == kv_type::int8 ? values.scales.data() : nullptr};
        auto const ldq = head_dim + 16;
        auto const q = reference::values(rows * ldq, 12);
        buffer<float> scores(rows * page_positions);
        fast.score_page[std::size_t(type)](q.data(), ldq, rows, page, head_dim, from, to, scores.data());

        auto weights = reference::values(rows * page_positions, 21);
        auto const ldo = head_dim + 32;
        std::vector<float> out(rows * ldo, 7.0f);
        for (std::size_t r = 0; r != rows; ++r)
        {
            for (std::size_t j = 0; j != page_positions; ++j)
            {
                auto& w = weights[r * page_positions + j];
                w = j >= from && j < to ? std::fmin(std::abs(w), 1.0f) : 0.0f;
            }
        }
        fast.mix_page[std::size_t(type)](weights.data(), rows, page, head_dim, from, to, out.data(), ldo);

        double worst_score = 0, worst_mix = 0;
        for (std::size_t r = 0; r != rows; ++r)
        {
            for (auto j = from; j != to; ++j)
            {
                double sum = 0, size = 0;
                for (std::size_t d = 0; d != head_dim; ++d)
                {
                    auto const product = double(q[r * ldq + d]) * double(keys.exact[j * head_dim + d]);
                    sum += product;
                    size += std::abs(product);
                }
                auto const error = std::abs(double(scores.data()[r * page_positions + j]) - sum) / size;
                worst_score = error <= worst_score ? worst_score : error;
            }
            for (std::size_t d = 0; d != head_dim; ++d)
            {
                double sum = 0, size = 0;
                for (auto j = from; j != to; ++j)
                {
                    auto const product =
                        double(weights[r * page_positions + j]) * double(values.exact[j * head_dim + d]);
                    sum += product;
                    size += std::abs(product);
                }
                auto const error = std::abs(double(out[r * ldo + d]) - sum) / (size + 1e-6);
                worst_mix = error <= worst_mix ? worst_mix : error;
            }
            for (auto d = head_dim; d != ldo; ++d) { CHECK(out[r * ldo + d] == 7.0f); }
        }
        // Of bfloat16 a number is off by up to 2^-9 of itself; of 15 bits by up to 2^-15 of the largest.
        auto const bound = type == kv_type::bf16 ? 0x1p-8 : 0x1p-11;
        CHECK(worst_score < bound);
        CHECK(worst_mix < bound);
    }
}
