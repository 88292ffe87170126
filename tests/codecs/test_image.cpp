#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/codecs/image.hpp>

namespace
{
    std::filesystem::path const folder = std::filesystem::path(GEMMA4_TEST_DATA) / "media/images";

    std::uint64_t fnv1a64(std::vector<std::uint8_t> const& bytes)
    {
        std::uint64_t state = 0xcbf29ce484222325u;
        for (auto const byte : bytes) { state = (state ^ byte) * 0x100000001b3u; }
        return state;
    }

    std::vector<std::byte> read_bytes(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        std::vector<char> const chars((std::istreambuf_iterator<char>(file)),
                                      std::istreambuf_iterator<char>());
        auto const* const data = reinterpret_cast<std::byte const*>(chars.data());
        return {data, data + chars.size()};
    }

    template <class Action>
    std::string refusal(Action&& action)
    {
        try
        {
            action();
        }
        catch (gemma4::file_error const& e)
        {
            return e.what();
        }
        return "";
    }

    bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }
}

// Written by tools/reference/make_image_cases.py with Pillow and transformers.
TEST_CASE("every kind of image file gives the pixels that the reference processor sees")
{
    std::ifstream list(folder / "images.txt");
    std::string name;
    std::size_t width = 0, height = 0, files = 0;
    std::uint64_t hash = 0;
    while (list >> name >> std::dec >> width >> height >> std::hex >> hash)
    {
        CAPTURE(name);
        gemma4::rgb_image image;
        CHECK_NOTHROW(image = gemma4::read_image(folder / name));
        CHECK(image.width == width);
        CHECK(image.height == height);
        CHECK(image.pixels.size() == width * height * 3);
        CHECK(fnv1a64(image.pixels) == hash);
        ++files;
    }
    CHECK(files > 110);
}

TEST_CASE("the frames of an animated GIF are composed as Pillow composes them")
{
    std::ifstream list(folder / "gif.txt");
    std::string line;
    std::vector<gemma4::gif_frame> frames;
    std::size_t next = 0, files = 0;
    std::string name;
    while (std::getline(list, line))
    {
        if (line.ends_with(".gif"))
        {
            CHECK(next == frames.size());
            name = line;
            CAPTURE(name);
            frames.clear();
            CHECK_NOTHROW(frames = gemma4::read_gif(folder / name));
            next = 0;
            ++files;
            continue;
        }
        CAPTURE(name);
        CAPTURE(next);
        REQUIRE(next < frames.size());
        std::istringstream numbers(line);
        std::size_t width = 0, height = 0, milliseconds = 0;
        std::uint64_t hash = 0;
        numbers >> width >> height >> milliseconds >> std::hex >> hash;
        auto const& frame = frames[next++];
        CHECK(frame.image.width == width);
        CHECK(frame.image.height == height);
        CHECK(frame.seconds == doctest::Approx(double(milliseconds) / 1000));
        CHECK(fnv1a64(frame.image.pixels) == hash);
    }
    CHECK(next == frames.size());
    CHECK(files > 20);
}

TEST_CASE("a file that is no image, or is cut, is refused with its name")
{
    for (std::string const name :
         {"rgb8.png", "rgb8_interlaced.png", "rgb_420.jpg", "rgb_progressive.jpg", "lossy.webp",
          "lossless_alpha.webp", "still.gif", "interlaced.gif", "rgb24.bmp", "rle8.bmp"})
    {
        CAPTURE(name);
        auto const bytes = read_bytes(folder / name);
        REQUIRE(bytes.size() > 100);
        for (auto const size : {std::size_t(0), std::size_t(1), std::size_t(7), std::size_t(12),
                                std::size_t(30), bytes.size() / 3, bytes.size() / 2})
        {
            CAPTURE(size);
            auto const sentence =
                refusal([&] { gemma4::decode_image(std::span(bytes).first(size), "cut.file"); });
            CHECK(contains(sentence, "cut.file"));
        }
    }
    std::string const text = "not an image at all";
    CHECK(contains(refusal([&] { gemma4::decode_image(std::as_bytes(std::span(text)), "x.txt"); }),
                   "x.txt is no image of a known kind"));
}

TEST_CASE("paths that are no regular files are refused")
{
    CHECK(contains(refusal([] { gemma4::read_image(folder); }), "is not a regular file"));
    CHECK(contains(refusal([] { gemma4::read_image(folder / "nothing.png"); }), "does not exist"));
    CHECK(
        contains(refusal([] { gemma4::read_image(folder / "images.txt"); }), "is no image of a known kind"));
    gemma4::image_limits limits;
    limits.max_file_bytes = 10;
    CHECK(contains(refusal([&] { gemma4::read_image(folder / "rgb8.png", limits); }),
                   "the limit for an image is 10"));
}

TEST_CASE("sizes above the limit are refused before anything is allocated for them")
{
    gemma4::image_limits limits;
    for (std::string const name : {"rgb8.png", "rgb_420.jpg", "lossy.webp", "still.gif", "rgb24.bmp"})
    {
        CAPTURE(name);
        auto const image = gemma4::read_image(folder / name);
        limits.max_pixels = image.width * image.height;
        CHECK_NOTHROW(gemma4::read_image(folder / name, limits));
        --limits.max_pixels;
        CHECK(contains(refusal([&] { gemma4::read_image(folder / name, limits); }), "the limit is"));
    }
    limits.max_pixels = 24 * 18 * 3;
    CHECK(gemma4::read_gif(folder / "animation.gif", limits).size() == 3);
    --limits.max_pixels;
    CHECK(contains(refusal([&] { gemma4::read_gif(folder / "animation.gif", limits); }),
                   "in its first 3 frames"));

    // A PNG header that promises 16384 x 16384 pixels in a file of 300 bytes; its check sum is wrong besides,
    // so the same must hold for a BMP and a GIF, which have none.
    auto bmp = read_bytes(folder / "rgb24.bmp");
    bmp[19] = bmp[23] = std::byte(0x30);
    CHECK(contains(refusal([&] { gemma4::decode_image(bmp, "big.bmp"); }),
                   "big.bmp is not a readable BMP file"));
    auto gif = read_bytes(folder / "part.gif");
    auto const at = 13 + 12 + 8 + 1;    // header, palette, control extension, mark of the frame
    gif[at + 5] = gif[at + 7] = std::byte(0x30);
    CHECK(
        contains(refusal([&] { gemma4::decode_image(gif, "big.gif"); }), "big.gif has a damaged GIF frame"));
}

TEST_CASE("a progressive JPEG of too many scans is refused")
{
    gemma4::image_limits limits;
    limits.max_scans = 2;
    CHECK(contains(refusal([&] { gemma4::read_image(folder / "rgb_progressive.jpg", limits); }),
                   "more than 2 scans"));
}
