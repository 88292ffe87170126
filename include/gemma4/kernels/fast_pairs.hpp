// Dot products of two rows of int8 activations at a time, where an instruction multiplies two rows of eight
// codes by two others.
#pragma once

#include <cstddef>
#include <type_traits>

#include <gemma4/kernels/fast_formats.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Isa, class Format>
    struct fast_pairs
    {
        using bytes = typename Isa::bytes;
        using weights = typename Format::weights;

        // Formats with a scale for each 16 of k want the sums of each 16.
        static constexpr std::size_t sums = std::is_array_v<decltype(weights::scale)> ? 2 : 1;
        using dots = fast_dots<Isa, sums>;

        struct both
        {
            dots first, second;
        };

        // Codes as product() takes them to codes as run() does.
        [[gnu::always_inline]] static void arrange(weights& w)
        {
            for (std::size_t l = 0; l != 8; l += 2) { Isa::pair_lines(w.w[l], w.w[l + 1]); }
        }

        struct rows
        {
            bytes codes[4];
            group_terms const& first;
            group_terms const& second;

            [[gnu::always_inline]] static rows of(int8_group const& a, int8_group const& b)
            {
                return {{Isa::pair_codes(a.codes, b.codes), Isa::pair_codes(a.codes + 8, b.codes + 8),
                         Isa::pair_codes(a.codes + 16, b.codes + 16),
                         Isa::pair_codes(a.codes + 24, b.codes + 24)},
                        a.terms,
                        b.terms};
            }
        };

        [[gnu::always_inline]] static both run(weights const& w, rows const& a)
        {
            both out{{{}, a.first}, {{}, a.second}};
            for (std::size_t s = 0; s != sums; ++s)
            {
                auto low = Isa::spread(0);
                auto high = Isa::spread(0);
                for (std::size_t i = 4 / sums * s; i != 4 / sums * (s + 1); ++i)
                {
                    low = Isa::dot_pairs(low, w.w[2 * i], a.codes[i]);
                    high = Isa::dot_pairs(high, w.w[2 * i + 1], a.codes[i]);
                }
                out.first.sums[s] = Isa::first_of(low, high);
                out.second.sums[s] = Isa::second_of(low, high);
            }
            return out;
        }
    };
}
