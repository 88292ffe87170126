// Two ways to compute, as a policy in the type of an engine.
#pragma once

#include <optional>

#include <gemma4/core/error.hpp>
#include <gemma4/kernels/table_type.hpp>

namespace gemma4::inline v0
{
    using kernels::kv_type;

    enum class compute_mode
    {
        exact,    // float32 throughout: quantised weights are dequantised, keys and values are float32
        fast      // weights packed for the machine's integer and bfloat16 units, keys and values in bfloat16
    };

    struct exact
    {
        static constexpr compute_mode mode(compute_mode) noexcept { return compute_mode::exact; }
    };

    struct fast
    {
        static constexpr compute_mode mode(compute_mode) noexcept { return compute_mode::fast; }
    };

    // Chosen when the engine is loaded: load_options::compute.
    struct any_compute
    {
        static constexpr compute_mode mode(compute_mode chosen) noexcept { return chosen; }
    };

    // What keys and values are kept in. Throws argument_error where the exact path is asked for another type
    // than float32.
    inline kv_type kv_type_for(compute_mode mode, std::optional<kv_type> chosen)
    {
        if (mode == compute_mode::fast) { return chosen.value_or(kv_type::bf16); }
        if (chosen.value_or(kv_type::f32) != kv_type::f32)
        {
            throw argument_error("the exact path keeps keys and values in float32; choose compute = fast for "
                                 "another type");
        }
        return kv_type::f32;
    }
}
