// NVFP4 matrices in safetensors, as NVIDIA's Model Optimizer and compressed-tensors write them, turned into
// the blocks of formats/fp4.hpp.
//
// X.weight: U8 (outs, ins / 2), byte k of a row holds weights 2k (low half) and 2k + 1; X.weight_scale:
// F8_E4M3 (outs, ins / 16); X.weight_scale_2: F32, one number that multiplies. compressed-tensors:
// X.weight_packed, X.weight_scale and X.weight_global_scale, a number that divides. Scales of activations
// (input_scale, input_global_scale) are not needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/formats/fp4.hpp>
#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/shape_text.hpp>

namespace gemma4::inline v0
{
    // The three tensors of one matrix.
    struct nvfp4_parts
    {
        tensor const* packed;
        tensor const* scales;
        tensor const* factor;
        bool divides;    // by the factor

        std::size_t outs() const noexcept { return packed->shape[0]; }
        std::size_t ins() const noexcept { return 2 * packed->shape[1]; }
    };

    // One or several matrices of the same shape, the rows of all of them one after the other.
    struct nvfp4_matrices
    {
        std::shared_ptr<std::byte[]> blocks;
        std::size_t bytes = 0;
        std::vector<float> factors;    // one a matrix
    };

    // The parts of the matrix `name` ("... .weight"); none where it is not in NVFP4. mismatch_error: a part
    // is missing, or of another shape or type than the others ask for.
    inline std::optional<nvfp4_parts> find_nvfp4(checkpoint const& file, std::string const& name)
    {
        if (!name.ends_with(".weight")) { return std::nullopt; }
        auto const other = [&](std::string_view suffix) { return file.find(sentence(name, suffix)); };
        nvfp4_parts parts{file.find(name), other("_scale"), other("_scale_2"), false};
        if (!parts.packed) { parts = {other("_packed"), parts.scales, other("_global_scale"), true}; }
        if (!parts.packed || parts.packed->dtype_word != "U8") { return std::nullopt; }
        auto const& packed = *parts.packed;
        auto const demand = [&](tensor const* t, std::string_view suffix,
                                std::string_view type) -> tensor const&
        {
            if (!t) { throw mismatch_error(sentence(packed.file, ": tensor ", name, suffix, " is missing")); }
            if (t->dtype_word == type) { return *t; }
            throw mismatch_error(
                sentence(t->file, ": tensor ", t->name, " has dtype ", t->dtype_word, ", expected ", type));
        };
        auto const& scales = demand(parts.scales, "_scale", "F8_E4M3");
        auto const& factor = demand(parts.factor, parts.divides ? "_global_scale" : "_scale_2", "F32");
        if (packed.shape.size() != 2 || packed.shape[1] % (nvfp4::weights_per_block / 2) != 0)
        {
            throw mismatch_error(sentence(
                packed.file, ": tensor ", packed.name, " has shape ", detail::shape_text(packed.shape),
                ", expected rows of a multiple of ", nvfp4::weights_per_block / 2, " bytes"));
        }
        std::vector<std::size_t> const expected{packed.shape[0], packed.shape[1] / 8};
        if (scales.shape != expected)
        {
            throw mismatch_error(sentence(scales.file, ": tensor ", scales.name, " has shape ",
                                          detail::shape_text(scales.shape), ", expected ",
                                          detail::shape_text(expected)));
        }
        if (factor.bytes != sizeof(float))
        {
            throw mismatch_error(sentence(factor.file, ": tensor ", factor.name, " has shape ",
                                          detail::shape_text(factor.shape), ", expected one number"));
        }
        return parts;
    }

    namespace detail
    {
        // Four groups of 16 weights and their scales.
        inline void write_nvfp4_block(std::byte const* from, std::byte const* scales, std::byte* to)
        {
            for (std::size_t group = 0; group != 4; ++group, from += 8)
            {
                to[group] = scales[group] & std::byte(0x7f);
                auto const half = [&](std::size_t i)
                { return from[i / 2] >> (i % 2 * 4) & std::byte(15); };
                for (std::size_t i = 0; i != 8; ++i) { to[4 + 8 * group + i] = half(i) | half(i + 8) << 4; }
            }
        }
    }

    // Pages of `file`, which the parts are of, are dropped as they are read. mismatch_error: matrices of
    // different shapes, or a factor that is not positive.
    inline nvfp4_matrices read_nvfp4(checkpoint const& file, std::span<nvfp4_parts const> all)
    {
        auto const rows = all.front().outs(), ins = all.front().ins();
        auto const blocks = ins / nvfp4::weights_per_block;
        nvfp4_matrices made;
        made.bytes = all.size() * rows * blocks * nvfp4::bytes_per_block;
        made.blocks = std::make_unique_for_overwrite<std::byte[]>(made.bytes);
        auto* to = made.blocks.get();
        for (auto const& parts : all)
        {
            if (parts.outs() != rows || parts.ins() != ins)
            {
                throw mismatch_error(sentence(parts.packed->file, ": tensor ", parts.packed->name,
                                              " has shape ", detail::shape_text(parts.packed->shape),
                                              ", but that of the first expert is ",
                                              detail::shape_text(all.front().packed->shape)));
            }
            float factor = 0;
            std::memcpy(&factor, parts.factor->data, sizeof factor);
            if (!(factor > 0) || !(factor < 1e30f))
            {
                throw mismatch_error(sentence(parts.factor->file, ": tensor ", parts.factor->name, " is ",
                                              factor, ", expected a positive number"));
            }
            made.factors.push_back(parts.divides ? 1.0f / factor : factor);
            auto const* from = parts.packed->data;
            auto const* scale = parts.scales->data;
            constexpr std::size_t blocks_at_once = 1 << 16;    // 2 MiB of the file
            for (std::size_t b = 0; b != rows * blocks;)
            {
                auto const* const first = from;
                auto const* const first_scale = scale;
                for (auto const end = std::min(b + blocks_at_once, rows * blocks); b != end; ++b)
                {
                    detail::write_nvfp4_block(from, scale, to);
                    from += nvfp4::weights_per_block / 2;
                    scale += 4;
                    to += nvfp4::bytes_per_block;
                }
                file.drop(first, std::size_t(from - first));
                file.drop(first_scale, std::size_t(scale - first_scale));
            }
        }
        return made;
    }
}
