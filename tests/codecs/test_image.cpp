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
#include <sys/resource.h>
#include <zlib.h>

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

namespace
{
    std::vector<std::byte> of(std::string const& text)
    {
        auto const bytes = std::as_bytes(std::span(text));
        return {bytes.begin(), bytes.end()};
    }

    std::string big_endian(std::uint32_t x)
    {
        return {char(x >> 24 & 0xff), char(x >> 16 & 0xff), char(x >> 8 & 0xff), char(x & 0xff)};
    }

    std::string png_chunk(std::string const& kind, std::string const& content)
    {
        std::uint32_t crc = 0xffffffff;
        for (unsigned char const c : kind + content)
        {
            crc ^= c;
            for (int bit = 0; bit != 8; ++bit) { crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0); }
        }
        return big_endian(std::uint32_t(content.size())) + kind + content + big_endian(~crc);
    }

    std::string png_of(std::uint32_t width, std::uint32_t height, std::string const& chunks)
    {
        using namespace std::string_literals;
        return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big_endian(width) + big_endian(height) + "\x8\2\0\0\0"s)
               + chunks;
    }

    // Memory that the process ever held, in bytes.
    std::size_t peak_memory()
    {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        return std::size_t(usage.ru_maxrss) * 1024;
    }
}

TEST_CASE("hostile sizes are refused before memory is taken for them")
{
    using namespace std::string_literals;
    auto const before = peak_memory();
    auto const refused = [](std::string const& file, char const* why)
    {
        auto const says = refusal([&] { gemma4::decode_image(of(file), "huge"); });
        CAPTURE(says);
        CHECK(contains(says, why));
    };
    auto const idat = png_chunk("IDAT", std::string(100, 'x')) + png_chunk("IEND", "");
    refused(png_of(100000, 100000, idat), "100000 x 100000 pixels; the limit is 268435456 pixels");
    refused(png_of(0x7fffffff, 0x7fffffff, idat), "the limit is 268435456 pixels");
    refused(png_of(0x7fffffff, 1, idat), "the limit is");
    refused(png_of(16000, 16000, idat), "too few for 16000 x 16000 pixels");
    auto const jpeg = [](std::string const& sides)
    {
        return "\xff\xd8\xff\xc0\0\x11\x8"s + sides + "\3\1\x22\0\2\x11\0\3\x11\0"s
               + "\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0"s + std::string(100, 'x');
    };
    refused(jpeg("\xff\xdc\xff\xdc"), "65500 x 65500 pixels; the limit is");
    refused(jpeg("\x3e\x80\x3e\x80"), "too few for 16000 x 16000 pixels");
    refused("GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\1\0\0;"s, "65535 x 65535 pixels; the limit is");
    refused("GIF89a\1\0\1\0\0\0\0,\xff\xff\xff\xff\1\0\1\0\0\2\1\0\0;"s, "65536 x 65536 pixels; the limit is");
    auto const bmp = [](std::string const& width, std::string const& height, char bits, char packing)
    {
        return "BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"s + width + height + "\1\0"s + bits + "\0"s + packing
               + std::string(23, '\0') + std::string(100, 'x');
    };
    refused(bmp("\xa0\x86\1\0"s, "\xa0\x86\1\0"s, 24, 0), "100000 x 100000 pixels; the limit is");
    refused(bmp("\xff\xff\xff\x7f", "\1\0\0\x80"s, 24, 0), "pixels");
    refused(bmp("\x80\x3e\0\0"s, "\x80\x3e\0\0"s, 24, 0), "cut off");
    refused("RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x9f\x86\1\x9f\x86\1VP8 \0\0\0\0"s, "huge");
    CHECK(peak_memory() - before < 50 << 20);
}

TEST_CASE("texts that a PNG packs are unpacked up to a limit")
{
    // 500 zTXt chunks of 3 MB of one letter each, packed by zlib.
    uLongf size = 100000;
    std::string packed(size, '\0');
    {
        std::string const text(3 << 20, 'x');
        REQUIRE(compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                          reinterpret_cast<Bytef const*>(text.data()), text.size(), 9)
                == Z_OK);
        packed.resize(size);
    }
    auto const before = peak_memory();
    std::string chunks;
    for (int i = 0; i != 500; ++i)
    {
        chunks += png_chunk("zTXt", "Comment" + std::string(2, '\0') + packed);
    }
    std::string pixel(100, '\0');
    uLongf pixel_size = 100;
    REQUIRE(compress2(reinterpret_cast<Bytef*>(pixel.data()), &pixel_size,
                      reinterpret_cast<Bytef const*>("\0\7\7\7"), 4, 9)
            == Z_OK);
    pixel.resize(pixel_size);
    auto const file = png_of(1, 1, chunks + png_chunk("IDAT", pixel) + png_chunk("IEND", ""));
    auto const image = gemma4::decode_image(of(file), "texts.png");
    CHECK(image.pixels == std::vector<std::uint8_t>(3, 7));
    CHECK(peak_memory() - before < std::size_t(300) << 20);
}

TEST_CASE("a GIF of very many frames is refused by a limit")
{
    using namespace std::string_literals;
    // Frames of one pixel on a canvas of 4000 x 4000.
    std::string gif = "GIF89a\xa0\x0f\xa0\x0f\x80\0\0\0\0\0\xff\xff\xff"s;
    auto const frame = ",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"s;
    for (int i = 0; i != 5000; ++i) { gif += frame; }
    gif += ';';
    gemma4::image_limits limits;
    limits.max_pixels = 4000 * 4000 * 2;
    CHECK(contains(refusal([&] { gemma4::read_gif(of(gif), "many.gif", limits); }), "in its first 3 frames"));
    CHECK(gemma4::decode_image(of(gif), "many.gif").width == 4000);
}

TEST_CASE("a progressive JPEG of too many scans is refused")
{
    gemma4::image_limits limits;
    limits.max_scans = 2;
    CHECK(contains(refusal([&] { gemma4::read_image(folder / "rgb_progressive.jpg", limits); }),
                   "more than 2 scans"));
}
