// Vision towers with generated weights, the images of tools/reference/make_vision_cases.py, and what the
// reference gave for them.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <support/generator.hpp>

#include <gemma4/core/types.hpp>
#include <gemma4/io/npy.hpp>
#include <gemma4/towers/vision_encoder.hpp>

namespace gemma4_test
{
    // Fills the tensors that a weight tree names, and keeps what they point to. `rounded`: matrices have
    // values that bfloat16 holds.
    class tensor_filler
    {
    public:
        explicit tensor_filler(std::string prefix, bool rounded = false)
            : m_prefix(std::move(prefix))
            , m_rounded(rounded)
        {}

        template <class Format, class... Shape>
        void operator()(std::string const& name, gemma4::matrix<Format>& to, Shape... shape)
        {
            auto& values = make(name, {std::size_t(shape)...});
            auto const ins = shapes.at(name).back();
            auto const outs = values.size() / ins;
            if constexpr (std::is_same_v<Format, gemma4::bf16>)
            {
                auto& kept = m_narrow.emplace_back(values.size());
                for (std::size_t i = 0; i != kept.size(); ++i) { kept[i] = gemma4::bf16::from(values[i]); }
                m_values.pop_back();
                to.bind(kept.data(), gemma4::weight_type_of(gemma4::dtype::bf16), outs, ins);
            }
            else
            {
                for (float& x : values) { x = m_rounded ? gemma4::bf16::from(x).value() : x; }
                to.bind(values.data(), gemma4::weight_type_of(gemma4::dtype::f32), outs, ins);
            }
        }

        void operator()(std::string const& name, gemma4::vector_weight& to, std::size_t size)
        {
            to = {make(name, {size}).data(), size};
        }

        void operator()(std::string const& name, float& to) { to = make(name, {}).front(); }

        std::map<std::string, shape_type> shapes;    // of every tensor that was named

    private:
        std::vector<float>& make(std::string const& name, shape_type const& shape)
        {
            if (!shapes.emplace(name, shape).second) { throw std::runtime_error(name + " is named twice"); }
            return m_values.emplace_back(make_tensor(m_prefix + name, shape, 1));
        }

        std::string m_prefix;
        bool m_rounded;
        std::list<std::vector<float>> m_values;
        std::list<std::vector<gemma4::bf16>> m_narrow;
    };

    template <gemma4::vision_config V, std::size_t TextHidden, class Format = float>
    struct filled_encoder
    {
        explicit filled_encoder(bool rounded = false)
            : tower_tensors("model.vision_tower.", rounded)
            , projector_tensors("model.embed_vision.", rounded)
            , encoder(tower(), projection())
        {}

        tensor_filler tower_tensors, projector_tensors;
        gemma4::vision_encoder<V, TextHidden, Format> encoder;

    private:
        gemma4::vision_weights<V, Format> tower()
        {
            gemma4::vision_weights<V, Format> tree;
            tree.for_each_tensor(tower_tensors);
            return tree;
        }

        gemma4::projector<V.hidden, TextHidden, Format> projection()
        {
            gemma4::projector<V.hidden, TextHidden, Format> tree;
            tree.for_each_tensor(projector_tensors);
            return tree;
        }
    };

    // The patches (count, 768) of a case.
    inline std::vector<float> pixels_of(std::string const& name, std::size_t count)
    {
        bit_source const bits("pixels." + name, 1);
        std::vector<float> values(count * 768);
        for (std::size_t i = 0; i != values.size(); ++i) { values[i] = float(bits(i) >> 56) / 255.0f; }
        return values;
    }

    struct vision_case
    {
        struct totals
        {
            double max, sum, magnitude;
        };

        std::string name, variant;
        gemma4::patch_grid grid;
        std::vector<std::size_t> stored;    // rows of the arrays below
        std::vector<float> tower, projected;
        totals tower_totals, projected_totals;
    };

    inline std::vector<vision_case> read_vision_cases(std::filesystem::path const& folder)
    {
        std::ifstream file(folder / "vision_cases.json");
        std::vector<vision_case> cases;
        for (auto const& row : nlohmann::json::parse(file))
        {
            auto const totals = [&](char const* of)
            {
                auto const& t = row.at(of);
                return vision_case::totals{t.at("max"), t.at("sum"), t.at("magnitude")};
            };
            auto const name = row.at("case").get<std::string>();
            auto const array = [&](char const* of)
            { return gemma4::read_npy(folder / ("vision_" + name + of)).floats(); };
            cases.push_back({.name = name,
                             .variant = row.at("variant"),
                             .grid = {row.at("columns"), row.at("rows")},
                             .stored = row.at("stored"),
                             .tower = array("_tower.npy"),
                             .projected = array("_projected.npy"),
                             .tower_totals = totals("tower"),
                             .projected_totals = totals("projected")});
        }
        return cases;
    }

    struct error_found
    {
        double values;     // largest difference of a stored value, as a share of the largest value of all
        double largest;    // the same of the largest magnitude
        double sum;        // difference of the sums, as a share of the sum of magnitudes
    };

    // Encodes an image of a case, its pixels made from its name, and compares with what is stored.
    struct case_result
    {
        error_found tower, projected;
        bool one_call_is_two;    // encode() gives the bits of project(tower_output())
    };

    inline error_found compare(gemma4::soft_tokens const& found, std::vector<std::size_t> const& stored,
                               std::vector<float> const& rows, vision_case::totals const& totals)
    {
        error_found e{};
        for (std::size_t k = 0; k != stored.size(); ++k)
        {
            for (std::size_t i = 0; i != found.width; ++i)
            {
                auto const difference =
                    std::abs(double(found.rows().row(stored[k])[i]) - double(rows.at(k * found.width + i)));
                e.values = difference <= e.values ? e.values : difference;    // a NaN stays
            }
        }
        e.values /= totals.max;
        double largest = 0, sum = 0;
        for (float const x : found.values)
        {
            largest = std::fmax(largest, std::abs(double(x)));
            sum += double(x);
        }
        e.largest = std::abs(largest - totals.max) / totals.max;
        e.sum = std::abs(sum - totals.sum) / totals.magnitude;
        return e;
    }

    template <gemma4::vision_config V, std::size_t TextHidden, class Format>
    case_result run_case(gemma4::vision_encoder<V, TextHidden, Format> const& encoder, vision_case const& c,
                         gemma4::executor& threads)
    {
        gemma4::vision_workspace<V> w({.patches = c.grid.patches(), .slots = threads.concurrency()});
        auto const compute = w.machine(threads, gemma4::kernels::best());
        auto const pixels = pixels_of(c.name, c.grid.patches());
        gemma4::view<float const> const patches{pixels.data(), c.grid.patches(), 768};
        auto const tower = encoder.tower_output(compute, patches, c.grid, w);
        auto const projected = encoder.project(compute, tower);
        auto const soft = c.grid.patches() / 9;
        if (tower.count != soft || tower.width != V.hidden || projected.count != soft
            || projected.width != TextHidden)
        {
            throw std::runtime_error(c.name + ": soft tokens of another shape");
        }
        bool const same = encoder.encode(compute, patches, c.grid, w).values == projected.values;
        return {compare(tower, c.stored, c.tower, c.tower_totals),
                compare(projected, c.stored, c.projected, c.projected_totals), same};
    }
}
