#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/cli/roofs.hpp>

using namespace gemma4;
using namespace gemma4::cli;

TEST_CASE("roofs are rates, and prefetch does not lower the best")
{
    inline_executor here;
    auto const reads = measure_reads(here, std::size_t(1) << 22);
    CHECK(reads.plain > 1e6);
    CHECK(reads.prefetched >= reads.plain);
    for (auto const& [kind, rate] : measure_arithmetic(here))
    {
        CAPTURE(kind);
        CHECK(rate > 1e6);
    }
}

TEST_CASE("a read loop reads every word")
{
    // 64 lines of known words: a lane is the exclusive or of every eighth, and the result the sum of the
    // lanes
    std::vector<std::uint64_t> words(64 * 8);
    for (std::size_t i = 0; i != words.size(); ++i) { words[i] = i * i * 0x9e3779b97f4a7c15u; }
    auto const* const bytes = reinterpret_cast<std::byte const*>(words.data());
    std::uint64_t one = 0;
    for (std::size_t lane = 0; lane != 8; ++lane)
    {
        std::uint64_t sum = 0;
        for (std::size_t i = lane; i < words.size(); i += 8) { sum ^= words[i]; }
        one += sum;
    }
    CHECK(cli::detail::read_lines<1>(bytes, 64, 0) == one);
    CHECK(cli::detail::read_lines<1>(bytes, 64, 1024) == one);
#if defined(__x86_64__)
    if (simd::cpu().avx512)
    {
        CHECK(cli::detail::read_lines_512<1>(bytes, 64, 0) == one);
        CHECK(cli::detail::read_lines_512<2>(bytes, 64, 1024) == one);
    }
#endif
}
