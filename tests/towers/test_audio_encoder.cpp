#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <towers/audio_cases.hpp>

#include <gemma4/kernels/table.hpp>
#include <gemma4/parallel/pool.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;

namespace
{
    std::filesystem::path const data_folder = GEMMA4_TEST_DATA;

    constexpr auto config = tiny_e2b::audio;
    constexpr auto text_hidden = tiny_e2b::text.hidden;
    using encoder_case = gemma4_test::filled_audio_encoder<config, text_hidden>;
    using workspace_type = audio_workspace<config>;

    encoder_case const& filled(bool narrow = false)
    {
        static encoder_case const made[] = {encoder_case(false), encoder_case(true)};
        return made[narrow ? 1 : 0];
    }

    audio_features features(std::size_t samples)
    {
        return make_features(gemma4_test::audio_signal("mixed", samples));
    }

    // One row after the other of `found` against the next values of the stored file.
    class expected_rows
    {
    public:
        expected_rows()
        {
            auto const path = data_folder / "towers" / "audio_tower.f32";
            m_values.resize(std::filesystem::file_size(path) / sizeof(float));
            std::ifstream(path, std::ios::binary)
                .read(reinterpret_cast<char*>(m_values.data()),
                      std::streamsize(m_values.size() * sizeof(float)));
        }

        double error(soft_tokens const& found, std::vector<std::size_t> const& rows, double largest)
        {
            double worst = 0;
            for (auto const row : rows)
            {
                for (std::size_t i = 0; i != found.width; ++i)
                {
                    auto const difference =
                        std::abs(double(found.values[row * found.width + i]) - double(m_values.at(m_at++)));
                    worst = difference <= worst ? worst : difference;    // a NaN stays
                }
            }
            return rows.empty() ? 0 : worst / largest;
        }

        bool used_up() const { return m_at == m_values.size(); }

    private:
        std::vector<float> m_values;
        std::size_t m_at = 0;
    };
}

TEST_CASE("audio tower: the tensors of the reference, by name and shape, and no others")
{
    std::ifstream file(data_folder / "tiny" / "tiny_e2b" / "tensors.json");
    std::map<std::string, gemma4_test::shape_type> expected;
    for (auto const& row : nlohmann::json::parse(file))
    {
        auto const name = row[0].get<std::string>();
        for (std::string const prefix : {"model.audio_tower.", "model.embed_audio."})
        {
            if (name.starts_with(prefix)) { expected[name] = row[1].get<gemma4_test::shape_type>(); }
        }
    }
    std::map<std::string, gemma4_test::shape_type> found;
    for (auto const& [name, shape] : filled().tower_tensors.shapes)
    {
        found["model.audio_tower." + name] = shape;
    }
    for (auto const& [name, shape] : filled().projector_tensors.shapes)
    {
        found["model.embed_audio." + name] = shape;
    }
    CHECK(found == expected);
}

TEST_CASE("audio tower: rows and projected rows equal the reference's at every stored length")
{
    std::ifstream file(data_folder / "towers" / "audio_tower.json");
    workspace_type work({.tokens = 750, .slots = 1});
    inline_executor threads;
    for (auto const* table : kernels::available())
    {
        CAPTURE(table->name);
        auto const c = work.machine(threads, *table);
        expected_rows rows;
        file.clear();
        file.seekg(0);
        for (auto const& one : nlohmann::json::parse(file))
        {
            auto const samples = one["samples"].get<std::size_t>();
            auto const narrow = one["narrow"].get<bool>();
            if (samples < shortest_clip)
            {
                CHECK(one["tokens"] == 0);
                continue;
            }
            CAPTURE(samples);
            CAPTURE(narrow);
            auto const sound = features(samples);
            auto const tower = filled(narrow).encoder.tower_output(c, sound.valid_frames(), work);
            REQUIRE(tower.count == one["tokens"].get<std::size_t>());
            REQUIRE(tower.count == audio_tokens(samples));
            REQUIRE(tower.width == config.output);
            auto const kept = one["stored"].get<std::vector<std::size_t>>();
            CHECK(rows.error(tower, kept, one["largest"].get<double>()) <= 1e-5);
            auto const projected = filled(narrow).encoder.encode(c, sound.valid_frames(), work);
            REQUIRE(projected.count == tower.count);
            auto const error = rows.error(projected, kept, one["largest_projected"].get<double>());
            CHECK(error <= 1e-5);
            MESSAGE(std::string(table->name), ", ", samples, " samples: error of the projected rows ", error);
            CHECK(filled(narrow).encoder.project(c, tower).values == projected.values);
        }
        CHECK(rows.used_up());
        auto const sound = features(161);
        CHECK_THROWS_WITH_AS(filled().encoder.encode(c, sound.valid_frames().first(0), work),
                             doctest::Contains("0 valid frames"), argument_error);
    }
}

