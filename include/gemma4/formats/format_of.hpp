// From the tensor type of a GGUF file to the format that reads it.
#pragma once

#include <concepts>
#include <cstddef>

#include <gemma4/formats/blocks_of_32.hpp>
#include <gemma4/formats/fp4.hpp>
#include <gemma4/formats/ggml_type.hpp>
#include <gemma4/formats/iq4.hpp>
#include <gemma4/formats/k_quants.hpp>
#include <gemma4/formats/plain.hpp>

namespace gemma4::inline v0
{
    // Weights in blocks of fixed size. dequantise writes weights_per_block floats; any bytes are a valid
    // block.
    template <class F>
    concept block_format = requires(std::byte const* block, float* out) {
        {
            F::name
        } -> std::convertible_to<char const*>;
        {
            F::weights_per_block
        } -> std::convertible_to<std::size_t>;
        {
            F::bytes_per_block
        } -> std::convertible_to<std::size_t>;
        {
            F::dequantise(block, out)
        } noexcept;
    };

    // Calls f(format) with an object of the format of `type`; false, and no call, where this library has
    // none.
    template <class F>
    constexpr bool with_format(ggml_type type, F&& f)
    {
        switch (type)
        {
        case ggml_type::f32: f(plain_f32{}); return true;
        case ggml_type::f16: f(plain_f16{}); return true;
        case ggml_type::bf16: f(plain_bf16{}); return true;
        case ggml_type::q4_0: f(q4_0{}); return true;
        case ggml_type::q4_1: f(q4_1{}); return true;
        case ggml_type::q5_0: f(q5_0{}); return true;
        case ggml_type::q5_1: f(q5_1{}); return true;
        case ggml_type::q8_0: f(q8_0{}); return true;
        case ggml_type::q2_k: f(q2_k{}); return true;
        case ggml_type::q3_k: f(q3_k{}); return true;
        case ggml_type::q4_k: f(q4_k{}); return true;
        case ggml_type::q5_k: f(q5_k{}); return true;
        case ggml_type::q6_k: f(q6_k{}); return true;
        case ggml_type::iq4_nl: f(iq4_nl{}); return true;
        case ggml_type::iq4_xs: f(iq4_xs{}); return true;
        case ggml_type::mxfp4: f(mxfp4{}); return true;
        case ggml_type::nvfp4: f(nvfp4{}); return true;
        default: return false;
        }
    }

    constexpr bool is_supported(ggml_type type) noexcept
    {
        return with_format(type, [](auto) {});
    }

    // Writes `weights` floats, which must be whole blocks. False, and nothing is written, where this library
    // has no format for the type.
    inline bool dequantise(ggml_type type, std::byte const* bytes, std::size_t weights, float* out)
    {
        return with_format(type,
                           [&]<class Format>(Format)
                           {
                               for (std::size_t at = 0; at != weights; at += Format::weights_per_block)
                               {
                                   Format::dequantise(bytes, out + at);
                                   bytes += Format::bytes_per_block;
                               }
                           });
    }
}
