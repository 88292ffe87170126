// A 64-bit checksum of bytes, for files that this library writes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace gemma4::inline v0
{
    // Four lanes of multiply and rotate over words of 8 bytes, folded at the end; the length counts. Not
    // against forgery. Little-endian machines give the same value.
    inline std::uint64_t checksum(std::span<std::byte const> bytes, std::uint64_t seed = 0) noexcept
    {
        constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u;
        constexpr std::uint64_t other = 0xbf58476d1ce4e5b9u;
        std::uint64_t lane[4] = {seed ^ odd, seed + other, seed ^ 0x94d049bb133111ebu, ~seed};
        auto const mix = [](std::uint64_t h, std::uint64_t word)
        { return std::rotl(h ^ word * odd, 29) * other; };
        auto const* p = bytes.data();
        auto left = bytes.size();
        for (; left >= 32; left -= 32, p += 32)
        {
            std::uint64_t word[4];
            std::memcpy(word, p, 32);
            for (int i = 0; i != 4; ++i) { lane[i] = mix(lane[i], word[i]); }
        }
        for (; left != 0;)
        {
            auto const n = left < 8 ? left : 8;
            std::uint64_t word = 0;
            std::memcpy(&word, p, n);
            lane[0] = mix(lane[0], word);
            p += n;
            left -= n;
        }
        auto h = mix(bytes.size(), lane[0]);
        for (int i = 1; i != 4; ++i) { h = mix(h, lane[i]); }
        return h ^ h >> 31;
    }
}
