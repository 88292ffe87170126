// Any bytes as config.json and as model.safetensors.index.json: an error, or numbers that a variant could
// have.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guards.hpp"

#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/spec/tiny.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (size > longest_text) { return 0; }
    nlohmann::json document;
    try
    {
        document = gemma4::parse_json(text, "fuzz.json");
    }
    catch (gemma4::error const&)
    {
        return 0;
    }

    attempt(
        [&]
        {
            for (auto const& [name, shard] : gemma4::read_weight_map(document, "fuzz.json"))
            {
                require(!shard.empty() && shard.find('/') == shard.npos);
            }
        });

    using variant = gemma4::tiny_a4b;
    bool const same = gemma4::matches(variant::text, document);
    try
    {
        auto const read = gemma4::read_text_config(document, "fuzz.json");
        require(read.layers != 0 && read.layers % read.global_every == 0
                && read.kv_shared_layers < read.layers);
        require(gemma4::matches(read, document));
        gemma4::check_text_config(read, "read", document, "fuzz.json");
    }
    catch (gemma4::error const&)
    {
        require(!same);
        return 0;
    }
    bool checked = true;
    try
    {
        gemma4::check_text_config(variant::text, variant::name, document, "fuzz.json");
    }
    catch (gemma4::error const&)
    {
        checked = false;
    }
    require(checked == same);
    return 0;
}
