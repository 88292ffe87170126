// What a file is that is not what was asked for.
#include <string>
#include <string_view>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/file_kind.hpp>
#include <gemma4/io/gguf.hpp>
#include <gemma4/io/safetensors.hpp>

using namespace gemma4_test;
using namespace std::string_literals;

namespace
{
    std::span<std::byte const> bytes_of(std::string const& text) { return std::as_bytes(std::span(text)); }

    struct beginning
    {
        std::string bytes;
        std::string_view what;
    };

    // Files as programs and servers write them, or their first bytes.
    std::vector<beginning> beginnings()
    {
        auto const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 4598044\n"s;
        auto const page = "<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n"s;
        auto tar = std::string(257, '\0') + "ustar\000"s + std::string(250, '\0');
        tar.replace(0, 5, "model");
        return {
            {pointer, "is a git-lfs pointer: fetch the file itself with git lfs pull"},
            {page, "is an HTML page"},
            {"\n  <HTML lang=\"en\">", "is an HTML page"},
            {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "is an XML document"},
            {"", "is empty"},
            {"PK\x03\x04\x14\0\0\0"s, "is a ZIP archive"},
            {"\x80\x02}q\0"s, "is a Python pickle"},
            {"\x80\x04\x95"s, "is a Python pickle"},
            {"\x1f\x8b\x08\0"s, "is a gzip file"},
            {"\x28\xb5\x2f\xfd\0"s, "is a Zstandard file"},
            {"\xfd\x37zXZ\0\0"s, "is an XZ file"},
            {tar, "is a TAR archive"},
            {"\x89HDF\r\n\x1a\n\0"s, "is an HDF5 file"},
            {"\x08\x07\x12\x07pytorch"s, "is an ONNX file"},
            {"\x08\x0a\x3a\xd4\x02"s, "is an ONNX file"},
            {"tjgg\x03\0\0\0"s, "is a GGML file"},
            {std::string(5000, '\0'), "begins with nothing but zero bytes"},
        };
    }
}

TEST_CASE("what a file is that is no model")
{
    for (auto const& [bytes, what] : beginnings())
    {
        CAPTURE(what);
        CHECK(gemma4::what_file_is(bytes_of(bytes)).starts_with(what));
        CHECK(gemma4::what_any_file_is(bytes_of(bytes)).starts_with(what));
        auto const file = std::string("f.bin ") + std::string(what);
        CHECK(sentence_of<gemma4::file_error>([&] { gemma4::parse_gguf(bytes_of(bytes), "f.bin"); })
                  .starts_with(file));
        CHECK(sentence_of<gemma4::file_error>([&] { gemma4::parse_safetensors(bytes_of(bytes), "f.bin"); })
                  .starts_with(file));
        CHECK(sentence_of<gemma4::file_error>([&] { gemma4::parse_json(bytes, "f.bin"); }).starts_with(file));
    }
}

TEST_CASE("a model file in the place of another is said")
{
    auto const header = "{\"a\": 1}"s;
    auto const safetensors = "\x08\0\0\0\0\0\0\0"s + header;
    CHECK(sentence_of<gemma4::file_error>([&] { gemma4::parse_gguf(bytes_of(safetensors), "f"); })
          == "f is a safetensors file, expected a GGUF file");
    CHECK(sentence_of<gemma4::file_error>([&] { gemma4::parse_gguf(bytes_of(header), "f"); })
          == "f is a JSON document, expected a GGUF file");
    CHECK(sentence_of<gemma4::file_error>(
              [&] { gemma4::parse_safetensors(bytes_of("GGUF\x03\0\0\0\0\0\0\0\0\0\0\0"s), "f"); })
          == "f is a GGUF file, expected a safetensors file");
    CHECK(sentence_of<gemma4::file_error>(
              [&] { gemma4::parse_safetensors(bytes_of("{\"weight_map\": {\"a\": \"b\"}}"), "f"); })
          == "f is a JSON document, expected a safetensors file");
    CHECK(sentence_of<gemma4::file_error>([&] { gemma4::parse_gguf(bytes_of("Entry not found"), "f"); })
          == "f is a text, expected a GGUF file");
}

TEST_CASE("what is or may be a damaged file of the right kind is not said to be another")
{
    CHECK(gemma4::what_any_file_is(bytes_of("\x01\x02\x03\x04\x05\x06\x07\x08\x09"s)).empty());
    CHECK(gemma4::what_any_file_is(bytes_of("{"s)) == "is a JSON document");
    CHECK(gemma4::what_file_is(bytes_of("{\"a\""s)).empty());
}
