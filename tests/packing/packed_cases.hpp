// Rows of GGUF tensors with repeatable bytes for the tests of packing and of the kernels that read packed
// weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gemma4/core/types.hpp>
#include <gemma4/formats/format_of.hpp>

namespace packed_cases
{
    inline constexpr gemma4::ggml_type types[] = {
        gemma4::ggml_type::q4_0,  gemma4::ggml_type::q4_1,   gemma4::ggml_type::q5_0,
        gemma4::ggml_type::q5_1,  gemma4::ggml_type::q8_0,   gemma4::ggml_type::q2_k,
        gemma4::ggml_type::q3_k,  gemma4::ggml_type::q4_k,   gemma4::ggml_type::q5_k,
        gemma4::ggml_type::q6_k,  gemma4::ggml_type::iq4_nl, gemma4::ggml_type::iq4_xs,
        gemma4::ggml_type::mxfp4, gemma4::ggml_type::nvfp4,  gemma4::ggml_type::bf16,
        gemma4::ggml_type::f16};

    class random_bits
    {
    public:
        explicit random_bits(std::uint32_t seed)
            : m_state(seed * 2654435761u + 1u)
        {}

        std::uint32_t operator()() noexcept
        {
            m_state = m_state * 1664525u + 1013904223u;
            return m_state >> 8;
        }

    private:
        std::uint32_t m_state;
    };

    // Any bytes at all.
    inline std::vector<std::byte> any_bytes(std::size_t n, std::uint32_t seed)
    {
        random_bits bits(seed);
        std::vector<std::byte> bytes(n);
        for (auto& b : bytes) { b = std::byte(bits() >> 8 & 0xffu); }
        return bytes;
    }

    // Where a block has binary16 numbers, -1 for none.
    struct half_fields
    {
        int first, second;
    };

    inline half_fields halves_of(gemma4::ggml_type type)
    {
        using gemma4::ggml_type;
        switch (type)
        {
        case ggml_type::q4_1:
        case ggml_type::q5_1:
        case ggml_type::q4_k:
        case ggml_type::q5_k: return {0, 2};
        case ggml_type::q2_k: return {80, 82};
        case ggml_type::q3_k: return {108, -1};
        case ggml_type::q6_k: return {208, -1};
        case ggml_type::mxfp4:
        case ggml_type::nvfp4: return {-1, -1};
        default: return {0, -1};
        }
    }

    // Weights of ordinary size: scales are between 1/64 and 1/16 of either sign.
    inline std::vector<std::byte> ordinary_rows(gemma4::ggml_type type, std::size_t rows, std::size_t ins,
                                                std::uint32_t seed)
    {
        auto const [unused, weights, size] = gemma4::traits_of(type);
        auto bytes = any_bytes(rows * (ins / weights) * size, seed);
        random_bits bits(seed + 1);
        auto const half = [&](std::byte* at)
        {
            auto const x =
                (float(bits() % 1024u) / 1024.0f * 3.0f + 1.0f) / 64.0f * (bits() % 2 ? 1.0f : -1.0f);
            auto const h = gemma4::f16::from(x).bits;
            std::memcpy(at, &h, 2);
        };
        for (std::size_t at = 0; at != bytes.size(); at += size)
        {
            if (type == gemma4::ggml_type::bf16)
            {
                auto const h = gemma4::bf16::from(float(bits() % 2001u) / 1000.0f - 1.0f).bits;
                std::memcpy(bytes.data() + at, &h, 2);
                continue;
            }
            if (type == gemma4::ggml_type::mxfp4) { bytes[at] = std::byte(120 + bits() % 6u); }
            if (type == gemma4::ggml_type::nvfp4)
            {
                for (std::size_t i = 0; i != 4; ++i) { bytes[at + i] = std::byte(bits() % 80u); }
            }
            auto const [first, second] = halves_of(type);
            if (first >= 0) { half(bytes.data() + at + first); }
            if (second >= 0) { half(bytes.data() + at + second); }
        }
        return bytes;
    }
}
