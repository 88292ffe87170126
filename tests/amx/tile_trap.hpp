// Runs machine code for the matrix unit on processors that have none: there its instructions are illegal, and
// the handler of that signal does what they would have done to a unit of the thread (tile_unit.hpp). Where
// there is a unit the handler meets only the instructions that the unit refuses. Either way a refused
// instruction has no effect and is counted, so that one test serves both.
//
// Vector registers of the interrupted code are put back by the kernel. The handler needs a few hundred bytes
// besides the kernel's frame (some 3 KiB with AVX-512), so it runs on the thread's own stack.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include <amx/tile_unit.hpp>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <gemma4/simd/arch/cpu.hpp>

namespace amx
{
    enum class operation : std::uint8_t
    {
        ldtilecfg,
        sttilecfg,
        tilerelease,
        tilezero,
        tileloadd,
        tileloaddt1,
        tilestored,
        tdpbf16ps,
        tdpbssd,
        tdpbsud,
        tdpbusd,
        tdpbuud
    };
    inline constexpr std::size_t operation_count = 12;

    struct instruction
    {
        operation what;
        int reg, rm, vvvv;       // tiles, where they are
        std::uint64_t begin;     // memory: base + displacement, for configurations the whole address
        std::uint64_t stride;    // index * scale
        std::size_t length;
    };

    // The instruction at `code`, given the general registers in the order of their numbers; none if it is not
    // one of the unit, or is one that the processor would not take.
    inline std::optional<instruction> decode(unsigned char const* code, std::uint64_t const (&registers)[16])
    {
        // C4 [R X B map] [W vvvv L pp] opcode modrm: map 0F38, W0, 128 bits. R, X, B and vvvv are inverted.
        if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) { return std::nullopt; }
        bool const r = (code[1] & 0x80) == 0, x = (code[1] & 0x40) == 0, b = (code[1] & 0x20) == 0;
        int const prefix = code[2] & 3;    // none, 66, F3, F2
        int const opcode = code[3], mod = code[4] >> 6;
        instruction i{};
        i.reg = (code[4] >> 3 & 7) + 8 * r;
        i.rm = (code[4] & 7) + 8 * b;
        i.vvvv = ~code[2] >> 3 & 15;
        i.length = 5;

        if (mod == 3)
        {
            if (opcode == 0x49 && i.vvvv == 0 && prefix == 0 && code[4] == 0xc0 && !r && !b)
            {
                i.what = operation::tilerelease;
                return i;
            }
            if (opcode == 0x49 && i.vvvv == 0 && prefix == 3 && i.rm == 0)
            {
                i.what = operation::tilezero;
                return i;
            }
            if (opcode == 0x5c && prefix == 2)
            {
                i.what = operation::tdpbf16ps;
                return i;
            }
            if (opcode == 0x5e)
            {
                constexpr operation products[] = {operation::tdpbuud, operation::tdpbusd, operation::tdpbsud,
                                                  operation::tdpbssd};
                i.what = products[prefix];
                return i;
            }
            return std::nullopt;
        }

        bool const has_sib = (code[4] & 7) == 4;
        if (i.vvvv != 0) { return std::nullopt; }
        if (opcode == 0x49 && (code[4] >> 3 & 7) == 0 && prefix < 2)
        {
            i.what = prefix == 0 ? operation::ldtilecfg : operation::sttilecfg;
        }
        else if (opcode == 0x4b && has_sib && prefix != 0)
        {
            i.what = prefix == 3   ? operation::tileloadd
                     : prefix == 1 ? operation::tileloaddt1
                                   : operation::tilestored;
        }
        else { return std::nullopt; }

