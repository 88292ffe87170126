// Slices of the four models at their real widths against transformers: minutes and gigabytes, so not part of
// ctest. The weights are generated into GEMMA4_SLICES (default: a scratch folder that is removed).
#include <cstdlib>
#include <cstring>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/parallel/pool.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    constexpr text_config cut(text_config text, std::size_t layers, std::size_t global_every,
                              std::size_t shared)
    {
        text.vocab = 4096;
        text.layers = layers;
        text.global_every = global_every;
        text.kv_shared_layers = shared;
        return text;
    }

    struct slice_e2b
    {
        static constexpr char const* name = "slice_e2b";
        static constexpr text_config text = cut(e2b::text, 6, 3, 3);
    };
    struct slice_e4b
    {
        static constexpr char const* name = "slice_e4b";
        static constexpr text_config text = cut(e4b::text, 6, 3, 3);
    };
    struct slice_a4b
    {
        static constexpr char const* name = "slice_a4b";
        static constexpr text_config text = cut(a4b::text, 2, 2, 0);
    };
    struct slice_d31b
    {
        static constexpr char const* name = "slice_d31b";
        static constexpr text_config text = cut(d31b::text, 2, 2, 0);
    };

    std::filesystem::path slice_folder(std::string const& name)
    {
        auto const* const kept = std::getenv("GEMMA4_SLICES");
        auto const folder = (kept ? std::filesystem::path(kept) : scratch()) / name;
        if (!std::filesystem::exists(folder / "model.safetensors"))
        {
            write_checkpoint(data() / "slices" / name, folder, {.dtype = stored_dtype::bf16});
        }
        return folder;
    }

    template <class M>
    std::vector<float> run(engine<M, modality::text, any_format, exact> const& model, state<M>& past, std::span<token_id const> tokens,
                           std::size_t chunk, wanted_logits wanted)
    {
        std::vector<float> logits;
        for (std::size_t at = 0; at < tokens.size(); at += chunk)
        {
            auto const n = std::min(chunk, tokens.size() - at);
            bool const last = at + n == tokens.size();
            sequence_step<M> const step{&past, tokens.subspan(at, n),
                                        wanted == wanted_logits::all || last ? wanted : wanted_logits::none};
            model.step(std::span(&step, 1), [&](std::size_t, std::span<float> row)
                       { logits.insert(logits.end(), row.begin(), row.end()); });
        }
        return logits;
    }
}

TEST_CASE_TEMPLATE("a slice at real widths is the reference's", M, slice_e2b, slice_e4b, slice_a4b,
                   slice_d31b)
{
    constexpr double tolerance = M::text.experts != 0 ? 2e-5 : 1e-5;
    auto const model = engine<M, modality::text, any_format, exact>::load(slice_folder(M::name), {.context = 4096, .chunk = 512});
    golden const expected(M::name);
    auto const tokens = expected.tokens();
    auto const lengths = expected.integers("lengths");
    auto const last_logits = expected.floats("last_logits");
    for (std::size_t i = 0; i != lengths.size(); ++i)
    {
        auto const n = std::size_t(lengths[i]);
        CAPTURE(n);
        auto past = model.make_state();
        auto const logits = run(model, past, std::span(tokens).first(n), 512, wanted_logits::all);
        auto const last = std::span(logits).last(M::text.vocab);
        auto const error =
            relative_error(last, std::span(last_logits).subspan(i * M::text.vocab, M::text.vocab));
        MESSAGE(M::name, " length ", n, ": largest difference / largest logit = ", error);
        CHECK(error <= tolerance);

        // every row's choice, where the reference's own margin is above its rounding
        auto const argmax = expected.integers(sentence("row_argmax_", n));
        auto const margin = expected.floats(sentence("row_margin_", n));
        for (std::size_t r = 0; r != n; ++r)
        {
            auto const row = std::span(logits).subspan(r * M::text.vocab, M::text.vocab);
            if (margin[r] > 1e-3f)
            {
                CHECK(std::max_element(row.begin(), row.end()) - row.begin() == argmax[r]);
            }
        }

        // the same bits in other chunks, and where only the last row is wanted
        for (std::size_t const chunk :
             {std::size_t(1), std::size_t(7), std::size_t(200), M::text.window - 1, M::text.window + 1})
        {
            if (chunk > 512 || (chunk < 7 && n > 600) || chunk >= n) { continue; }
            CAPTURE(chunk);
            past.clear();
            auto const again = run(model, past, std::span(tokens).first(n), chunk, wanted_logits::last);
            CHECK(std::memcmp(again.data(), last.data(), last.size_bytes()) == 0);
        }
    }

    auto const greedy = expected.json("greedy");
    for (auto const& entry : greedy.is_array() ? greedy : nlohmann::json::array({greedy}))
    {
        auto next = entry.at("prompt").get<std::vector<token_id>>();
        auto const continued = entry.at("new_tokens").get<std::vector<token_id>>();
        auto past = model.make_state();
        std::vector<token_id> found;
        while (found.size() != continued.size())
        {
            auto const row = run(model, past, next, 512, wanted_logits::last);
            next = {token_id(std::max_element(row.begin(), row.end()) - row.begin())};
            found.push_back(next[0]);
        }
        CHECK(found == continued);
    }
}
