#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/guards.hpp>

using namespace gemma4;

TEST_CASE("nan_guard says what is wrong")
{
    std::vector<float> x{1, 2, 3};
    CHECK_NOTHROW(nan_guard{}(x, {}));
    x[1] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH_AS(
        nan_guard{}(x, {}),
        "logits: expected numbers, found NaN for token 1 (weights or activations are out of range)", error);
    x.assign(3, -std::numeric_limits<float>::infinity());
    CHECK_THROWS_WITH_AS(nan_guard{}(x, {}),
                         "logits: expected a token that may be chosen, found -inf for all 3", error);
}

TEST_CASE("repetition_guard sees the shortest n-gram repeated at the end")
{
    auto const check = [](std::vector<token_id> history, repetition_guard::limits limits)
    {
        repetition_guard guard(limits);
        guard({}, history);
        CHECK(guard.collapsed() == (guard.length() != 0));
        return guard.length();
    };
    repetition_guard::limits const three{.longest = 4, .times = 3, .least_tokens = 0, .skip = 0};
    CHECK(check({}, three) == 0);
    CHECK(check({5, 5}, three) == 0);
    CHECK(check({5, 5, 5}, three) == 1);
    CHECK(check({9, 1, 2, 1, 2, 1, 2}, three) == 2);
    CHECK(check({1, 2, 1, 2, 1, 2, 9}, three) == 0);
    CHECK(check({2, 1, 2, 1, 2}, three) == 0);
    CHECK(check({1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}, three) == 4);
    CHECK(check({1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5}, three) == 0);    // longer than `longest`
    CHECK(check({5, 5, 5, 5}, {.longest = 4, .times = 3, .least_tokens = 5, .skip = 0}) == 0);
    CHECK(check({5, 5, 5, 5, 5}, {.longest = 4, .times = 3, .least_tokens = 5, .skip = 0}) == 1);
    CHECK(check({5, 5, 5, 5}, {.longest = 4, .times = 3, .least_tokens = 0, .skip = 2}) == 0);
    CHECK(check({5, 5}, {.longest = 4, .times = 3, .least_tokens = 0, .skip = 9}) == 0);
    CHECK_THROWS_AS(repetition_guard({.times = 1}), argument_error);
    CHECK_FALSE(repetition_guard{}.collapsed());
}
