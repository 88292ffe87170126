// Trained weights: GEMMA4_REAL_GGUF, the GGUF file of Gemma 3 270M (Q4_K_M), scored on Debian's GPL-3 text.
// llama.cpp gives 13.8869 on the same file. Not in CI (minutes).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../examples/gemma3_270m/gemma3_270m.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/perplexity.hpp>

using namespace gemma4;

namespace
{
    std::filesystem::path from_environment(char const* name)
    {
        auto const* const value = std::getenv(name);
        REQUIRE_MESSAGE(value != nullptr, "set " << name);
        return value;
    }

    std::unique_ptr<any_model> load(compute_mode compute)
    {
        load_options options;
        options.compute = compute;
        return load_any_of(variants<gemma3_270m>(), from_environment("GEMMA4_REAL_GGUF"), std::move(options));
    }
}

TEST_CASE("real perplexity: within 0.5 % of llama.cpp on trained weights, exact and fast")
{
    std::ifstream in("/usr/share/common-licenses/GPL-3", std::ios::binary);
    std::string const text(std::istreambuf_iterator<char>(in), {});
    REQUIRE(text.size() == 35149);
    for (auto const compute : {compute_mode::exact, compute_mode::fast})
    {
        auto const result = perplexity(*load(compute), text);
        CHECK(result.windows == 14);
        CHECK(result.scored == 3570);
        CHECK(result.perplexity == doctest::Approx(13.8869).epsilon(0.005));
    }
}

TEST_CASE("real perplexity: a base model continues a sentence in English")
{
    generation_options options;
    options.stop.max_tokens = 12;
    auto const answer =
        load(compute_mode::exact)->session()->complete("Photosynthesis is the process by which", options);
    CHECK(answer.text.starts_with(" plants and algae convert light energy into chemical energy."));
}
