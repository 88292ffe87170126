// The order in which people number files.
#pragma once

#include <cstddef>
#include <string_view>

namespace gemma4::inline v0
{
    // Runs of the digits 0-9 compare by their value, everything else byte by byte; names that are equal so
    // compare as plain bytes: frame2 < frame010 < frame10 < frame11.
    inline bool natural_less(std::string_view a, std::string_view b)
    {
        auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
        auto const digits = [&](std::string_view text)
        {
            std::size_t n = 0;
            while (n != text.size() && is_digit(text[n])) { ++n; }
            return text.substr(0, n);
        };
        auto x = a, y = b;
        while (!x.empty() && !y.empty())
        {
            if (!is_digit(x.front()) || !is_digit(y.front()))
            {
                if (x.front() != y.front())
                {
                    return static_cast<unsigned char>(x.front()) < static_cast<unsigned char>(y.front());
                }
                x.remove_prefix(1);
                y.remove_prefix(1);
                continue;
            }
            auto m = digits(x), n = digits(y);
            x.remove_prefix(m.size());
            y.remove_prefix(n.size());
            while (m.starts_with('0')) { m.remove_prefix(1); }
            while (n.starts_with('0')) { n.remove_prefix(1); }
            if (m.size() != n.size()) { return m.size() < n.size(); }
            if (m != n) { return m < n; }
        }
        if (x.empty() != y.empty()) { return x.empty(); }
        return a < b;
    }
}
