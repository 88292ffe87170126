// The fast kernels alone: decode in GB/s next to a plain read loop, prefill in GOP/s next to the same
// products in registers only. Every figure is the best of several interleaved passes, in processor time of
// this thread.
//
//     bench_fast_kernels [decode|prefill|all] [megabytes of weights] [outs] [ins] [table]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

#include <sys/mman.h>

#include <gemma4/core/memory.hpp>
#include <gemma4/kernels/fast.hpp>
#include <gemma4/simd/arch/dot_portable.hpp>

using namespace gemma4;
using kernels::activation_kind;

namespace
{
    double seconds()
    {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
    }

    // Huge pages where the system gives them.
    struct arena
    {
        explicit arena(std::size_t n)
            : size(n)
            , data(static_cast<std::byte*>(
                  mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
        {
            madvise(data, n, MADV_HUGEPAGE);
            // Ordinary small numbers in every reading: binary16 0x2c.. is about 1/16, float 0x2c2c.. about
            // 1e-12.
            std::memset(data, 0x2c, n);
        }
        ~arena() { munmap(data, size); }
        arena(arena const&) = delete;
        arena& operator=(arena const&) = delete;

        std::size_t size;
        std::byte* data;
    };

    std::uint64_t plain_read(std::byte const* p, std::size_t n)
    {
        std::uint64_t sums[32] = {};
        for (std::size_t i = 0; i + 256 <= n; i += 256)
        {
            std::uint64_t words[32];
            std::memcpy(words, p + i, 256);
            for (int j = 0; j != 32; ++j) { sums[j] ^= words[j]; }
        }
        std::uint64_t all = 0;
        for (auto const s : sums) { all ^= s; }
        return all;
    }

    struct problem
    {
        kernels::fast_table const& table;
        packed_type type;
        std::size_t rows, ins;
        arena bytes;
        kernels::activations x;

        problem(kernels::fast_table const& t, packed_type p, std::size_t m, std::size_t k)
            : table(t)
            , type(p)
            , rows(m)
            , ins(k)
            , bytes(t.activation_bytes(t.wants(p, m), m, k) + 4096)
            , x{bytes.data, t.wants(p, m), m, k}
        {
            std::vector<float> values(m * k);
            std::uint32_t state = 1;
            for (auto& v : values)
            {
                state = state * 1664525u + 1013904223u;
                v = float(state >> 8) / 8388608.0f - 1.0f;
            }
            t.quantise(values.data(), k, 0, m, x);
        }
    };

    char const* kind_name(activation_kind kind)
    {
        constexpr char const* names[] = {"int8", "int16", "f32", "bf16", "tiles"};
        return names[std::size_t(kind)];
    }

    void decode(kernels::fast_table const& table, std::size_t megabytes, std::size_t outs, std::size_t ins)
    {
        arena const weights(megabytes << 20);
        std::uint64_t sink = 0;
        std::printf(
            "decode, %s, %zu MB, %zu x %zu, one thread, GB/s (share of the plain read loop beside it)\n",
            table.name, megabytes, outs, ins);
        for (std::size_t t = 0; t != packed_type_count; ++t)
        {
            auto const type = packed_type(t);
            auto const matrix = packed_bytes(type, outs, ins);
            auto const count = weights.size / matrix;
            std::printf("%-5s", name(type));
            for (std::size_t const rows : {1u, 2u, 4u, 8u})
            {
                problem const p(table, type, rows, ins);
                std::vector<float> y(rows * outs);
                buffer<std::byte> scratch(table.scratch_bytes);
                double best = 1e9, best_read = 1e9;
                for (int pass = 0; pass != 5; ++pass)
                {
                    auto const a = seconds();
                    sink ^= plain_read(weights.data, count * matrix);
                    auto const b = seconds();
                    for (std::size_t i = 0; i != count; ++i)
                    {
                        table.matmul[t](p.x, 0, rows, weights.data + i * matrix, outs, y.data(), outs,
                                        scratch.data());
                    }
                    auto const c = seconds();
                    best_read = std::min(best_read, b - a);
                    best = std::min(best, c - b);
                }
                std::printf("  M=%zu %-5s %5.1f (%3.0f %%)", rows, kind_name(p.x.kind),
                            double(count * matrix) / best * 1e-9, 100 * best_read / best);
            }
            std::printf("\n");
        }
        std::printf("(%llx)\n", static_cast<unsigned long long>(sink & 1u));
    }

    void prefill(kernels::fast_table const& table, std::size_t outs, std::size_t ins)
    {
        std::printf("prefill, %s, %zu x %zu, one thread, GOP/s\n", table.name, outs, ins);
        for (std::size_t t = 0; t != packed_type_count; ++t)
        {
            auto const type = packed_type(t);
            arena const weights(packed_bytes(type, outs, ins) + 4096);
            std::printf("%-5s", name(type));
            for (std::size_t const rows : {16u, 64u, 128u, 512u})
            {
                problem const p(table, type, rows, ins);
                std::vector<float> y(rows * outs);
                buffer<std::byte> scratch(table.scratch_bytes);
                constexpr std::size_t task = 64;
                double best = 1e9;
                for (int pass = 0; pass != 4; ++pass)
                {
                    auto const a = seconds();
                    for (std::size_t n = 0; n < outs; n += task)
                    {
                        table.matmul[t](p.x, 0, rows, weights.data + packed_bytes(type, n, ins),
                                        std::min(task, outs - n), y.data() + n, outs, scratch.data());
                    }
                    best = std::min(best, seconds() - a);
                }
                std::printf("  M=%zu %-4s %7.1f", rows, kind_name(p.x.kind),
                            2e-9 * double(rows) * double(outs) * double(ins) / best);
            }
            std::printf("\n");
        }
    }
}

int main(int argc, char** argv)
{
    std::string_view const what = argc > 1 ? argv[1] : "all";
    auto const number = [&](int i, std::size_t otherwise)
    { return argc > i ? std::strtoul(argv[i], nullptr, 10) : otherwise; };
    auto const megabytes = number(2, 512);
    auto const outs = number(3, 2048);
    auto const ins = number(4, 1536);
    for (auto const* table : kernels::fast_available())
    {
        if (argc > 5 && std::string_view(argv[5]) != table->name) { continue; }
        if (what != "prefill") { decode(*table, megabytes, outs, ins); }
        if (what != "decode") { prefill(*table, outs, ins); }
    }
}
