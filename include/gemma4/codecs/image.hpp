// Image files to RGB pixels: PNG, JPEG, WebP, the first frame of a GIF, BMP. Link gemma4::image.
//
// The pixels are those that the reference processor (transformers with Pillow) makes of
// ImageOps.exif_transpose of the opened file: turned upright by EXIF, transparency composited onto white,
// other kinds converted as Pillow does (16-bit grey is cut at 255, not scaled), colour profiles and gamma not
// applied.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <gemma4/codecs/file_kind.hpp>
#include <gemma4/codecs/image_bmp.hpp>
#include <gemma4/codecs/image_bytes.hpp>
#include <gemma4/codecs/image_gif.hpp>
#include <gemma4/codecs/image_jpeg.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/codecs/image_png.hpp>
#include <gemma4/codecs/image_webp.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    // The image in the bytes of a file; its kind is known by its first bytes, `name` is for messages.
    // file_error when the bytes are of another kind, damaged, cut, or name a size above the limits.
    inline rgb_image decode_image(std::span<std::byte const> bytes, std::string_view name,
                                  image_limits const& limits = {})
    {
        using namespace std::string_view_literals;
        std::string_view const head(reinterpret_cast<char const*>(bytes.data()),
                                    bytes.size() < 12 ? bytes.size() : 12);
        if (head.starts_with("\x89PNG\r\n\x1a\n"sv)) { return decode_png(bytes, name, limits); }
        if (head.starts_with("\xff\xd8\xff"sv)) { return decode_jpeg(bytes, name, limits); }
        if (head.starts_with("RIFF"sv) && head.ends_with("WEBP"sv))
        {
            return decode_webp(bytes, name, limits);
        }
        if (head.starts_with("GIF87a"sv) || head.starts_with("GIF89a"sv))
        {
            return decode_gif(bytes, name, limits);
        }
        if (head.starts_with("BM"sv)) { return decode_bmp(bytes, name, limits); }
        constexpr auto expected = "; expected PNG, JPEG, WebP, GIF or BMP";
        if (auto const kind = file_kind_of(bytes); kind.known())
        {
            throw file_error(
                sentence(name, " is ", kind.noun, " of format ", kind.format, ", which is not read", expected));
        }
        throw file_error(sentence(name, bytes.empty() ? " is empty" : " is no image of a known kind", expected));
    }

    inline rgb_image read_image(std::filesystem::path const& path, image_limits const& limits = {})
    {
        return decode_image(read_image_bytes(path, limits), path.string(), limits);
    }

    // All frames of a GIF file, composed.
    inline std::vector<gif_frame> read_gif(std::filesystem::path const& path, image_limits const& limits = {})
    {
        auto const bytes = read_image_bytes(path, limits);
        return read_gif(bytes, path.string(), limits);
    }
}
