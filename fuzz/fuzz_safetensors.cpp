// Any bytes as a safetensors file, and as the JSON of its header behind a correct length: an error or tensors
// that lie within the file, without overlap, each as long as its shape says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "guards.hpp"

#include <gemma4/io/safetensors.hpp>

namespace
{
    void read(std::span<std::byte const> bytes)
    {
        attempt(
            [&]
            {
                auto const contents = gemma4::parse_safetensors(bytes, "fuzz.safetensors");
                std::uint64_t sum = 0;
                auto const* end = bytes.data() + 8;
                for (auto const& t : contents.tensors)
                {
                    require(t.data >= end && t.data + t.bytes <= bytes.data() + bytes.size());
                    end = t.data + t.bytes;
                    for (auto const byte : std::span(t.data, t.bytes))
                    {
                        sum += static_cast<std::uint64_t>(byte);
                    }
                    if (!t.supported) { continue; }
                    std::size_t elements = 1;
                    for (auto const extent : t.shape) { elements *= extent; }
                    require(elements * gemma4::size_of(t.type) == t.bytes);
                }
                auto const volatile seen = sum;
                static_cast<void>(seen);
            });
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const input = std::as_bytes(std::span(data, size));
    read(input);

    // The first byte says how many of the last bytes are tensors, the rest is the header.
    if (size == 0) { return 0; }
    auto const tail = std::min<std::size_t>(data[0], size - 1);
    std::uint64_t const length = size - 1 - tail;
    std::vector<std::byte> file(8);
    std::memcpy(file.data(), &length, sizeof length);
    file.insert(file.end(), input.begin() + 1, input.end());
    read(file);
    return 0;
}
