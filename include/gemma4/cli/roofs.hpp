// What this machine can do at most, measured: memory read at once by all threads, arithmetic that stays in
// registers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <gemma4/cli/measure.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/parallel/executor.hpp>
#include <gemma4/parallel/pages.hpp>
#include <gemma4/simd/arch/cpu.hpp>
#include <gemma4/simd/arch/tiles.hpp>

namespace gemma4::inline v0::cli
{
    // Bytes per second.
    struct read_roofs
    {
        double plain = 0;    // one stream a thread, as the hardware fetches it
        // The best of several distances of prefetch, and of one and two streams a thread.
        double prefetched = 0;
    };

    namespace detail
    {
        // The exclusive or of `lines` cache lines at `from` and, where streams is 2, of as many from the
        // middle on; `ahead` bytes are fetched beforehand, none where it is 0.
        template <std::size_t Streams>
        std::uint64_t read_lines(std::byte const* from, std::size_t lines, std::size_t ahead)
        {
            constexpr std::size_t words = cache_line / sizeof(std::uint64_t);
            std::uint64_t sum[Streams * words] = {};
            auto const apart = lines / Streams * cache_line;
            for (std::size_t at = 0; at != apart; at += cache_line)
            {
                for (std::size_t s = 0; s != Streams; ++s)
                {
                    auto const* const line = from + s * apart + at;
                    if (ahead != 0) { __builtin_prefetch(line + ahead); }
                    std::uint64_t read[words];
                    std::memcpy(read, line, sizeof read);
                    for (std::size_t i = 0; i != words; ++i) { sum[s * words + i] ^= read[i]; }
                }
            }
            std::uint64_t all = 0;
            for (auto const one : sum) { all += one; }
            return all;
        }

#if defined(__x86_64__)
        template <std::size_t Streams>
        [[gnu::target("avx512f")]] std::uint64_t read_lines_512(std::byte const* from, std::size_t lines,
                                                                std::size_t ahead)
        {
            __m512i sum[2 * Streams];
            for (auto& one : sum) { one = _mm512_setzero_si512(); }
            auto const apart = lines / Streams * cache_line;
            for (std::size_t at = 0; at != apart; at += 2 * cache_line)
            {
                for (std::size_t s = 0; s != 2 * Streams; ++s)
                {
                    auto const* const line = from + s / 2 * apart + at + s % 2 * cache_line;
                    if (ahead != 0) { __builtin_prefetch(line + ahead); }
                    sum[s] = _mm512_xor_si512(sum[s], _mm512_loadu_si512(line));
                }
            }
            for (std::size_t s = 1; s != 2 * Streams; ++s) { sum[0] = _mm512_xor_si512(sum[0], sum[s]); }
            alignas(64) std::uint64_t words[8];
            _mm512_store_si512(words, sum[0]);
            std::uint64_t all = 0;
            for (auto const word : words) { all += word; }
            return all;
        }
#endif
    }

    // Of `bytes` bytes in large pages, read by all threads of `threads`, medians of 3. Where `bytes` exceeds
    // the last-level cache, what no kernel that reads its weights once can beat.
    inline read_roofs measure_reads(executor& threads, std::size_t bytes)
    {
        constexpr std::size_t piece = std::size_t(1) << 20;
        auto const pieces = std::max<std::size_t>(1, bytes / piece);
        buffer<std::byte> memory(pieces * piece + huge_page);
        advise_huge_pages(memory.data(), memory.size());
        auto const begin = reinterpret_cast<std::uintptr_t>(memory.data());
        auto* const data = memory.data() + (round_up(begin, huge_page) - begin);
        threads.run(pieces, [&](std::size_t p) { std::memset(data + p * piece, int(p % 251), piece); });

        std::vector<std::uint64_t> sums(pieces);    // kept, so that the reads are
        auto const rate = [&](auto read, std::size_t ahead)
        {
            std::vector<double> rates;
            for (int run = 0; run != 3; ++run)
            {
                stopwatch const time;
                threads.run(pieces, [&](std::size_t p)
                            { sums[p] += read(data + p * piece, piece / cache_line, ahead); });
                rates.push_back(double(pieces * piece) / std::max(time.seconds(), 1e-9));
            }
            return median(rates);
        };
        auto const all = [&](auto one, auto two)
        {
            read_roofs roofs{.plain = rate(one, 0), .prefetched = rate(two, 0)};
            for (std::size_t const ahead : {1024u, 2048u, 4096u, 8192u})
            {
                roofs.prefetched = std::max({roofs.prefetched, rate(one, ahead), rate(two, ahead)});
            }
            roofs.prefetched = std::max(roofs.prefetched, roofs.plain);
            return roofs;
        };
#if defined(__x86_64__)
        if (simd::cpu().avx512) { return all(detail::read_lines_512<1>, detail::read_lines_512<2>); }
#endif
        return all(detail::read_lines<1>, detail::read_lines<2>);
    }

