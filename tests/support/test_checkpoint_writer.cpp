// The folders that checkpoint_writer.hpp writes, byte for byte those of tools/reference/write_checkpoint.py,
// whose checksums are in tests/data/checkpoints.json.
#include <chrono>
#include <set>

#include "checkpoint_writer.hpp"
#include <doctest/doctest.h>

namespace
{
    namespace fs = std::filesystem;

    // The CRC-32 of zlib.
    std::uint32_t crc32(std::string const& bytes)
    {
        std::array<std::uint32_t, 256> table{};
        for (std::uint32_t n = 0; n < 256; ++n)
        {
            std::uint32_t c = n;
            for (int k = 0; k < 8; ++k) { c = (c >> 1) ^ ((c & 1u) ? 0xedb88320u : 0u); }
            table[n] = c;
        }
        std::uint32_t crc = 0xffffffffu;
        for (char const byte : bytes)
        {
            crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xffu];
        }
        return ~crc;
    }

    std::string read_all(fs::path const& file)
    {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }

    struct scratch_folder
    {
        std::string stamp = std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
        fs::path path = fs::temp_directory_path() / ("gemma4_writer_" + stamp);
        ~scratch_folder()
        {
            std::error_code ignored;
            fs::remove_all(path, ignored);
        }
    };

    gemma4_test::checkpoint_options options_of(nlohmann::json const& row)
    {
        using namespace gemma4_test;
        std::map<std::string, stored_dtype> const dtypes{
            {"f32", stored_dtype::f32}, {"bf16", stored_dtype::bf16}, {"f16", stored_dtype::f16}};
        std::map<std::string, stored_head> const heads{
            {"none", stored_head::none}, {"tied", stored_head::tied}, {"separate", stored_head::separate}};
        checkpoint_options o;
        o.dtype = dtypes.at(row.at("dtype").get<std::string>());
        o.seed = row.at("seed").get<std::uint64_t>();
        o.layout = row.at("layout") == "causal" ? checkpoint_layout::causal : checkpoint_layout::conditional;
        o.shards = row.at("shards").get<std::size_t>();
        o.towers = row.at("towers").get<bool>();
        o.leftover_kv = row.at("leftover_kv").get<bool>();
        o.lm_head = heads.at(row.at("lm_head").get<std::string>());
        o.config_file = row.at("config").get<std::string>();
        for (auto const& extra : row.at("extra"))
        {
            o.extra.push_back({extra.at(0).get<std::string>(), extra.at(1).get<shape_type>()});
        }
        return o;
    }
}

TEST_CASE("a folder of generated weights has the bytes of the Python writer")
{
    fs::path const data = GEMMA4_TEST_DATA;
    CHECK(crc32("123456789") == 0xcbf43926u);
    auto const rows = nlohmann::json::parse(read_all(data / "checkpoints.json"));
    REQUIRE(rows.size() == 9);
    for (auto const& row : rows)
    {
        CAPTURE(row.dump());
        scratch_folder const scratch;
        gemma4_test::write_checkpoint(data / row.at("source").get<std::string>(), scratch.path,
                                      options_of(row.at("options")));
        std::set<std::string> names;
        for (auto const& entry : fs::directory_iterator(scratch.path))
        {
            names.insert(entry.path().filename().string());
        }
        for (auto const& [name, crc] : row.at("crc32").items())
        {
            CAPTURE(name);
            CHECK(names.erase(name) == 1);
            CHECK(crc32(read_all(scratch.path / name)) == crc.get<std::uint32_t>());
        }
        CHECK(names == std::set<std::string>{"config.json"});    // its numbers may be spelled in two ways:
        auto const config = nlohmann::json::parse(read_all(scratch.path / "config.json"));
        CHECK(config == row.at("config"));
    }
}
