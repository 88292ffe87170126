// Files whose tensors are of types drawn at random: what loads must run. On every table of fast kernels, the
// fast path stays as close to the exact one as it does with all matrices in the coarsest of these types.
//
// A mixture of experts is chaotic: one route that tips over changes all that follows. So layers are compared
// one by one, each beginning with what the exact path gave it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <kernels/fast_tables.hpp>

#include <gemma4/kernels/fast_tiles.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    constexpr token_id ids[] = {2,   300, 17,  1999, 45, 45, 812, 5, 1024, 77,
                                640, 3,   901, 1500, 33, 8,  260, 4, 1201, 19};

    using rows_of_layers =
        std::vector<std::vector<float>>;    // 2 * layer: what enters it; + 1: what leaves it

    // Keeps what enters and leaves each layer; where `given` is there, a layer begins with its rows instead.
    struct layer_states
    {
        rows_of_layers kept{};
        rows_of_layers const* given = nullptr;

        void operator()(layer_point point, std::size_t layer, auto const& rows)
        {
            if (point == layer_point::attention) { return; }
            auto const size = rows.shape(0) * rows.shape(1);
            auto* const data = const_cast<float*>(&rows(0, 0));    // the workspace, which is not const
            auto const at = 2 * layer + (point == layer_point::output);
            if (given && point == layer_point::input)
            {
                REQUIRE(given->at(at).size() == size);
                std::copy_n(given->at(at).data(), size, data);
            }
            kept.resize(std::max(kept.size(), at + 1));
            kept[at].assign(data, data + size);
        }
    };

    template <class Engine>
    rows_of_layers run(Engine const& engine, std::size_t rows, rows_of_layers const* given = nullptr)
    {
        auto past = engine.make_state();
        layer_states states{.given = given};
        sequence_step<typename Engine::variant> const step{&past, std::span(ids).first(rows),
                                                           wanted_logits::all};
        engine.step(
            std::span(&step, 1), [](std::size_t, std::span<float>) {}, {}, states);
        return states.kept;
    }

    double relative_l2(std::vector<float> const& found, std::vector<float> const& expected)
    {
        double error = 0, power = 0;
        for (std::size_t i = 0; i != expected.size(); ++i)
        {
            error += std::pow(double(found.at(i)) - double(expected[i]), 2);
            power += std::pow(double(expected[i]), 2);
        }
        return std::sqrt(error / power);
    }

    std::vector<kernels::fast_table const*> tables()
    {
        static constexpr auto tiles =
            kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>(
                "emulated tiles");
        auto all = all_fast_tables();
        all.push_back(&tiles);
        return all;
    }

    // Of each layer: the relative error of the fast path, of `rows` tokens.
    template <class M>
    std::vector<double> errors(std::filesystem::path const& file, kernels::fast_table const& table,
                               std::size_t rows)
    {
        auto const exactly =
            run(engine<M, modality::text, any_format, exact>::load(file, one_thread()), rows);
        auto options = one_thread();
        options.fast_kernels = &table;
        options.kv = kv_type::f32;
        auto const quick =
            run(engine<M, modality::text, any_format, fast>::load(file, options), rows, &exactly);
        std::vector<double> all;
        for (std::size_t l = 0; l != M::text.layers; ++l)
        {
            all.push_back(relative_l2(quick.at(2 * l + 1), exactly.at(2 * l + 1)));
        }
        return all;
    }

    double mean(std::vector<double> const& values)
    {
        double sum = 0;
        for (auto const x : values) { sum += x; }
        return sum / double(values.size());
    }

    constexpr gguf_format drawn[] = {
        gguf_format::f32,  gguf_format::f16,  gguf_format::bf16, gguf_format::q4_0,   gguf_format::q4_1,
        gguf_format::q5_0, gguf_format::q5_1, gguf_format::q8_0, gguf_format::iq4_nl, gguf_format::mxfp4};

    template <class M>
    void check_assignments(std::size_t count)
    {
        // the largest error with all matrices in one type
        std::map<std::pair<std::string, std::size_t>, double> coarsest;
        auto const file_of = [](std::string const& tag, auto&& format)
        {
            auto const file = scratch() / (std::string(M::name) + "-" + tag + ".gguf");
            return write_gguf(data() / "tiny" / M::name, file,
                              {.format = format, .split_experts = true, .tokenizer = false});
        };
        for (auto const type : drawn)
        {
            auto const file =
                file_of("all-" + std::to_string(int(type)), [&](std::string_view) { return type; });
            for (auto const* const table : tables())
            {
                for (std::size_t const rows : {1u, 20u})
                {
                    auto& most = coarsest[{table->name, rows}];
                    most = std::max(most, mean(errors<M>(file, *table, rows)));
                }
            }
        }
        for (std::size_t seed = 0; seed != count; ++seed)
        {
            CAPTURE(seed);
            auto const file = file_of("mixed",
                                      [&](std::string_view name)
                                      {
                                          auto const bits = mix(fnv1a64(name) + seed * golden_gamma);
                                          return drawn[(bits >> 32) % std::size(drawn)];
                                      });
            for (auto const* const table : tables())
            {
                for (std::size_t const rows : {1u, 20u})
                {
                    INFO(std::string(table->name), ", ", rows, " rows");
                    auto const off = mean(errors<M>(file, *table, rows));
                    CHECK(off <= 2 * coarsest[{table->name, rows}]);    // a NaN is not
                }
            }
        }
    }
}

TEST_CASE_TEMPLATE("mixed types: tensors of any types in one GGUF file", M, tiny_e2b, tiny_a4b)
{
    check_assignments<M>(12);
}
