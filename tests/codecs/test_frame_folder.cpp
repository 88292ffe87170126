// Folders of images and animated GIFs as videos. Times of the even animation: torchcodec (make_video_cases.py
// videos).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/codecs/read_frames.hpp>

namespace
{
    std::filesystem::path const data = std::filesystem::path(GEMMA4_TEST_DATA) / "media";

    // A folder of BMP files of one pixel each, whose red value is their number.
    class scratch_folder
    {
    public:
        scratch_folder()
            : m_folder(std::filesystem::temp_directory_path()
                       / ("gemma4_frames_" + std::to_string(std::rand()) + "_"
                          + std::to_string(reinterpret_cast<std::uintptr_t>(this))))
        {
            std::filesystem::create_directories(m_folder);
        }

        explicit scratch_folder(std::size_t count)
            : scratch_folder()
        {
            for (std::size_t i = 0; i != count; ++i)
            {
                add("f" + std::to_string(i) + ".bmp", std::uint8_t(i));
            }
        }

        ~scratch_folder() { std::filesystem::remove_all(m_folder); }

        std::filesystem::path const& path() const { return m_folder; }

        void add(std::string const& name, std::uint8_t red) const
        {
            std::string bytes("BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0", 30);
            bytes.resize(54);
            bytes += std::string("\0\0", 2) + char(red) + '\0';
            write(name, bytes);
        }

        void write(std::string const& name, std::string const& bytes) const
        {
            std::ofstream(m_folder / name, std::ios::binary) << bytes;
        }

    private:
        std::filesystem::path m_folder;
    };

    std::string message_of(std::filesystem::path const& path)
    {
        try
        {
            (void)gemma4::read_frames(path);
        }
        catch (gemma4::error const& e)
        {
            return e.what();
        }
        return "no error";
    }
}

TEST_CASE("frame_folder: images in natural order, 24 a second unless said, other files passed over")
{
    scratch_folder const folder;
    folder.add("f10.BMP", 10);
    folder.add("f2.bmp", 2);
    folder.add("f9.png", 9);    // its bytes say what it is
    folder.add(".f1.bmp", 1);
    folder.write("notes.txt", "x");
    std::filesystem::create_directory(folder.path() / "f3.bmp");
    auto const clip = gemma4::read_frames(folder.path());
    REQUIRE(clip.frames.size() == 3);
    CHECK(clip.total == 3);
    CHECK(clip.fps == 24);
    for (std::size_t k = 0; k != 3; ++k)
    {
        CHECK(clip.frames[k].image.pixels.at(0) == std::vector<int>{2, 9, 10}[k]);
        CHECK(clip.frames[k].seconds == double(k) / 24);
    }
}

TEST_CASE("frame_folder: meta.json with fps or times, other keys ignored")
{
    scratch_folder const folder(3);
    folder.write("meta.json", R"({"fps": 0.5, "camera": {"name": 1}})");
    CHECK(gemma4::read_frames(folder.path()).frames[2].seconds == 4);
    folder.write("meta.json", R"({"times": [0.5, 0.5, 61], "fps": null})");
    auto const clip = gemma4::read_frames(folder.path());
    CHECK(clip.frames[1].seconds == 0.5);
    CHECK(clip.frames[2].seconds == 61);
    CHECK(clip.fps == 0);
    folder.write("meta.json", "{}");
    CHECK(gemma4::read_frames(folder.path()).frames[1].seconds == 1 / 24.0);
}

TEST_CASE("frame_folder: more frames than the limit are sampled, and keep their times")
{
    scratch_folder const folder(50);
    folder.write("meta.json", R"({"fps": 10})");
    auto const clip = gemma4::read_frames(folder.path());
    REQUIRE(clip.frames.size() == 32);
    CHECK(clip.total == 50);
    for (std::size_t k = 0; k != 32; ++k)
    {
        CHECK(clip.frames[k].image.pixels.at(0) == k * 50 / 32);
        CHECK(clip.frames[k].seconds == double(k * 50 / 32) / 10);
    }
    CHECK(gemma4::read_frames(folder.path(), {.frames = 50}).frames.size() == 50);
}

