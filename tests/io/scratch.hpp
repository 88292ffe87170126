// Files that a test makes, in a folder of its own that is removed with it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <unistd.h>

#include <gemma4/core/error.hpp>

namespace gemma4_test
{
    struct scratch_folder
    {
        scratch_folder()
        {
            static std::atomic<unsigned> count = 0;
            path = std::filesystem::temp_directory_path()
                   / ("gemma4_io_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
            std::filesystem::create_directories(path);
        }

        scratch_folder(scratch_folder const&) = delete;
        scratch_folder& operator=(scratch_folder const&) = delete;

        ~scratch_folder()
        {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }

        std::filesystem::path write(std::string const& name, std::string_view bytes) const
        {
            std::ofstream out(path / name, std::ios::binary);
            out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            return path / name;
        }

        std::filesystem::path path;
    };

    inline std::string read_all(std::filesystem::path const& file)
    {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }

    inline std::filesystem::path data_file(std::string const& name)
    {
        return std::filesystem::path(GEMMA4_TEST_DATA) / name;
    }

    // The sentence of the error of this kind that `action` throws; empty where it throws none.
    template <class Error, class Action>
    std::string sentence_of(Action&& action)
    {
        try
        {
            action();
        }
        catch (Error const& e)
        {
            return e.what();
        }
        return {};
    }

    inline bool holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

    inline std::string little_endian(std::uint64_t value)
    {
        std::string out;
        for (int byte = 0; byte != 8; ++byte) { out += static_cast<char>((value >> (8 * byte)) & 0xffu); }
        return out;
    }

    // The bytes of a safetensors file with this header and `data` bytes of tensors: 0, 1, 2, ...
    inline std::string safetensors_bytes(std::string const& header, std::size_t data)
    {
        auto out = little_endian(header.size()) + header;
        for (std::size_t i = 0; i != data; ++i) { out += static_cast<char>(i & 0x7fu); }
        return out;
    }
}
