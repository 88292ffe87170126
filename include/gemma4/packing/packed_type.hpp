// How a packed weight matrix lies in memory: the same bytes for every instruction set, so that a packed file
// runs from its mapping wherever it is opened.
//
// A matrix W (outs, ins) is a sequence of blocks of 16 rows; rows and ins are padded with zeros, ins to a
// whole group. A line of 64 bytes holds 16 dwords, one for each row. A group is 32 consecutive k; inside each
// 8 of them the order is 0 4 1 5 2 6 3 7 (packed_order), which serves byte products and pairs of bfloat16
// alike.
//
//   codes of a group   4 bits: 4 lines; byte b of dword l of a row: low half code order[b], high half order[4
//   + b] of k in
//                      [8 l, 8 l + 8). 8 bits: 8 lines; byte b of dword l: code order[4 (l % 2) + b] of [8 (l
//                      / 2), ...). upper 2 bits: 2 lines; bits 2 i of byte b of dword l: code b of dword 4 l
//                      + i of the 8-bit order.
//   q4    for each 2 groups a line of binary16 scales (group, row), then the codes. weight = d (q - 8)
//   q4s   for each group a line of 16 binary16 scales d and 16 offsets m, then the codes. weight = d q + m
//   q4k   for each 256 k a line of 16 binary16 d and 16 dmin; then for each 2 groups a line (group; scale,
//   min; row) of unsigned
//         bytes and the codes. weight = d scale q - dmin min
//   q6    for each 512 k a line of binary16 d (256, row); then for each 2 groups a line (16 k, row) of signed
//   byte scales and
//         for each group 4 lines of lower bits and 2 of upper bits. weight = d scale (q - 32)
//   q8    for each 2 groups a line of binary16 scales (group, row), then the codes, byte xor 0x80. weight = d
//   q q8g   for each group 2 lines of float scales (16 k, row), 2 lines of float offsets, then the codes,
//   byte xor 0x80.
//         weight = scale q + offset
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
        f16
    };
#pragma GCC diagnostic pop

    inline constexpr std::size_t packed_type_count = 8;
    inline constexpr std::size_t packed_rows = 16;
    inline constexpr std::size_t packed_group = 32;
    inline constexpr std::uint8_t packed_order[8] = {0, 4, 1, 5, 2, 6, 3, 7};

    constexpr char const* name(packed_type type) noexcept
    {
        constexpr char const* names[] = {"q4", "q4s", "q4k", "q6", "q8", "q8g", "bf16", "f16"};
        return names[std::size_t(type)];
    }

    // ins must be a multiple of this where the type's source is; it is padded to it.
    [[gnu::always_inline]] constexpr std::size_t packed_unit(packed_type type) noexcept
    {
        return type == packed_type::q4k || type == packed_type::q6 ? 256 : packed_group;
    }

    [[gnu::always_inline]] constexpr std::size_t packed_groups(packed_type type, std::size_t ins) noexcept
    {
        auto const unit = packed_unit(type);
        return (ins + unit - 1) / unit * (unit / packed_group);
    }

    // Bytes of 16 rows: a multiple of 64.
    [[gnu::always_inline]] constexpr std::size_t packed_block_bytes(packed_type type,
                                                                    std::size_t ins) noexcept
    {
        auto const groups = packed_groups(type, ins);
        auto const pairs = (groups + 1) / 2;
        switch (type)
        {
        case packed_type::q4: return 64 * pairs + 256 * groups;
        case packed_type::q4s: return 320 * groups;
        case packed_type::q4k: return 64 * (groups / 8) + 64 * pairs + 256 * groups;
        case packed_type::q6: return 64 * ((groups / 8 + 1) / 2) + 64 * pairs + 384 * groups;
        case packed_type::q8: return 64 * pairs + 512 * groups;
        case packed_type::q8g: return 768 * groups;
        case packed_type::bf16:
        case packed_type::f16: return 1024 * groups;
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
        auto const pair = group / 2;
        auto const odd = group % 2;
        switch (type)
        {
        case packed_type::q4: return {576 * pair + 32 * odd, 576 * pair + 64 + 256 * odd};
        case packed_type::q4s: return {320 * group, 320 * group + 64};
        case packed_type::q4k:
        {
            auto const at = 64 * (group / 8 + 1) + 576 * pair;
            return {at + 32 * odd, at + 64 + 256 * odd};
        }
        case packed_type::q6:
        {
            auto const at = 64 * (group / 16 + 1) + 832 * pair;
            return {at + 32 * odd, at + 64 + 384 * odd};
        }
        case packed_type::q8: return {1088 * pair + 32 * odd, 1088 * pair + 64 + 512 * odd};
        case packed_type::q8g: return {768 * group, 768 * group + 256};
        case packed_type::bf16:
        case packed_type::f16: return {1024 * group, 1024 * group};
        }
        return {0, 0};
    }

    // The half line of 16 binary16 that belongs to the 256 k of the group: d of q4k (dmin follows) and q6.
    [[gnu::always_inline]] constexpr std::size_t packed_super_at(packed_type type, std::size_t group) noexcept
    {
        if (type == packed_type::q4k) { return (64 + 4 * 576) * (group / 8); }
        return (64 + 8 * 832) * (group / 16) + 32 * (group / 8 % 2);
    }
}
