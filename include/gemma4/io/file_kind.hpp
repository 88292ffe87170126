// What a file is that is not what was asked for, told by how it begins: for errors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <gemma4/core/byte_order_mark.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        struct known_beginning
        {
            std::string_view bytes;
            std::string_view what;    // after "is "
            std::size_t at = 0;
        };

        inline constexpr known_beginning known_beginnings[] = {
            {"GGUF", "a GGUF file"},
            {"gemma4pk", "a packed file of gemma4"},
            {"FUGG", "a big-endian GGUF file"},
            {"tjgg", "a GGML file of before GGUF, which nothing reads any more"},
            {"lmgg", "a GGML file of before GGUF, which nothing reads any more"},
            {"fmgg", "a GGML file of before GGUF, which nothing reads any more"},
            {"algg", "a GGML adapter of before GGUF, which nothing reads any more"},
            {"version https://git-lfs", "a git-lfs pointer: fetch the file itself with git lfs pull"},
            {"# xet version", "a Xet pointer: fetch the file itself with hf download"},
            {"PK\x03\x04", "a ZIP archive, as PyTorch's .bin, .pt and .pth files are"},
            {"PK\x05\x06", "an empty ZIP archive"},
            {"\x1f\x8b", "a gzip file: unpack it first"},
            {"\x28\xb5\x2f\xfd", "a Zstandard file: unpack it first"},
            {std::string_view("\xfd\x37zXZ\0", 6), "an XZ file: unpack it first"},
            {"BZh", "a bzip2 file: unpack it first"},
            {"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
            {"Rar!", "a RAR archive: unpack it first"},
            {"ustar", "a TAR archive: unpack it first", 257},
            {"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras)"},
            {"\x93NUMPY", "a NumPy file"},
            {"TFL3", "a TensorFlow Lite file", 4},
            {"\x89PNG", "a PNG picture"},
            {"\xff\xd8\xff", "a JPEG picture"},
            {"%PDF", "a PDF document"},
            {"\x7f"
             "ELF",
             "a program"},
            {"\xff\xfe", "text in UTF-16, expected UTF-8"},
            {"\xfe\xff", "text in UTF-16, expected UTF-8"},
        };

        // Whether text begins with one of the tags of HTML or XML, spaces and case aside.
        inline bool begins_with_tag(std::string_view text, std::initializer_list<std::string_view> tags)
        {
            text = without_bom(text);
            text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
            return std::ranges::any_of(
                tags,
                [&](std::string_view tag)
                {
                    return text.size() >= tag.size()
                           && std::ranges::equal(text.substr(0, tag.size()), tag, {},
                                                 [](unsigned char c) {
                                                     return char(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
                                                 });
                });
        }

        // The header of a safetensors file: its length, then JSON.
        inline bool begins_as_safetensors(std::string_view bytes)
        {
            if (bytes.size() < 10) { return false; }
            std::uint64_t length = 0;
            std::memcpy(&length, bytes.data(), sizeof length);
            return length < (std::uint64_t(1) << 28) && bytes[8] == '{'
                   && (bytes[9] == '"' || bytes[9] == '}');
        }

        // A message of protocol buffers whose first fields are those of ONNX's ModelProto: ir_version, then
        // the name of a producer or a list of operator sets.
        inline bool begins_as_onnx(std::string_view bytes)
        {
            return bytes.size() > 4 && bytes[0] == '\x08' && bytes[1] > 0 && bytes[1] < 32
                   && (bytes[2] == '\x12' || bytes[2] == '\x3a' || bytes[2] == '\x42');
        }
    }

    // "is a git-lfs pointer: ...", "is an HTML page", "is empty": what a file is, told by its first bytes.
    // Empty where they tell nothing: it may be damaged, or some text.
    inline std::string what_file_is(std::span<std::byte const> bytes)
    {
        std::string_view const all(reinterpret_cast<char const*>(bytes.data()), bytes.size());
        if (all.empty()) { return "is empty"; }
        for (auto const& known : detail::known_beginnings)
        {
            if (all.substr(std::min(known.at, all.size())).starts_with(known.bytes))
            {
                return sentence("is ", known.what);
            }
        }
        if (detail::begins_with_tag(all, {"<!doctype html", "<html", "<head", "<body"}))
        {
            return "is an HTML page, as servers send in place of a file";
        }
        if (detail::begins_with_tag(all, {"<?xml", "<error"})) { return "is an XML document"; }
        if (all[0] == '\x80' && all.size() > 1 && all[1] >= 2 && all[1] <= 5)
        {
            return "is a Python pickle, as PyTorch's old .bin and .pt files are";
        }
        if (detail::begins_as_safetensors(all)) { return "is a safetensors file"; }
        if (detail::begins_as_onnx(all)) { return "is an ONNX file"; }
        auto const head = all.substr(0, 4096);
        if (head.size() >= 64 && head.find_first_not_of('\0') == head.npos)
        {
            return "begins with nothing but zero bytes, as an unfinished download does";
        }
        return {};
    }

    // The same, and where the bytes tell nothing else whether they are JSON or some other text.
    inline std::string what_any_file_is(std::span<std::byte const> bytes)
    {
        if (auto known = what_file_is(bytes); !known.empty()) { return known; }
        std::string_view const all(reinterpret_cast<char const*>(bytes.data()), bytes.size());
        auto const head = detail::without_bom(all).substr(0, 512);
        auto const first = head.find_first_not_of(" \t\r\n");
        if (first != head.npos && (head[first] == '{' || head[first] == '[')) { return "is a JSON document"; }
        bool const printable =
            std::ranges::all_of(head, [](unsigned char c)
                                { return c >= 0x20 ? c != 0x7f : c == '\t' || c == '\r' || c == '\n'; });
        return printable && head.size() >= 8 ? "is a text" : "";
    }

    // Throws file_error where `what`, one of the sentences above, says something: a file named `file` is
    // that, and not the `expected`.
    inline void refuse_other_file(std::string_view file, std::string_view what, std::string_view expected)
    {
        if (what.empty()) { return; }
        bool const advises = what.find(':') != what.npos;
        throw file_error(advises ? sentence(file, " ", what)
                                 : sentence(file, " ", what, ", expected ", expected));
    }
}
