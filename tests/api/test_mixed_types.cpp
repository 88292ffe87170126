// Files whose tensors are of types drawn at random: what loads must run. On every table of fast kernels, the
// fast path stays as close to the exact one as it does with all matrices in the coarsest of these types.
// Decoders with and without experts, towers, GGUF files, folders.
//
// A mixture of experts is chaotic: one route that tips over changes all that follows. So layers are compared
// one by one, each beginning with what the exact path gave it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/drawn_weights.hpp"
#include "support/gguf_writer.hpp"
#include "support/media_cases.hpp"
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

    // Portable kernels and the emulated unit take long.
    enum class machines
    {
        native,
        portable_too,
        emulated_too
    };

    std::vector<kernels::fast_table const*> tables(machines of)
    {
        static constexpr auto tiles =
            kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>(
                "emulated tiles");
        auto all = all_fast_tables();
        if (of == machines::native && all.size() > 1)
        {
            std::erase_if(all, [](auto const* table) { return std::string_view(table->name) == "portable"; });
        }
        if (of == machines::emulated_too) { all.push_back(&tiles); }
        return all;
    }

    // Of each layer: the relative error of the fast path, of `rows` tokens. open() gives an opened model.
    template <class M, class Open>
    std::vector<double> errors(Open const& open, kernels::fast_table const& table, std::size_t rows)
    {
        auto const exactly =
            run(engine<M, modality::text, any_format, exact>::load(open(), one_thread()), rows);
        auto options = one_thread();
        options.fast_kernels = &table;
        options.kv = kv_type::f32;
        auto const quick =
            run(engine<M, modality::text, any_format, fast>::load(open(), options), rows, &exactly);
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

    constexpr gguf_format every_format[] = {
        gguf_format::f32,   gguf_format::f16,  gguf_format::bf16, gguf_format::q4_0,   gguf_format::q4_1,
        gguf_format::q5_0,  gguf_format::q5_1, gguf_format::q8_0, gguf_format::q2_k,   gguf_format::q3_k,
        gguf_format::q4_k,  gguf_format::q5_k, gguf_format::q6_k, gguf_format::iq4_nl, gguf_format::iq4_xs,
        gguf_format::mxfp4, gguf_format::nvfp4};

    // Those whose blocks fit the rows of the tiny variants.
    constexpr gguf_format narrow_formats[] = {
        gguf_format::f32,  gguf_format::f16,  gguf_format::bf16, gguf_format::q4_0,   gguf_format::q4_1,
        gguf_format::q5_0, gguf_format::q5_1, gguf_format::q8_0, gguf_format::iq4_nl, gguf_format::mxfp4};

    constexpr gguf_format plain_formats[] = {gguf_format::f32, gguf_format::f16, gguf_format::bf16};

    using formats = std::span<gguf_format const>;

    // The type of the tensor `name` in the seed-th assignment.
    gguf_format draw(formats from, std::string_view name, std::size_t seed)
    {
        return from[(mix(fnv1a64(name) + seed * golden_gamma) >> 32) % from.size()];
    }

    // The error of assignments of types at random is at most twice that with all matrices in the coarsest of
    // these types. prepare(type_of) makes a file; error_of(that, table, rows) is its error.
    template <class Prepare, class ErrorOf>
    void check_assignments(formats from, std::size_t count, std::span<std::size_t const> sizes,
                           Prepare const& prepare, ErrorOf const& error_of,
                           machines of = machines::portable_too)
    {
        std::map<std::pair<std::string, std::size_t>, double> coarsest;
        auto const for_each = [&](auto const& type_of, auto const& check)
        {
            auto const file = prepare(type_of);
            for (auto const* const table : tables(of))
            {
                for (auto const rows : sizes)
                {
                    INFO(std::string(table->name), ", ", rows, " rows");
                    check(coarsest[{table->name, rows}], error_of(file, *table, rows));
                }
            }
        };
        for (auto const type : from)
        {
            CAPTURE(int(type));
            for_each([&](std::string_view) { return type; },
                     [](double& most, double off)
                     {
                         CHECK(std::isfinite(off));
                         most = std::max(most, off);
                     });
        }
        for (std::size_t seed = 0; seed != count; ++seed)
        {
            CAPTURE(seed);
            for_each([&](std::string_view name) { return draw(from, name, seed); },
                     [](double most, double off) { CHECK(off <= 2 * most); });    // a NaN is not
        }
    }

    constexpr std::size_t one_and_many[] = {1, 20};

    opened_checkpoint open_drawn(std::function<gguf_format(std::string_view)> type_of)
    {
        opened_checkpoint opened;
        opened.weights = std::make_shared<drawn_weights>(std::move(type_of));
        return opened;
    }

    // Rows of whole blocks of 256 weights, so that every type fits every matrix.
    struct wide
    {
        static constexpr char const* name = "wide";
        static constexpr text_config text{.vocab = 2048,
                                          .hidden = 256,
                                          .layers = 4,
                                          .global_every = 2,
                                          .heads = 4,
                                          .kv_heads = 2,
                                          .global_kv_heads = 1,
                                          .head_dim = 64,
                                          .global_head_dim = 128,
                                          .window = 16,
                                          .ffn = 256,
                                          .shared_ffn = 512,
                                          .kv_shared_layers = 1,
                                          .per_layer_input = 256,
                                          .experts = 4,
                                          .active_experts = 2,
                                          .expert_ffn = 256,
                                          .max_positions = 512};
    };
}

