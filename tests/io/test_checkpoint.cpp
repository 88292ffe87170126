#include <filesystem>
#include <string>
#include <utility>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/checkpoint.hpp>

using namespace gemma4_test;

namespace
{
    // A file of F32 tensors of one element each.
    std::string scalars(std::initializer_list<std::string> names)
    {
        std::string header = "{";
        std::size_t end = 0;
        for (auto const& name : names)
        {
            header += header.size() == 1 ? "\"" : ",\"";
            header += name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" + std::to_string(end) + ","
                      + std::to_string(end + 4) + "]}";
            end += 4;
        }
        return safetensors_bytes(header + "}", end);
    }

    std::string refusal(scratch_folder const& scratch)
    {
        return sentence_of<gemma4::file_error>([&] { gemma4::checkpoint const c(scratch.path); });
    }
}

TEST_CASE("a folder with one file")
{
    scratch_folder const scratch;
    scratch.write("config.json", R"({"model_type": "gemma4"})");
    scratch.write("model.safetensors", scalars({"b", "c", "a"}));
    gemma4::checkpoint first(scratch.path);
    gemma4::checkpoint const c(std::move(first));

    REQUIRE(c.tensors().size() == 3);
    CHECK(c.tensors()[0].name == "a");
    CHECK(c.tensors()[2].name == "c");
    auto const* const a = c.find("a");
    REQUIRE(a);
    CHECK(a->data[0] == std::byte(8));    // the third tensor of the file; byte i is i
    CHECK(c.find("aa") == nullptr);
    CHECK(c.find("") == nullptr);
    CHECK(c.find("z") == nullptr);
    CHECK(c.config().at("model_type") == "gemma4");
    CHECK(c.folder() == scratch.path);
    CHECK(c.config_path() == scratch.path / "config.json");
    CHECK(c.unlisted().empty());
}

TEST_CASE("a folder with shards")
{
    scratch_folder const scratch;
    scratch.write("config.json", "{}");
    scratch.write("one.safetensors", scalars({"a", "c"}));
    scratch.write("two.safetensors", scalars({"b", "stray"}));
    scratch.write(
        "model.safetensors.index.json",
        R"({"metadata": {"total_size": 12}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors",
                      "c": "one.safetensors"}})");
    gemma4::checkpoint const c(scratch.path);
    REQUIRE(c.tensors().size() == 3);
    REQUIRE(c.find("b"));
    CHECK(c.find("b")->file == (scratch.path / "two.safetensors").string());
    CHECK(c.find("c")->data[0] == std::byte(4));
    CHECK(c.find("stray") == nullptr);
    REQUIRE(c.unlisted().size() == 1);
    CHECK(c.unlisted()[0] == "two.safetensors: stray");
    CHECK(c.files().size() == 2);
}

TEST_CASE("where both are there the single file is read, as transformers does")
{
    scratch_folder const scratch;
    scratch.write("config.json", "{}");
    scratch.write("model.safetensors", scalars({"a"}));
    scratch.write("model.safetensors.index.json", "not read");
    CHECK(gemma4::checkpoint(scratch.path).tensors().size() == 1);
}

TEST_CASE("links to files elsewhere are followed, as in a download cache")
{
    scratch_folder const scratch;
    scratch_folder const blobs;
    std::filesystem::create_symlink(blobs.write("x", "{}"), scratch.path / "config.json");
    std::filesystem::create_symlink(blobs.write("y", scalars({"a"})), scratch.path / "model.safetensors");
    CHECK(gemma4::checkpoint(scratch.path).tensors().size() == 1);
    std::filesystem::remove(blobs.path / "y");
    CHECK(holds(refusal(scratch), "model.safetensors cannot be opened: No such file or directory"));
}

TEST_CASE("a folder with a part missing or broken is refused")
{
    scratch_folder const scratch;
    auto const missing = scratch.path / "nowhere";
    CHECK(holds(sentence_of<gemma4::file_error>([&] { gemma4::checkpoint const c(missing); }),
                missing.string() + " is not a folder"));
    CHECK(holds(refusal(scratch), "config.json cannot be opened: No such file or directory"));
    scratch.write("config.json", "{\"a\": 1, \"a\": 2}");
    CHECK(holds(refusal(scratch), "config.json: duplicate key \"a\""));
    scratch.write("config.json", "{}");
    CHECK(holds(refusal(scratch), "holds neither model.safetensors nor model.safetensors.index.json"));
    scratch.write("model.safetensors", "");
    CHECK(holds(refusal(scratch), "model.safetensors is empty, expected a safetensors file"));
}

TEST_CASE("an index that does not fit its shards, or points out of the folder, is refused")
{
    scratch_folder const scratch;
    scratch.write("config.json", "{}");
    scratch.write("one.safetensors", scalars({"a"}));
    scratch_folder const outside;
    outside.write("one.safetensors", scalars({"a"}));
    auto const with_map = [&](std::string const& map)
    {
        scratch.write("model.safetensors.index.json", "{\"weight_map\": " + map + "}");
        return refusal(scratch);
    };

    CHECK(with_map(R"({"a": "one.safetensors"})").empty());
    CHECK(holds(with_map(R"({"a": "one.safetensors", "b": "one.safetensors"})"),
                R"(weight_map places tensor "b" in "one.safetensors", which does not hold it)"));
    CHECK(holds(with_map(R"({"a": "two.safetensors"})"),
                "two.safetensors cannot be opened: No such file or directory"));
    auto const sibling = "../" + outside.path.filename().string() + "/one.safetensors";
    for (std::string const& shard :
         {sibling, outside.path.string() + "/one.safetensors", std::string("./one.safetensors"),
          std::string(".."), std::string("."), std::string(), std::string("a\\\\b"),
          std::string("one.safetensors\\u0000")})
    {
        CAPTURE(shard);
        CHECK(holds(with_map(R"({"a": ")" + shard + "\"}"),
                    "expected the plain name of a file in the same folder"));
    }
    CHECK(holds(with_map(R"({"a": 1})"), "weight_map entry \"a\" is a whole number, expected a file name"));
    CHECK(holds(with_map("[]"), "weight_map is a list, expected an object"));
    CHECK(holds(with_map("{}"), "weight_map names no tensor"));
    CHECK(holds(with_map(R"({"a": "one.safetensors", "a": "one.safetensors"})"), "duplicate key \"a\""));
    scratch.write("model.safetensors.index.json", "{}");
    CHECK(holds(refusal(scratch), "weight_map is missing"));
}
