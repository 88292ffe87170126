#include <functional>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/logits_processor.hpp>

using namespace gemma4;

namespace
{
    struct adder
    {
        float amount;
        int calls = 0;
        void operator()(std::span<float> logits, std::span<token_id const>)
        {
            ++calls;
            for (auto& x : logits) { x += amount; }
        }
    };
    struct doubler
    {
        void operator()(std::span<float> logits, std::span<token_id const>) const
        {
            for (auto& x : logits) { x *= 2; }
        }
    };
    struct answers
    {
        bool operator()(std::span<float>, std::span<token_id const>) { return true; }
    };
    using any = std::function<void(std::span<float>, std::span<token_id const>)>;

    static_assert(logits_processor<adder> && logits_processor<doubler> && logits_processor<any>);
    static_assert(logits_processor<std::reference_wrapper<adder>>);
    static_assert(logits_processor<processor_chain<>> && logits_processor<processor_chain<adder, doubler>>);
    static_assert(!logits_processor<int> && !logits_processor<answers>);
    static_assert(!logits_processor<void (*)(std::span<float>)>);
    static_assert(std::is_empty_v<processor_chain<>>);
}

TEST_CASE("a chain applies its processors in order")
{
    std::vector<float> a{1, 2};
    processor_chain chain{adder{3}, doubler{}};
    chain(a, {});
    CHECK(a == std::vector<float>{8, 10});

    std::vector<float> b{1, 2};
    processor_chain{doubler{}, adder{3}}(b, {});
    CHECK(b == std::vector<float>{5, 7});
    CHECK(chain.get<0>().calls == 1);
}

TEST_CASE("a chain can hold a reference to a host's processor")
{
    adder mine{1};
    std::vector<float> x{0};
    processor_chain chain{std::ref(mine), doubler{}};
    chain(x, {});
    chain(x, {});
    CHECK(mine.calls == 2);
    CHECK(x[0] == 6);
}