TEST_CASE("audio tower: the same bits for any number of threads and any workspace that is large enough")
{
    auto const sound = features(38560);
    auto const frames = sound.valid_frames();
    workspace_type large({.tokens = 750, .slots = 1});
    inline_executor alone;
    auto const expected = filled().encoder.encode(large.machine(alone, kernels::best()), frames, large);
    for (std::size_t threads : {2u, 3u, 7u})
    {
        pool many(threads);
        workspace_type exact({.tokens = 60, .slots = threads});
        CHECK(filled().encoder.encode(exact.machine(many, kernels::best()), frames, exact).values
              == expected.values);
    }
}

TEST_CASE("audio tower: what comes later changes no earlier row, beyond the frames that subsampling shares")
{
    // Row t reads frames up to 4 t + 3.
    auto const sound = features(48000);
    auto const all = sound.valid_frames();
    workspace_type work({.tokens = 75, .slots = 1});
    inline_executor threads;
    auto const c = work.machine(threads, kernels::best());
    auto const whole = filled().encoder.tower_output(c, all, work);
    auto const part = filled().encoder.tower_output(c, all.first(160), work);
    REQUIRE(part.count == 40);
    CHECK(std::equal(part.values.begin(), part.values.begin() + 39 * std::ptrdiff_t(part.width),
                     whole.values.begin()));
}

TEST_CASE("audio workspace: its size is known before it is made, and a longer clip is refused")
{
    audio_workspace_options const options{.tokens = 10, .slots = 3};
    workspace_type work(options);
    CHECK(work.bytes() == workspace_type::bytes(options));
    CHECK(audio_workspace<e2b::audio>::bytes({.tokens = 750, .slots = 2}) < (std::size_t(48) << 20));
    inline_executor threads;
    auto const c = work.machine(threads, kernels::best());
    auto const sound = features(6561);    // 41 frames
    auto const frames = sound.valid_frames();
    CHECK_THROWS_WITH_AS(filled().encoder.encode(c, frames, work), doctest::Contains("11 soft tokens"),
                         capacity_error);
    CHECK(filled().encoder.encode(c, frames.first(40), work).count == 10);
    CHECK_THROWS_AS(filled().encoder.encode(c, {frames.data, 10, 64}, work), argument_error);
}

TEST_CASE("audio tower: progress after every layer, cancelled between layers, whole again afterwards")
{
    auto const sound = features(16000);
    auto const frames = sound.valid_frames();
    workspace_type work({.tokens = 25, .slots = 1});
    inline_executor threads;
    auto const c = work.machine(threads, kernels::best());
    std::vector<std::size_t> seen;
    auto const expected = filled().encoder.encode(c, frames, work, {},
                                                  [&](std::size_t done, std::size_t all)
                                                  {
                                                      seen.push_back(done);
                                                      CHECK(all == config.layers);
                                                  });
    CHECK(seen == std::vector<std::size_t>{1, 2});
    std::stop_source stop;
    CHECK_THROWS_WITH_AS(filled().encoder.encode(c, frames, work, stop.get_token(),
                                                 [&](std::size_t, std::size_t) { stop.request_stop(); }),
                         doctest::Contains("before layer 1 of 2"), cancelled_error);
    CHECK(filled().encoder.encode(c, frames, work).values == expected.values);
}