TEST_CASE_TEMPLATE("mixed types: tensors of any types in one GGUF file", M, tiny_e2b, tiny_a4b)
{
    check_assignments(
        narrow_formats, 12, one_and_many,
        [](auto const& type_of)
        {
            return write_gguf(data() / "tiny" / M::name, scratch() / (std::string(M::name) + "-mixed.gguf"),
                              {.format = type_of, .split_experts = true, .tokenizer = false});
        },
        [](auto const& file, kernels::fast_table const& table, std::size_t rows)
        { return mean(errors<M>([&] { return open_model(file, M::text, M::name); }, table, rows)); },
        machines::emulated_too);
}

TEST_CASE("mixed types: every readable type, k-quants too")
{
    check_assignments(
        every_format, 6, one_and_many, [](auto const& type_of) { return open_drawn(type_of); },
        [](auto const& opened, kernels::fast_table const& table, std::size_t rows)
        { return mean(errors<wide>([&] { return opened; }, table, rows)); });
}

TEST_CASE_TEMPLATE("mixed types: float types in one folder", M, tiny_e2b, tiny_a4b)
{
    check_assignments(
        plain_formats, 4, one_and_many,
        [](auto const& type_of)
        {
            auto const folder = scratch() / (std::string(M::name) + "-mixed");
            checkpoint_options options{.towers = false};
            options.dtype_of = [&](std::string_view name)
            {
                auto const type = type_of(name);
                return type == gguf_format::f32   ? stored_dtype::f32
                       : type == gguf_format::f16 ? stored_dtype::f16
                                                  : stored_dtype::bf16;
            };
            write_checkpoint(data() / "tiny" / M::name, folder, options);
            return folder;
        },
        [](auto const& folder, kernels::fast_table const& table, std::size_t rows)
        { return mean(errors<M>([&] { return open_model(folder, M::text, M::name); }, table, rows)); });
}

TEST_CASE_TEMPLATE("mixed types: towers", M, tiny_e2b, tiny_d31b)
{
    constexpr bool hears = requires { M::audio; };
    constexpr auto media =
        hears ? modality::text | modality::image | modality::audio : modality::text | modality::image;
    // the soft tokens of an image of so many pixels a side and, where there are ears, of a sound
    auto const soft = [](auto const& model, std::size_t side)
    {
        auto values = encode_image(model, media_image("mixed", side, side), 70)->runs.at(0)->values;
        if constexpr (has(media, modality::audio))
        {
            auto const heard = encode_audio(model, audio_signal("mixed", 50 * side));
            auto const& more = heard->runs.at(0)->values;
            values.insert(values.end(), more.begin(), more.end());
        }
        return std::vector<float>(values.begin(), values.end());
    };
    constexpr std::size_t sides[] = {96};
    check_assignments(
        narrow_formats, 6, sides, [](auto const& type_of) { return open_drawn(type_of); },
        [&](auto const& opened, kernels::fast_table const& table, std::size_t side)
        {
            auto const exactly = soft(engine<M, media, any_format, exact>::load(opened, one_thread()), side);
            auto options = one_thread();
            options.fast_kernels = &table;
            return relative_l2(soft(engine<M, media, any_format, fast>::load(opened, options), side),
                               exactly);
        },
        machines::native);
}
