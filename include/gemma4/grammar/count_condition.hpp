// What must hold of a count that is not known yet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gemma4::inline v0
{
    // Rounds of a repetition with a large count; every round takes something.
    struct counted_loop
    {
        std::size_t min;
        std::size_t max;    // or grammar::unbounded
    };

    // Of a way that began inside a counted loop: it went through some more rounds, and is still in the loop
    // or has left it. Or of a way that asks nothing.
    class count_condition
    {
    public:
        constexpr count_condition() = default;
        static constexpr count_condition inside(std::uint32_t rounds) noexcept
        {
            return count_condition(1 + 2 * rounds);
        }
        static constexpr count_condition outside(std::uint32_t rounds) noexcept
        {
            return count_condition(2 + 2 * rounds);
        }

        constexpr bool asks() const noexcept { return m_code != 0; }
        constexpr bool is_inside() const noexcept { return m_code % 2 == 1; }
        constexpr std::uint32_t rounds() const noexcept { return (m_code - 1) / 2; }    // where it asks

        // The same way with a longer, or shorter, beginning.
        constexpr count_condition later(std::uint32_t more) const noexcept
        {
            return asks() ? count_condition(m_code + 2 * more) : *this;
        }
        constexpr count_condition earlier(std::uint32_t less) const noexcept
        {
            return asks() ? count_condition(m_code - 2 * less) : *this;
        }

        // Where the way began in the given round of the loop.
        bool holds(counted_loop const& loop, std::size_t round) const noexcept
        {
            if (!asks()) { return true; }
            auto const now = round + rounds();
            return now <= loop.max && (is_inside() || now >= loop.min);
        }

        constexpr std::uint32_t code() const noexcept { return m_code; }    // small: an index
        static constexpr count_condition of_code(std::uint32_t code) noexcept
        {
            return count_condition(code);
        }

        auto operator<=>(count_condition const&) const = default;

    private:
        explicit constexpr count_condition(std::uint32_t code) noexcept
            : m_code(code)
        {}

        std::uint32_t m_code = 0;
    };
}
