// How outputs are cut into items.
#include <doctest/doctest.h>

#include <gemma4/layers/linear.hpp>

using namespace gemma4;

TEST_CASE("guided items cover the outputs in order, long ones first, in whole blocks")
{
    for (std::size_t const slots : {1u, 2u, 3u, 16u, 100u})
    {
        for (std::size_t const outs : {0u, 1u, 16u, 64u, 65u, 512u, 1536u, 2048u, 12288u, 262144u})
        {
            CAPTURE(slots);
            CAPTURE(outs);
            guided_outs const guided{outs, slots};
            std::size_t at = 0;
            std::size_t last = long_out_block;
            for (std::size_t i = 0; i != guided.items(); ++i)
            {
                auto const item = guided[i];
                REQUIRE(item.first == at);
                REQUIRE(item.first % packed_rows == 0);
                REQUIRE(item.count >= 1);
                REQUIRE(item.count <= last);
                REQUIRE((item.count >= out_block || i + 1 == guided.items()));
                at += item.count;
                last = item.count;
            }
            REQUIRE(at == outs);
        }
    }
}
