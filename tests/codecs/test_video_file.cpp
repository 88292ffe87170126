// Against frames, rates and times of torchcodec, the decoder of the reference's video processor
// (tools/reference/make_video_cases.py videos). Without gemma4::video: the sentence that says what to do.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/codecs/video_file.hpp>

namespace
{
    std::filesystem::path const data = std::filesystem::path(GEMMA4_TEST_DATA) / "media";

    [[maybe_unused]] std::vector<char> bytes_of(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        REQUIRE_MESSAGE(file.is_open(), path.string());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string message_of(std::filesystem::path const& path, gemma4::video_options const& options = {})
    {
        try
        {
            (void)gemma4::read_video(path, options);
        }
        catch (gemma4::error const& e)
        {
            return e.what();
        }
        return "no error";
    }
}

#if defined(GEMMA4_HAS_VIDEO)

namespace
{
    class scratch_file
    {
    public:
        scratch_file()
            : m_folder(std::filesystem::temp_directory_path()
                       / ("gemma4_video_" + std::to_string(std::rand()) + "_"
                          + std::to_string(reinterpret_cast<std::uintptr_t>(this))))
        {
            std::filesystem::create_directories(m_folder);
        }

        ~scratch_file() { std::filesystem::remove_all(m_folder); }

        std::filesystem::path write(std::vector<char> const& bytes) const
        {
            auto const path = m_folder / "video";
            std::ofstream(path, std::ios::binary).write(bytes.data(), std::ptrdiff_t(bytes.size()));
            return path;
        }