    namespace detail
    {
        inline constexpr std::size_t spin_rounds = 20'000'000;

        // Operations a round. The results are kept where the compiler cannot see that nobody wants them.
#if defined(__x86_64__)
        // Twelve chains: more than any processor's latency times its units. The operands are zeros that the
        // compiler cannot see through, and the chains are variables, not an array, so that they stay in
        // registers.
#define GEMMA4_TWELVE(DO) DO(a) DO(b) DO(c) DO(d) DO(e) DO(f) DO(g) DO(h) DO(i) DO(j) DO(k) DO(l)
#define GEMMA4_BEGIN(one)                                                                                    \
    auto one = zero;                                                                                         \
    __asm__ volatile("" : "+v"(one));
#define GEMMA4_END(one) __asm__ volatile("" : "+v"(one));
#define GEMMA4_SPIN(FEATURES, NAME, ZERO, STEP)                                                              \
    [[gnu::target(FEATURES)]] inline void NAME(std::size_t rounds)                                           \
    {                                                                                                        \
        auto const zero = ZERO;                                                                              \
        auto x = ZERO, y = ZERO;                                                                             \
        __asm__ volatile("" : "+v"(x), "+v"(y));                                                             \
        GEMMA4_TWELVE(GEMMA4_BEGIN)                                                                          \
        for (std::size_t n = 0; n < rounds; n += 12) { GEMMA4_TWELVE(STEP) }                                 \
        GEMMA4_TWELVE(GEMMA4_END)                                                                            \
    }
#define GEMMA4_F32_256(one) one = _mm256_fmadd_ps(x, y, one);
#define GEMMA4_F32_512(one) one = _mm512_fmadd_ps(x, y, one);
#define GEMMA4_INT8_512(one) one = _mm512_dpbusd_epi32(one, x, y);
#define GEMMA4_INT8_256(one) one = _mm256_dpbusd_avx_epi32(one, x, y);
#define GEMMA4_INT8_AVX2(one) one = _mm256_add_epi32(one, _mm256_madd_epi16(_mm256_maddubs_epi16(x, one), y));
#define GEMMA4_BF16_512(one) one = _mm512_dpbf16_ps(one, (__m512bh)x, (__m512bh)y);
        GEMMA4_SPIN("avx2,fma", spin_f32_256, _mm256_setzero_ps(), GEMMA4_F32_256)
        GEMMA4_SPIN("avx512f", spin_f32_512, _mm512_setzero_ps(), GEMMA4_F32_512)
        GEMMA4_SPIN("avx512vnni", spin_int8_512, _mm512_setzero_si512(), GEMMA4_INT8_512)
        GEMMA4_SPIN("avxvnni", spin_int8_256, _mm256_setzero_si256(), GEMMA4_INT8_256)
        GEMMA4_SPIN("avx2", spin_int8_avx2, _mm256_setzero_si256(), GEMMA4_INT8_AVX2)
        GEMMA4_SPIN("avx512bf16", spin_bf16_512, _mm512_setzero_ps(), GEMMA4_BF16_512)
#undef GEMMA4_BF16_512
#undef GEMMA4_INT8_AVX2
#undef GEMMA4_INT8_256
#undef GEMMA4_INT8_512
#undef GEMMA4_F32_512
#undef GEMMA4_F32_256
#undef GEMMA4_END
#undef GEMMA4_BEGIN
#undef GEMMA4_TWELVE
#undef GEMMA4_SPIN

#if defined(__linux__)
        // Whether the operating system lets this process use the matrix unit.
        inline bool may_use_tiles()
        {
            constexpr long request = 0x1023, tile_data = 18;    // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
            return syscall(SYS_arch_prctl, request, tile_data) == 0;
        }

