// Measurements of this machine and this process.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <sys/resource.h>

#include <gemma4/core/memory.hpp>
#include <gemma4/parallel/executor.hpp>

namespace gemma4::inline v0::cli
{
    class stopwatch
    {
        using clock = std::chrono::steady_clock;

    public:
        double seconds() const { return std::chrono::duration<double>(clock::now() - m_start).count(); }

    private:
        clock::time_point m_start = clock::now();
    };

    // The most memory that this process has had resident, mapped files included.
    inline std::size_t peak_resident_bytes()
    {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
        return std::size_t(usage.ru_maxrss);
#else
        return std::size_t(usage.ru_maxrss) * 1024;
#endif
    }

    inline double median(std::vector<double> values)
    {
        std::sort(values.begin(), values.end());
        auto const n = values.size();
        return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    }

    // Bytes per second of a plain read of `bytes` bytes of memory by all threads of `threads`, the median
    // of 3. Where `bytes` exceeds the last-level cache, what no kernel that reads its weights once can beat.
    inline double read_bytes_per_second(executor& threads, std::size_t bytes)
    {
        constexpr std::size_t piece = std::size_t(1) << 20;
        constexpr std::size_t lanes = 16;
        auto const pieces = std::max<std::size_t>(1, bytes / piece);
        buffer<std::uint64_t> memory(pieces * piece / sizeof(std::uint64_t));
        std::vector<std::uint64_t> sums(pieces);
        auto const words = piece / sizeof(std::uint64_t);
        auto const fill = [&](std::size_t p) { std::memset(memory.data() + p * words, int(p % 251), piece); };
        auto const read = [&](std::size_t p)
        {
            std::uint64_t sum[lanes] = {};
            auto const* const from = memory.data() + p * words;
            for (std::size_t i = 0; i != words; i += lanes)
            {
                for (std::size_t lane = 0; lane != lanes; ++lane) { sum[lane] ^= from[i + lane]; }
            }
            for (auto const lane : sum) { sums[p] += lane; }    // kept, so that the reads are
        };
        threads.run(pieces, fill);
        std::vector<double> rates;
        for (int run = 0; run != 3; ++run)
        {
            stopwatch const time;
            threads.run(pieces, read);
            rates.push_back(double(pieces * piece) / std::max(time.seconds(), 1e-9));
        }
        return median(rates);
    }

    // FNV-1a, 64 bits, over the bytes of the values; begin with fnv1a_start, or go on with a hash.
    inline constexpr std::uint64_t fnv1a_start = 0xcbf29ce484222325u;

    inline std::uint64_t fnv1a(std::span<float const> values, std::uint64_t hash)
    {
        for (auto const value : values)
        {
            unsigned char bytes[sizeof value];
            std::memcpy(bytes, &value, sizeof value);
            for (auto const byte : bytes) { hash = (hash ^ byte) * 0x100000001b3u; }
        }
        return hash;
    }
}
