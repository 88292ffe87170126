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
    constexpr std::size_t ins = 256, width = 112;    // no whole number of groups

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

    // (copies * width, width): what comes through it is h, rounded as the path rounds it.
    struct identity
    {
        buffer<std::byte> bytes;
        matrix<any_format> as_bound;

        identity(std::size_t copies, bool is_packed)
        {
            std::vector<std::uint16_t> rows(copies * width * width);
            for (std::size_t i = 0; i != copies * width; ++i) { rows[i * width + i % width] = 0x3f80; }
            auto const source = std::as_bytes(std::span(rows));
            if (!is_packed)
            {
                bytes = buffer<std::byte>(source.size());
                std::copy(source.begin(), source.end(), bytes.data());
                as_bound.bind(bytes.data(), weight_type_of(ggml_type::bf16), copies * width, width);
                return;
            }
            bytes = buffer<std::byte>(packed_bytes(packed_type::bf16, copies * width, width));
            for (std::size_t r = 0; r < copies * width; r += packed_rows)
            {
                REQUIRE(
                    pack_rows(ggml_type::bf16, source.data() + r * width * 2, width * 2, packed_rows, width,
                              bytes.data() + r / packed_rows * packed_block_bytes(packed_type::bf16, width)));
            }
            as_bound.bind(bytes.data(), weight_type_of(packed_type::bf16), copies * width, width);
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
        buffer<std::byte> quantised, product_scratch;
        compute c{};

        machine(kernels::fast_table const& fast, std::size_t rows, std::size_t quantised_size)
            : scratch(2 * block_floats(std::max<std::size_t>(rows, row_block), &fast))
            , weight_rows(2 * weight_row_floats(ins))
            , quantised(quantised_size)
            , product_scratch(2 * fast.scratch_bytes)
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
            c.product_scratch = product_scratch.data();
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

namespace
{
    // Clamps that some of the values meet.
    constexpr kernels::gated_bounds tight{{-0.5f, 1.5f}, {-1.0f, 0.75f}, {-0.25f, 0.5f}};

    double clamped(double x, kernels::gated_bounds::range const& r)
    {
        return std::fmin(std::fmax(x, double(r.low)), double(r.high));
    }

    std::vector<double> expected(std::vector<double> const& gate, std::vector<double> const& up,
                                 kernels::gated_bounds const& bounds)
    {
        std::vector<double> h;
        for (std::size_t i = 0; i != gate.size(); ++i)
        {
            auto const g = clamped(gate[i], bounds.gate), u = clamped(up[i], bounds.up);
            h.push_back(clamped(reference::gelu(g) * u, bounds.product));
        }
        return h;
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
    identity const packed(1, true), plain(1, false);
    std::size_t checks = 0;
    for (std::size_t const rows : {1u, 5u, 40u})
    {
        auto const x = reference::values(rows * ins, 9);
        auto const products = [&](std::vector<bound_matrix> const& all)
        {
            std::vector<std::vector<double>> of(all.size());
            for (std::size_t i = 0; i != all.size(); ++i)
            {
                for (std::size_t r = 0; r != rows; ++r)
                {
                    for (std::size_t o = 0; o != width; ++o)
                    {
                        of[i].push_back(all[i].product(x.data() + r * ins, o));
                    }
                }
            }
            return of;
        };
        auto const of_gates = products(gates), of_ups = products(ups);
        for (auto const* table : tables())
        {
            machine m(*table, rows, quantised_bytes(rows, ins));
            for (std::size_t g = 0; g != gates.size(); ++g)
            {
                for (std::size_t u = 0; u != ups.size(); ++u)
                {
                    auto const& down = (g + u) % 3 == 1 ? plain.as_bound : packed.as_bound;
                    auto const bounds = u % 2 == 0 ? kernels::gated_bounds{} : tight;
                    std::vector<float> h(rows * width, std::nanf("")), y(h);
                    view<float const> const in{x.data(), rows, ins};
                    auto const made = gated(m.c, all_rows{},
                                            gate_up<any_format>{gates[g].as_bound, ups[u].as_bound, width, 0},
                                            prepare(m.c, gates[g].as_bound, in), down, h.data(), bounds);
                    linear(m.c, down, made, view<float>{y.data(), rows, width});
                    INFO(std::string(table->name), ", ", rows, " rows, ", names(gates[g], ups[u]));
                    // What is left between the clamps is small beside what the error is of.
                    auto const error = bounds.bounded() ? 5 * allowed : allowed;
                    REQUIRE(relative_l2(y, expected(of_gates[g], of_ups[u], bounds)) < error);
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
    identity const packed(experts, true), plain(experts, false);
    std::size_t in_place = 0;
    for (auto const rows : {std::size_t(1), std::size_t(3), 20 * experts / active})
    {
        auto const pairs = rows * active;
        activations a;
        std::vector<row_place> places(rows);
        std::vector<std::size_t> routes(route_count(M::text, rows));
        a.places = places;
        a.routes = routes.data();
        compute fast{};
        fast.fast = tables().front();
        expert_rows<M> const groups(fast, a);
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
        std::vector<std::size_t> expert_of(pairs);
        for (std::size_t i = 0; i != pairs; ++i)
        {
            auto const* const row = tokens.data() + groups.row_of(i) * ins;
            x.insert(x.end(), row, row + ins);
        }
        for (std::size_t p = 0; p != pairs; ++p) { expert_of[groups.place_of(p)] = routes[p]; }
        auto const products = [&](std::vector<bound_matrix> const& all)
        {
            std::vector<std::vector<double>> of(all.size());
            for (std::size_t w = 0; w != all.size(); ++w)
            {
                for (std::size_t i = 0; i != pairs; ++i)
                {
                    for (std::size_t o = 0; o != width; ++o)
                    {
                        of[w].push_back(all[w].product(x.data() + i * ins, expert_of[i] * width + o));
                    }
                }
            }
            return of;
        };
        auto const of_gates = products(gates), of_ups = products(ups);
        for (auto const* table : tables())
        {
            machine m(*table, rows, quantised_bytes(pairs + unit * experts, ins));
            for (std::size_t g = 0; g != gates.size(); ++g)
            {
                for (std::size_t u = 0; u != ups.size(); ++u)
                {
                    auto const& down = (g + u) % 3 == 1 ? plain.as_bound : packed.as_bound;
                    std::vector<float> h(pairs * width, std::nanf("")), y(h);
                    view<float const> const in{x.data(), pairs, ins};
                    auto const made = gated(
                        m.c, groups, gate_up<any_format>{gates[g].as_bound, ups[u].as_bound, width, width},
                        groups.prepare(m.c, gates[g].as_bound, in), down, h.data());
                    in_place += made.quantised.data == h.data();
                    groups.for_each_block(
                        m.c, made, width,
                        [&](std::size_t expert, std::size_t first, std::size_t from, std::size_t count,
                            std::size_t out, std::size_t outs, std::size_t slot)
                        {
                            multiply_block(m.c, down, made, from, count, expert * width + out, outs,
                                           y.data() + first * width + out, width, slot);
                        });
                    INFO(std::string(table->name), ", ", rows, " rows, ", names(gates[g], ups[u]));
                    REQUIRE(relative_l2(y, expected(of_gates[g], of_ups[u], {})) < allowed);
                }
            }
        }
    }
    CHECK(in_place > 0);    // on the matrix unit
}
