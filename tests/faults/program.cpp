// The program while calls of the system fail (LD_PRELOAD): its exit status, its sentence, its files.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <system_error>

#include "fault_cases.hpp"
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gemma4_test;
namespace fs = std::filesystem;

namespace
{
    struct result
    {
        int status;         // -1: ended by a signal
        std::string said;   // standard error
        long calls;         // of the fault's kind
    };

    fs::path scratch()
    {
        static auto const folder =
            fs::temp_directory_path() / ("gemma4-faults-" + std::to_string(::getpid()));
        fs::create_directories(folder);
        return folder;
    }

    std::string bytes_of(fs::path const& path)
    {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    result run(std::string const& arguments, fault const& one)
    {
        auto const errors = scratch() / "stderr", report = scratch() / "report";
        fs::remove(report);
        auto const number = [](long n) { return std::to_string(n); };
        auto const wanted = std::string(one.call) + " " + number(one.n) + " " + number(one.error) + " "
                            + number(one.most) + " " + number(one.sticky);
        auto const command = "env LD_PRELOAD=" GEMMA4_FAULT_LIBRARY " GEMMA4_FAULT='" + wanted
                             + "' GEMMA4_FAULT_REPORT=" + report.string() + " " + GEMMA4_FAULT_WORKER " "
                             + arguments + " >/dev/null 2>" + errors.string();
        int const ended = std::system(command.c_str());
        auto const count = bytes_of(report);
        return {WIFEXITED(ended) && WEXITSTATUS(ended) < 126 ? WEXITSTATUS(ended) : -1, bytes_of(errors),
                count.empty() ? -1 : std::stol(count)};
    }

    // Each fault at the first calls, in the middle and at the last one. `out` is what the command writes.
    void fail_calls(std::string const& arguments, fs::path const& out, std::size_t others)
    {
        auto const old = std::string("an old file");
        auto const write_old = [&] { std::ofstream(out) << old; };
        write_old();
        fault const nothing{"rename", 1000000, EIO};
        auto const good = run(arguments, nothing);
        REQUIRE(good.status == 0);
        auto const expected = bytes_of(out);
        std::size_t tried = 0, errors = 0;
        for (auto one : system_faults)
        {
            if (one.error == EINTR && std::string(one.call) == "close") { continue; }
            auto counting = one;
            counting.n = 1000000;
            auto const calls = run(arguments, counting).calls;
            REQUIRE(calls >= 0);
            for (long const n : std::set<long>{1, 2, 3, calls / 3, calls / 2, calls - 1, calls})
            {
                if (n < 1 || n > calls) { continue; }
                one.n = n;
                CAPTURE(one.call);
                CAPTURE(one.n);
                CAPTURE(one.error);
                write_old();
                auto const got = run(arguments, one);
                CAPTURE(got.said);
                ++tried;
                CHECK((got.status == 0 || got.status == 1));
                if (must_be_survived(one)) { CHECK(got.status == 0); }
                if (got.status == 0) { CHECK((bytes_of(out) == expected)); }
                else
                {
                    ++errors;
                    CHECK(bytes_of(out) == old);
                    CHECK(got.said.starts_with("gemma4: "));
                    CHECK(got.said.find(std::generic_category().message(one.error)) != got.said.npos);
                }
                auto const files = std::distance(fs::directory_iterator(out.parent_path()), {});
                CHECK(std::size_t(files) == 1 + others);
            }
        }
        MESSAGE(tried, " failing calls, ", errors, " errors");
        CHECK(errors != 0);
    }

    fs::path folder_for(std::string const& name)
    {
        auto const folder = scratch() / name;
        fs::remove_all(folder);
        fs::create_directories(folder);
        return folder;
    }

    std::string const model = " --threads 1 --model " GEMMA4_NANO " ";
}

TEST_CASE("the program while calls fail: pack")
{
    auto const out = folder_for("pack") / "x.g4";
    fail_calls("pack" + model + "--out " + out.string(), out, 0);
}

TEST_CASE("the program while calls fail: logits")
{
    auto const out = folder_for("logits") / "x.npy";
    fail_calls("logits --no-mmap" + model + "--prompt Hello --out " + out.string(), out, 0);
}

TEST_CASE("the program while calls fail: a conversation is loaded, goes on and is saved")
{
    auto const out = folder_for("run") / "x.state";
    auto const from = out.parent_path() / "from.state";
    auto const run_with = "run" + model + "--seed 1 --temperature 0 --max-tokens 3 --prompt Hello ";
    REQUIRE(run(run_with + "--save " + from.string(), {"rename", 1000000, EIO}).status == 0);
    fail_calls(run_with + "--load " + from.string() + " --save " + out.string(), out, 1);
    fs::remove_all(scratch());
}
