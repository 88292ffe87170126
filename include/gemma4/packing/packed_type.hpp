// How a packed weight matrix lies in memory: the same bytes for every instruction set, so that a packed file
// runs from its mapping wherever it is opened.
//
// A matrix W (outs, ins) is a sequence of blocks of 16 rows; rows and ins are padded with zeros, ins to a
// whole group. A line of 64 bytes holds 16 dwords, one for each row. A group is 32 consecutive k; inside each
// 8 of them the order is 0 4 1 5 2 6 3 7 (packed_order), which serves byte products and pairs of bfloat16
// alike.
//
//   codes of a group
//         4 bits: 4 lines; byte b of dword l of a row: low half code order[b], high half order[4 + b] of k in
//         [8 l, 8 l + 8). 5 bits: the same, then a line of fifth bits; bit i of byte b: that of code b of
//         dword i of the 8-bit order. 8 bits: 8 lines; byte b of dword l: code order[4 (l % 2) + b] of
//         [8 (l / 2), ...). upper 2 bits: 2 lines; bits 2 i of byte b of dword l: code b of dword 4 l + i of
//         the 8-bit order.
//   q4 q5 for each 2 groups a line of binary16 scales (group, row), then the codes.
//         weight = d (q - 8), d (q - 16)
//   q4s q5s
//         for each group a line of 16 binary16 scales d and 16 offsets m, then the codes. weight = d q + m
//   q4k q5k
//         for each 256 k a line of 16 binary16 d and 16 dmin; then for each 2 groups a line (group; scale,
//         min; row) of unsigned bytes and the codes. weight = d scale q - dmin min
//   q6    for each 512 k a line of binary16 d (256, row); then for each 2 groups a line (16 k, row) of signed
//         byte scales and for each group 4 lines of lower bits and 2 of upper bits.
//         weight = d scale (q - 32)
//   q8    for each 2 groups a line of binary16 scales (group, row), then the codes, byte xor 0x80.
//         weight = d q
//   q8g   for each group 2 lines of float scales (16 k, row), 2 lines of float offsets, then the codes,
//         byte xor 0x80. weight = scale q + offset
//   bf16  a line for each pair of k: dword (k, k + 1) of a row
//   f16   16 binary16 (row) for each k
//
// A last odd group has its own line of scales, half empty.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gemma4::inline v0
{
    // Enumerators are named like the formats they hold on purpose. Their order is part of packed files.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
    enum class packed_type : std::uint8_t
    {
        q4,
        q4s,
        q4k,
        q6,
        q8,
        q8g,
        bf16,
        f16,
        q5,
        q5s,
        q5k
    };
#pragma GCC diagnostic pop

    inline constexpr std::size_t packed_type_count = 11;
    inline constexpr std::size_t packed_rows = 16;
    inline constexpr std::size_t packed_group = 32;
    inline constexpr std::uint8_t packed_order[8] = {0, 4, 1, 5, 2, 6, 3, 7};

    constexpr char const* name(packed_type type) noexcept
    {
        constexpr char const* names[] = {"q4",   "q4s", "q4k", "q6",  "q8", "q8g",
                                         "bf16", "f16", "q5",  "q5s", "q5k"};
        return names[std::size_t(type)];
    }

    // ins must be a multiple of this where the type's source is; it is padded to it.
    [[gnu::always_inline]] constexpr std::size_t packed_unit(packed_type type) noexcept
    {
        bool const of_256 = type == packed_type::q4k || type == packed_type::q5k || type == packed_type::q6;
        return of_256 ? 256 : packed_group;
    }

    [[gnu::always_inline]] constexpr std::size_t packed_groups(packed_type type, std::size_t ins) noexcept
    {
        auto const unit = packed_unit(type);
        return (ins + unit - 1) / unit * (unit / packed_group);
    }

    // Bytes of the codes of a group, or of its weights where there are no codes.
    [[gnu::always_inline]] constexpr std::size_t packed_code_bytes(packed_type type) noexcept
    {
        switch (type)
        {
        case packed_type::q4:
        case packed_type::q4s:
        case packed_type::q4k: return 256;
        case packed_type::q5:
        case packed_type::q5s:
        case packed_type::q5k: return 320;
        case packed_type::q6: return 384;
        case packed_type::q8:
        case packed_type::q8g: return 512;
        case packed_type::bf16:
        case packed_type::f16: return 1024;
        }
        return 0;
    }

    // Bytes of 16 rows: a multiple of 64.
    [[gnu::always_inline]] constexpr std::size_t packed_block_bytes(packed_type type,
                                                                    std::size_t ins) noexcept
    {
        auto const groups = packed_groups(type, ins);
        auto const pairs = (groups + 1) / 2;
        auto const codes = packed_code_bytes(type) * groups;
        switch (type)
        {
        case packed_type::q4:
        case packed_type::q5:
        case packed_type::q8: return 64 * pairs + codes;
        case packed_type::q4s:
        case packed_type::q5s: return 64 * groups + codes;
        case packed_type::q4k:
        case packed_type::q5k: return 64 * (groups / 8) + 64 * pairs + codes;
        case packed_type::q6: return 64 * ((groups / 8 + 1) / 2) + 64 * pairs + codes;
        case packed_type::q8g: return 256 * groups + codes;
        case packed_type::bf16:
        case packed_type::f16: return codes;
        }
        return 0;
    }

    [[gnu::always_inline]] constexpr std::size_t packed_bytes(packed_type type, std::size_t outs,
                                                              std::size_t ins) noexcept
    {
        return (outs + packed_rows - 1) / packed_rows * packed_block_bytes(type, ins);
    }

    // Offsets into a block of 16 rows. `codes` of a group: its first line of codes.
    struct packed_at
    {
        std::size_t scales;    // the line or half line of the group's scales
        std::size_t codes;
    };

    [[gnu::always_inline]] constexpr packed_at packed_group_at(packed_type type, std::size_t group) noexcept
    {
        auto const odd = group % 2;
        auto const codes = packed_code_bytes(type);
        auto const pair_at = (64 + 2 * codes) * (group / 2);
        auto const of_pair = [&](std::size_t at) __attribute__((always_inline))
        {
            return packed_at{at + 32 * odd, at + 64 + codes * odd};
        };
        switch (type)
        {
        case packed_type::q4:
        case packed_type::q5:
        case packed_type::q8: return of_pair(pair_at);
        case packed_type::q4s:
        case packed_type::q5s: return {(64 + codes) * group, (64 + codes) * group + 64};
        case packed_type::q4k:
        case packed_type::q5k: return of_pair(64 * (group / 8 + 1) + pair_at);
        case packed_type::q6: return of_pair(64 * (group / 16 + 1) + pair_at);
        case packed_type::q8g: return {(256 + codes) * group, (256 + codes) * group + 256};
        case packed_type::bf16:
        case packed_type::f16: return {codes * group, codes * group};
        }
        return {0, 0};
    }

    // The half line of 16 binary16 that belongs to the 256 k of the group: d of q4k and q5k (dmin follows),
    // and of q6.
    [[gnu::always_inline]] constexpr std::size_t packed_super_at(packed_type type, std::size_t group) noexcept
    {
        auto const pair = 64 + 2 * packed_code_bytes(type);
        if (type == packed_type::q6) { return (64 + 8 * pair) * (group / 16) + 32 * (group / 8 % 2); }
        return (64 + 4 * pair) * (group / 8);
    }
}