    private:
        std::filesystem::path m_folder;
    };
}

TEST_CASE("video_file: frames, rate and times are those of torchcodec")
{
    auto const cases = nlohmann::json::parse(bytes_of(data / "video_files.json"));
    auto const stored = bytes_of(data / "video_files.u8");
    std::size_t files = 0;
    for (auto const& row : cases)
    {
        auto const name = row["file"].get<std::string>();
        if (!row.contains("offset")) { continue; }
        CAPTURE(name);
        ++files;
        auto const clip = gemma4::read_video(data / name);
        CHECK(clip.total == row["total"].get<std::size_t>());
        CHECK(clip.fps == row["fps"].get<double>());
        REQUIRE(clip.frames.size() == 32);
        for (std::size_t k = 0; k != 32; ++k)
        {
            CHECK(clip.frames[k].seconds == row["seconds"][k].get<double>());
        }
        auto const* expected =
            reinterpret_cast<std::uint8_t const*>(stored.data()) + row["offset"].get<std::size_t>();
        for (auto const& k : row["stored"])
        {
            auto const& image = clip.frames[k.get<std::size_t>()].image;
            REQUIRE(image.width == row["width"].get<std::size_t>());
            REQUIRE(image.height == row["height"].get<std::size_t>());
            // 0 with the FFmpeg that made the file; another one's swscale may round otherwise.
            int largest = 0;
            for (auto const v : image.pixels)
            {
                largest = std::max(largest, std::abs(int(v) - int(*expected++)));
            }
            CHECK(largest <= 3);
        }
    }
    CHECK(files == 6);
}

TEST_CASE("video_file: frames by their numbers are the same whichever others are read")
{
    for (auto const* const name : {"video_b_frames.mp4", "video_uneven.mp4", "video_vp8.webm"})
    {
        CAPTURE(name);
        gemma4::video_reader reader(data / name);
        std::vector<std::size_t> all(reader.total_frames());
        for (std::size_t i = 0; i != all.size(); ++i) { all[i] = i; }
        std::vector<gemma4::rgb_image> images(all.size());
        reader.read(all, [&](std::size_t k, gemma4::rgb_image&& image) { images[k] = std::move(image); });
        for (auto const& few : std::vector<std::vector<std::size_t>>{
                 {0}, {all.size() - 1}, {1, 1, 2}, {3, 14, 15, 35}, {11, 12, 13}, {20, 37}})
        {
            reader.read(few,
                        [&](std::size_t k, gemma4::rgb_image&& image) { CHECK(image == images[few[k]]); });
        }
        std::vector<std::size_t> const beyond{all.size()};
        CHECK_THROWS_AS(reader.read(beyond, [](std::size_t, gemma4::rgb_image&&) {}), gemma4::argument_error);
    }
}

TEST_CASE("video_file: fewer frames than asked for is the reference's error; fewer can be asked for")
{
    auto const path = data / "video_short.mp4";
    CHECK(message_of(path)
          == path.string() + ": 32 frames of a video were asked for, but it has 10; ask for fewer frames");
    auto const clip = gemma4::read_video(path, {.frames = 4});
    REQUIRE(clip.frames.size() == 4);
    CHECK(clip.frames[3].seconds == 7 / 10.0);
}

TEST_CASE("video_file: the sound track, sample for sample")
{
    auto const sound = gemma4::read_video_sound(data / "video_sound.mkv");
    REQUIRE(sound.has_value());
    CHECK(sound->rate == 8000);
    CHECK(sound->channels == 2);
    REQUIRE(sound->samples.size() == 4000);
    for (std::size_t i = 0; i != 2000; ++i)
    {
        CHECK(sound->samples[2 * i] == float(std::nearbyint(30000 * std::sin(double(i) * 0.05)) / 32768));
        CHECK(sound->samples[2 * i + 1] == float(double(int(i * 37 % 65536) - 32768) / 32768));
    }
    CHECK(!gemma4::read_video_sound(data / "video_short.mp4").has_value());
    CHECK_THROWS_AS(
        (void)gemma4::read_video_sound(data / "video_sound.mkv", {.limits = {.max_sound_samples = 100}}),
        gemma4::file_error);
}

TEST_CASE("video_file: limits and cancellation")
{
    auto const path = data / "video_b_frames.mp4";
    CHECK_THROWS_AS((void)gemma4::read_video(path, {.limits = {.max_pixels = 64 * 47}}), gemma4::file_error);
    CHECK_THROWS_AS((void)gemma4::read_video(path, {.limits = {.max_frames = 49}}), gemma4::file_error);
    CHECK(message_of(path, {.limits = {.max_shown_pixels = 64 * 48 * 5}})
          == path.string() + " holds more pixels than the limit of 15360 in its first 6 sampled frames");
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS((void)gemma4::read_video(path, {.stop = stop.get_token()}), gemma4::cancelled_error);
}

TEST_CASE("video_file: what is no video is a file_error that names the file")
{
    CHECK(message_of("/no/such/file.mp4") == "/no/such/file.mp4 does not exist");
    CHECK(message_of(data) == data.string() + " is not a regular file; expected a video");
    CHECK(message_of(data / "video_files.json").starts_with((data / "video_files.json").string()));
    scratch_file const scratch;
    // A playlist would make the library open other files.
    std::string const list =
        "#EXTM3U\n#EXTINF:1,\n" + (data / "video_b_frames.mp4").string() + "\n#EXT-X-ENDLIST\n";
    CHECK_THROWS_AS((void)gemma4::read_video(scratch.write({list.begin(), list.end()})), gemma4::file_error);
    std::string const concat = "ffconcat version 1.0\nfile " + (data / "video_b_frames.mp4").string() + "\n";
    CHECK_THROWS_AS((void)gemma4::read_video(scratch.write({concat.begin(), concat.end()})),
                    gemma4::file_error);
}

TEST_CASE("video_file: cut and damaged files give frames or an error of ours")
{
    scratch_file const scratch;
    std::uint64_t state = 12345;
    auto const random = [&state](std::size_t below)
    {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return std::size_t(state >> 33) % below;
    };
    std::size_t read = 0, refused = 0;
    for (auto const* const name :
         {"video_b_frames.mp4", "video_vp8.webm", "video_sound.mkv", "video_even.gif"})
    {
        auto const bytes = bytes_of(data / name);
        for (int i = 0; i != 60; ++i)
        {
            auto damaged = bytes;
            if (i % 3 == 0) { damaged.resize(random(bytes.size())); }
            for (std::size_t k = random(20) + 1; k != 0 && !damaged.empty(); --k)
            {
                damaged[random(damaged.size())] = char(random(256));
            }
            auto const path = scratch.write(damaged);
            try
            {
                (void)gemma4::read_video_sound(path);
                read += gemma4::read_video(path, {.frames = 8}).frames.size() == 8;
            }
            catch (gemma4::error const&)
            {
                ++refused;
            }
        }
    }
    CHECK(read + refused == 240);
    CHECK(refused > 20);
}

#else

TEST_CASE("video_file: without the component the error says how to build with it")
{
    CHECK_FALSE(gemma4::reads_video_files);
    auto const text = message_of(data / "video_short.mp4");
    CHECK(text.starts_with((data / "video_short.mp4").string()
                           + ": this program was built without video files"));
    CHECK(text.find("gemma4::video") != text.npos);
    CHECK_THROWS_AS((void)gemma4::read_video_sound(data / "video_short.mp4"), gemma4::argument_error);
}

#endif
