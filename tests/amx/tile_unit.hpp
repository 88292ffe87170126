// The matrix unit as Intel's manual describes it (Software Developer's Manual, volume 2: LDTILECFG,
// STTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILESTORED, TDPBF16PS, TDPBSSD and its kin; palette 1; section
// 2.10 for what they raise, classes AMX-E1 to AMX-E6), written apart from the library. Where the processor
// would raise an exception an operation says why and changes nothing; null where all is well.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

namespace amx
{
    class tile_unit
    {
    public:
        static constexpr int tile_count = 8;
        static constexpr std::size_t most_rows = 16, row_bytes = 64;

        bool configured() const { return m_configured; }

        // Byte i of row r, those that no store shows included.
        std::byte at(int t, std::size_t r, std::size_t i) const { return m_tile[t].row[r][i]; }

        // LDTILECFG: 64 bytes. Row bytes that are no multiple of 4 are taken here, and refused by every load,
        // store and product.
        char const* load_configuration(void const* memory)
        {
            unsigned char b[64];
            std::memcpy(b, memory, sizeof b);
            if (b[0] > 1) { return "ldtilecfg: a palette that there is not"; }
            if (b[0] == 0)
            {
                release();
                return nullptr;
            }
            auto const zeros = [&](int first, int last)
            {
                unsigned any = 0;
                for (int i = first; i != last; ++i) { any |= b[i]; }
                return any == 0;
            };
            if (!zeros(2, 16) || !zeros(32, 48) || !zeros(56, 64))
            {
                return "ldtilecfg: reserved bytes are not zero";
            }
            for (int t = 0; t != tile_count; ++t)
            {
                auto const bytes = b[16 + 2 * t] + 256u * b[17 + 2 * t];
                auto const rows = unsigned(b[48 + t]);
                if (bytes > row_bytes) { return "ldtilecfg: more than 64 bytes in a row"; }
                if (rows > most_rows) { return "ldtilecfg: more than 16 rows"; }
                if ((bytes == 0) != (rows == 0))
                {
                    return "ldtilecfg: rows without bytes, or bytes without rows";
                }
            }
            release();
            for (int t = 0; t != tile_count; ++t)
            {
                m_tile[t].bytes = b[16 + 2 * t] + 256u * b[17 + 2 * t];
                m_tile[t].rows = b[48 + t];
            }
            m_start_row = b[1];
            m_configured = true;
            return nullptr;
        }

        // STTILECFG
        void store_configuration(void* memory) const
        {
            unsigned char b[64] = {};
            if (m_configured)
            {
                b[0] = 1;
                b[1] = static_cast<unsigned char>(m_start_row);
                for (int t = 0; t != tile_count; ++t)
                {
                    b[16 + 2 * t] = static_cast<unsigned char>(m_tile[t].bytes);
                    b[48 + t] = static_cast<unsigned char>(m_tile[t].rows);
                }
            }
            std::memcpy(memory, b, sizeof b);
        }

        // TILERELEASE
        void release()
        {
            for (auto& t : m_tile)
            {
                t.bytes = t.rows = 0;
                clear_rows(t, 0);
            }
            m_start_row = 0;
            m_configured = false;
        }

        // TILEZERO
        char const* zero(int t)
        {
            if (auto const* const wrong = unusable(t)) { return wrong; }
            clear_rows(m_tile[t], 0);
            m_start_row = 0;
            return nullptr;
        }

        // TILELOADD: rows `stride` bytes apart. Bytes behind those of a row, and rows behind the last, are
        // zeros afterwards; rows before start_row stay.
        char const* load(int t, std::uint64_t begin, std::uint64_t stride)
        {
            if (auto const* const wrong = unfit(t)) { return wrong; }
            auto& to = m_tile[t];
            clear_rows(to, m_start_row);
            for (std::size_t r = m_start_row; r != to.rows; ++r)
            {
                std::memcpy(to.row[r], reinterpret_cast<void const*>(begin + r * stride), to.bytes);
                std::memset(to.row[r] + to.bytes, 0, row_bytes - to.bytes);
            }
            m_start_row = 0;
            return nullptr;
        }

        // TILESTORED
        char const* store(int t, std::uint64_t begin, std::uint64_t stride)
        {
            if (auto const* const wrong = unfit(t)) { return wrong; }
            auto const& from = m_tile[t];
            for (std::size_t r = m_start_row; r != from.rows; ++r)
            {
                std::memcpy(reinterpret_cast<void*>(begin + r * stride), from.row[r], from.bytes);
            }
            m_start_row = 0;
            return nullptr;
        }

        // TDPBF16PS c, a, b
        char const* dot_bf16(int c, int a, int b)
        {
            if (auto const* const wrong = unfit(c, a, b)) { return wrong; }
            // Denormals are zeros both ways, whatever the thread's own mode is.
            auto const mode = _mm_getcsr();
            _mm_setcsr(0x9fc0);
            multiply_bf16(m_tile[c], m_tile[a], m_tile[b]);
            _mm_setcsr(mode);
            m_start_row = 0;
            return nullptr;
        }

