#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/generate/sampler.hpp>

using namespace gemma4;

namespace
{
    constexpr float inf = std::numeric_limits<float>::infinity();

    std::vector<float> floats(std::string const& path)
    {
        std::ifstream file(path, std::ios::binary);
        std::string const bytes((std::istreambuf_iterator<char>(file)), {});
        std::vector<float> out(bytes.size() / 4);
        std::memcpy(out.data(), bytes.data(), out.size() * 4);
        return out;
    }

    std::vector<float> some_logits(std::size_t n, unsigned seed)
    {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0, 3);
        std::vector<float> x(n);
        for (auto& v : x) { v = normal(random); }
        return x;
    }

    std::vector<double> softmax(std::vector<float> const& x)
    {
        std::vector<double> p(x.size());
        double const max = *std::max_element(x.begin(), x.end());
        for (std::size_t i = 0; i < x.size(); ++i) { p[i] = std::exp(x[i] - max); }
        double const sum = std::accumulate(p.begin(), p.end(), 0.0);
        for (auto& v : p) { v /= sum; }
        return p;
    }
}

TEST_CASE("processed logits equal those of transformers' own processors")
{
    std::string const folder = GEMMA4_TEST_DATA "/generate/";
    auto const data = floats(folder + "sampling.f32");
    std::ifstream cases(folder + "sampling.jsonl");
    int count = 0;
    for (std::string line; std::getline(cases, line); ++count)
    {
        auto const one = nlohmann::json::parse(line);
        auto const vocab = one["vocab"].get<std::ptrdiff_t>();
        auto const row = [&](char const* key)
        {
            auto const begin = data.begin() + one[key].get<std::ptrdiff_t>();
            return std::vector<float>(begin, begin + vocab);
        };
        auto logits = row("logits");
        auto const expected = row("expected");
        sampling_options const options{.do_sample = one["do_sample"].get<bool>(),
                                       .temperature = one.value("temperature", 1.0),
                                       .top_k = one.value("top_k", std::size_t{0}),
                                       .top_p = one.value("top_p", 1.0),
                                       .min_p = one.value("min_p", 0.0),
                                       .repetition_penalty = one.value("repetition_penalty", 1.0),
                                       .suppress_tokens =
                                           one.value("suppress_tokens", std::vector<token_id>{})};
        auto const history = one["history"].get<std::vector<token_id>>();
        sampler{options}.process(logits, history);
        // transformers' top_p leaves open which of several equal tokens at the border stay (its sort is
        // unstable): there only their number must agree.
        auto border = inf;
        for (float const x : expected) { border = x > -inf ? std::min(border, x) : border; }
        int wrong = 0;
        int more = 0;    // border tokens that stay here, less those that stay there
        for (std::size_t i = 0; i < logits.size(); ++i)
        {
            bool const same = logits[i] == expected[i]
                              || (std::isfinite(logits[i]) && std::isfinite(expected[i])
                                  && std::abs(logits[i] - expected[i]) <= 1e-6f * std::abs(expected[i]));
            if (same) { continue; }
            if (options.top_p < 1 && logits[i] == border && expected[i] == -inf) { ++more; }
            else if (options.top_p < 1 && expected[i] == border && logits[i] == -inf) { --more; }
            else { ++wrong; }
        }
        CHECK_MESSAGE((wrong == 0 && more == 0), wrong, " and ", more, " in ", line.substr(0, 40), " ... ",
                      line.substr(line.find("\"do_sample")));
    }
    CHECK(count == 160);
}

TEST_CASE("greedy takes the first of the largest, as torch.argmax")
{
    sampler greedy{{}};
    std::vector<float> x{1, 7, -inf, 7, 3};
    CHECK(greedy.pick(x, {}).id == 1);
    std::vector<float> infinite{1, inf, inf};
    CHECK(greedy.pick(infinite, {}).id == 1);
    sampler cold{{.do_sample = true, .temperature = 0, .top_k = 1}};
    CHECK(cold.pick(x, {}).id == 1);
    sampler penalised{{.repetition_penalty = 3, .suppress_tokens = {3}}};
    CHECK(penalised.pick(x, std::vector<token_id>{1}).id == 4);
}

TEST_CASE("frequencies follow the distribution (chi-square)")
{
    auto const logits = some_logits(40, 3);
    for (sampling_options options :
         {sampling_options{.do_sample = true, .seed = 1},
          sampling_options{.do_sample = true, .temperature = 2, .top_k = 12, .seed = 2},
          sampling_options{.do_sample = true, .top_p = 0.8, .seed = 3},
          sampling_options{.do_sample = true, .min_p = 0.05, .seed = 4}})
    {
        sampler random{options};
        auto processed = logits;
        random.process(processed, {});
        auto const p = softmax(processed);
        constexpr int picks = 100000;
        std::vector<int> seen(logits.size());
        for (int i = 0; i < picks; ++i)
        {
            auto x = logits;
            ++seen[static_cast<std::size_t>(random.pick(x, {}).id)];
        }
        double chi = 0;
        double rest_expected = 0;
        int rest_seen = 0;
        double freedom = -1;
        for (std::size_t i = 0; i < p.size(); ++i)
        {
            if (p[i] * picks < 10)    // rare tokens are counted together
            {
                rest_expected += p[i] * picks;
                rest_seen += seen[i];
                if (p[i] == 0) { CHECK(seen[i] == 0); }
                continue;
            }
            chi += std::pow(seen[i] - p[i] * picks, 2) / (p[i] * picks);
            ++freedom;
        }
        if (rest_expected >= 10)
        {
            chi += std::pow(rest_seen - rest_expected, 2) / rest_expected;
            ++freedom;
        }
        CHECK(freedom > 0);
        CHECK(chi
              < freedom
                    + 4
                          * std::sqrt(
                              2 * freedom));    // a correct sampler fails with p < 0.001; the seeds are fixed
    }
}

