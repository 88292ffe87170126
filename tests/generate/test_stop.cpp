#include <set>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/generate/stop.hpp>

using namespace gemma4;

TEST_CASE("stop tokens are those listed")
{
    stop_options const options{.tokens = {1, 106}};
    CHECK(options.is_stop(1));
    CHECK(options.is_stop(106));
    CHECK_FALSE(options.is_stop(50));
    CHECK_FALSE(stop_options{}.is_stop(0));
}

TEST_CASE("every reason has a name of its own")
{
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(stop_reason::repetition); ++i)
    {
        names.insert(name(static_cast<stop_reason>(i)));
    }
    CHECK(names.size() == static_cast<std::size_t>(stop_reason::repetition) + 1);
    CHECK(names.count("unknown") == 0);
    CHECK(name(stop_reason::stop_string) == "stop_string");
}
