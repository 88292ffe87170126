// A weight matrix in the format of its file.
#pragma once

#include <cstddef>
#include <type_traits>

#include <gemma4/core/math.hpp>
#include <gemma4/formats/format_of.hpp>
#include <gemma4/formats/weight_type.hpp>
#include <gemma4/packing/packed_type.hpp>

namespace gemma4::inline v0
{
    // Weight formats are types: float, bf16, f16, and the block formats of formats/ (q4_0 ... nvfp4).
    // any_of<...> is a matrix whose format, one of these, is known only at load.
    template <class... Formats>
    struct any_of
    {};

    // A packed layout as a weight format.
    template <packed_type Type>
    struct packed
    {};

    // Everything that files hold, and everything that it is packed into.
    struct any_format
    {};
    using all_formats =
        any_of<float, bf16, f16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k, iq4_nl, iq4_xs,
               mxfp4, nvfp4, packed<packed_type::q4>, packed<packed_type::q4s>, packed<packed_type::q4k>,
               packed<packed_type::q6>, packed<packed_type::q8>, packed<packed_type::q8g>,
               packed<packed_type::bf16>, packed<packed_type::f16>, packed<packed_type::q5>,
               packed<packed_type::q5s>, packed<packed_type::q5k>>;

    constexpr weight_type weight_type_of(packed_type type) noexcept
    {
        return weight_type(first_packed + std::size_t(type));
    }

    // The layout of a type that is packed.
    constexpr packed_type packing_of(weight_type type) noexcept
    {
        return packed_type(std::size_t(type) - first_packed);
    }

    // The word for a type that people read.
    constexpr char const* name(weight_type type) noexcept
    {
        return is_packed(type) ? name(packing_of(type)) : name(ggml_type_of(type));
    }

    namespace detail
    {
        inline constexpr auto no_type = weight_type(weight_type_count);

        template <class Format>
        inline constexpr auto packed_format = no_type;
        template <packed_type Type>
        inline constexpr auto packed_format<packed<Type>> = weight_type_of(Type);

        // The type of a format, no_type for what is none.
        template <class Format>
        consteval weight_type type_of_format()
        {
            if constexpr (packed_format<Format> != no_type) { return packed_format<Format>; }
            else if constexpr (std::is_same_v<Format, float>) { return weight_type_of(dtype::f32); }
            else if constexpr (std::is_same_v<Format, bf16>) { return weight_type_of(dtype::bf16); }
            else if constexpr (std::is_same_v<Format, f16>) { return weight_type_of(dtype::f16); }
            else
            {
                auto found = no_type;
                for (std::uint32_t id = 0; id != first_packed; ++id)
                {
                    with_format(ggml_type(id), [&]<class F>(F)
                                { found = std::is_same_v<F, Format> ? weight_type(id) : found; });
                }
                return found;
            }
        }
    }

    template <class Format>
    inline constexpr bool is_weight_format = detail::type_of_format<Format>() != detail::no_type;

    // Which types a format stands for.
    template <class Format>
    struct format_traits
    {
        static_assert(is_weight_format<Format>,
                      "gemma4: a weight format is float, bf16, f16, one of the "
                      "block formats (q4_0 ... nvfp4), packed<...> or any_of<...> of them");
        static constexpr bool is_known = true;    // when compiling
        static constexpr weight_type type = detail::type_of_format<Format>();
        static constexpr bool accepts(weight_type t) noexcept { return t == type; }
    };

    template <class... Formats>
    struct format_traits<any_of<Formats...>>
    {
        static_assert((is_weight_format<Formats> && ...),
                      "gemma4: any_of holds weight formats: float, bf16, f16, the block formats (q4_0 ... "
                      "nvfp4) and packed<...>");
        static constexpr bool is_known = false;
        static constexpr weight_type type = weight_type_of(dtype::f32);    // of a matrix that is not bound
        static constexpr bool accepts(weight_type t) noexcept
        {
            return ((t == detail::type_of_format<Formats>()) || ...);
        }
    };

    template <>
    struct format_traits<any_format> : format_traits<all_formats>
    {};

    // Factors of a matrix that its format has no room for (NVFP4): one for every `rows` rows.
    struct weight_factors
    {
        float const* values = nullptr;    // null: none
        std::size_t rows = 1;
    };

    // W (outs, ins), not owned: row-major, or packed, where only blocks of 16 rows have an address.
    // accepts(t): whether a tensor of type t can be bound.
    template <class Format>
    class matrix
    {
        using traits = format_traits<Format>;

    public:
        static constexpr bool accepts(weight_type type) noexcept { return traits::accepts(type); }

        void bind(void const* data, weight_type type, std::size_t outs, std::size_t ins,
                  weight_factors factors = {}) noexcept
        {
            m_data = data;
            m_type = type;
            m_outs = outs;
            m_ins = ins;
            m_factors = factors;
        }

        weight_type type() const noexcept
        {
            if constexpr (traits::is_known) { return traits::type; }
            else { return m_type; }
        }

        std::size_t outs() const noexcept { return m_outs; }
        std::size_t ins() const noexcept { return m_ins; }
        std::size_t row_bytes() const noexcept
        {
            return is_packed(type()) ? packed_block_bytes(packing_of(type()), m_ins) / packed_rows
                                     : gemma4::row_bytes(type(), m_ins);
        }
        std::size_t bytes() const noexcept
        {
            return (is_packed(type()) ? round_up(m_outs, packed_rows) : m_outs) * row_bytes();
        }
        // Of packed matrices: the block of 16 rows that begins at `out`.
        std::byte const* row(std::size_t out) const noexcept
        {
            return static_cast<std::byte const*>(m_data) + out * row_bytes();
        }

        // Rows [first, first + count).
        matrix rows(std::size_t first, std::size_t count) const noexcept
        {
            matrix part = *this;
            part.m_data = row(first);
            part.m_outs = count;
            if (m_factors.values) { part.m_factors.values += first / m_factors.rows; }
            return part;
        }

        bool has_factors() const noexcept { return m_factors.values != nullptr; }
        float factor(std::size_t out) const noexcept { return m_factors.values[out / m_factors.rows]; }
        weight_factors const& factors() const noexcept { return m_factors; }

    private:
        void const* m_data = nullptr;
        std::size_t m_outs = 0;
        std::size_t m_ins = 0;
        weight_factors m_factors;
        weight_type m_type = traits::type;
    };
}
