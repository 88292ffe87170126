// What a file of media is by its first bytes, whether or not it is read here, so that errors can name it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace gemma4::inline v0
{
    struct file_kind
    {
        std::string_view format = "unknown";
        std::string_view noun{};    // "an image"; empty where the format is not known

        bool known() const noexcept { return !noun.empty(); }
    };

    namespace detail
    {
        struct file_mark
        {
            std::size_t at;
            std::string_view word;
            file_kind kind;
        };

        inline constexpr auto file_marks = []
        {
            using namespace std::string_view_literals;
            constexpr std::string_view image = "an image", sound = "a sound", video = "a video",
                                       document = "a document", archive = "an archive";
            return std::to_array<file_mark>({
                {0, "\x89PNG\r\n\x1a\n"sv, {"PNG", image}},
                {0, "\xff\xd8\xff"sv, {"JPEG", image}},
                {0, "GIF87a"sv, {"GIF", image}},
                {0, "GIF89a"sv, {"GIF", image}},
                {0, "II*\0"sv, {"TIFF", image}},
                {0, "MM\0*"sv, {"TIFF", image}},
                {0, "II+\0"sv, {"BigTIFF", image}},
                {0, "MM\0+"sv, {"BigTIFF", image}},
                {0, "II\xbc"sv, {"JPEG XR", image}},
                {0, "IIRO"sv, {"ORF (camera raw)", image}},
                {0, "IIU\0"sv, {"RW2 (camera raw)", image}},
                {0, "FUJIFILM"sv, {"RAF (camera raw)", image}},
                {0, "8BPS"sv, {"PSD", image}},
                {0, "\xff\x0a"sv, {"JPEG XL", image}},
                {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, {"JPEG XL", image}},
                {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, {"JPEG 2000", image}},
                {0, "\xff\x4f\xff\x51"sv, {"JPEG 2000", image}},
                {0, "\xff\xd8\xf7"sv, {"JPEG-LS", image}},
                {0, "\0\0\1\0"sv, {"ICO", image}},
                {0, "\0\0\2\0"sv, {"CUR", image}},
                {0, "icns"sv, {"ICNS", image}},
                {0, "DDS "sv, {"DDS", image}},
                {0, "qoif"sv, {"QOI", image}},
                {0, "FLIF"sv, {"FLIF", image}},
                {0, "BPG\xfb"sv, {"BPG", image}},
                {0, "\x76\x2f\x31\x01"sv, {"OpenEXR", image}},
                {0, "#?RADIANCE"sv, {"Radiance HDR", image}},
                {0, "gimp xcf"sv, {"XCF", image}},
                {0, "SIMPLE  ="sv, {"FITS", image}},
                {0, "farbfeld"sv, {"farbfeld", image}},
                {0, "\xabKTX "sv, {"KTX", image}},
                {0, "\xd7\xcd\xc6\x9a"sv, {"WMF", image}},
                {128, "DICM"sv, {"DICOM", image}},
                {0, "fLaC"sv, {"FLAC", sound}},
                {0, "OggS"sv, {"Ogg", sound}},
                {0, "caff"sv, {"CAF", sound}},
                {0, ".snd"sv, {"AU", sound}},
                {0, "ID3"sv, {"MP3", sound}},
                {0, "riff\x2e\x91\xcf\x11"sv, {"W64", sound}},
                {0, "#!AMR"sv, {"AMR", sound}},
                {0, "MThd"sv, {"MIDI", sound}},
                {0, "wvpk"sv, {"WavPack", sound}},
                {0, "MAC "sv, {"Monkey's Audio", sound}},
                {0, "MPCK"sv, {"Musepack", sound}},
                {0, "TTA1"sv, {"TTA", sound}},
                {0, "DSD "sv, {"DSF", sound}},
                {0, "FRM8"sv, {"DSDIFF", sound}},
                {0, "\x1a\x45\xdf\xa3"sv, {"Matroska or WebM", video}},
                {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"sv, {"ASF (WMA or WMV)", video}},
                {0, "FLV\1"sv, {"FLV", video}},
                {0, "\0\0\1\xba"sv, {"MPEG", video}},
                {0, "\0\0\1\xb3"sv, {"MPEG", video}},
                {0, "%PDF"sv, {"PDF", document}},
                {0, "%!PS"sv, {"PostScript", document}},
                {0, "{\\rtf"sv, {"RTF", document}},
                {0, "version https://git-lfs"sv, {"Git LFS pointer (the file itself was not fetched)", document}},
                {0, "PK\3\4"sv, {"ZIP", archive}},
                {0, "\x1f\x8b"sv, {"gzip", archive}},
            });
        }();

        // The boxes of ISO media: one container of images, sounds and videos, told apart by its brands.
        inline file_kind iso_media_kind(std::string_view brands)
        {
            auto const any_of = [&](auto... names)
            {
                for (std::size_t at = 0; at + 4 <= brands.size(); at += 4)
                {
                    auto const brand = brands.substr(at, 4);
                    if (((at != 4 && brand == names) || ...)) { return true; }    // behind the first: a version
                }
                return false;
            };
            if (any_of("avif", "avis")) { return {"AVIF", "an image"}; }
            if (any_of("heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs"))
            {
                return {"HEIC", "an image"};
            }
            if (any_of("crx ")) { return {"CR3 (camera raw)", "an image"}; }
            if (any_of("mif1", "msf1", "miaf")) { return {"HEIF", "an image"}; }
            if (any_of("M4A ", "M4B ", "M4P ")) { return {"MP4", "a sound"}; }
            if (any_of("qt  ")) { return {"QuickTime", "a video"}; }
            return {"MP4", "a video"};
        }

        // Formats that are text.
        inline file_kind text_kind(std::string_view head)
        {
            if (head.starts_with("\xef\xbb\xbf")) { head.remove_prefix(3); }
            auto const start = head.find_first_not_of(" \t\r\n");
            if (start == head.npos || head[start] != '<') { return {}; }
            if (head.find("<svg") != head.npos) { return {"SVG", "an image"}; }
            for (auto const* const word : {"<!DOCTYPE html", "<!doctype html", "<html", "<HTML"})
            {
                if (head.find(word) != head.npos) { return {"HTML", "a document"}; }
            }
            return head.substr(start).starts_with("<?xml") ? file_kind{"XML", "a document"} : file_kind{};
        }
    }

    // By the first bytes, of which 4096 are enough.
    inline file_kind file_kind_of(std::span<std::byte const> bytes)
    {
        std::string_view const head(reinterpret_cast<char const*>(bytes.data()),
                                    std::min<std::size_t>(bytes.size(), 4096));
        auto const has = [&](std::size_t at, std::string_view word)
        { return head.size() >= at + word.size() && head.substr(at, word.size()) == word; };

        if (has(0, "RIFF") || has(0, "RIFX") || has(0, "RF64"))
        {
            if (has(8, "WAVE")) { return {"WAV", "a sound"}; }
            if (has(8, "WEBP")) { return {"WebP", "an image"}; }
            if (has(8, "AVI ")) { return {"AVI", "a video"}; }
        }
        if (has(0, "FORM") && has(8, "AIF")) { return {"AIFF", "a sound"}; }
        if (has(4, "ftyp"))
        {
            std::size_t size = 0;
            for (std::size_t i = 0; i != 4; ++i) { size = size << 8 | std::to_integer<std::size_t>(bytes[i]); }
            return detail::iso_media_kind(head.substr(8, size > 8 ? size - 8 : 4));
        }
        for (auto const& mark : detail::file_marks)
        {
            if (has(mark.at, mark.word)) { return mark.kind; }
        }
        if (has(0, "BM") && head.size() >= 14 && has(6, std::string_view("\0\0\0\0", 4)))
        {
            return {"BMP", "an image"};
        }
        if (head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7'
            && std::string_view(" \t\r\n").find(head[2]) != std::string_view::npos)
        {
            return {"PNM", "an image"};
        }
        if (head.size() >= 2 && head[0] == '\xff')
        {
            auto const second = static_cast<unsigned char>(head[1]);
            if ((second & 0xf6u) == 0xf0u) { return {"AAC", "a sound"}; }
            if ((second & 0xe6u) == 0xe2u) { return {"MP3", "a sound"}; }
        }
        if (head.size() > 188 && head[0] == 'G' && head[188] == 'G') { return {"MPEG-TS", "a video"}; }
        return detail::text_kind(head);
    }
}
