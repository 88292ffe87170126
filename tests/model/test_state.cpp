// Rewinding, checkpoints, forks: exact, or an error that names the nearest checkpoint. And plan = use.
#include <cstring>
#include <memory_resource>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/checkpoint.hpp>
#include <gemma4/model/memory_plan.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using M = tiny_a4b;    // window 24

    engine<M, modality::text, any_format, exact> const& model()
    {
        static auto const loaded = engine<M, modality::text, any_format, exact>::load(
            tiny_checkpoint(M::name), {.context = 4096,
                                       .chunk = 256,
                                       .rewind_reserve = 40,
                                       .executor = std::make_shared<inline_executor>()});
        return loaded;
    }

    std::vector<token_id> text(std::size_t n, std::size_t seed = 0)
    {
        std::vector<token_id> tokens(n);
        for (std::size_t i = 0; i != n; ++i)
        {
            tokens[i] = token_id(494 + (i * 7919 + seed * 104729 + i * i) % 1500);
        }
        return tokens;
    }

    std::vector<float> run(state<M>& past, std::span<token_id const> tokens)
    {
        std::vector<float> last;
        while (!tokens.empty())
        {
            auto const n = std::min<std::size_t>(tokens.size(), 50);
            sequence_step<M> const step{&past, tokens.first(n), wanted_logits::last};
            model().step(std::span(&step, 1),
                         [&](std::size_t, std::span<float> row) { last.assign(row.begin(), row.end()); });
            tokens = tokens.subspan(n);
        }
        return last;
    }

    bool same_bits(std::vector<float> const& a, std::vector<float> const& b)
    {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    }

    // The logits after `first` tokens of one text and then `then`, never having stopped.
    std::vector<float> straight(std::span<token_id const> first, std::span<token_id const> then)
    {
        auto past = model().make_state();
        run(past, first);
        return run(past, then);
    }
}

TEST_CASE("rewinding within the reserve is exact")
{
    auto const tokens = text(700);
    auto const other = text(30, 1);
    for (std::size_t const back : {1u, 2u, 17u, 39u, 40u})
    {
        CAPTURE(back);
        auto past = model().make_state();
        run(past, tokens);
        past.rewind(tokens.size() - back);
        CHECK(past.size() == tokens.size() - back);
        CHECK(same_bits(run(past, other), straight(std::span(tokens).first(tokens.size() - back), other)));
    }
}

TEST_CASE("rewinding beyond the reserve is an error that names the nearest checkpoint")
{
    auto const tokens = text(700);
    auto past = model().make_state();
    run(past, std::span(tokens).first(300));
    past.pin();
    run(past, std::span(tokens).subspan(300));
    CHECK_FALSE(past.can_rewind(500));
    CHECK_THROWS_WITH_AS(past.rewind(500), doctest::Contains("the nearest checkpoint is 300"),
                         argument_error);
    CHECK_THROWS_WITH_AS(past.rewind(200), doctest::Contains("the nearest checkpoint is 0"), argument_error);
    CHECK_THROWS_WITH_AS(past.rewind(701), doctest::Contains("holds 700 tokens"), argument_error);
    CHECK(past.size() == 700);
    // nothing was changed by the errors
    auto const other = text(10, 2);
    CHECK(same_bits(run(past, other), straight(tokens, other)));
}

TEST_CASE("rewinding to a checkpoint is exact however far the conversation went on")
{
    auto const tokens = text(2000);
    auto const other = text(60, 3);
    auto past = model().make_state();
    run(past, std::span(tokens).first(129));
    past.pin();
    run(past, std::span(tokens).subspan(129, 511));
    past.pin();
    run(past, std::span(tokens).subspan(640));
    CHECK(past.nearest_checkpoint(1000) == 640);
    past.rewind(640);
    CHECK(same_bits(run(past, other), straight(std::span(tokens).first(640), other)));
    past.rewind(129);
    CHECK(same_bits(run(past, other), straight(std::span(tokens).first(129), other)));
    CHECK_FALSE(past.can_rewind(640));    // that history is gone
    past.rewind(0);
    CHECK(same_bits(run(past, other), straight({}, other)));
}

