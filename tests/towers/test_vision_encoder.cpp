#include <doctest/doctest.h>
#include <support/checkpoint_writer.hpp>
#include <towers/vision_cases.hpp>

#include <gemma4/parallel/pool.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    std::filesystem::path const data = GEMMA4_TEST_DATA;

    // The cases of a variant against the reference, on the threads of this machine; the largest image takes
    // seconds and is left to tests/real.
    template <class M>
    void check_cases()
    {
        filled_encoder<M::vision, M::text.hidden> const filled;
        pool threads;
        std::size_t seen = 0;
        for (auto const& c : read_vision_cases(data / "towers"))
        {
            if (c.variant != M::name || c.grid.patches() > 3000) { continue; }
            ++seen;
            CAPTURE(c.name);
            auto const found = run_case(filled.encoder, c, threads);
            for (auto const& e : {found.tower, found.projected})
            {
                CHECK(e.values <= 2e-6);
                CHECK(e.largest <= 2e-6);
                CHECK(e.sum <= 1e-6);
            }
            CHECK(found.one_call_is_two);
        }
        CHECK(seen >= 2);
    }

    // The names and shapes that the trees of a variant visit against those of the reference's state_dict.
    template <class M>
    void check_names()
    {
        filled_encoder<M::vision, M::text.hidden> filled;
        std::map<std::string, shape_type> named;
        for (auto const& [name, shape] : filled.tower_tensors.shapes)
        {
            named["model.vision_tower." + name] = shape;
        }
        for (auto const& [name, shape] : filled.projector_tensors.shapes)
        {
            named["model.embed_vision." + name] = shape;
        }
        std::map<std::string, shape_type> expected;
        for (auto const& t : read_tensor_list(data / "tiny" / M::name / "tensors.json"))
        {
            if (t.name.starts_with("model.vision_tower.") || t.name.starts_with("model.embed_vision."))
            {
                expected[t.name] = t.shape;
            }
        }
        CAPTURE(M::name);
        CHECK(named == expected);
    }
}

TEST_CASE("the small tower of tiny_e2b is the reference's") { check_cases<tiny_e2b>(); }

TEST_CASE("the small tower of tiny_e4b is the reference's") { check_cases<tiny_e4b>(); }

TEST_CASE("the large tower of tiny_a4b is the reference's") { check_cases<tiny_a4b>(); }

TEST_CASE("the large tower of tiny_d31b is the reference's") { check_cases<tiny_d31b>(); }

TEST_CASE("the trees of a tower and its projector name the checkpoint's tensors, and no others")
{
    check_names<tiny_e2b>();
    check_names<tiny_e4b>();
    check_names<tiny_a4b>();
    check_names<tiny_d31b>();
}

TEST_CASE("bfloat16 matrices give the bits of the same values in float32")
{
    filled_encoder<tiny_a4b::vision, 96, bf16> const narrow;
    filled_encoder<tiny_a4b::vision, 96> const wide(true);
    inline_executor here;
    patch_grid const grid{9, 6};
    vision_workspace<tiny_a4b::vision> w({.patches = grid.patches()});
    auto const compute = w.machine(here, kernels::best());
    auto const pixels = pixels_of("narrow", grid.patches());
    view<float const> const patches{pixels.data(), grid.patches(), 768};
    auto const expected = wide.encoder.encode(compute, patches, grid, w);
    CHECK(narrow.encoder.encode(compute, patches, grid, w).values == expected.values);
}
