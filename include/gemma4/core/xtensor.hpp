// gemma4 views as xtensor expressions. The only header that names xtensor.
#pragma once

#include <array>
#include <cstddef>

#if __has_include(<xtensor/containers/xadapt.hpp>)
#include <xtensor/containers/xadapt.hpp>
#else
#include <xtensor/xadapt.hpp>
#endif

#include <gemma4/core/view.hpp>

namespace gemma4::inline v0
{
    // A (rows, columns) xtensor adaptor of the same memory; it must not outlive it.
    template <class T>
    auto as_xtensor(view<T> v)
    {
        return xt::adapt(v.data, v.rows * v.columns, xt::no_ownership(),
                         std::array<std::size_t, 2>{v.rows, v.columns});
    }
}
