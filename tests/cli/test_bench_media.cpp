#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/cli/bench_media.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/nano.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;
using namespace gemma4::cli;
using json = nlohmann::json;

namespace
{
    // Operations counted one matrix, one convolution, one query at a time.
    double counted_image(vision_config const& v, std::size_t patches, std::size_t text_hidden)
    {
        double multiplied = double(patches) * 768 * double(v.hidden);
        for (std::size_t l = 0; l != v.layers; ++l)
        {
            for (int square = 0; square != 4; ++square)
            {
                multiplied += double(patches) * double(v.hidden) * double(v.hidden);
            }
            for (int wide = 0; wide != 3; ++wide)
            {
                multiplied += double(patches) * double(v.hidden) * double(v.ffn);
            }
            for (std::size_t query = 0; query != patches; ++query)
            {
                multiplied += 2.0 * double(patches) * double(v.heads * v.head_dim);    // scores, mixes
            }
        }
        return 2 * (multiplied + double(patches) / 9 * double(v.hidden) * double(text_hidden));
    }

    double counted_audio(audio_config const& a, std::size_t frames, std::size_t text_hidden)
    {
        auto const h = double(a.hidden);
        std::size_t const halves = (frames + 1) / 2, tokens = (halves + 1) / 2;
        double multiplied = double(halves * 64) * 9 * double(a.channels[0]);
        multiplied += double(tokens * 32) * 9 * double(a.channels[0]) * double(a.channels[1]);
        multiplied += double(tokens) * 32 * double(a.channels[1]) * h;
        for (std::size_t l = 0; l != a.layers; ++l)
        {
            multiplied += 12 * h * h;    // distances as keys
            for (std::size_t t = 0; t != tokens; ++t)
            {
                multiplied += 4 * (4 * h * h) + 4 * h * h;    // feed-forwards; q, k, v, post
                multiplied += 2 * h * h + h * h + 5 * h;      // the light convolution
                multiplied += 2 * double(std::min<std::size_t>(t + 1, 12)) * h + 12 * h;
            }
        }
        return 2 * (multiplied + double(tokens) * double(a.output) * (h + double(text_hidden)));
    }

    json bench(std::string const& variant, std::string const& media, compute_mode compute)
    {
        static auto const known = towers<tiny_e2b, tiny_a4b, nano>();
        bench_options o;
        o.variant = variant;
        o.media = media;
        o.repeat = 2;
        o.json = true;
        o.model.threads = 2;
        o.model.compute = compute;
        std::istringstream in;
        std::ostringstream out, err;
        bench_media(o, {}, known, {.in = in, .out = out, .err = err});
        CHECK(err.str() == "");
        return json::parse(out.str());
    }
}

TEST_CASE("operations of an image and of a sound")
{
    for (auto const patches : {9u, 2520u})
    {
        CHECK(image_flops(e2b::vision, patches, 1536)
              == doctest::Approx(counted_image(e2b::vision, patches, 1536)).epsilon(1e-12));
        CHECK(image_flops(d31b::vision, patches, 5376)
              == doctest::Approx(counted_image(d31b::vision, patches, 5376)).epsilon(1e-12));
    }
    for (auto const frames : {1u, 6u, 47u, 998u})
    {
        CHECK(audio_flops(e2b::audio, frames, 1536)
              == doctest::Approx(counted_audio(e2b::audio, frames, 1536)).epsilon(1e-12));
    }
}

TEST_CASE("cases of bench --media")
{
    CHECK(parse_media_cases("all", true).size() == 5);
    CHECK(parse_media_cases("all", false).size() == 3);
    auto const cases = parse_media_cases("audio:30,image:1120", true);
    REQUIRE(cases.size() == 2);
    CHECK(name(cases[0]) == "audio:30");
    CHECK(name(cases[1]) == "image:1120");
    for (auto const* wrong :
         {"", "all,all", "image", "image:", "image:71", "audio:0", "audio:31", "image:70,", "audio:x"})
    {
        CAPTURE(wrong);
        CHECK_THROWS_AS(parse_media_cases(wrong, true), usage_error);
    }
}

TEST_CASE("bench --media times every case on both paths")
{
    for (auto const compute : {compute_mode::exact, compute_mode::fast})
    {
        auto const out = bench("tiny_e2b", "image:70,audio:1", compute);
        CHECK(out["variant"] == "tiny_e2b");
        CHECK(out["compute"] == (compute == compute_mode::fast ? "fast" : "exact"));
        REQUIRE(out["cases"].size() == 2);
        auto const& image = out["cases"][0];
        CHECK(image["soft_tokens"] == 70);
        CHECK(image["flops"].get<double>() == image_flops(tiny_e2b::vision, 630, tiny_e2b::text.hidden));
        CHECK(out["cases"][1]["soft_tokens"] == 25);
        for (auto const& c : out["cases"])
        {
            CHECK(c["encode_runs"].size() == 2);
            CHECK(c["encode_ms"].get<double>() > 0);
            CHECK(c["scratch_bytes"].get<std::size_t>() > 0);
        }
    }
    auto const large = bench("tiny_a4b", "all", compute_mode::fast);
    CHECK(large["cases"].size() == 3);
    CHECK(large["cases"][2]["soft_tokens"] == 1120);
    CHECK(large["cases"][2]["scratch_bytes"].get<double>()
          > 5 * large["cases"][0]["scratch_bytes"].get<double>());
}

TEST_CASE("bench --media names what a variant does not have")
{
    CHECK_THROWS_WITH_AS(bench("tiny_a4b", "audio:1", compute_mode::fast), "tiny_a4b has no ears to bench",
                         argument_error);
    CHECK_THROWS_WITH_AS(bench("nano", "image:70", compute_mode::fast), "nano has no eyes to bench",
                         argument_error);
    CHECK_THROWS_WITH_AS(bench("e9000", "all", compute_mode::fast),
                         "--media knows no variant \"e9000\", expected one of tiny_e2b, tiny_a4b, nano",
                         usage_error);
}
