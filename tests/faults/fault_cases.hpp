// What the system may answer, for tests that try all of it.
#pragma once

#include <cerrno>
#include <vector>

#include "fault_injection.hpp"

namespace gemma4_test
{
    // Each with n = 1. Those that every reader and writer must survive are interruptions and short counts.
    inline std::vector<fault> const system_faults{
        {"open", 1, EACCES},     {"open", 1, EMFILE},           {"open", 1, EINTR},
        {"read", 1, EIO},        {"read", 1, EINTR},            {"read", 1, 0, 1},
        {"read", 1, 0, 1000, true},
        {"write", 1, ENOSPC},    {"write", 1, ENOSPC, 0, true}, {"write", 1, EIO},
        {"write", 1, EINTR},     {"write", 1, 0, 1},            {"write", 1, 0, 1000, true},
        {"fsync", 1, EIO},       {"fsync", 1, ENOSPC},          {"fsync", 1, EINTR},
        {"rename", 1, EACCES},   {"rename", 1, ENOSPC},         {"mmap", 1, ENOMEM},
        {"munmap", 1, EINVAL},   {"madvise", 1, EINVAL},        {"fstat", 1, EIO},
        {"stat", 1, EIO},        {"stat", 1, EACCES},           {"close", 1, EIO},
        {"close", 1, EINTR}};

    inline bool must_be_survived(fault const& one) { return one.error == EINTR || one.error == 0; }
}
