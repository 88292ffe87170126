#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/processors.hpp>

using namespace gemma4;

namespace
{
    constexpr float inf = std::numeric_limits<float>::infinity();
}

TEST_CASE("repetition_penalty: once per token, negative multiplied, ids outside passed over")
{
    repetition_penalty penalty(2);
    std::vector<token_id> const history{0, 1, 1, 0, 3, -1, 99, 2};
    for (int round = 0; round < 2; ++round)    // nothing is left over from the call before
    {
        std::vector<float> x{4, -4, -inf, 0, 7};
        penalty(x, history);
        CHECK(x == std::vector<float>{2, -8, -inf, 0, 7});
    }
    std::vector<float> wider(200, 1.0f);
    penalty(wider, history);
    CHECK(wider[99] == 0.5f);
    CHECK(wider[98] == 1.0f);
    repetition_penalty last(2, 3);    // of the last three tokens
    std::vector<float> y{4, 4, 4, 4, 4};
    last(y, std::vector<token_id>{0, 1, 2, 2, 3});
    CHECK(y == std::vector<float>{4, 4, 2, 2, 4});
    last(y, std::vector<token_id>{0});    // fewer than that
    CHECK(y == std::vector<float>{2, 4, 2, 2, 4});
    CHECK_THROWS_WITH_AS(repetition_penalty(0), "repetition_penalty: expected a number > 0, found 0",
                         argument_error);
    CHECK_THROWS_AS(repetition_penalty(-inf), argument_error);
}

TEST_CASE("temperature divides")
{
    std::vector<float> x{1, -2, -inf};
    temperature{0.5}(x, {});
    CHECK(x == std::vector<float>{2, -4, -inf});
    CHECK_THROWS_WITH_AS(temperature(-1), "temperature: expected a number > 0, found -1", argument_error);
    CHECK_THROWS_AS(temperature(0), argument_error);
    CHECK_THROWS_AS(temperature{std::numeric_limits<double>::quiet_NaN()}, argument_error);
}

TEST_CASE("logit_bias adds, and refuses ids outside the vocabulary")
{
    std::vector<float> x{1, 2, 3};
    logit_bias({{0, 10.0f}, {2, -inf}})(x, {});
    CHECK(x == std::vector<float>{11, 2, -inf});
    CHECK_THROWS_WITH_AS(logit_bias({{3, 1.0f}})(x, {}), "logit_bias: expected token ids in 0 to 2, found 3",
                         argument_error);
    CHECK_THROWS_AS(logit_bias({{-1, 1.0f}})(x, {}), argument_error);
}

TEST_CASE("banned_tokens become -inf")
{
    std::vector<float> x{1, 2, 3};
    banned_tokens({1, 77, -5})(x, {});
    CHECK(x == std::vector<float>{1, -inf, 3});
}
