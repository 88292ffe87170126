// Random weights as a function of (tensor name, index, seed): the same bits as tools/reference/generator.py,
// which states the rule. Only integer arithmetic and exactly rounded operations, and no product that a
// compiler could fuse with a sum to another result (the one product that is added to something is exact).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gemma4_test
{
    using shape_type = std::vector<std::size_t>;

    inline std::size_t element_count(shape_type const& shape)
    {
        std::size_t n = 1;
        for (auto const dim : shape) { n *= dim; }
        return n;
    }

    inline constexpr std::uint64_t fnv1a64_start = 0xcbf29ce484222325u;

    constexpr std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t state = fnv1a64_start) noexcept
    {
        for (char const c : bytes) { state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3u; }
        return state;
    }

    inline constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15u;

    // The output function of splitmix64.
    constexpr std::uint64_t mix(std::uint64_t z) noexcept
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // Both spellings of a text tensor give the same weights: model.language_model. counts as model.
    inline std::string canonical(std::string_view name)
    {
        constexpr std::string_view released = "model.language_model.";
        if (!name.starts_with(released)) { return std::string(name); }
        return "model." + std::string(name.substr(released.size()));
    }

    // The 64 random bits behind element i of a tensor.
    class bit_source
    {
    public:
        bit_source(std::string_view name, std::uint64_t seed)
            : m_state(fnv1a64(canonical(name)) ^ mix(seed))
        {}

        std::uint64_t operator()(std::uint64_t i) const noexcept
        {
            return mix(m_state + (i + 1) * golden_gamma);
        }

    private:
        std::uint64_t m_state;
    };

    enum class distribution_kind
    {
        normal,
        uniform,
        signed_uniform
    };

    // normal: a is the standard deviation. Otherwise values in [a, a + width], with a random sign if signed.
    struct distribution
    {
        distribution_kind kind;
        double a;
        double width = 0;
    };

    // How the tensor of this Hugging Face name is filled, so that no bug hides behind a 1 or a 0 and scores,
    // router and soft-cap all matter. The first rule that fits counts.
    inline distribution distribution_of(std::string_view name, shape_type const& shape)
    {
        using enum distribution_kind;
        auto const leaf = name.substr(name.rfind('.') + 1);    // npos + 1 is 0
        auto const root = [](std::size_t n) { return std::sqrt(static_cast<double>(n)); };

        if (leaf == "input_min") { return {uniform, -3.5, 1.5}; }
        if (leaf == "input_max") { return {uniform, 2.0, 1.5}; }
        if (leaf == "output_min") { return {uniform, -3.0, 1.5}; }
        if (leaf == "output_max") { return {uniform, 1.5, 1.5}; }
        if (leaf == "layer_scalar") { return {uniform, 0.7, 0.45}; }
        if (leaf == "per_dim_scale") { return {normal, 0.7}; }
        if (leaf == "std_bias") { return {normal, 1.0}; }
        if (leaf == "std_scale") { return {uniform, 0.3, 1.2}; }
        if (leaf == "per_expert_scale") { return {uniform, 0.4, 1.4}; }
        if (name.ends_with("router.scale")) { return {uniform, 0.5, 1.5}; }
        if (name.ends_with("router.proj.weight")) { return {normal, 1.5}; }
        if (leaf == "position_embedding_table") { return {normal, 0.35}; }
        if (name.ends_with("embed_tokens_per_layer.weight")) { return {normal, 0.35}; }
        if (name.ends_with("embed_tokens.weight") || name.ends_with("lm_head.weight"))
        {
            return {normal, 1.0 / root(shape.back())};
        }
        if (canonical(name) == "model.norm.weight") { return {signed_uniform, 2.4, 3.2}; }
        if (name.ends_with("q_norm.weight") || name.ends_with("k_norm.weight"))
        {
            double const scale = 1.0 / std::sqrt(root(shape[0]));
            return {uniform, 0.6 * scale, 0.8 * scale};
        }
        if (leaf == "bias") { return {normal, 0.2}; }
        if (shape.size() <= 1) { return {uniform, 0.6, 0.8}; }
        bool const experts = name.find(".experts.") != std::string_view::npos;
        std::size_t const row = experts ? shape.back() : element_count({shape.begin() + 1, shape.end()});
        return {normal, 1.1 / root(row)};
    }

    // out[i] = element first + i of the tensor, row-major.
    inline void fill_tensor(std::string_view name, shape_type const& shape, std::uint64_t seed,
                            std::size_t first, std::span<float> out)
    {
        auto const [kind, a, width] = distribution_of(name, shape);
        bit_source const bits(name, seed);
        if (kind == distribution_kind::normal)
        {
            double const sum_deviation = std::sqrt(1431655765.0);    // of four uniforms in 0 ... 65535
            auto const scale = static_cast<float>(a / sum_deviation);
            for (std::size_t i = 0; i < out.size(); ++i)
            {
                std::uint64_t const b = bits(first + i);
                auto const sum = (b & 0xffffu) + ((b >> 16) & 0xffffu) + ((b >> 32) & 0xffffu) + (b >> 48);
                out[i] = static_cast<float>(static_cast<std::int32_t>(sum) - 131070) * scale;
            }
            return;
        }
        double const low = static_cast<float>(a);
        double const step = static_cast<float>(width / 16777216.0);
        for (std::size_t i = 0; i < out.size(); ++i)
        {
            std::uint64_t const b = bits(first + i);
            auto const value = static_cast<float>(low + step * static_cast<double>(b >> 40));
            out[i] = kind == distribution_kind::signed_uniform && (b & 1u) ? -value : value;
        }
    }

    inline std::vector<float> make_tensor(std::string_view name, shape_type const& shape, std::uint64_t seed)
    {
        std::vector<float> out(element_count(shape));
        fill_tensor(name, shape, seed, 0, out);
        return out;
    }

    // count token ids in low ... high - 1.
    inline std::vector<std::int32_t> make_tokens(std::string_view name, std::uint64_t seed, std::size_t count,
                                                 std::int32_t low, std::int32_t high)
    {
        bit_source const bits(name, seed);
        auto const range = static_cast<std::uint64_t>(high - low);
        std::vector<std::int32_t> ids(count);
        for (std::size_t i = 0; i < count; ++i)
        {
            ids[i] = low + static_cast<std::int32_t>((bits(i) >> 32) % range);
        }
        return ids;
    }
}
