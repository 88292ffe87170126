// Packed files whose index says what cannot be, each part behind a checksum that is right.
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/packed_file.hpp>
#include <gemma4/io/packed_writer.hpp>
#include <gemma4/io/weight_fingerprint.hpp>

using namespace gemma4_test;

namespace
{
    constexpr gemma4::text_config numbers{.vocab = 32,
                                          .hidden = 32,
                                          .layers = 1,
                                          .global_every = 1,
                                          .heads = 1,
                                          .kv_heads = 1,
                                          .global_kv_heads = 1,
                                          .head_dim = 16,
                                          .global_head_dim = 16,
                                          .window = 8,
                                          .ffn = 16};

    // One Q8_0 matrix (4, 32) of this byte, a factor for every 2 rows, and a text.
    std::string good(char fill)
    {
        scratch_folder const folder;
        auto const path = folder.path / "good.g4";
        gemma4::packed_writer file(path, "some", "stored", numbers, true);
        file.add_text("config.json", "{}");
        std::vector<std::byte> const bytes(4 * 34, std::byte(fill));
        std::array<std::size_t, 2> const shape{4, 32};
        std::array<float, 2> const factors{0.5f, 2.0f};
        file.add_tensor("text", "x.weight", gemma4::weight_type_of(gemma4::ggml_type::q8_0), shape, bytes,
                        {factors.data(), 2});
        file.finish();
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    // The file with `from` in its index replaced, and the checksums of header and index set right.
    std::string changed(std::string const& from, std::string const& to)
    {
        auto file = good(3);
        std::uint64_t at = 0;
        std::memcpy(&at, file.data() + 16, 8);
        auto index = file.substr(at);
        auto const place = index.find(from);
        REQUIRE(place != index.npos);
        index.replace(place, from.size(), to);
        file.resize(at);
        file += index;
        auto const put = [&](std::size_t where, std::uint64_t value)
        { std::memcpy(file.data() + where, &value, sizeof value); };
        auto const bytes = std::as_bytes(std::span<char const>(file));
        put(24, index.size());
        put(32, file.size());
        put(40, gemma4::checksum(bytes.subspan(at)));
        put(56, gemma4::checksum(bytes.first(56)));
        return file;
    }

    std::string complaint(std::string const& bytes)
    {
        scratch_folder const folder;
        folder.write("x.g4", bytes);
        return sentence_of<gemma4::file_error>([&] { gemma4::packed_file(folder.path / "x.g4").verify(); });
    }

    std::uint64_t fingerprint(std::string const& bytes)
    {
        scratch_folder const folder;
        folder.write("x.g4", bytes);
        gemma4::packed_weights const source(
            std::make_shared<gemma4::packed_file const>(folder.path / "x.g4"));
        return gemma4::weight_fingerprint(source);
    }
}

TEST_CASE("packed file: fields of the wrong kind are named")
{
    CHECK(complaint(good(3)) == "");
    CHECK(complaint(changed("", "")) == "");
    CHECK(holds(complaint(changed("\"tied\":true", "\"tied\":1")),
                "x.g4: tied is a whole number, expected true or false"));
    CHECK(holds(complaint(changed("\"tied\":true,", "")), "x.g4: tied is missing"));
    CHECK(holds(complaint(changed("\"variant\":\"some\"", "\"variant\":{}")),
                "x.g4: variant is an object, expected a string"));
    CHECK(holds(complaint(changed("\"texts\":{", "\"texts\":[],\"t\":{")), "x.g4: texts is a list"));
    CHECK(holds(complaint(changed("\"bytes\":136", "\"bytes\":136.5")),
                "x.g4: tensors[0].bytes is 136.5, expected a whole number from 0"));
    CHECK(holds(complaint(changed("\"bytes\":136", "\"bytes\":-136")),
                "x.g4: tensors[0].bytes is -136, expected a whole number from 0"));
    CHECK(holds(complaint(changed("\"bytes\":136", "\"bytes\":1e300")), "tensors[0].bytes is 1e+300"));
    CHECK(holds(complaint(changed("[4,32]", "[4,true]")), "tensor x.weight has shape[1] true or false"));
    CHECK(holds(complaint(changed("\"Q8_0\"", "\"Q9_0\"")), "tensor x.weight is of type \"Q9_0\""));
}

TEST_CASE("packed file: shapes that its bytes are not of")
{
    CHECK(holds(complaint(changed("[4,32]", "[4,33]")),
                "tensor x.weight has rows of 33 weights, but Q8_0 has blocks of 32"));
    CHECK(holds(complaint(changed("[4,32]", "[4,63]")), "has rows of 63 weights"));
    CHECK(holds(complaint(changed("[4,32]", "[4,64]")), "tensor x.weight has 136 bytes, expected 272"));
    CHECK(holds(complaint(changed("[4,32]", "[18446744073709551615,32]")), "which the file has no room for"));
    auto const q6 = changed("\"type\":\"Q8_0\",\"shape\":[4,32]",
                            "\"type\":\"packed q6\",\"shape\":[4,96]");
    CHECK(holds(complaint(q6), "has rows of 96 weights, but packed q6 has blocks of 256"));
    CHECK(holds(complaint(changed("\"rows\":2", "\"rows\":3")), "factors for 2 times 3 rows, but 4 rows"));
    CHECK(holds(complaint(changed("\"rows\":2", "\"rows\":0")), "has factors for 2 times 0 rows"));
}

TEST_CASE("packed file: a tensor that is there twice")
{
    auto const file = good(3);
    auto const begin = file.find("{\"tree\":\"text\""), end = file.find("}]", begin);
    REQUIRE(end != file.npos);
    auto const entry = file.substr(begin, end + 1 - begin);
    CHECK(holds(complaint(changed(entry, entry + "," + entry)), "tensor text x.weight is there twice"));
}

TEST_CASE("packed file: damage of a tensor and of its factors is found, and tells models apart")
{
    auto const file = good(3);
    auto weight = file, factor = file;
    auto const at = file.find(std::string(136, char(3)));
    REQUIRE(at != file.npos);
    weight[at + 50] ^= 1;
    factor[at + 192] ^= 1;    // at the next multiple of 64
    CHECK(holds(complaint(weight), "tensor text x.weight is damaged: the checksum of its bytes is"));
    CHECK(holds(complaint(factor), "tensor text x.weight is damaged: the checksum of its factors is"));
    CHECK(fingerprint(file) == fingerprint(good(3)));
    CHECK(fingerprint(file) != fingerprint(good(4)));
}
