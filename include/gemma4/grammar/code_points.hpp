// Sets of Unicode characters, and their UTF-8 as parts of a grammar.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/grammar/grammar.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    struct code_point_range
    {
        char32_t first;
        char32_t last;    // included

        bool operator==(code_point_range const&) const = default;
    };

    // Ranges ascending, apart by more than one, without surrogates.
    class code_point_set
    {
    public:
        static constexpr char32_t greatest = 0x10ffff;

        code_point_set() = default;
        explicit code_point_set(std::vector<code_point_range> ranges)
            : m_ranges(std::move(ranges))
        {
            normalise();
        }

        static code_point_set all() { return code_point_set({{0, greatest}}); }

        std::span<code_point_range const> ranges() const noexcept { return m_ranges; }
        bool empty() const noexcept { return m_ranges.empty(); }

        bool contains(char32_t c) const noexcept
        {
            return std::ranges::any_of(m_ranges, [&](auto const& r) { return r.first <= c && c <= r.last; });
        }

        code_point_set& operator|=(code_point_set const& other)
        {
            m_ranges.insert(m_ranges.end(), other.m_ranges.begin(), other.m_ranges.end());
            normalise();
            return *this;
        }

        code_point_set complement() const
        {
            std::vector<code_point_range> out;
            char32_t next = 0;
            for (auto const& r : m_ranges)
            {
                if (r.first > next) { out.push_back({next, r.first - 1}); }
                next = r.last + 1;
            }
            if (next <= greatest) { out.push_back({next, greatest}); }
            return code_point_set(std::move(out));
        }

        code_point_set without(code_point_set const& other) const
        {
            auto out = complement();
            out |= other;
            return out.complement();
        }

    private:
        void normalise()
        {
            std::ranges::sort(m_ranges, {}, &code_point_range::first);
            std::vector<code_point_range> out;
            auto const put = [&](code_point_range r)
            {
                if (r.first > r.last) { return; }
                if (!out.empty() && r.first <= out.back().last + 1)
                {
                    out.back().last = std::max(out.back().last, r.last);
                }
                else { out.push_back(r); }
            };
            for (auto const& r : m_ranges)
            {
                put({r.first, std::min<char32_t>(r.last, 0xd7ff)});
                put({std::max<char32_t>(r.first, 0xe000), r.last});
            }
            m_ranges = std::move(out);
        }

        std::vector<code_point_range> m_ranges;
    };

    namespace detail
    {
        // The texts from low to high, which have the same length: of their first places whatever lies
        // between, of all further places anything from lowest to highest. UTF-8 and decimal digits count
        // that way. Texts are written in ascending order, and share the part for what they begin with.
        class range_writer
        {
        public:
            range_writer(char lowest, char highest)
                : m_lowest(lowest)
                , m_highest(highest)
            {}

            void write(std::string_view low, std::string_view high)
            {
                if (low.empty()) { return m_texts.push_back(m_prefix); }
                auto const a = static_cast<unsigned char>(low.front());
                auto const b = static_cast<unsigned char>(high.front());
                low.remove_prefix(1);
                high.remove_prefix(1);
                if (a == b) { return with(a, b, low, high); }
                std::string const lowest(low.size(), m_lowest);
                std::string const highest(low.size(), m_highest);
                bool const whole_low = low == lowest;
                bool const whole_high = high == highest;
                unsigned const first = whole_low ? a : a + 1u;
                unsigned const last = whole_high ? b : b - 1u;
                if (!whole_low) { with(a, a, low, highest); }
                if (first <= last) { with(first, last, lowest, highest); }
                if (!whole_high) { with(b, b, lowest, high); }
            }

            // One of the texts written so far.
            grammar::part part(grammar& g) const { return part(g, m_texts, 0); }

        private:
            struct byte_range
            {
                unsigned char low;
                unsigned char high;

                bool operator==(byte_range const&) const = default;
            };
            using text = std::vector<byte_range>;

            void with(unsigned from, unsigned to, std::string_view low, std::string_view high)
            {
                m_prefix.push_back({static_cast<unsigned char>(from), static_cast<unsigned char>(to)});
                write(low, high);
                m_prefix.pop_back();
            }

            // What follows the first places of texts that agree in these.
            static grammar::part part(grammar& g, std::span<text const> texts, std::size_t places)
            {
                std::vector<grammar::part> ways;
                while (!texts.empty())
                {
                    auto const& first = texts.front();
                    if (first.size() == places)
                    {
                        ways.push_back(g.empty());
                        texts = texts.subspan(1);
                        continue;
                    }
                    auto const same = std::size_t(
                        std::ranges::find_if(texts, [&](text const& t)
                                             { return t.size() <= places || t[places] != first[places]; })
                        - texts.begin());
                    auto const one = g.bytes(first[places].low, first[places].high);
                    bool const ends = same == 1 && first.size() == places + 1;
                    ways.push_back(ends ? one : g.sequence({one, part(g, texts.first(same), places + 1)}));
                    texts = texts.subspan(same);
                }
                return ways.size() == 1 ? ways.front() : g.choice(std::move(ways));
            }

            char m_lowest;
            char m_highest;
            text m_prefix;
            std::vector<text> m_texts;
        };
    }

    // One character of the set.
    inline grammar::part utf8_of(grammar& g, code_point_set const& set)
    {
        static constexpr char32_t last_of_length[]{0x7f, 0x7ff, 0xffff, code_point_set::greatest};
        detail::range_writer writer('\x80', '\xbf');
        for (auto const& range : set.ranges())
        {
            auto first = range.first;
            for (auto const limit : last_of_length)
            {
                if (first > limit || first > range.last) { continue; }
                auto const last = std::min(limit, range.last);
                std::string low;
                std::string high;
                append_utf8(low, first);
                append_utf8(high, last);
                writer.write(low, high);
                first = last + 1;
            }
        }
        return writer.part(g);
    }
}