        // Four accumulators of 16 x 16, sources of 16 x 64 bytes. bf16: 16384 operations a round, int8:
        // 32768. Of random numbers of ordinary size: with zeros the unit looks a quarter faster than it is.
        template <bool IsInt8>
        void spin_tiles(std::size_t rounds)
        {
            alignas(64) std::uint16_t random[4][512];
            std::uint32_t state = 1;
            for (auto& tile : random)
            {
                for (auto& x : tile)
                {
                    state = state * 1664525u + 1013904223u;
                    // bf16: a sign, an exponent of 120 to 127 and 7 bits of fraction
                    x = std::uint16_t(IsInt8 ? state >> 16 : (state >> 16 & 0x83ffu) | 0x3c00u);
                }
            }
            simd::arch::amx_tiles tiles;
            tiles.open();
            tiles.zero<0>(), tiles.zero<1>(), tiles.zero<2>(), tiles.zero<3>();
            tiles.load<4>(random[0]), tiles.load<5>(random[1]);
            tiles.load<6>(random[2]), tiles.load<7>(random[3]);
            for (std::size_t i = 0; i < rounds; i += 4)
            {
                if constexpr (IsInt8)
                {
                    __asm__ volatile("tdpbssd %tmm6, %tmm4, %tmm0\n\ttdpbssd %tmm7, %tmm4, %tmm1\n\t"
                                     "tdpbssd %tmm6, %tmm5, %tmm2\n\ttdpbssd %tmm7, %tmm5, %tmm3");
                }
                else
                {
                    __asm__ volatile("tdpbf16ps %tmm6, %tmm4, %tmm0\n\ttdpbf16ps %tmm7, %tmm4, %tmm1\n\t"
                                     "tdpbf16ps %tmm6, %tmm5, %tmm2\n\ttdpbf16ps %tmm7, %tmm5, %tmm3");
                }
            }
            tiles.close();
        }
#endif
#endif
    }

    // A kind of product ("f32", "bf16", "int8", "amx_bf16", "amx_int8") and the operations per second that
    // all threads reach with it on registers. Empty where this processor's are not known.
    using arithmetic_roofs = std::vector<std::pair<std::string, double>>;

    inline arithmetic_roofs measure_arithmetic([[maybe_unused]] executor& threads)
    {
        arithmetic_roofs roofs;
#if defined(__x86_64__)
        auto const add =
            [&](char const* kind, void (*spin)(std::size_t), double operations, std::size_t rounds)
        {
            auto const n = threads.concurrency();
            std::vector<double> rates;
            for (int run = 0; run != 3; ++run)
            {
                stopwatch const time;
                threads.run(n, [&](std::size_t) { spin(rounds); });
                rates.push_back(double(n) * double(rounds) * operations / std::max(time.seconds(), 1e-9));
            }
            roofs.emplace_back(kind, median(rates));
        };
        auto const& cpu = simd::cpu();
        constexpr auto rounds = detail::spin_rounds;
        if (cpu.avx512) { add("f32", detail::spin_f32_512, 32, rounds); }
        else if (cpu.avx2) { add("f32", detail::spin_f32_256, 16, rounds); }
        if (cpu.avx512_bf16) { add("bf16", detail::spin_bf16_512, 64, rounds); }
        if (cpu.avx512_vnni) { add("int8", detail::spin_int8_512, 128, rounds); }
        else if (cpu.avx_vnni) { add("int8", detail::spin_int8_256, 64, rounds); }
        else if (cpu.avx2) { add("int8", detail::spin_int8_avx2, 64, rounds); }
#if defined(__linux__)
        if (cpu.amx_tile && (cpu.amx_bf16 || cpu.amx_int8) && detail::may_use_tiles())
        {
            if (cpu.amx_bf16) { add("amx_bf16", detail::spin_tiles<false>, 16384, rounds / 16); }
            if (cpu.amx_int8) { add("amx_int8", detail::spin_tiles<true>, 32768, rounds / 16); }
        }
#endif
#endif
        return roofs;
    }
}
