// Any bytes as an image file: a gemma4::file_error with a sentence, or an image whose pixels fill its size;
// as a GIF also all its frames. The check sums of a PNG file are set right first, or nearly every change
// would end at them.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "guards.hpp"

#include <gemma4/codecs/image.hpp>

namespace
{
    void check(gemma4::rgb_image const& image)
    {
        require(image.width != 0 && image.height != 0);
        require(image.pixels.size() == image.width * image.height * 3);
    }

    template <class Action>
    void attempt_image(Action&& action)
    {
        try
        {
            action();
        }
        catch (gemma4::file_error const& e)
        {
            require(std::strstr(e.what(), "fuzz.image") != nullptr);
        }
    }

    std::uint32_t crc32(std::span<std::uint8_t const> bytes)
    {
        std::uint32_t state = ~0u;
        for (auto const byte : bytes)
        {
            state ^= byte;
            for (int bit = 0; bit != 8; ++bit)
            {
                state = state >> 1 ^ ((state & 1u) != 0 ? 0xedb88320u : 0u);
            }
        }
        return ~state;
    }

    void set_png_sums(std::vector<std::uint8_t>& file)
    {
        for (std::size_t at = 8; at + 12 <= file.size();)
        {
            std::size_t length = 0;
            for (std::size_t i = 0; i != 4; ++i) { length = length << 8 | file[at + i]; }
            if (length > file.size() - at - 12) { return; }
            auto const sum = crc32(std::span(file).subspan(at + 4, length + 4));
            for (std::size_t i = 0; i != 4; ++i)
            {
                file[at + 8 + length + i] = std::uint8_t(sum >> (24 - 8 * i));
            }
            at += length + 12;
        }
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    gemma4::image_limits limits;
    limits.max_pixels = 1 << 16;
    limits.max_scans = 8;
    std::vector<std::uint8_t> file(data, data + size);
    if (size > 8 && file[0] == 0x89) { set_png_sums(file); }
    auto const bytes = std::as_bytes(std::span(file));
    attempt_image([&] { check(gemma4::decode_image(bytes, "fuzz.image", limits)); });
    if (size > 6 && file[0] == 'G')
    {
        attempt_image(
            [&]
            {
                for (auto const& frame : gemma4::read_gif(bytes, "fuzz.image", limits))
                {
                    check(frame.image);
                }
            });
    }
    return 0;
}
