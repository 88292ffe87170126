// Decimal numbers within bounds, as parts of a grammar.
//
// So that a model cannot run away in digits and every number has a value: an integer has at most 18 digits
// (fewer than 64 bits hold), a fraction at most 17, an exponent is -99 to 19 (below 1e38: a float holds it).
// Numbers with bounds have no exponent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/code_points.hpp>
#include <gemma4/grammar/grammar.hpp>

namespace gemma4::inline v0
{
    // Of a number; a bound that is absent does not bind.
    struct number_bounds
    {
        std::optional<std::int64_t> low{};
        std::optional<std::int64_t> high{};
        bool above_low = false;     // low itself is not allowed
        bool below_high = false;    // high itself is not allowed

        bool any() const noexcept { return low || high; }
    };

    namespace detail
    {
        inline constexpr std::uint64_t greatest_integer = 999'999'999'999'999'999;    // 18 digits

        // The magnitudes low..high without leading zeros; nothing if low > high.
        inline grammar::part digits_between(grammar& g, std::uint64_t low, std::uint64_t high)
        {
            range_writer writer('0', '9');
            while (low <= high)
            {
                auto const text = std::to_string(low);
                auto const longest = std::string(text.size(), '9');
                auto const limit =
                    text.size() > 19 ? high : std::min<std::uint64_t>(high, std::stoull(longest));
                writer.write(text, std::to_string(limit));
                if (limit == high) { break; }
                low = limit + 1;
            }
            return writer.part(g);
        }

        inline std::uint64_t magnitude(std::int64_t value) noexcept
        {
            return value < 0 ? ~std::uint64_t(value) + 1 : std::uint64_t(value);
        }

        inline grammar::part digits(grammar& g, std::size_t min, std::size_t max)
        {
            return g.repeat(g.bytes('0', '9'), min, max);
        }

        // . and digits
        inline grammar::part fraction(grammar& g) { return g.sequence({g.byte('.'), digits(g, 1, 17)}); }

        // Numbers of low..high (no upper bound: of at most 18 digits) without sign and exponent.
        inline grammar::part magnitudes(grammar& g, std::uint64_t low, bool above_low,
                                        std::optional<std::uint64_t> high, bool below_high)
        {
            std::vector<grammar::part> out;
            auto const zeros = [&] { return g.sequence({g.byte('.'), g.repeat(g.byte('0'), 1, 17)}); };
            auto const whole = [&](std::uint64_t value) { return g.literal(std::to_string(value)); };
            if (high && low > *high) { return g.never(); }
            if (high && low == *high)
            {
                if (above_low || below_high) { return g.never(); }
                return g.sequence({whole(low), g.optional(zeros())});
            }
            auto first = low;
            if (above_low)
            {
                // low and a fraction that is not zero
                out.push_back(g.sequence({whole(low), g.byte('.'), g.repeat(g.byte('0'), 0, 16),
                                          g.bytes('1', '9'), digits(g, 0, 16)}));
                ++first;
            }
            auto const last = high ? *high - 1 : std::max(low, greatest_integer);
            if (first <= last)
            {
                out.push_back(g.sequence({digits_between(g, first, last), g.optional(fraction(g))}));
            }
            if (high && !below_high) { out.push_back(g.sequence({whole(*high), g.optional(zeros())})); }
            return g.choice(std::move(out));
        }
    }

    inline grammar::part integer_between(grammar& g, number_bounds const& bounds)
    {
        constexpr auto most = std::numeric_limits<std::int64_t>::max();
        constexpr auto least = std::numeric_limits<std::int64_t>::min();
        constexpr auto usual = std::int64_t(detail::greatest_integer);
        if ((bounds.above_low && bounds.low == most) || (bounds.below_high && bounds.high == least))
        {
            return g.never();
        }
        auto low = bounds.low ? *bounds.low + (bounds.above_low ? 1 : 0) : -usual;
        auto high = bounds.high ? *bounds.high - (bounds.below_high ? 1 : 0) : usual;
        if (!bounds.high && low > high) { high = most; }
        if (!bounds.low && high < low) { low = least; }
        std::vector<grammar::part> out;
        if (high >= 0 && low <= high)
        {
            out.push_back(detail::digits_between(g, std::uint64_t(std::max<std::int64_t>(low, 0)),
                                                 std::uint64_t(high)));
        }
        if (low < 0 && low <= high)
        {
            auto const nearest = high < 0 ? detail::magnitude(high) : 1;
            out.push_back(
                g.sequence({g.byte('-'), detail::digits_between(g, nearest, detail::magnitude(low))}));
        }
        return g.choice(std::move(out));
    }

    inline grammar::part number_between(grammar& g, number_bounds const& bounds)
    {
        using detail::magnitude;
        if (!bounds.any())
        {
            auto const digit = [&] { return g.bytes('0', '9'); };
            auto const up = g.sequence({g.optional(g.byte('+')), g.optional(g.byte('1')), digit()});
            auto const down = g.sequence({g.byte('-'), detail::digits(g, 1, 2)});
            auto const exponent = g.sequence({g.choice({g.byte('e'), g.byte('E')}), g.choice({up, down})});
            return g.sequence({g.optional(g.byte('-')),
                               detail::digits_between(g, 0, detail::greatest_integer),
                               g.optional(detail::fraction(g)), g.optional(exponent)});
        }
        std::vector<grammar::part> out;
        if (!bounds.high || *bounds.high >= 0)
        {
            bool const from_low = bounds.low && *bounds.low >= 0;
            out.push_back(detail::magnitudes(
                g, from_low ? magnitude(*bounds.low) : 0, from_low && bounds.above_low,
                bounds.high ? std::optional(magnitude(*bounds.high)) : std::nullopt, bounds.below_high));
        }
        if (!bounds.low || *bounds.low < 0)
        {
            bool const from_high = bounds.high && *bounds.high < 0;
            out.push_back(g.sequence(
                {g.byte('-'),
                 detail::magnitudes(
                     g, from_high ? magnitude(*bounds.high) : 0, !from_high || bounds.below_high,
                     bounds.low ? std::optional(magnitude(*bounds.low)) : std::nullopt, bounds.above_low)}));
        }
        return g.choice(std::move(out));
    }
}
