// How many cores this process may really use: its affinity mask, cut by the cpu quota of its control groups.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace gemma4::inline v0
{
    namespace detail
    {
        // ceil(quota / period) of a control group, or `none` where there is no limit or the text is something
        // else.
        inline std::size_t quota_cores(std::string const& quota, std::string const& period, std::size_t none)
        {
            auto const number = [](std::string const& text) -> unsigned long long
            {
                if (text.empty() || text.size() > 18) { return 0; }
                unsigned long long value = 0;
                for (char const c : text)
                {
                    if (c < '0' || c > '9') { return 0; }
                    value = value * 10 + static_cast<unsigned long long>(c - '0');
                }
                return value;
            };
            auto const q = number(quota);
            auto const p = number(period);
            return q == 0 || p == 0 ? none : static_cast<std::size_t>((q + p - 1) / p);
        }

        // The smallest quota from the process's group up to the root, of version 2 (cpu.max) and 1
        // (cpu.cfs_*). `proc_cgroup` and `mount` are /proc/self/cgroup and /sys/fs/cgroup.
        inline std::size_t cgroup_cores(std::string const& proc_cgroup, std::string const& mount,
                                        std::size_t none)
        {
            auto most = none;
            std::ifstream groups(proc_cgroup);
            for (std::string line; std::getline(groups, line);)    // id:controllers:path
            {
                auto const first = line.find(':');
                auto const second = line.find(':', first + 1);
                if (first == std::string::npos || second == std::string::npos) { continue; }
                auto controllers = line.substr(first, second + 1 - first);    // ":a,b:"
                bool const version2 = controllers == "::";
                std::replace(controllers.begin(), controllers.end(), ',', ':');
                bool const version1 = controllers.find(":cpu:") != std::string::npos;
                if (!version1 && !version2) { continue; }
                for (auto path = line.substr(second + 1);; path.resize(path.rfind('/')))
                {
                    std::string quota, period;
                    if (version2) { std::ifstream(mount + path + "/cpu.max") >> quota >> period; }
                    else
                    {
                        std::ifstream(mount + "/cpu" + path + "/cpu.cfs_quota_us") >> quota;
                        std::ifstream(mount + "/cpu" + path + "/cpu.cfs_period_us") >> period;
                    }
                    most = std::min(most, quota_cores(quota, period, none));
                    if (path.find('/') == std::string::npos) { break; }
                }
            }
            return most;
        }
    }

    // At least 1.
    inline std::size_t available_cores()
    {
        std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
#if defined(__linux__)
        for (int capacity = 1024; capacity <= 1 << 20;
             capacity *= 4)    // the kernel refuses a mask that is too short
        {
            auto const mask = CPU_ALLOC(static_cast<std::size_t>(capacity));
            if (!mask) { break; }
            auto const size = CPU_ALLOC_SIZE(static_cast<std::size_t>(capacity));
            int const count = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
            CPU_FREE(mask);
            if (count > 0)
            {
                cores = static_cast<std::size_t>(count);
                break;
            }
        }
        cores = detail::cgroup_cores("/proc/self/cgroup", "/sys/fs/cgroup", cores);
#endif
        return std::max<std::size_t>(1, cores);
    }

    // How many threads a pool gets where `asked` are wanted, or, where that is 0, as many as are of use:
    // never more than there are cores, since more would only wait for each other.
    inline std::size_t useful_threads(std::size_t asked)
    {
        auto const cores = available_cores();
        return asked == 0 ? cores : std::min(asked, cores);
    }
}