TEST_CASE("the same seed gives the same tokens; steps can be replayed; a copy is a fork")
{
    sampling_options const options{.do_sample = true, .top_k = 50, .seed = 42};
    auto const logits = some_logits(1000, 8);
    auto const take = [&](sampler& from, int n)
    {
        std::vector<token_id> out;
        for (int i = 0; i < n; ++i)
        {
            auto x = logits;
            out.push_back(from.pick(x, {}).id);
        }
        return out;
    };
    sampler a{options};
    sampler b{options};
    auto const first = take(a, 30);
    CHECK(take(b, 30) == first);
    sampler fork = a;
    CHECK(take(fork, 10) == take(a, 10));
    CHECK(a.step() == 40);
    a.set_step(0);
    CHECK(take(a, 30) == first);
    auto other = options;
    other.seed = 43;
    sampler c{other};
    CHECK(take(c, 30) != first);
}

TEST_CASE("a draw is the inverse of the cumulative distribution in index order")
{
    // probabilities 1/4, 1/2, 1/4 at indices 1, 4, 5
    std::vector<float> const logits{-inf, 0, -inf, -inf, std::log(2.0f), 0};
    sampler random{{.do_sample = true, .seed = 77}};
    for (std::uint64_t step = 0; step < 200; ++step)
    {
        auto x = logits;
        double const u = double(random_bits(77, step)) / 0x1p64;
        if (std::abs(u - 0.25) < 1e-6 || std::abs(u - 0.75) < 1e-6) { continue; }
        CHECK(random.pick(x, {}).id == (u < 0.25 ? 1 : u < 0.75 ? 4 : 5));
    }
}

TEST_CASE("log-probabilities are those of the model, before any processor")
{
    auto logits = some_logits(500, 21);
    logits[10] = logits[20] = logits[30] = 9;    // equal: the lower id first
    auto const p = softmax(logits);
    sampler one{{.do_sample = true,
                 .temperature = 0.5,
                 .top_k = 3,
                 .suppress_tokens = {10},
                 .seed = 5,
                 .top_log_probabilities = 5}};
    auto x = logits;
    auto const got = one.pick(x, {});
    CHECK(got.log_probability
          == doctest::Approx(std::log(p[static_cast<std::size_t>(got.id)])).epsilon(1e-6));
    REQUIRE(got.best.size() == 5);
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    for (std::size_t i = 0; i < 5; ++i)
    {
        CHECK(got.best[i].id == static_cast<token_id>(order[i]));
        CHECK(got.best[i].log_probability == doctest::Approx(std::log(p[order[i]])).epsilon(1e-6));
    }

    std::vector<float> few{0, -inf, 0};
    sampler all{{.top_log_probabilities = 20}};
    auto const three = all.pick(few, {});
    REQUIRE(three.best.size() == 3);
    CHECK(three.best[2].log_probability == -inf);
    CHECK(three.log_probability == doctest::Approx(std::log(0.5)));

    sampler silent{{}};
    CHECK(std::isnan(silent.pick(few, {}).log_probability));
    sampler chosen_only{{.log_probability = true}};
    CHECK(chosen_only.pick(few, {}).log_probability == doctest::Approx(std::log(0.5)));
}

TEST_CASE("the host's processors run after the penalty and before temperature and top_k")
{
    std::vector<float> seen;
    auto const spy = [&](std::span<float> logits, std::span<token_id const> history)
    {
        seen.assign(logits.begin(), logits.end());
        logits[static_cast<std::size_t>(history.back())] = 100;
    };
    basic_sampler random{{.do_sample = true, .temperature = 2, .top_k = 1, .repetition_penalty = 4}, spy};
    std::vector<float> x{8, 1, 2};
    CHECK(random.pick(x, std::vector<token_id>{0, 1}).id == 1);
    CHECK(seen == std::vector<float>{2, 0.25f, 2});
    CHECK(x[1] == 50);

    std::function<void(std::span<float>, std::span<token_id const>)> erased =
        [](std::span<float> logits, std::span<token_id const>) { logits[0] = -inf; };
    basic_sampler greedy{{}, processor_chain{nan_guard{}, logit_bias({{2, 1.0f}}), erased}};
    std::vector<float> y{9, 1, 2};
    CHECK(greedy.pick(y, {}).id == 2);
}

TEST_CASE("no token to choose is an error, never garbage")
{
    std::vector<float> x{1, std::numeric_limits<float>::quiet_NaN(), 3};
    auto const all_options = {sampling_options{},
                              sampling_options{.do_sample = true, .top_k = 2, .top_p = 0.5, .min_p = 0.1},
                              sampling_options{.top_log_probabilities = 2}};
    for (auto const& options : all_options)
    {
        sampler s{options};
        auto y = x;
        CHECK_THROWS_WITH_AS(s.pick(y, {}), doctest::Contains("found NaN for token 1"), error);
        std::vector<float> none(4, -inf);
        CHECK_THROWS_WITH_AS(s.pick(none, {}), doctest::Contains("found -inf for all 4"), error);
        CHECK_THROWS_AS(s.pick({}, {}), argument_error);
    }
    sampler strict{{.suppress_tokens = {0, 1}}};
    std::vector<float> two{1, 2};
    CHECK_THROWS_AS(strict.pick(two, {}), error);
    CHECK_THROWS_AS(sampler({.temperature = -1}), argument_error);
}
