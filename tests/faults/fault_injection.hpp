// Calls of the system that fail when a test wants them to: a shared library that stands before the C library.
//
// A test program that is linked with it asks for a fault by arm(). Another program has it in LD_PRELOAD, with
// GEMMA4_FAULT="CALL N ERRNO MOST STICKY" (numbers as in `fault`), and leaves how many calls there were in
// the file GEMMA4_FAULT_REPORT.
#pragma once

#include <cerrno>

namespace gemma4_test
{
    struct fault
    {
        // open (fopen too), read, write, fsync, rename, mmap (of files), munmap, madvise, fstat, stat (lstat
        // too), close or thread; of reads and writes, those of standard streams are left alone
        char const* call;
        long n;        // which of these calls, from 1
        int error;     // errno of its failure; 0: it moves at most `most` bytes
        long most = 1;
        bool sticky = false;    // all from the n-th on
    };

    // The fault is ahead, on any thread.
    void arm(fault const& next);

    // No fault any more. Returns how many such calls there were since arm().
    long disarm();
}
