// NVFP4 matrices in safetensors, both ways of writing them, against the meaning of their bits.
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/formats/format_of.hpp>
#include <gemma4/io/checkpoint_weights.hpp>
#include <gemma4/io/pack_weights.hpp>

using namespace gemma4_test;

namespace
{
    struct stored
    {
        std::string name, type;
        std::vector<std::size_t> shape;
        std::string bytes;
    };

    std::string random_bytes(std::size_t count, unsigned seed, unsigned low = 0, unsigned span = 256)
    {
        std::string out;
        for (std::size_t i = 0; i != count; ++i)
        {
            seed = seed * 1664525u + 1013904223u;
            out += static_cast<char>(low + (seed >> 16) % span);
        }
        return out;
    }

    std::string float_bytes(float x)
    {
        std::string out(4, '\0');
        std::memcpy(out.data(), &x, 4);
        return out;
    }

    // A folder with these tensors and an embedding, which every text model has.
    std::shared_ptr<gemma4::checkpoint const> open(scratch_folder const& folder, std::vector<stored> tensors)
    {
        tensors.push_back({"model.embed_tokens.weight", "F32", {1, 1}, float_bytes(1)});
        nlohmann::ordered_json header;
        std::string data;
        for (auto const& t : tensors)
        {
            header[t.name] = {{"dtype", t.type},
                              {"shape", t.shape},
                              {"data_offsets", {data.size(), data.size() + t.bytes.size()}}};
            data += t.bytes;
        }
        auto text = header.dump();
        text.resize((text.size() + 7) / 8 * 8, ' ');
        folder.write("config.json", "{}");
        folder.write("model.safetensors", little_endian(text.size()) + text + data);
        return std::make_shared<gemma4::checkpoint const>(folder.path);
    }

    constexpr std::size_t outs = 5, ins = 192;

    // The three tensors of X.weight; the numbers depend on the seed.
    std::vector<stored> matrix(std::string const& x, unsigned seed, float factor, bool divides)
    {
        auto const packed = random_bytes(outs * ins / 2, seed);
        auto const scales = random_bytes(outs * ins / 16, seed + 1, 0, 0x7f);
        return {{x + (divides ? ".weight_packed" : ".weight"), "U8", {outs, ins / 2}, packed},
                {x + ".weight_scale", "F8_E4M3", {outs, ins / 16}, scales},
                {x + (divides ? ".weight_global_scale" : ".weight_scale_2"), "F32",
                 divides ? std::vector<std::size_t>{1} : std::vector<std::size_t>{}, float_bytes(factor)}};
    }

    // By the definitions of e2m1 and e4m3.
    double value(std::vector<stored> const& m, std::size_t row, std::size_t column)
    {
        auto const byte = static_cast<unsigned char>(m[0].bytes[(row * ins + column) / 2]);
        auto const half = column % 2 == 0 ? byte & 15u : byte >> 4;
        constexpr double magnitudes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
        auto const scale = static_cast<unsigned char>(m[1].bytes[row * (ins / 16) + column / 16]);
        auto const exponent = int(scale >> 3), mantissa = int(scale & 7u);
        auto const s =
            exponent == 0 ? std::ldexp(mantissa / 8.0, -6) : std::ldexp(1 + mantissa / 8.0, exponent - 7);
        return magnitudes[half & 7u] * (half & 8u ? -1 : 1) * s;
    }

    void check(gemma4::stored_weight const& found, std::vector<stored> const& m, std::size_t first_row,
               double factor)
    {
        REQUIRE(gemma4::ggml_type_of(found.type) == gemma4::ggml_type::nvfp4);
        std::vector<float> row(ins);
        auto const bytes = ins / 64 * 36;
        for (std::size_t r = 0; r != outs; ++r)
        {
            gemma4::dequantise(gemma4::ggml_type::nvfp4, found.data + (first_row + r) * bytes, ins,
                               row.data());
            for (std::size_t c = 0; c != ins; ++c) { REQUIRE(double(row[c]) == value(m, r, c)); }
            REQUIRE(double(found.factors.values[(first_row + r) / found.factors.rows])
                    == doctest::Approx(factor));
        }
    }

    std::string refusal(std::vector<stored> tensors)
    {
        scratch_folder const folder;
        gemma4::checkpoint_weights source(open(folder, std::move(tensors)));
        std::size_t const shape[] = {outs, ins};
        return sentence_of<gemma4::mismatch_error>(
            [&] { source.demand(gemma4::weight_tree::text, "x.weight", shape); });
    }
}

