// Placeholders of media in a prompt without a medium: as the class of the checkpoint embeds them
// (tools/reference/make_placeholder_cases.py).
#include <string>
#include <vector>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    constexpr token_id prompt[] = {2, 300, 2040, 17, 2041, 1999, 2044, 45};

    template <class M>
    using exact_engine = engine<M, modality::text, any_format, exact>;

    // Every 8th logit of the last row.
    template <class M>
    std::vector<float> last_logits(std::filesystem::path const& folder, std::size_t chunk)
    {
        auto const all = all_logits(exact_engine<M>::load(folder, one_thread()), std::span(prompt), chunk);
        std::vector<float> kept;
        for (auto i = all.size() - M::text.vocab; i < all.size(); i += 8) { kept.push_back(all[i]); }
        return kept;
    }
}

TEST_CASE_TEMPLATE("placeholders without media are embedded as the class of the checkpoint does", M, tiny_e2b,
                   tiny_a4b)
{
    golden const expected(M::name);
    auto const conditional = expected.floats("placeholders_conditional");
    auto const causal = expected.floats("placeholders_causal");
    REQUIRE(relative_error(conditional, causal) > 1e-2);
    for (std::size_t const chunk : {8u, 1u, 3u})
    {
        CHECK(relative_error(last_logits<M>(tiny_checkpoint(M::name), chunk), conditional) < 1e-5);
        auto const folder = tiny_checkpoint(M::name, "causal", {.layout = checkpoint_layout::causal});
        CHECK(relative_error(last_logits<M>(folder, chunk), causal) < 1e-5);
    }
}
