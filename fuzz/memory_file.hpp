// A file in memory, with a path.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "guards.hpp"
#include <sys/mman.h>
#include <unistd.h>

class memory_file
{
public:
    explicit memory_file(std::span<std::byte const> bytes)
        : m_number(::memfd_create("fuzz", 0))
    {
        require(m_number >= 0);
        require(::write(m_number, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
    }
    ~memory_file() { ::close(m_number); }
    memory_file(memory_file const&) = delete;
    memory_file& operator=(memory_file const&) = delete;

    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(m_number); }

private:
    int m_number;
};
