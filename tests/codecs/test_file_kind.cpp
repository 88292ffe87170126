#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/codecs/file_kind.hpp>
#include <gemma4/codecs/image.hpp>

using namespace gemma4;
using namespace std::string_literals;

namespace
{
    std::string kind_of(std::string const& text)
    {
        auto const kind = file_kind_of(std::as_bytes(std::span(text)));
        return std::string(kind.noun) + " " + std::string(kind.format);
    }

    std::string ftyp(std::string const& brands) { return "\0\0\0"s + char(8 + brands.size()) + "ftyp" + brands; }
}

TEST_CASE("file_kind_of: formats by their first bytes")
{
    CHECK(kind_of("RIFF1234WAVEfmt ") == "a sound WAV");
    CHECK(kind_of("RIFX1234WAVEfmt ") == "a sound WAV");
    CHECK(kind_of("RF64\xff\xff\xff\xffWAVE") == "a sound WAV");
    CHECK(kind_of("RIFF1234WEBPVP8 ") == "an image WebP");
    CHECK(kind_of("RIFF1234AVI ") == "a video AVI");
    CHECK(kind_of("fLaC") == "a sound FLAC");
    CHECK(kind_of("OggS") == "a sound Ogg");
    CHECK(kind_of("FORM1234AIFC") == "a sound AIFF");
    CHECK(kind_of("ID3\3") == "a sound MP3");
    CHECK(kind_of("\xff\xfb\x90") == "a sound MP3");
    CHECK(kind_of("\xff\xf1\x50") == "a sound AAC");
    CHECK(kind_of(ftyp("M4A \0\0\0\0isom"s)) == "a sound MP4");
    CHECK(kind_of(ftyp("isom\0\0\2\0isomiso2mp41"s)) == "a video MP4");
    CHECK(kind_of(ftyp("qt  \0\0\0\0qt  "s)) == "a video QuickTime");
    CHECK(kind_of("\x1a\x45\xdf\xa3") == "a video Matroska or WebM");
    CHECK(kind_of(ftyp("heic\0\0\0\0mif1heic"s)) == "an image HEIC");
    CHECK(kind_of(ftyp("mif1\0\0\0\0mif1heic"s)) == "an image HEIC");
    CHECK(kind_of(ftyp("avif\0\0\0\0avifmif1miaf"s)) == "an image AVIF");
    CHECK(kind_of(ftyp("mif1\0\0\0\0mif1avifmiaf"s)) == "an image AVIF");
    CHECK(kind_of(ftyp("avis\0\0\0\0avisavifmsf1"s)) == "an image AVIF");
    CHECK(kind_of(ftyp("mif1heic"s)) == "an image HEIF");    // a version that reads like a brand
    CHECK(kind_of(ftyp("crx \0\0\0\1crx isom"s)) == "an image CR3 (camera raw)");
    CHECK(kind_of("II*\0\10\0\0\0"s) == "an image TIFF");
    CHECK(kind_of("MM\0*\0\0\0\10"s) == "an image TIFF");
    CHECK(kind_of("8BPS\0\1"s) == "an image PSD");
    CHECK(kind_of("\xff\x0a\x7a") == "an image JPEG XL");
    CHECK(kind_of("\0\0\0\x0cJXL \r\n\x87\n"s) == "an image JPEG XL");
    CHECK(kind_of("\0\0\0\x0cjP  \r\n\x87\n"s) == "an image JPEG 2000");
    CHECK(kind_of("\xff\x4f\xff\x51") == "an image JPEG 2000");
    CHECK(kind_of("\0\0\1\0\2\0"s) == "an image ICO");
    CHECK(kind_of("P6 10 10 255\n") == "an image PNM");
    CHECK(kind_of("qoif") == "an image QOI");
    CHECK(kind_of("<svg xmlns=\"http://www.w3.org/2000/svg\">") == "an image SVG");
    CHECK(kind_of("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- x -->\n<svg>") == "an image SVG");
    CHECK(kind_of("<?xml version=\"1.0\"?><a/>") == "a document XML");
    CHECK(kind_of("<!DOCTYPE html><html>") == "a document HTML");
    CHECK(kind_of("%PDF-1.7") == "a document PDF");
    CHECK(kind_of("PK\3\4") == "an archive ZIP");
    for (auto const* const nothing : {"", "R", "hello, this is text", "BMW is a car", "Pa", "P8 ", "ftyp"})
    {
        CHECK(kind_of(nothing) == " unknown");
    }
}

TEST_CASE("an image of a format that is not read is refused by its name")
{
    auto const refusal = [](std::string const& text)
    {
        try
        {
            (void)decode_image(std::as_bytes(std::span(text)), "photo");
        }
        catch (file_error const& e)
        {
            return std::string(e.what());
        }
        return "none"s;
    };
    constexpr auto rest = ", which is not read; expected PNG, JPEG, WebP, GIF or BMP";
    CHECK(refusal(ftyp("heic\0\0\0\0mif1heic"s)) == "photo is an image of format HEIC"s + rest);
    CHECK(refusal(ftyp("avif\0\0\0\0avifmif1"s)) == "photo is an image of format AVIF"s + rest);
    CHECK(refusal("II*\0\10\0\0\0"s) == "photo is an image of format TIFF"s + rest);
    CHECK(refusal("%PDF-1.4") == "photo is a document of format PDF"s + rest);
    CHECK(refusal("RIFF1234WAVEfmt ") == "photo is a sound of format WAV"s + rest);
    CHECK(refusal("") == "photo is empty; expected PNG, JPEG, WebP, GIF or BMP");
    CHECK(refusal("hello") == "photo is no image of a known kind; expected PNG, JPEG, WebP, GIF or BMP");
}
