// All kernels of one instruction set, collected. Included by the headers-only build for the instruction set
// it is compiled for, and by each separately compiled kernel file.
//
// Everything below this header is keyed on the instruction set and uses no container or algorithm of the
// standard library, so that object files compiled with different flags share no weak symbol.
#pragma once

#include <gemma4/formats/format_of.hpp>
#include <gemma4/kernels/attention.hpp>
#include <gemma4/kernels/dequantise.hpp>
#include <gemma4/kernels/elementwise.hpp>
#include <gemma4/kernels/layer_norm.hpp>
#include <gemma4/kernels/matmul.hpp>
#include <gemma4/kernels/rms_norm.hpp>
#include <gemma4/kernels/rope.hpp>
#include <gemma4/kernels/softmax.hpp>
#include <gemma4/kernels/store_kv.hpp>
#include <gemma4/kernels/table_type.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    constexpr table make_table(char const* name)
    {
        using elementwise = elementwise_kernel<Arch>;
        using matmul = matmul_kernel<Arch>;
        table made{
            .name = name,
            .matmul = {matmul::template run<float>, matmul::template run<bf16>, matmul::template run<f16>},
            .widen = {},
            .rms_norm = rms_norm_kernel<Arch>::run,
            .rope = rope_kernel<Arch>::run,
            .gelu_multiply = elementwise::gelu_multiply,
            .add = elementwise::add,
            .scale = elementwise::scale,
            .multiply = elementwise::multiply,
            .add_scaled = elementwise::add_scaled,
            .softcap = elementwise::softcap,
            .softmax = softmax_kernel<Arch>::run,
            .attend_page = {attention_kernel<Arch>::template run<float>,
                            attention_kernel<Arch>::template run<bf16>,
                            attention_kernel<Arch>::template run<std::int8_t>},
            .exponentials = attention_kernel<Arch>::weights,
            .store_kv = {store_kv_kernel<Arch>::to_f32, store_kv_kernel<Arch>::to_bf16,
                         store_kv_kernel<Arch>::to_int8},
            .merge = attention_kernel<Arch>::merge,
            .clip = elementwise::clip,
            .silu = elementwise::silu,
            .glu = elementwise::glu,
            .multiply_add = elementwise::multiply_add,
            .layer_norm = layer_norm_kernel<Arch>::run,
        };
        for (std::uint32_t id = 0; id != first_packed; ++id)
        {
            with_format(ggml_type(id), [&]<class Format>(Format)
                        { made.widen[id] = &dequantise_kernel<Arch>::template run<Format>; });
        }
        made.widen[std::size_t(weight_type_of(dtype::f32))] = elementwise::template widen<float>;
        made.widen[std::size_t(weight_type_of(dtype::bf16))] = elementwise::template widen<bf16>;
        made.widen[std::size_t(weight_type_of(dtype::f16))] = elementwise::template widen<f16>;
        return made;
    }

    // What the table of the compile-time instruction set is called.
    consteval char const* native_name()
    {
#if defined(__aarch64__)
        return "neon";
#else
        switch (simd::arch::lanes<simd::native>)
        {
        case 16: return "avx512";
        case 8: return "avx2";
        case 4: return "baseline";
        default: return "portable";
        }
#endif
    }
}
