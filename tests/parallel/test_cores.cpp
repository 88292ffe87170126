#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <gemma4/parallel/cores.hpp>

using namespace gemma4;

namespace
{
    // A made-up /proc/self/cgroup and /sys/fs/cgroup.
    struct groups
    {
        std::filesystem::path root = std::filesystem::temp_directory_path()
                                     / ("gemma4_cores_" + std::to_string(std::random_device{}()));

        groups() { std::filesystem::create_directories(root); }
        ~groups() { std::filesystem::remove_all(root); }

        void write(std::string const& path, std::string const& text) const
        {
            std::filesystem::create_directories((root / path).parent_path());
            std::ofstream(root / path) << text;
        }

        std::size_t cores() const
        {
            return detail::cgroup_cores((root / "self").string(), (root / "fs").string(), 99);
        }
    };
}

TEST_CASE("a process has at least one core and not more than the machine")
{
    CHECK(available_cores() >= 1);
    CHECK(available_cores() <= std::max(1u, std::thread::hardware_concurrency()));
}

TEST_CASE("threads that are asked for are given as far as there are cores")
{
    auto const cores = available_cores();
    CHECK(useful_threads(0) == cores);
    CHECK(useful_threads(1) == 1);
    CHECK(useful_threads(cores) == cores);
    CHECK(useful_threads(cores + 1) == cores);
}

TEST_CASE("control groups, version 2: the smallest quota on the way to the root, rounded up")
{
    groups g;
    CHECK(g.cores() == 99);
    g.write("self", "0::/a/b\n");
    CHECK(g.cores() == 99);
    g.write("fs/a/b/cpu.max", "max 100000\n");
    CHECK(g.cores() == 99);
    g.write("fs/a/cpu.max", "350000 100000\n");
    CHECK(g.cores() == 4);
    g.write("fs/a/b/cpu.max", "50000 100000\n");
    CHECK(g.cores() == 1);
    g.write("fs/a/b/cpu.max", "nonsense");
    CHECK(g.cores() == 4);
}

TEST_CASE("control groups, version 2, inside a container: the path is the root")
{
    groups g;
    g.write("self", "0::/\n");
    g.write("fs/cpu.max", "200000 100000\n");
    CHECK(g.cores() == 2);
}

TEST_CASE("control groups, version 1")
{
    groups g;
    g.write("self", "4:memory:/x\n3:cpu,cpuacct:/x\n");
    g.write("fs/cpu/x/cpu.cfs_quota_us", "-1\n");
    g.write("fs/cpu/x/cpu.cfs_period_us", "100000\n");
    CHECK(g.cores() == 99);
    g.write("fs/cpu/cpu.cfs_quota_us", "150000\n");
    g.write("fs/cpu/cpu.cfs_period_us", "100000\n");
    CHECK(g.cores() == 2);
}
