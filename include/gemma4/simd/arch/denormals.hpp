// Numbers too small for a normal float32 as zero, while an object lives.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gemma4::inline v0::simd
{
    // Sets "flush to zero" and "denormals are zero" for the calling thread where `wanted`, and puts back what
    // was there. Exponentials' tails make denormals, which some processors take a hundred cycles for.
    class flush_denormals
    {
    public:
        explicit flush_denormals(bool wanted) noexcept
            : m_wanted(wanted)
        {
            if (!m_wanted) { return; }
            m_before = mode();
            set_mode(m_before | bits);
        }

        flush_denormals(flush_denormals const&) = delete;
        flush_denormals& operator=(flush_denormals const&) = delete;

        ~flush_denormals()
        {
            if (m_wanted) { set_mode(m_before); }
        }

    private:
#if defined(__x86_64__)
        static constexpr std::uint64_t bits = 0x8040;    // FTZ and DAZ of MXCSR
        static std::uint64_t mode() noexcept { return _mm_getcsr(); }
        static void set_mode(std::uint64_t mode) noexcept { _mm_setcsr(unsigned(mode)); }
#elif defined(__aarch64__)
        static constexpr std::uint64_t bits = std::uint64_t(1) << 24;    // FZ of FPCR
        static std::uint64_t mode() noexcept
        {
            std::uint64_t value;
            asm volatile("mrs %0, fpcr" : "=r"(value));
            return value;
        }
        static void set_mode(std::uint64_t mode) noexcept { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
        static constexpr std::uint64_t bits = 0;
        static std::uint64_t mode() noexcept { return 0; }
        static void set_mode(std::uint64_t) noexcept {}
#endif

        bool m_wanted;
        std::uint64_t m_before = 0;
    };
}
