#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/api/listed_matrix.hpp>
#include <gemma4/api/media_towers.hpp>
#include <gemma4/api/random_weights.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;

namespace
{
    // Every matrix's bytes, by name.
    template <class Weights>
    std::vector<std::pair<std::string, std::vector<std::byte>>> bytes_of(Weights& weights)
    {
        std::vector<std::pair<std::string, std::vector<std::byte>>> list;
        weights.for_each_tensor(
            [&]<class Weight>(std::string const& name, Weight& weight, auto...)
            {
                auto const add = [&](auto const& m) {
                    list.push_back({name, {m.row(0), m.row(0) + m.bytes()}});
                };
                if constexpr (gemma4::detail::is_gate_up<Weight>) { add(weight.gate); }
                else if constexpr (!std::is_same_v<Weight, float> && !std::is_same_v<Weight, vector_weight>)
                {
                    add(weight);
                }
            });
        return list;
    }
}

TEST_CASE_TEMPLATE("random weights for the fast path are plain ones, packed", M, tiny_e2b, tiny_a4b)
{
    inline_executor here;
    auto* const memory = std::pmr::get_default_resource();
    media_towers<M, modality::text, any_format> towers;
    for (auto const type : {dtype::bf16, dtype::f32})
    {
        for (auto const precision : {weight_precision::stored, weight_precision::f32, weight_precision::bf16,
                                     weight_precision::int8, weight_precision::int4})
        {
            CAPTURE(int(type));
            CAPTURE(int(precision));
            auto two_steps = random_weights<M, any_format>(type, std::nullopt, 0, memory, towers);
            auto const plain = std::move(two_steps.packed);    // pack_weights makes an arena of its own
            pack_weights(two_steps, towers, precision, here, memory);
            auto one_step = random_weights<M, any_format>(type, precision, 0, memory, towers);
            auto const expected = list_matrices(two_steps.weights), found = list_matrices(one_step.weights);
            auto const bytes = bytes_of(one_step.weights), expected_bytes = bytes_of(two_steps.weights);
            REQUIRE(found.size() == expected.size());
            REQUIRE(bytes.size() == expected_bytes.size());
            for (std::size_t i = 0; i != found.size(); ++i)
            {
                CAPTURE(found[i].name);
                CHECK(found[i].outs == expected[i].outs);
                CHECK(found[i].ins == expected[i].ins);
                bool const few_bits =
                    precision == weight_precision::int8 || precision == weight_precision::int4;
                if (few_bits && found[i].name == "embed_tokens_per_layer.weight")
                {
                    CHECK(found[i].type
                          == weight_type_of(precision == weight_precision::int4 ? ggml_type::q4_0
                                                                                : ggml_type::q8_0));
                    continue;
                }
                CHECK(found[i].type == expected[i].type);
                CHECK((bytes[i] == expected_bytes[i]));
            }
        }
    }
}

TEST_CASE("random weights need what they say")
{
    media_towers<tiny_e2b, modality::text, any_format> towers;
    auto* const memory = std::pmr::get_default_resource();
    auto const need = [&](std::optional<weight_precision> packing)
    { return random_weights<tiny_e2b, any_format>(dtype::bf16, packing, 0, memory, towers).bytes.all(); };
    CHECK(need(weight_precision::int4) < need(weight_precision::int8));
    CHECK(need(weight_precision::int8) < need(std::nullopt));
    auto const most = need(weight_precision::int4);
    CHECK_NOTHROW(
        random_weights<tiny_e2b, any_format>(dtype::bf16, weight_precision::int4, most, memory, towers));
    CHECK_THROWS_AS(
        (random_weights<tiny_e2b, any_format>(dtype::bf16, weight_precision::int4, most - 1, memory, towers)),
        capacity_error);
}
