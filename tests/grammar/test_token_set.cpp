#include <limits>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/grammar/token_set.hpp>

TEST_CASE("token_set: as a std::set")
{
    std::mt19937 random(51);
    for (std::size_t const vocab : {1u, 63u, 64u, 65u, 300u})
    {
        gemma4::token_set set(vocab);
        gemma4::token_set other(vocab);
        std::set<gemma4::token_id> expected;
        for (std::size_t i = 0; i != vocab / 2; ++i)
        {
            auto const id = gemma4::token_id(random() % vocab);
            (i % 2 ? set : other).insert(id);
            expected.insert(id);
        }
        set |= other;
        CHECK(set.count() == expected.size());
        std::vector<gemma4::token_id> all;
        set.for_each([&](gemma4::token_id id) { all.push_back(id); });
        CHECK(all == std::vector<gemma4::token_id>(expected.begin(), expected.end()));

        std::vector<float> logits(vocab + 7, 2.0f);
        set.keep(logits);
        for (std::size_t i = 0; i != logits.size(); ++i)
        {
            bool const in = expected.contains(gemma4::token_id(i));
            CHECK(set.contains(gemma4::token_id(i)) == in);
            CHECK(logits[i] == (in ? 2.0f : -std::numeric_limits<float>::infinity()));
        }
        CHECK_FALSE(set.contains(-1));
        std::vector<float> fewer(vocab / 2, 2.0f);
        set.keep(fewer);
        set.clear();
        CHECK(set.count() == 0);
    }
}
