// Every operator new of this program: counted, and failing where a test wants it to. Include once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <execinfo.h>
#include <pthread.h>

namespace gemma4_test
{
    struct allocation_counter
    {
        std::atomic<bool> armed = false;    // calls are counted, and the n-th fails
        std::atomic<long> seen = 0;
        std::atomic<long> failing = 0;       // 0: none
        std::atomic<bool> sticky = false;    // all from the failing one on
        std::atomic<long> elsewhere = 0;     // of those counted, on another thread than that which armed
        std::atomic<long> live = 0;          // all that are not deleted, armed or not
        pthread_t owner{};
        std::vector<std::uint64_t>* stacks = nullptr;    // of each call, where wanted
    };
    inline constinit allocation_counter allocations;

    // Of the innermost ten frames.
    inline std::uint64_t hash_of_stack()
    {
        void* frames[12];
        auto const count = ::backtrace(frames, 12);
        std::uint64_t sum = 0;
        for (int i = 2; i < count; ++i)    // without this and operator new
        {
            sum = (sum ^ reinterpret_cast<std::uint64_t>(frames[i])) * 0x9e3779b97f4a7c15u;
        }
        return sum;
    }

    inline bool fails_now()
    {
        auto& a = allocations;
        if (!a.armed.load(std::memory_order_acquire)) { return false; }
        if (!::pthread_equal(::pthread_self(), a.owner)) { a.elsewhere.fetch_add(1); }
        if (a.stacks)
        {
            a.armed = false;    // of its own vector
            a.stacks->push_back(hash_of_stack());
            a.armed = true;
        }
        auto const count = a.seen.fetch_add(1) + 1;
        auto const failing = a.failing.load();
        return a.sticky && failing != 0 ? count >= failing : count == failing;
    }

    inline void arm_allocations(long failing, bool sticky = false,
                                std::vector<std::uint64_t>* stacks = nullptr)
    {
        auto& a = allocations;
        a.seen = 0;
        a.elsewhere = 0;
        a.failing = failing;
        a.sticky = sticky;
        a.stacks = stacks;
        a.owner = ::pthread_self();
        a.armed.store(true, std::memory_order_release);
    }

    // How many there were.
    inline long disarm_allocations()
    {
        allocations.armed = false;
        allocations.stacks = nullptr;
        return allocations.seen;
    }

    inline void* allocate_or_throw(std::size_t size, std::size_t alignment)
    {
        if (fails_now()) { throw std::bad_alloc(); }
        auto const rounded = (size + alignment - 1) / alignment * alignment;
        void* const p = alignment <= alignof(std::max_align_t) ? std::malloc(size ? size : 1)
                                                               : std::aligned_alloc(alignment, rounded);
        if (!p) { throw std::bad_alloc(); }
        allocations.live.fetch_add(1);
        return p;
    }

    inline void release(void* p) noexcept
    {
        if (!p) { return; }
        allocations.live.fetch_sub(1);
        std::free(p);
    }
}

void* operator new(std::size_t size) { return gemma4_test::allocate_or_throw(size, 1); }
void* operator new[](std::size_t size) { return gemma4_test::allocate_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t a)
{
    return gemma4_test::allocate_or_throw(size, std::size_t(a));
}
void* operator new[](std::size_t size, std::align_val_t a)
{
    return gemma4_test::allocate_or_throw(size, std::size_t(a));
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept
{
    try
    {
        return gemma4_test::allocate_or_throw(size, 1);
    }
    catch (std::bad_alloc const&)
    {
        return nullptr;
    }
}
void* operator new[](std::size_t size, std::nothrow_t const& tag) noexcept { return operator new(size, tag); }
void operator delete(void* p) noexcept { gemma4_test::release(p); }
void operator delete[](void* p) noexcept { gemma4_test::release(p); }
void operator delete(void* p, std::size_t) noexcept { gemma4_test::release(p); }
void operator delete[](void* p, std::size_t) noexcept { gemma4_test::release(p); }
void operator delete(void* p, std::align_val_t) noexcept { gemma4_test::release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { gemma4_test::release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { gemma4_test::release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { gemma4_test::release(p); }
void operator delete(void* p, std::nothrow_t const&) noexcept { gemma4_test::release(p); }
void operator delete[](void* p, std::nothrow_t const&) noexcept { gemma4_test::release(p); }
