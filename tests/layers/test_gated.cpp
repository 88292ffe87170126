// The gated product of every two types of gate and up, dense and of experts, on every table of fast kernels,
// against a naive product of the dequantised weights.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/fast_tables.hpp>
#include <packing/packed_cases.hpp>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

#include <gemma4/core/memory.hpp>
#include <gemma4/formats/format_of.hpp>
#include <gemma4/kernels/fast_tiles.hpp>
#include <gemma4/layers/expert_rows.hpp>
#include <gemma4/layers/gated.hpp>
#include <gemma4/packing/pack_rows.hpp>
#include <gemma4/parallel/pool.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;

namespace
{
    constexpr std::size_t ins = 256, width = 48;

    // Random rows of a type as a file holds them, as an engine on the fast path binds them: packed where
    // there is a layout for them.
    struct bound_matrix
    {
        ggml_type type;
        std::vector<float> weights;    // (outs, ins)
        buffer<std::byte> bytes;
        matrix<any_format> as_bound;

        bound_matrix(ggml_type of, std::size_t outs, std::uint32_t seed)
            : type(of)
            , weights(outs * ins)
        {
            auto const rows =
                of == ggml_type::f32 ? floats(outs, seed) : packed_cases::ordinary_rows(of, outs, ins, seed);
            auto const row_size = rows.size() / outs;
            dequantise(of, rows.data(), weights.size(), weights.data());
            auto const to = packed_type_of(of);
            if (!to)
            {
                bytes = buffer<std::byte>(rows.size());
                std::copy(rows.begin(), rows.end(), bytes.data());
                as_bound.bind(bytes.data(), weight_type_of(of), outs, ins);
                return;
            }
            bytes = buffer<std::byte>(packed_bytes(*to, outs, ins));
            for (std::size_t r = 0; r < outs; r += packed_rows)
            {
                REQUIRE(pack_rows(of, rows.data() + r * row_size, row_size, packed_rows, ins,
                                  bytes.data() + r / packed_rows * packed_block_bytes(*to, ins)));
            }
            as_bound.bind(bytes.data(), weight_type_of(*to), outs, ins);
        }

        static std::vector<std::byte> floats(std::size_t outs, std::uint32_t seed)
        {
            auto const values = reference::values(outs * ins, seed, 0.5f);
            auto const bytes = std::as_bytes(std::span(values));
            return {bytes.begin(), bytes.end()};
        }

        double product(float const* x, std::size_t row) const
        {
            double sum = 0;
            for (std::size_t i = 0; i != ins; ++i) { sum += double(x[i]) * double(weights[row * ins + i]); }
            return sum;
        }
    };