TEST_CASE("frame_folder: errors name the file, what was expected and what was found")
{
    scratch_folder const folder(2);
    auto const meta = (folder.path() / "meta.json").string();
    auto const with = [&](char const* text)
    {
        folder.write("meta.json", text);
        return message_of(folder.path());
    };
    CHECK(with(R"({"times": [1]})") == meta + ": times has 1 entries, but the folder holds 2 frames");
    CHECK(with(R"({"times": [1, "x"]})")
          == meta + ": times[1] is \"x\", expected seconds, not before the frame before it");
    CHECK(with(R"({"times": [1, 0.5]})")
          == meta + ": times[1] is 0.5, expected seconds, not before the frame before it");
    CHECK(with(R"({"times": [-1, 0]})")
          == meta + ": times[0] is -1, expected seconds, not before the frame before it");
    CHECK(with(R"({"times": 3})") == meta + ": times is a whole number, expected a list");
    CHECK(with(R"({"fps": 0})") == meta + ": fps is 0, expected more than 0");
    CHECK(with(R"({"fps": "24"})") == meta + ": fps is a string, expected a number");
    CHECK(with(R"({"fps": 1, "times": [0, 1]})")
          == meta + ": fps and times are both given, expected one of them");
    CHECK(with("[]") == meta + ": the document is a list, expected an object");
    CHECK(with("{").starts_with(meta + ": not valid JSON"));

    scratch_folder const empty;
    CHECK(message_of(empty.path())
          == empty.path().string() + " holds no frames; expected .png, .jpg, .webp, .gif or .bmp files");
    empty.write("f.HEIC", "");
    CHECK(message_of(empty.path())
          == (empty.path() / "f.HEIC").string()
                 + " is a frame of a format that is not read; expected .png, .jpg, .webp, .gif or .bmp files");
    std::filesystem::remove(empty.path() / "f.HEIC");
    empty.write("a.png", "no picture");
    CHECK(message_of(empty.path()).starts_with((empty.path() / "a.png").string()));
    CHECK(message_of("/no/such/thing")
          == "/no/such/thing does not exist; expected a folder of frames, a GIF or a video");
    CHECK_THROWS_AS((void)gemma4::read_frame_folder(folder.path() / "f0.bmp"), gemma4::file_error);
}

TEST_CASE("gif_video: all frames of a short animation, each at the sum of the delays before it")
{
    auto const clip =
        gemma4::read_frames(data / "video_uneven.gif");    // 0, 50, 200, 10, 1000 ms; 0 and 10 count as 100
    REQUIRE(clip.frames.size() == 5);
    std::vector<double> const seconds{0, 0.1, 0.15, 0.35, 0.45};
    for (std::size_t k = 0; k != 5; ++k)
    {
        CHECK(clip.frames[k].seconds == seconds[k]);
        CHECK(clip.frames[k].image.width == 6);
        CHECK(clip.frames[k].image.pixels.at(0) == 40 * k);
        CHECK(clip.frames[k].image.pixels.at(71) == 255 - 40 * k);
    }
    CHECK(gemma4::read_gif_video(data / "video_uneven.gif", {.frames = 2}).frames[1].image.pixels.at(0)
          == 80);
    CHECK_THROWS_AS(
        (void)gemma4::read_gif_video(data / "video_uneven.gif", {.limits = {.max_shown_pixels = 24}}),
        gemma4::file_error);
    CHECK_THROWS_AS((void)gemma4::read_gif_video(data / "video_uneven.gif", {.limits = {.max_drawn_pixels = 119}}),
                    gemma4::file_error);
    CHECK_THROWS_AS((void)gemma4::read_gif_video(data / "video_uneven.gif", {.limits = {.max_frames = 4}}),
                    gemma4::file_error);
    CHECK_THROWS_AS((void)gemma4::read_gif_video(data / "video_files.json"), gemma4::file_error);
}

TEST_CASE(
    "gif_video: an even animation of more frames than the limit has the times of the reference's decoder")
{
    std::ifstream file(data / "video_files.json");
    auto const cases = nlohmann::json::parse(file);
    auto const& row = cases.back();
    REQUIRE(row["file"] == "video_even.gif");
    auto const clip = gemma4::read_frames(data / "video_even.gif");
    CHECK(clip.total == row["total"].get<std::size_t>());
    REQUIRE(clip.frames.size() == 32);
    for (std::size_t k = 0; k != 32; ++k)
    {
        CHECK(clip.frames[k].seconds == doctest::Approx(row["seconds"][k].get<double>()).epsilon(1e-12));
    }
}