        // TDPB[SU][SU]D c, a, b: whether the bytes of a and of b have signs.
        char const* dot_int8(int c, int a, int b, bool signed_a, bool signed_b)
        {
            if (auto const* const wrong = unfit(c, a, b)) { return wrong; }
            auto& to = m_tile[c];
            for (std::size_t m = 0; m != to.rows; ++m)
            {
                for (std::size_t n = 0; n != to.bytes / 4; ++n)
                {
                    std::uint32_t sum;
                    std::memcpy(&sum, to.row[m] + 4 * n, 4);
                    for (std::size_t i = 0; i != m_tile[a].bytes; ++i)
                    {
                        sum += std::uint32_t(number(m_tile[a].row[m][i], signed_a)
                                             * number(m_tile[b].row[i / 4][4 * n + i % 4], signed_b));
                    }
                    std::memcpy(to.row[m] + 4 * n, &sum, 4);
                }
            }
            clear_rows(to, to.rows);
            m_start_row = 0;
            return nullptr;
        }

    private:
        struct tile
        {
            alignas(64) std::byte row[most_rows][row_bytes] = {};
            std::size_t rows = 0, bytes = 0;    // both or none
        };

        static void clear_rows(tile& t, std::size_t first)
        {
            std::memset(t.row + first, 0, (most_rows - first) * row_bytes);
        }

        static int number(std::byte b, bool has_sign)
        {
            return has_sign ? int(std::bit_cast<std::int8_t>(b)) : int(b);
        }

        char const* unusable(int t) const
        {
            if (!m_configured) { return "tiles are not configured"; }
            if (t >= tile_count) { return "a tile that palette 1 does not have"; }
            return m_tile[t].rows == 0 ? "a tile that the configuration leaves out" : nullptr;
        }

        // Of a load or a store.
        char const* unfit(int t) const
        {
            if (auto const* const wrong = unusable(t)) { return wrong; }
            if (m_tile[t].bytes % 4 != 0) { return "rows that are not whole dwords"; }
            return m_start_row >= m_tile[t].rows ? "the row to start with is not in the tile" : nullptr;
        }

        // Of a product. The limits of its unit (TMUL: 16 of k, 64 bytes of n) are those of a tile.
        char const* unfit(int c, int a, int b) const
        {
            for (auto const t : {c, a, b})
            {
                if (auto const* const wrong = unusable(t)) { return wrong; }
                if (m_tile[t].bytes % 4 != 0) { return "a product of rows that are not whole dwords"; }
            }
            if (c == a || c == b || a == b) { return "a product with one tile twice"; }
            if (m_tile[c].rows != m_tile[a].rows) { return "a product with a sum of other rows"; }
            if (m_tile[a].bytes / 4 != m_tile[b].rows) { return "a product over two different depths"; }
            return m_tile[c].bytes != m_tile[b].bytes ? "a product with a sum of other columns" : nullptr;
        }

        // Even and odd numbers of k are two sums of fused products; then even + odd, then c + that. Its own
        // function, so that no sum moves out of the mode that the caller sets.
        [[gnu::noinline, gnu::target("avx2,fma")]] static void multiply_bf16(tile& c, tile const& a,
                                                                             tile const& b)
        {
            constexpr std::size_t half = row_bytes / 2;
            for (std::size_t m = 0; m != c.rows; ++m)
            {
                for (std::size_t at = 0; at < c.bytes; at += half)
                {
                    auto even = _mm256_setzero_ps(), odd = _mm256_setzero_ps();
                    for (std::size_t k = 0; k != a.bytes / 4; ++k)
                    {
                        std::uint32_t pair;
                        std::memcpy(&pair, a.row[m] + 4 * k, 4);
                        auto const w = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(b.row[k] + at));
                        auto const high = _mm256_and_si256(w, _mm256_set1_epi32(int(0xffff0000u)));
                        even = _mm256_fmadd_ps(_mm256_set1_ps(std::bit_cast<float>(pair << 16)),
                                               _mm256_castsi256_ps(_mm256_slli_epi32(w, 16)), even);
                        odd = _mm256_fmadd_ps(_mm256_set1_ps(std::bit_cast<float>(pair & 0xffff0000u)),
                                              _mm256_castsi256_ps(high), odd);
                    }
                    auto* const to = reinterpret_cast<float*>(c.row[m] + at);
                    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), _mm256_add_ps(even, odd)));
                }
                std::memset(c.row[m] + c.bytes, 0, row_bytes - c.bytes);
            }
            clear_rows(c, c.rows);
        }

        tile m_tile[tile_count] = {};
        std::size_t m_start_row = 0;
        bool m_configured = false;
    };
}
