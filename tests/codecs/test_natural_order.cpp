#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/codecs/natural_order.hpp>

TEST_CASE("natural_order: numbers by value, the rest by bytes")
{
    // Ascending, each before all that follow it.
    std::vector<std::string> const names{"",
                                         "1.png",
                                         "a",
                                         "a.png",
                                         "a1",
                                         "a1.png",
                                         "a2.png",
                                         "a010.png",
                                         "a10.png",
                                         "a10b.png",
                                         "a11.png",
                                         "a0100.png",
                                         "b1-2.png",
                                         "b1-10.png",
                                         "b2-1.png",
                                         "c0.png",
                                         "c00.png",
                                         "d18446744073709551616",
                                         "d18446744073709551617",
                                         "\xc3\xa9"};
    for (std::size_t i = 0; i != names.size(); ++i)
    {
        for (std::size_t j = 0; j != names.size(); ++j)
        {
            CAPTURE(names[i]);
            CAPTURE(names[j]);
            CHECK(gemma4::natural_less(names[i], names[j]) == (i < j));
        }
    }
}
