#include <set>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/formats/format_of.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/simd/arch/cpu.hpp>

using namespace gemma4;

TEST_CASE("the tables of this machine are named, different and best first")
{
    auto const tables = kernels::available();
    REQUIRE(!tables.empty());
    CHECK(&kernels::best() == tables.front());
    std::set<std::string> names;
    for (auto const table : tables) { names.insert(table->name); }
    CHECK(names.size() == tables.size());
#if defined(GEMMA4_SEPARATE_KERNELS) && defined(__x86_64__)
    CHECK(std::string(tables.back()->name) == "baseline");
    CHECK(tables.size() == 1u + simd::cpu().avx2 + simd::cpu().avx512);
#endif
}

TEST_CASE("no table has a hole")
{
    for (auto const table : kernels::available())
    {
        CAPTURE(table->name);
        for (auto const f : table->matmul) { CHECK(bool(f != nullptr)); }
        for (std::uint32_t id = 0; id != first_packed; ++id)
        {
            CHECK(bool(table->widen[id] != nullptr) == is_supported(ggml_type(id)));
        }
        for (auto const f : table->attend_page) { CHECK(bool(f != nullptr)); }
        for (auto const f : table->store_kv) { CHECK(bool(f != nullptr)); }
        bool const rest = table->rms_norm && table->rope && table->gelu_multiply && table->add && table->scale
                          && table->multiply && table->add_scaled && table->softcap && table->softmax
                          && table->merge;
        CHECK(rest);
    }
}
