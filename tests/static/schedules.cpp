// The schedules of all variants against the model cards and the reference's layer_types, counted by hand.
#include <cstddef>
#include <initializer_list>

#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

namespace
{
    using namespace gemma4;

    // How many layers of M are of this attention and role, and in how many kinds they fall.
    template <class M>
    constexpr std::size_t count(attention_kind attention, kv_role kv)
    {
        std::size_t n = 0;
        for (auto const& spec : architecture<M>::schedule.specs)
        {
            n += spec.attention == attention && spec.kv == kv;
        }
        return n;
    }

    template <class M>
    constexpr bool counts(std::size_t kinds, std::size_t sliding_owners, std::size_t global_owners,
                          std::size_t sliding_readers, std::size_t global_readers)
    {
        return architecture<M>::schedule.kind_count == kinds
               && count<M>(attention_kind::sliding, kv_role::owner) == sliding_owners
               && count<M>(attention_kind::global, kv_role::owner) == global_owners
               && count<M>(attention_kind::sliding, kv_role::reader) == sliding_readers
               && count<M>(attention_kind::global, kv_role::reader) == global_readers
               && architecture<M>::schedule.owners == sliding_owners + global_owners;
    }

    static_assert(counts<e2b>(4, 12, 3, 16, 4));
    static_assert(counts<e4b>(4, 20, 4, 15, 3));
    static_assert(counts<a4b>(2, 25, 5, 0, 0));
    static_assert(counts<d31b>(2, 50, 10, 0, 0));
    static_assert(counts<tiny_e2b>(4, 8, 2, 4, 1));
    static_assert(counts<tiny_e4b>(4, 9, 1, 6, 2));
    static_assert(counts<tiny_a4b>(2, 10, 2, 0, 0));
    static_assert(counts<tiny_d31b>(2, 10, 2, 0, 0));

    // Every reader reads the last owner of its own attention kind; every owner reads itself.
    template <class M>
    constexpr bool sources(std::size_t sliding, std::size_t global)
    {
        auto const& s = architecture<M>::schedule;
        for (std::size_t l = 0; l != M::text.layers; ++l)
        {
            auto const expected = s.specs[l].owns_kv() ? l : s.specs[l].is_global() ? global : sliding;
            if (s.layers[l].kv_layer != expected || s.layers[l].cache != expected) { return false; }
        }
        return true;
    }

    static_assert(sources<e2b>(13, 14));
    static_assert(sources<e4b>(22, 23));
    static_assert(sources<tiny_e2b>(8, 9));
    static_assert(sources<tiny_e4b>(
        9, 5));    // three sliding owners stand between the last global owner and the readers
    static_assert(sources<a4b>(0, 0) && sources<d31b>(0, 0));    // owners only

    // The global layers are the ones that the reference names full_attention.
    template <class M>
    constexpr bool globals(std::initializer_list<std::size_t> expected)
    {
        auto next = expected.begin();
        for (std::size_t l = 0; l != M::text.layers; ++l)
        {
            if (!architecture<M>::schedule.specs[l].is_global()) { continue; }
            if (next == expected.end() || *next++ != l) { return false; }
        }
        return next == expected.end();
    }

    static_assert(globals<e2b>({4, 9, 14, 19, 24, 29, 34}));
    static_assert(globals<e4b>({5, 11, 17, 23, 29, 35, 41}));
    static_assert(globals<a4b>({5, 11, 17, 23, 29}));
    static_assert(globals<d31b>({5, 11, 17, 23, 29, 35, 41, 47, 53, 59}));

    // Each layer's slot counts the layers of its kind before it, and its kind is its spec.
    template <class M>
    constexpr bool slots()
    {
        auto const& s = architecture<M>::schedule;
        for (std::size_t l = 0; l != M::text.layers; ++l)
        {
            auto const [kind, slot, kv_layer, cache] = s.layers[l];
            std::size_t before = 0;
            for (std::size_t i = 0; i != l; ++i) { before += s.specs[i] == s.specs[l]; }
            if (slot != before || slot >= s.count[kind] || !(s.kinds[kind] == s.specs[l])) { return false; }
        }
        return true;
    }

    static_assert(slots<e2b>() && slots<e4b>() && slots<a4b>() && slots<d31b>());
    static_assert(slots<tiny_e2b>() && slots<tiny_e4b>() && slots<tiny_a4b>() && slots<tiny_d31b>());

    // What differs between the layers of one model.
    constexpr auto const& e2b_specs = architecture<e2b>::schedule.specs;
    static_assert(e2b_specs[14].ffn == 6144 && e2b_specs[15].ffn == 12288,
                  "KV-shared layers are twice as wide in E2B");
    static_assert(e2b_specs[0].head_dim == 256 && e2b_specs[0].window == 512 && e2b_specs[0].rotated == 128);
    static_assert(e2b_specs[4].head_dim == 512 && e2b_specs[4].window == 0 && e2b_specs[4].rotated == 64);
    static_assert(e2b_specs[0].per_layer_input == 256 && e2b_specs[0].experts == 0
                  && !e2b_specs[4].value_is_key);

    constexpr auto const& e4b_specs = architecture<e4b>::schedule.specs;
    static_assert(e4b_specs[23].ffn == 10240 && e4b_specs[24].ffn == 10240, "E4B has one width");

    constexpr auto const& a4b_specs = architecture<a4b>::schedule.specs;
    static_assert(a4b_specs[0].kv_heads == 8 && !a4b_specs[0].value_is_key && a4b_specs[0].window == 1024);
    static_assert(a4b_specs[5].kv_heads == 2 && a4b_specs[5].value_is_key);
    static_assert(a4b_specs[5].experts == 128 && a4b_specs[5].active_experts == 8
                  && a4b_specs[5].expert_ffn == 704);

    constexpr auto const& d31b_specs = architecture<d31b>::schedule.specs;
    static_assert(d31b_specs[0].kv_heads == 16 && d31b_specs[5].kv_heads == 4 && d31b_specs[5].experts == 0);
}