        bool no_base = mod == 0 && (code[4] & 7) == 5, rip = no_base;
        int base = i.rm;
        if (has_sib)
        {
            auto const sib = code[i.length++];
            base = (sib & 7) + 8 * b;
            no_base = mod == 0 && (sib & 7) == 5;
            int const index = (sib >> 3 & 7) + 8 * x;
            if (index != 4) { i.stride = registers[index] << (sib >> 6); }
        }
        if (!no_base) { i.begin = registers[base]; }
        if (mod == 1) { i.begin += std::uint64_t(std::int64_t(std::int8_t(code[i.length++]))); }
        if (mod == 2 || no_base)
        {
            std::int32_t displacement;
            std::memcpy(&displacement, code + i.length, 4);
            i.begin += std::uint64_t(std::int64_t(displacement));
            i.length += 4;
        }
        if (rip) { i.begin += reinterpret_cast<std::uint64_t>(code) + i.length; }
        if (opcode == 0x49) { i.begin += i.stride; }
        return i;
    }

    // The unit of this thread.
    inline constinit thread_local tile_unit own_unit;

    // What a processor raises: an invalid opcode (SIGILL), or general protection (SIGSEGV).
    enum class exception : std::uint8_t
    {
        ud,
        gp
    };

    // What the handlers of all threads saw.
    struct trap_record
    {
        bool has_unit = false;
        std::atomic<std::uint64_t> executed[operation_count] = {};
        std::atomic<std::uint64_t> faults = 0;
        std::atomic<exception> last_exception = exception::ud;
        std::atomic<char const*> first_fault = nullptr;
        std::atomic<int> configured = 0;    // threads that hold tiles now
        std::atomic<int> threads = 0;       // that ever did
        struct sigaction before_ill = {}, before_segv = {};
    };
    inline constinit trap_record record;
    inline constinit thread_local bool counted_thread = false;

    inline char const* execute(instruction const& i, tile_unit& unit)
    {
        bool const had = unit.configured();
        char const* wrong = nullptr;
        switch (i.what)
        {
        case operation::ldtilecfg:
            wrong = unit.load_configuration(reinterpret_cast<void const*>(i.begin));
            break;
        case operation::sttilecfg: unit.store_configuration(reinterpret_cast<void*>(i.begin)); break;
        case operation::tilerelease: unit.release(); break;
        case operation::tilezero: wrong = unit.zero(i.reg); break;
        case operation::tileloadd:
        case operation::tileloaddt1: wrong = unit.load(i.reg, i.begin, i.stride); break;
        case operation::tilestored: wrong = unit.store(i.reg, i.begin, i.stride); break;
        case operation::tdpbf16ps: wrong = unit.dot_bf16(i.reg, i.rm, i.vvvv); break;
        case operation::tdpbssd: wrong = unit.dot_int8(i.reg, i.rm, i.vvvv, true, true); break;
        case operation::tdpbsud: wrong = unit.dot_int8(i.reg, i.rm, i.vvvv, true, false); break;
        case operation::tdpbusd: wrong = unit.dot_int8(i.reg, i.rm, i.vvvv, false, true); break;
        case operation::tdpbuud: wrong = unit.dot_int8(i.reg, i.rm, i.vvvv, false, false); break;
        }
        record.configured += int(unit.configured()) - int(had);
        return wrong;
    }

    inline void count_fault(exception kind, char const* why)
    {
        char const* none = nullptr;
        record.first_fault.compare_exchange_strong(none, why);
        record.last_exception = kind;
        ++record.faults;
    }

    inline void on_signal(int signal, siginfo_t*, void* context)
    {
        auto& saved = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                   REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
        std::uint64_t registers[16];
        for (int r = 0; r != 16; ++r) { registers[r] = std::uint64_t(saved[order[r]]); }
        auto const found = decode(reinterpret_cast<unsigned char const*>(saved[REG_RIP]), registers);
        if (!found || (signal == SIGSEGV && found->what != operation::ldtilecfg))
        {
            // Not ours: executed again, for the handler that was there before.
            constexpr char word[] = "a fault of an instruction that is none of the matrix unit's\n";
            [[maybe_unused]] auto const ignored = write(2, word, sizeof word - 1);
            sigaction(signal, signal == SIGILL ? &record.before_ill : &record.before_segv, nullptr);
            return;
        }
        if (record.has_unit)
        {
            count_fault(signal == SIGILL ? exception::ud : exception::gp, "refused by the processor");
        }
        else if (auto const* const wrong = execute(*found, own_unit))
        {
            count_fault(found->what == operation::ldtilecfg ? exception::gp : exception::ud, wrong);
        }
        else
        {
            ++record.executed[std::size_t(found->what)];
            if (found->what == operation::ldtilecfg && !counted_thread)
            {
                counted_thread = true;
                ++record.threads;
            }
        }
        saved[REG_RIP] += greg_t(found->length);
    }

    // Whether this processor has the unit, and the process may use it.
    inline bool has_unit()
    {
        return gemma4::simd::cpu().amx_bf16 && gemma4::simd::cpu().amx_int8 && gemma4::simd::tiles_granted();
    }

    // While one lives, instructions of the unit run: on the unit where there is one, in the handler
    // elsewhere. A refused one has no effect and is counted. No thread may outlive it with tiles.
    class tile_trap
    {
    public:
        tile_trap()
        {
            record.has_unit = has_unit();
            for (auto& n : record.executed) { n = 0; }
            forget_faults();
            record.threads = 0;
            counted_thread = false;
            struct sigaction action = {};
            action.sa_sigaction = on_signal;
            action.sa_flags = SA_SIGINFO;
            sigaction(SIGILL, &action, &record.before_ill);
            if (record.has_unit) { sigaction(SIGSEGV, &action, &record.before_segv); }
        }
        tile_trap(tile_trap const&) = delete;
        tile_trap& operator=(tile_trap const&) = delete;
        ~tile_trap()
        {
            sigaction(SIGILL, &record.before_ill, nullptr);
            if (record.has_unit) { sigaction(SIGSEGV, &record.before_segv, nullptr); }
        }

        static std::uint64_t faults() { return record.faults; }
        static exception last_exception() { return record.last_exception; }
        static char const* first_fault() { return record.first_fault ? record.first_fault.load() : ""; }
        static void forget_faults()
        {
            record.faults = 0;
            record.first_fault = nullptr;
        }

        // The rest is known in the handler only, where there is no unit.
        static std::uint64_t executed(operation what) { return record.executed[std::size_t(what)]; }
        static int threads_with_tiles() { return record.configured; }
        static int threads_seen() { return record.threads; }
    };
}