TEST_CASE("forks share the past and write to pages of their own")
{
    auto const tokens = text(333);
    auto past = model().make_state();
    run(past, tokens);
    auto const before = past.cache_bytes();
    auto second = past.fork();
    auto third = past.fork();
    CHECK(past.cache_bytes() == before);    // nothing was copied
    auto const a = text(100, 4), b = text(100, 5), c = text(7, 6);
    auto const at_second = run(second, b);
    auto const at_first = run(past, a);
    auto const at_third = run(third, c);
    CHECK(same_bits(at_first, straight(tokens, a)));
    CHECK(same_bits(at_second, straight(tokens, b)));
    CHECK(same_bits(at_third, straight(tokens, c)));
    second = third;
    CHECK(second.size() == 340);
    third.clear();
    CHECK(same_bits(run(second, a), straight(tokens,
                                             [&]
                                             {
                                                 auto t = c;
                                                 t.insert(t.end(), a.begin(), a.end());
                                                 return t;
                                             }())));
}

TEST_CASE("sliding layers do not grow with the context, global layers grow by pages")
{
    auto past = model().make_state();
    auto const page = page_pool::bytes_per_page(
        kv_shape_of(spec_of(M::text, M::text.global_every - 1), kv_type::f32).page_bytes());
    auto const empty = past.cache_bytes();
    auto const tokens = text(4000);
    for (std::size_t at = 0; at != tokens.size(); at += 250)
    {
        run(past, std::span(tokens).subspan(at, 250));
        auto const pages = ceil_div(at + 250, kernels::page_positions);
        CHECK(past.cache_bytes() == empty + 2 * pages * page);    // two global layers
    }
}

namespace
{
    class counting_memory final : public std::pmr::memory_resource
    {
    public:
        std::size_t held = 0, most = 0;

    private:
        void* do_allocate(std::size_t bytes, std::size_t alignment) override
        {
            held += bytes;
            most = std::max(most, held);
            return std::pmr::new_delete_resource()->allocate(bytes, alignment);
        }
        void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override
        {
            held -= bytes;
            std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
        }
        bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override
        {
            return this == &other;
        }
    };

    template <class V>
    void check_plan(std::size_t context, std::size_t chunk, stored_dtype type, std::string const& tag)
    {
        CAPTURE(V::name);
        CAPTURE(context);
        counting_memory memory;
        {
            auto const folder = tiny_checkpoint(V::name, tag, {.dtype = type, .towers = false});
            load_options options{.context = context,
                                 .chunk = chunk,
                                 .rewind_reserve = 10,
                                 .executor = std::make_shared<inline_executor>()};
            options.memory = &memory;
            auto const loaded = engine<V, modality::text, any_format, exact>::load(folder, options);
            auto const& plan = loaded.plan();
            std::size_t file_bytes = 0;
            for (auto const& t : loaded.file()->tensors()) { file_bytes += t.bytes; }
            auto past = loaded.make_state();
            CHECK(memory.held == plan.weights.converted + plan.scratch + plan.caches_empty);
            CHECK(plan.weights.mapped <= file_bytes);
            auto const tokens = text(context);
            for (std::size_t at = 0; at < context; at += chunk)
            {
                auto const n = std::min(chunk, context - at);
                sequence_step<V> const step{&past, std::span(tokens).subspan(at, n), wanted_logits::last};
                loaded.step(std::span(&step, 1), [](std::size_t, std::span<float>) {});
            }
            CHECK(memory.held == plan.weights.converted + plan.scratch + plan.caches_full);
            CHECK(memory.most == memory.held);
        }
        CHECK(memory.held == 0);
    }
}

TEST_CASE("the memory plan is what is used, to the byte")
{
    check_plan<tiny_e2b>(1000, 128, stored_dtype::bf16, "bf16");
    check_plan<tiny_e2b>(40, 7, stored_dtype::f32, "f32");
    check_plan<tiny_a4b>(700, 33, stored_dtype::f16, "f16");
    check_plan<tiny_a4b>(129, 129, stored_dtype::f32, "f32");
}

TEST_CASE("a cap is an error that names the largest context that fits, and that one fits")
{
    auto const load = [](std::size_t context, std::size_t cap)
    {
        return engine<M, modality::text, any_format, exact>::load(
                   tiny_checkpoint(M::name), {.context = context, .max_memory = cap, .threads = 1})
            .plan();
    };
    auto const cap = load(1000, 0).full();
    CHECK(load(1000, cap).full() == cap);
    std::string said;
    try
    {
        load(4000, cap);
    }
    catch (capacity_error const& e)
    {
        said = e.what();
    }
    CAPTURE(said);
    auto const at = said.find("the largest context that fits is ");
    REQUIRE(at != said.npos);
    auto const best = std::size_t(std::stoul(said.substr(at + 33)));
    CHECK(load(best, cap).full() <= cap);
    CHECK_THROWS_AS(load(best + 1, cap), capacity_error);
    CHECK_THROWS_WITH_AS(load(1000, 1000), doctest::Contains("no context fits"), capacity_error);
}
