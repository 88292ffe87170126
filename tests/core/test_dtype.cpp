#include <string_view>

#include <doctest/doctest.h>

#include <gemma4/core/dtype.hpp>

using namespace gemma4;

TEST_CASE("dtypes have the size of their element type and the word of safetensors")
{
    CHECK(size_of(dtype_of<float>) == sizeof(float));
    CHECK(size_of(dtype_of<bf16>) == sizeof(bf16));
    CHECK(size_of(dtype_of<f16>) == sizeof(f16));
    CHECK(name(dtype::f32) == std::string_view("F32"));
    CHECK(name(dtype::bf16) == std::string_view("BF16"));
    CHECK(name(dtype::f16) == std::string_view("F16"));
    CHECK(std::size_t(dtype::f16) + 1 == dtype_count);
}
