// A non-owning matrix of rows.
#pragma once

#include <cstddef>
#include <span>

namespace gemma4::inline v0
{
    template <class T>
    struct view
    {
        T* data = nullptr;
        std::size_t rows = 0;
        std::size_t columns = 0;    // rows follow each other without gaps

        constexpr T* row(std::size_t r) const noexcept { return data + r * columns; }
        constexpr std::span<T> operator[](std::size_t r) const noexcept { return {row(r), columns}; }
        constexpr view first(std::size_t n) const noexcept { return {data, n, columns}; }
        constexpr operator view<T const>() const noexcept { return {data, rows, columns}; }
    };
}
