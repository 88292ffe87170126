// A weight matrix in the format of its file.
#pragma once

#include <cstddef>

#include <gemma4/core/dtype.hpp>
#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // Weight formats are types: float, bf16, f16. any_of<...> is a matrix whose format, one of these, is
    // known only at load.
    template <class... Formats>
    struct any_of
    {};

    template <class Format>
    inline constexpr bool is_weight_format = false;
    template <>
    inline constexpr bool is_weight_format<float> = true;
    template <>
    inline constexpr bool is_weight_format<bf16> = true;
    template <>
    inline constexpr bool is_weight_format<f16> = true;

    // W (outs, ins), row-major, not owned. accepts(t): whether a tensor of dtype t can be bound.
    template <class Format>
    class matrix
    {
        static_assert(is_weight_format<Format>,
                      "gemma4: a weight format is float, bf16, f16 or any_of<...> of them");

    public:
        static constexpr bool accepts(dtype type) noexcept { return type == dtype_of<Format>; }

        void bind(void const* data, dtype, std::size_t outs, std::size_t ins) noexcept
        {
            m_data = data;
            m_outs = outs;
            m_ins = ins;
        }

        static constexpr dtype type() noexcept { return dtype_of<Format>; }
        std::size_t outs() const noexcept { return m_outs; }
        std::size_t ins() const noexcept { return m_ins; }
        std::size_t bytes() const noexcept { return m_outs * m_ins * size_of(type()); }
        void const* row(std::size_t out) const noexcept
        {
            return static_cast<std::byte const*>(m_data) + out * m_ins * size_of(type());
        }

    private:
        void const* m_data = nullptr;
        std::size_t m_outs = 0;
        std::size_t m_ins = 0;
    };

    template <class... Formats>
    class matrix<any_of<Formats...>>
    {
        static_assert((is_weight_format<Formats> && ...),
                      "gemma4: any_of holds the weight formats float, bf16 and f16");

    public:
        static constexpr bool accepts(dtype type) noexcept { return ((type == dtype_of<Formats>) || ...); }

        void bind(void const* data, dtype type, std::size_t outs, std::size_t ins) noexcept
        {
            m_data = data;
            m_type = type;
            m_outs = outs;
            m_ins = ins;
        }

        dtype type() const noexcept { return m_type; }
        std::size_t outs() const noexcept { return m_outs; }
        std::size_t ins() const noexcept { return m_ins; }
        std::size_t bytes() const noexcept { return m_outs * m_ins * size_of(m_type); }
        void const* row(std::size_t out) const noexcept
        {
            return static_cast<std::byte const*>(m_data) + out * m_ins * size_of(m_type);
        }

    private:
        void const* m_data = nullptr;
        dtype m_type = dtype::f32;
        std::size_t m_outs = 0;
        std::size_t m_ins = 0;
    };
}
