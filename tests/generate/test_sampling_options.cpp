#include <limits>

#include <doctest/doctest.h>

#include <gemma4/generate/sampling_options.hpp>

using namespace gemma4;

TEST_CASE("sampling options are checked, naming field, expected and found")
{
    CHECK_NOTHROW(validate({}));
    CHECK_NOTHROW(
        validate({.do_sample = true, .temperature = 1.5f, .top_k = 64, .top_p = 0.95f, .min_p = 0.1f}));
    CHECK_THROWS_WITH_AS(validate({.temperature = -1}),
                         "temperature: expected 0 (greedy) or a number from 1e-37 to 1e37, found -1",
                         argument_error);
    CHECK_THROWS_WITH_AS(validate({.top_p = 2}), "top_p: expected a number in 0 to 1, found 2",
                         argument_error);
    CHECK_THROWS_WITH_AS(validate({.min_p = -0.5}), "min_p: expected a number in 0 to 1, found -0.5",
                         argument_error);
    CHECK_THROWS_WITH_AS(validate({.repetition_penalty = 0}),
                         "repetition_penalty: expected a number from 1e-37 to 1e37, found 0", argument_error);
    CHECK_THROWS_WITH_AS(validate({.suppress_tokens = {3, -2}}),
                         "suppress_tokens: expected token ids, found -2", argument_error);
    for (double const bad :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    {
        CHECK_THROWS_AS(validate({.temperature = bad}), argument_error);
        CHECK_THROWS_AS(validate({.top_p = bad}), argument_error);
        CHECK_THROWS_AS(validate({.min_p = bad}), argument_error);
        CHECK_THROWS_AS(validate({.repetition_penalty = bad}), argument_error);
    }
}

TEST_CASE("temperature 0 is greedy")
{
    CHECK(sampling_options{}.greedy());
    CHECK(sampling_options{.do_sample = true, .temperature = 0}.greedy());
    CHECK_FALSE(sampling_options{.do_sample = true}.greedy());
}
