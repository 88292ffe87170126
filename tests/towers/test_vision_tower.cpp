#include <atomic>
#include <stop_token>

#include <doctest/doctest.h>
#include <towers/vision_cases.hpp>

#include <gemma4/parallel/pool.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    template <class M>
    struct tower_under_test
    {
        tensor_filler tensors{"model.vision_tower."};
        vision_tower<M::vision, float> tower{fill()};

        vision_weights<M::vision, float> fill()
        {
            vision_weights<M::vision, float> tree;
            tree.for_each_tensor(tensors);
            return tree;
        }
    };

    struct image
    {
        patch_grid grid;
        std::vector<float> pixels;

        image(std::size_t columns, std::size_t rows)
            : grid{columns, rows}
            , pixels(pixels_of("image", columns * rows))
        {}

        view<float const> patches() const { return {pixels.data(), grid.patches(), 768}; }
    };

    template <vision_config V>
    std::vector<float> run(vision_tower<V, float> const& tower, image const& of, vision_workspace<V>& w,
                           executor& threads)
    {
        auto const rows = tower.forward(w.machine(threads, kernels::best()), of.patches(), of.grid, w);
        return {rows.data, rows.data + rows.rows * rows.columns};
    }

    // Counts the bytes that are taken from it.
    class counting_memory : public std::pmr::memory_resource
    {
    public:
        std::size_t taken = 0;

    private:
        void* do_allocate(std::size_t bytes, std::size_t alignment) override
        {
            taken += bytes;
            return std::pmr::new_delete_resource()->allocate(bytes, alignment);
        }
        void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override
        {
            std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
        }
        bool do_is_equal(memory_resource const& other) const noexcept override { return this == &other; }
    };

    // A thread count has no say, nor what a workspace held before or has room for.
    template <class M>
    void check_same_bits()
    {
        tower_under_test<M> const under;
        image const wide(21, 24), small(9, 15);
        inline_executor here;
        vision_workspace<M::vision> alone({.patches = small.grid.patches()});
        auto const expected = run(under.tower, small, alone, here);
        for (std::size_t const n : {1u, 2u, 3u, 5u})
        {
            pool threads(n);
            vision_workspace<M::vision> w({.patches = 630, .slots = n});
            auto const first = run(under.tower, wide, w, threads);
            CHECK(run(under.tower, small, w, threads) == expected);
            CHECK(run(under.tower, wide, w, threads) == first);
        }
    }
}

TEST_CASE("a tower gives the same bits on any number of threads and in a workspace used before")
{
    check_same_bits<tiny_e2b>();
    check_same_bits<tiny_a4b>();
}

TEST_CASE("a patch changes its own soft token most, and rows come in the order of blocks")
{
    tower_under_test<tiny_a4b> const under;
    image of(6, 9);
    inline_executor here;
    vision_workspace<tiny_a4b::vision> w({.patches = of.grid.patches()});
    auto const before = run(under.tower, of, w, here);
    std::size_t const column = 4, row = 7;
    float* const patch = of.pixels.data() + (row * of.grid.columns + column) * 768;
    for (std::size_t i = 0; i != 768; ++i) { patch[i] = 1.0f - patch[i]; }
    auto const after = run(under.tower, of, w, here);
    std::vector<double> moved(6);
    for (std::size_t i = 0; i != after.size(); ++i)
    {
        moved[i / 288] = std::fmax(moved[i / 288], std::abs(double(after[i]) - double(before[i])));
    }
    std::size_t const own = row / 3 * 2 + column / 3;
    for (std::size_t t = 0; t != moved.size(); ++t)
    {
        CHECK(moved[t] > 0);    // everyone sees everyone
        if (t != own) { CHECK(moved[t] < moved[own]); }
    }
}

TEST_CASE("a workspace takes what its plan says, for every size of image")
{
    for (std::size_t const patches : {9u, 630u, 2520u, 10080u})
    {
        vision_workspace_options const options{.patches = patches, .slots = 3};
        counting_memory memory;
        vision_workspace<tiny_e2b::vision> const w(options, &memory);
        CHECK(memory.taken == vision_workspace<tiny_e2b::vision>::bytes(options));
        CHECK(w.bytes() == memory.taken);
    }
    // The largest image in the released widths, one thread.
    vision_workspace_options const largest{.patches = 10080};
    CHECK(vision_workspace<e2b::vision>::bytes(largest) < 195u << 20);
    CHECK(vision_workspace<a4b::vision>::bytes(largest) < 240u << 20);
}

TEST_CASE("progress is told layer by layer")
{
    tower_under_test<tiny_e2b> const under;
    image const of(3, 6);
    inline_executor here;
    vision_workspace<tiny_e2b::vision> w({.patches = of.grid.patches()});
    std::vector<std::size_t> done;
    under.tower.forward(w.machine(here, kernels::best()), of.patches(), of.grid, w, {},
                        [&](std::size_t layer, std::size_t all)
                        {
                            CHECK(all == 3);
                            done.push_back(layer);
                        });
    CHECK(done == std::vector<std::size_t>{1, 2, 3});
}

TEST_CASE("a stop between layers is a cancelled_error, and the tower goes on working afterwards")
{
    tower_under_test<tiny_e2b> const under;
    image const of(3, 6);
    inline_executor here;
    vision_workspace<tiny_e2b::vision> w({.patches = of.grid.patches()});
    auto const expected = run(under.tower, of, w, here);
    std::stop_source stop;
    std::size_t layers = 0;
    auto const stop_after_one = [&](std::size_t, std::size_t)
    {
        ++layers;
        stop.request_stop();
    };
    CHECK_THROWS_WITH_AS(under.tower.forward(w.machine(here, kernels::best()), of.patches(), of.grid, w,
                                             stop.get_token(), stop_after_one),
                         "encoding an image was stopped before layer 1 of 3", cancelled_error);
    CHECK(layers == 1);
    CHECK(run(under.tower, of, w, here) == expected);
}

TEST_CASE("grids that no image has and workspaces that are too small are errors")
{
    tower_under_test<tiny_e2b> const under;
    inline_executor here;
    vision_workspace<tiny_e2b::vision> w({.patches = 54});
    auto const c = w.machine(here, kernels::best());
    auto const run_on = [&](image const& of) { under.tower.forward(c, of.patches(), of.grid, w); };
    CHECK_THROWS_WITH_AS(run_on(image(4, 3)),
                         "an image of 4 columns of patches: expected a multiple of 3 up to 1024",
                         argument_error);
    CHECK_THROWS_AS(run_on(image(3, 0)), argument_error);
    CHECK_THROWS_WITH_AS(run_on(image(3, 1026)),
                         "an image of 1026 rows of patches: expected a multiple of 3 up to 1024",
                         argument_error);
    CHECK_THROWS_WITH_AS(run_on(image(9, 9)), "an image has 81 patches, the workspace has room for 54",
                         capacity_error);
    image of(6, 9);
    of.grid = {6, 6};
    CHECK_THROWS_WITH_AS(under.tower.forward(c, {of.pixels.data(), 54, 768}, of.grid, w),
                         "the patches of an image are (54, 768), expected (36, 768) for 6 columns and 6 rows",
                         argument_error);
}
