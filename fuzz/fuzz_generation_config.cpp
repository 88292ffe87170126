// generation_config.json from anywhere.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/generate/generation_config.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    try
    {
        gemma4::parse_generation_config(text, "generation_config.json");
    }
    catch (gemma4::error const&)
    {}
    return 0;
}
