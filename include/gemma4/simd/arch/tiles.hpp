// The matrix unit: eight tiles of 16 rows of 64 bytes. The one of the processor (AMX), and one in plain C++
// that does the same, so that kernels for it are tested on any machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gemma4::inline v0::simd::arch
{
    // The unit in plain C++. Rows of a tile follow each other in memory.
    class emulated_tiles
    {
    public:
        void open() {}
        void close() {}

        template <int T>
        void zero()
        {
            std::memset(m_tile[T], 0, sizeof m_tile[T]);
        }
        template <int T>
        void load(void const* p)
        {
            std::memcpy(m_tile[T], p, sizeof m_tile[T]);
        }
        // The same for what is read once.
        template <int T>
        void stream(void const* p)
        {
            load<T>(p);
        }
        // Rows that lie `stride` bytes apart.
        template <int T>
        void load_rows(void const* p, std::size_t stride)
        {
            for (std::size_t i = 0; i != 16; ++i)
            {
                std::memcpy(m_tile[T] + 16 * i, static_cast<std::byte const*>(p) + i * stride, 64);
            }
        }
        template <int T>
        void store(void* p)
        {
            std::memcpy(p, m_tile[T], sizeof m_tile[T]);
        }
        template <int T>
        void store_rows(void* p, std::size_t stride)
        {
            for (std::size_t i = 0; i != 16; ++i)
            {
                std::memcpy(static_cast<std::byte*>(p) + i * stride, m_tile[T] + 16 * i, 64);
            }
        }

        // C (16 rows, 16 float32) += A (16 rows, 32 bfloat16) * B (16 pairs of k, 16 columns, 2 bfloat16)
        template <int C, int A, int B>
        void dot_bf16()
        {
            for (std::size_t m = 0; m != 16; ++m)
            {
                for (std::size_t n = 0; n != 16; ++n)
                {
                    auto sum = std::bit_cast<float>(m_tile[C][16 * m + n]);
                    for (std::size_t k = 0; k != 16; ++k)
                    {
                        auto const a = m_tile[A][16 * m + k];
                        auto const b = m_tile[B][16 * k + n];
                        sum += std::bit_cast<float>(a << 16) * std::bit_cast<float>(b << 16);
                        sum += std::bit_cast<float>(a & 0xffff0000u) * std::bit_cast<float>(b & 0xffff0000u);
                    }
                    m_tile[C][16 * m + n] = std::bit_cast<std::uint32_t>(sum);
                }
            }
        }

    private:
        std::uint32_t m_tile[8][256];
    };

    // The 64 bytes that say what eight tiles are like, all the same. Made while compiling only, so that no
    // other shape than one that every instruction takes is ever loaded: the processor accepts row bytes that
    // are no multiple of 4, and then refuses (SIGILL) to load, store or multiply such a tile.
    struct alignas(64) tile_configuration
    {
        std::uint8_t palette = 1;
        std::uint8_t start_row = 0;
        std::uint8_t reserved[14] = {};
        std::uint16_t row_bytes[16] = {};
        std::uint8_t rows[16] = {};

        consteval tile_configuration(std::size_t tile_rows, std::size_t tile_row_bytes)
        {
            if (tile_rows == 0 || tile_rows > 16) { throw "a tile has 1 to 16 rows"; }
            if (tile_row_bytes == 0 || tile_row_bytes > 64 || tile_row_bytes % 4 != 0)
            {
                throw "a row of a tile has 4 to 64 bytes, whole dwords";
            }
            // A product of such tiles: as deep as it has rows.
            if (tile_row_bytes != 4 * tile_rows) { throw "tiles of one shape multiply where it is square"; }
            for (std::size_t t = 0; t != 8; ++t)
            {
                row_bytes[t] = std::uint16_t(tile_row_bytes);
                rows[t] = std::uint8_t(tile_rows);
            }
        }
    };
    static_assert(sizeof(tile_configuration) == 64);

#if defined(__x86_64__)
    // The processor's. Instructions are written out: the compiler's own names for them take no template
    // argument, and need a compiler flag that would let it use tiles elsewhere. The process must have been
    // granted the tiles (simd::tiles_granted).
    class amx_tiles
    {
    public:
        void open()
        {
            static constexpr tile_configuration all(16, 64);
            __asm__ volatile("ldtilecfg %0" ::"m"(all));
        }
        void close() { __asm__ volatile("tilerelease"); }

        template <int T>
        [[gnu::always_inline]] void zero()
        {
            __asm__ volatile("tilezero %%tmm%c0" ::"i"(T));
        }
        template <int T>
        [[gnu::always_inline]] void load(void const* p)
        {
            __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(std::size_t(64)), "i"(T)
                             : "memory");
        }
        template <int T>
        [[gnu::always_inline]] void stream(void const* p)
        {
            __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(std::size_t(64)), "i"(T)
                             : "memory");
        }
        template <int T>
        [[gnu::always_inline]] void load_rows(void const* p, std::size_t stride)
        {
            __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(T) : "memory");
        }
        template <int T>
        [[gnu::always_inline]] void store(void* p)
        {
            __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(std::size_t(64)), "i"(T)
                             : "memory");
        }
        template <int T>
        [[gnu::always_inline]] void store_rows(void* p, std::size_t stride)
        {
            __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(T) : "memory");
        }
        template <int C, int A, int B>
        [[gnu::always_inline]] void dot_bf16()
        {
            static_assert(C != A && C != B && A != B, "three different tiles");
            __asm__ volatile("tdpbf16ps %%tmm%c0, %%tmm%c1, %%tmm%c2" ::"i"(B), "i"(A), "i"(C));
        }
    };
#endif
}
