// Models in one file and in parts.
#include <filesystem>
#include <string>

#include "../support/gguf_writer.hpp"
#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/gguf_file.hpp>

using namespace gemma4_test;

namespace
{
    std::filesystem::path tiny(std::string const& name) { return data_file("tiny/" + name); }

    std::string refusal(std::filesystem::path const& path)
    {
        return sentence_of<gemma4::file_error>([&] { gemma4::gguf_file{path}; });
    }
}

TEST_CASE("gguf file: a whole model, and the same in three parts opened by any of them")
{
    scratch_folder const folder;
    gguf_options const options{.format = [](auto) { return gguf_format::q8_0; }};
    gemma4::gguf_file const whole(write_gguf(tiny("tiny_e2b"), folder.path / "whole.gguf", options));
    CHECK(whole.parts() == 1);
    CHECK(whole.metadata().text("general.architecture") == "gemma4");
    auto const* const table = whole.find("token_embd.weight");
    REQUIRE(table);
    CHECK(table->type == gemma4::ggml_type::q8_0);
    CHECK(table->bytes == 2048 * 96 / 32 * 34);
    CHECK(whole.find("token_embd") == nullptr);
    CHECK(gemma4::is_gguf_file(folder.path / "whole.gguf"));
    CHECK(!gemma4::is_gguf_file(folder.path));
    CHECK(!gemma4::is_gguf_file(tiny("tiny_e2b") / "config.json"));

    auto in_parts = options;
    in_parts.parts = 3;
    auto const first = write_gguf(tiny("tiny_e2b"), folder.path / "parts.gguf", in_parts);
    CHECK(first.filename() == "parts-00001-of-00003.gguf");
    for (auto const* name : {"parts-00001-of-00003.gguf", "parts-00003-of-00003.gguf"})
    {
        gemma4::gguf_file const split(folder.path / name);
        CHECK(split.parts() == 3);
        CHECK(split.metadata().size("gemma4.block_count") == 15);
        REQUIRE(split.tensors().size() == whole.tensors().size());
        bool same = true;
        for (std::size_t i = 0; i != split.tensors().size(); ++i)
        {
            auto const& a = split.tensors()[i];
            auto const& b = whole.tensors()[i];
            same =
                same && a.name == b.name && a.bytes == b.bytes && std::memcmp(a.data, b.data, a.bytes) == 0;
        }
        CHECK(same);
        CHECK(holds(split.name_of(split.tensors()[0]), "parts-0000"));
    }

    auto const second = folder.path / "parts-00002-of-00003.gguf";
    std::filesystem::copy_file(first, folder.path / "alone.gguf");
    CHECK(holds(refusal(folder.path / "alone.gguf"),
                "split.count is 3, expected a file name that ends in -0000n-of-0000m.gguf"));
    auto const kept = read_all(second);
    std::filesystem::remove(second);
    CHECK(holds(refusal(first), "parts-00002-of-00003.gguf cannot be opened"));
    std::filesystem::copy_file(first, second);
    CHECK(holds(refusal(first), "parts-00002-of-00003.gguf: metadata split.no is 0, expected 1"));

    gguf_writer other;
    other.u16("split.no", 1);
    other.u16("split.count", 3);
    other.write(second);
    CHECK(holds(refusal(first), "split.tensors.count is"));
    auto const& taken = whole.tensors()[0];
    for (auto const& t : whole.tensors()) { other.tensor(t.name, {1}, 0, std::string(4, '\0')); }
    other.write(second);
    CHECK(holds(refusal(first), "has tensor"));
    CHECK(!taken.name.empty());
    folder.write("parts-00002-of-00003.gguf", kept);
    CHECK(refusal(first).empty());
}