    std::vector<ggml_type> readable_types()
    {
        std::vector<ggml_type> types;
        for (std::uint32_t id = 0; id != first_packed; ++id)
        {
            if (is_supported(ggml_type(id))) { types.push_back(ggml_type(id)); }
        }
        return types;
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

    // A compute context with memory of its own.
    struct machine
    {
        pool threads{2};
        buffer<float> scratch, weight_rows;
        buffer<std::byte> quantised;
        compute c{};

        machine(kernels::fast_table const& fast, std::size_t rows, std::size_t quantised_size)
            : scratch(2 * block_floats(std::max<std::size_t>(rows, row_block), true))
            , weight_rows(2 * weight_row_floats(ins))
            , quantised(quantised_size)
        {
            c.kernels = &kernels::best();
            c.threads = &threads;
            c.slots = 2;
            c.slot_scratch = scratch.data();
            c.slot_floats = scratch.size() / 2;
            c.weight_rows = weight_rows.data();
            c.weight_row_floats = weight_rows.size() / 2;
            c.fast = &fast;
            c.quantised = quantised.data();
        }
    };

    // Root of the mean square error as a share of the root of the mean square; NaN where a value is one.
    double relative_l2(std::vector<float> const& found, std::vector<double> const& expected)
    {
        double error = 0, power = 0;
        for (std::size_t i = 0; i != found.size(); ++i)
        {
            error += std::pow(double(found[i]) - expected[i], 2);
            power += std::pow(expected[i], 2);
        }
        return std::sqrt(error / power);
    }

    constexpr double allowed = 0.03;    // of int8 activations; a wrong kind of input is off by the whole

    std::string names(bound_matrix const& gate, bound_matrix const& up)
    {
        return std::string(name(gate.type)) + " and " + name(up.type);
    }
}

TEST_CASE("gated: dense, gate and up of any two types")
{
    std::vector<bound_matrix> gates, ups;
    for (auto const type : readable_types())
    {
        gates.emplace_back(type, width, 1);
        ups.emplace_back(type, width, 2);
    }
    REQUIRE(gates.size() >= 17);
    std::size_t checks = 0;
    for (auto const* table : tables())
    {
        for (std::size_t const rows : {1u, 5u, 33u})
        {
            machine m(*table, rows, quantised_bytes(rows, ins));
            auto const x = reference::values(rows * ins, 9);
            for (auto const& gate : gates)
            {
                for (auto const& up : ups)
                {
                    std::vector<float> h(rows * width, std::nanf(""));
                    gated(m.c, all_rows{}, gate_up<any_format>{gate.as_bound, up.as_bound, width, 0},
                          view<float const>{x.data(), rows, ins}, h.data());
                    std::vector<double> expected;
                    for (std::size_t r = 0; r != rows; ++r)
                    {
                        for (std::size_t o = 0; o != width; ++o)
                        {
                            expected.push_back(reference::gelu(gate.product(x.data() + r * ins, o))
                                               * up.product(x.data() + r * ins, o));
                        }
                    }
                    INFO(std::string(table->name), ", ", rows, " rows, ", names(gate, up));
                    REQUIRE(relative_l2(h, expected) < allowed);
                    ++checks;
                }
            }
        }
    }
    REQUIRE(checks == tables().size() * 3 * gates.size() * gates.size());
}

TEST_CASE("gated: experts, gate and up of any two types")
{
    using M = tiny_a4b;
    constexpr auto experts = M::text.experts, active = M::text.active_experts;
    constexpr auto unit = kernels::whole_rows(kernels::activation_kind::tiles);
    std::vector<bound_matrix> gates, ups;
    for (auto const type : readable_types())
    {
        gates.emplace_back(type, experts * width, 3);
        ups.emplace_back(type, experts * width, 4);
    }
    for (auto const* table : tables())
    {
        for (std::size_t const rows : {1u, 3u, 40u})
        {
            auto const pairs = rows * active;
            machine m(*table, rows, quantised_bytes(pairs + unit * experts, ins));
            activations a;
            std::vector<row_place> places(rows);
            std::vector<std::size_t> routes(route_count(M::text, rows));
            a.places = places;
            a.routes = routes.data();
            expert_rows<M> const groups(m.c, a);
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (std::size_t i = 0; i != active; ++i)    // one expert has many rows, some have none
                {
                    groups.chosen(r)[i] = i == 0 ? 0 : (1 + i * 3 + r % 3);
                }
            }
            groups.group();
            auto const tokens = reference::values(rows * ins, 19);
            std::vector<float> x;
            std::vector<std::size_t> expert_of;
            for (std::size_t i = 0; i != pairs; ++i)
            {
                auto const* const row = tokens.data() + groups.row_of(i) * ins;
                x.insert(x.end(), row, row + ins);
            }
            expert_of.resize(pairs);
            for (std::size_t p = 0; p != pairs; ++p) { expert_of[groups.place_of(p)] = routes[p]; }
            for (auto const& gate : gates)
            {
                for (auto const& up : ups)
                {
                    std::vector<float> h(pairs * width, std::nanf(""));
                    gated(m.c, groups, gate_up<any_format>{gate.as_bound, up.as_bound, width, width},
                          view<float const>{x.data(), pairs, ins}, h.data());
                    std::vector<double> expected;
                    for (std::size_t i = 0; i != pairs; ++i)
                    {
                        for (std::size_t o = 0; o != width; ++o)
                        {
                            auto const row = expert_of[i] * width + o;
                            expected.push_back(reference::gelu(gate.product(x.data() + i * ins, row))
                                               * up.product(x.data() + i * ins, row));
                        }
                    }
                    INFO(std::string(table->name), ", ", rows, " rows, ", names(gate, up));
                    REQUIRE(relative_l2(h, expected) < allowed);
                }
            }
        }
    }
}
