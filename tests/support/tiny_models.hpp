// Checkpoints of the tiny variants, written once per process from generated weights, and engines that run
// them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint_writer.hpp"
#include <unistd.h>

#include <gemma4/api/engine.hpp>
#include <gemma4/io/npy.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

namespace gemma4_test
{
    // A folder that is removed when the process ends.
    class process_folder
    {
    public:
        process_folder()
            : m_path(std::filesystem::temp_directory_path() / ("gemma4-test-" + std::to_string(::getpid())))
        {
            std::filesystem::create_directories(m_path);
        }
        ~process_folder()
        {
            std::error_code ignored;
            std::filesystem::remove_all(m_path, ignored);
        }
        process_folder(process_folder const&) = delete;
        process_folder& operator=(process_folder const&) = delete;
        std::filesystem::path const& path() const { return m_path; }

    private:
        std::filesystem::path m_path;
    };

    inline std::filesystem::path scratch()
    {
        static process_folder const folder;
        return folder.path();
    }

    inline std::filesystem::path data() { return GEMMA4_TEST_DATA; }

    // The folder of a variant's checkpoint; `options` differ by `tag`.
    inline std::filesystem::path tiny_checkpoint(std::string const& variant, std::string const& tag = "f32",
                                                 checkpoint_options const& options = {.towers = false})
    {
        auto const folder = scratch() / (variant + "-" + tag);
        if (!std::filesystem::exists(folder))
        {
            write_checkpoint(data() / "tiny" / variant, folder, options);
        }
        return folder;
    }

    // Runs on the calling thread, in chunks of at most 64.
    inline gemma4::load_options one_thread()
    {
        gemma4::load_options options;
        options.context = 512;
        options.chunk = 256;
        options.executor = std::make_shared<gemma4::inline_executor>();
        return options;
    }

    struct golden
    {
        explicit golden(std::string const& variant)
            : folder(data() / "golden" / variant)
        {}

        std::vector<float> floats(std::string const& name) const
        {
            return gemma4::read_npy(folder / (name + ".npy")).floats();
        }

        std::vector<std::int64_t> integers(std::string const& name) const
        {
            return gemma4::read_npy(folder / (name + ".npy")).integers();
        }

        std::vector<gemma4::token_id> tokens() const
        {
            auto const ids = integers("tokens");
            return {ids.begin(), ids.end()};
        }

        nlohmann::json json(std::string const& name) const
        {
            std::ifstream file(folder / (name + ".json"));
            return nlohmann::json::parse(file);
        }

        std::filesystem::path folder;
    };

    // The largest difference as a share of the largest value of `expected`.
    inline double relative_error(std::span<float const> found, std::span<float const> expected)
    {
        double worst = 0, largest = 0;
        for (std::size_t i = 0; i != expected.size(); ++i)
        {
            auto const difference = std::abs(double(found[i]) - double(expected[i]));
            worst = difference <= worst ? worst : difference;    // a NaN stays
            largest = std::max(largest, std::abs(double(expected[i])));
        }
        return found.size() == expected.size() ? worst / largest : 1e9;
    }

    // Logits (tokens, vocab) of a prompt run in chunks of `chunk`.
    template <class Engine>
    std::vector<float> all_logits(Engine const& engine, std::span<gemma4::token_id const> tokens,
                                  std::size_t chunk)
    {
        using M = typename Engine::variant;
        auto past = engine.make_state();
        std::vector<float> logits;
        for (std::size_t at = 0; at < tokens.size(); at += chunk)
        {
            gemma4::sequence_step<M> const step{
                &past, tokens.subspan(at, std::min(chunk, tokens.size() - at)), gemma4::wanted_logits::all};
            engine.step(std::span(&step, 1), [&](std::size_t, std::span<float> row)
                        { logits.insert(logits.end(), row.begin(), row.end()); });
        }
        return logits;
    }
}
