// Measurements of this machine and this process.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

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

    // Bytes resident now, of which anonymous memory and mapped files; zeros where /proc does not say.
    struct resident_memory
    {
        std::size_t all = 0, anonymous = 0, files = 0;
    };

    inline resident_memory resident_now()
    {
        resident_memory found;
        std::ifstream status("/proc/self/status");
        for (std::string line; std::getline(status, line);)
        {
            auto const read = [&](std::string_view field, std::size_t& to)
            {
                if (!line.starts_with(field)) { return; }
                auto const digits = line.find_first_of("0123456789");
                if (digits != line.npos)
                {
                    to = std::size_t(std::strtoull(line.c_str() + digits, nullptr, 10)) * 1024;
                }
            };
            read("VmRSS:", found.all);
            read("RssAnon:", found.anonymous);
            read("RssFile:", found.files);
        }
        return found;
    }

    inline double median(std::vector<double> values)
    {
        std::sort(values.begin(), values.end());
        auto const n = values.size();
        return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
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