TEST_CASE("nvfp4: a factor that multiplies, one that divides, and the same memory every time")
{
    scratch_folder const folder;
    auto const a = matrix("model.a", 1, 0.25f, false), b = matrix("model.b", 2, 3.0f, true);
    auto all = a;
    all.insert(all.end(), b.begin(), b.end());
    all.push_back({"model.a.input_scale", "F32", {}, float_bytes(1)});
    gemma4::checkpoint_weights source(open(folder, all));
    std::size_t const shape[] = {outs, ins};
    auto const of_a = source.demand(gemma4::weight_tree::text, "a.weight", shape);
    check(of_a, a, 0, 0.25);
    CHECK(of_a.bytes == outs * ins / 64 * 36);
    check(source.demand(gemma4::weight_tree::text, "b.weight", shape), b, 0, 1 / 3.0);
    CHECK(source.demand(gemma4::weight_tree::text, "a.weight", shape).data == of_a.data);
    CHECK(source.has(gemma4::weight_tree::text, "b.weight"));
    source.demand(gemma4::weight_tree::text, "embed_tokens.weight", std::vector<std::size_t>{1, 1});
    CHECK(source.unknown({}).empty());
    std::size_t const wrong[] = {outs, ins / 2};
    CHECK(holds(sentence_of<gemma4::mismatch_error>(
                    [&] { source.demand(gemma4::weight_tree::text, "a.weight", wrong); }),
                "model.a.weight is a matrix of shape [5, 192], expected [5, 96]"));
}

TEST_CASE("nvfp4: a matrix that was packed and given up is made again, with its factors where they were")
{
    scratch_folder const folder;
    auto const a = matrix("model.a", 1, 0.25f, false);
    gemma4::checkpoint_weights source(open(folder, a));
    std::size_t const shape[] = {outs, ins};
    float const* factors = nullptr;
    {
        auto const found = source.demand(gemma4::weight_tree::text, "a.weight", shape);
        REQUIRE(found.made != nullptr);
        factors = found.factors.values;
        auto const type = gemma4::packed_type::q8g;
        std::vector<std::byte> packed(gemma4::packed_bytes(type, outs, ins));
        gemma4::inline_executor threads;
        gemma4::stored_rows const rows{found.data, found.type, outs, ins, &source};
        gemma4::pack_matrix(rows, type, packed.data(), threads);
        check(found, a, 0, 0.25);
    }
    auto const again = source.demand(gemma4::weight_tree::text, "a.weight", shape);
    check(again, a, 0, 0.25);
    CHECK(again.factors.values == factors);
    std::size_t const one[] = {1, 1};
    CHECK(source.demand(gemma4::weight_tree::text, "embed_tokens.weight", one).made == nullptr);
}

TEST_CASE("nvfp4: experts that are matrices of their own are stacked, each with its factor")
{
    scratch_folder const folder;
    std::vector<stored> all;
    std::vector<std::vector<stored>> gates, ups, downs;
    for (unsigned e = 0; e != 3; ++e)
    {
        auto const begin = "model.layers.0.experts." + std::to_string(e) + ".";
        gates.push_back(matrix(begin + "gate_proj", 10 + e, 0.5f + float(e), false));
        ups.push_back(matrix(begin + "up_proj", 20 + e, 1.5f + float(e), false));
        downs.push_back(matrix(begin + "down_proj", 30 + e, 2.5f + float(e), false));
        for (auto const* m : {&gates[e], &ups[e], &downs[e]}) { all.insert(all.end(), m->begin(), m->end()); }
    }
    gemma4::checkpoint_weights source(open(folder, all));
    std::size_t const both[] = {3, 2 * outs, ins}, one[] = {3, outs, ins};
    auto const halves =
        source.demand_halves(gemma4::weight_tree::text, "layers.0.experts.gate_up_proj", both);
    auto const down = source.demand(gemma4::weight_tree::text, "layers.0.experts.down_proj", one);
    REQUIRE(halves.size() == 2);
    for (std::size_t e = 0; e != 3; ++e)
    {
        check(halves[0], gates[e], e * outs, 0.5 + double(e));
        check(halves[1], ups[e], e * outs, 1.5 + double(e));
        check(down, downs[e], e * outs, 2.5 + double(e));
    }
}

TEST_CASE("nvfp4: parts that are missing or do not fit")
{
    auto const good = matrix("model.x", 1, 0.25f, false);
    CHECK(refusal(good) == "");
    CHECK(holds(refusal({good[0], good[2]}), "tensor model.x.weight_scale is missing"));
    CHECK(holds(refusal({good[0], good[1]}), "tensor model.x.weight_scale_2 is missing"));
    auto bad = good;
    bad[1].type = "U8";
    CHECK(holds(refusal(bad), "tensor model.x.weight_scale has dtype U8, expected F8_E4M3"));
    bad = good;
    bad[1].shape = {ins / 16, outs};
    CHECK(holds(refusal(bad), "tensor model.x.weight_scale has shape [12, 5], expected [5, 12]"));
    bad = good;
    bad[2].bytes = float_bytes(0);
    CHECK(holds(refusal(bad), "tensor model.x.weight_scale_2 is 0, expected a positive number"));
    bad = good;
    bad[2].bytes = float_bytes(std::nanf(""));
    CHECK(holds(refusal(bad), "expected a positive number"));
    bad = good;
    bad[0].type = "I8";
    CHECK(holds(refusal(bad), "tensor model.x.weight has shape [5, 96], expected [5, 192]"));
}
