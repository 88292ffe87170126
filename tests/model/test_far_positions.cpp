// 262144 positions on a small variant, against a naive decoder in double precision.
#include <cmath>
#include <numbers>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/checkpoint.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    struct far_model
    {
        static constexpr char const* name = "far_model";
        static constexpr text_config text{
            .vocab = 64,
            .hidden = 32,
            .layers = 2,
            .global_every = 2,
            .heads = 2,
            .kv_heads = 1,
            .global_kv_heads = 1,
            .head_dim = 16,
            .global_head_dim = 32,
            .window = 16,
            .ffn = 48,
            .max_positions = 262144,
            .value_is_key = true,
            .media_both_ways = true,
        };
    };

    std::filesystem::path far_checkpoint()
    {
        auto const folder = scratch() / "far";
        std::filesystem::create_directories(folder / "source");
        nlohmann::json config;
        std::ifstream(data() / "tiny" / "tiny_d31b" / "config.json") >> config;
        config["vision_config"] = config["audio_config"] = nullptr;
        config["text_config"].update({{"vocab_size", 64},
                                      {"hidden_size", 32},
                                      {"num_hidden_layers", 2},
                                      {"num_attention_heads", 2},
                                      {"num_key_value_heads", 1},
                                      {"num_global_key_value_heads", 1},
                                      {"head_dim", 16},
                                      {"global_head_dim", 32},
                                      {"sliding_window", 16},
                                      {"intermediate_size", 48},
                                      {"max_position_embeddings", 262144},
                                      {"layer_types", {"sliding_attention", "full_attention"}}});
        std::ofstream(folder / "source" / "config.json") << config;
        std::vector<named_shape> tensors{{"model.language_model.embed_tokens.weight", {64, 32}},
                                         {"model.language_model.norm.weight", {32}}};
        for (std::size_t l = 0; l != 2; ++l)
        {
            auto const head = l == 0 ? std::size_t(16) : 32;
            auto const prefix = "model.language_model.layers." + std::to_string(l) + ".";
            for (auto const* name : {"input_layernorm", "post_attention_layernorm",
                                     "pre_feedforward_layernorm", "post_feedforward_layernorm"})
            {
                tensors.push_back({prefix + name + ".weight", {32}});
            }
            tensors.push_back({prefix + "self_attn.q_proj.weight", {2 * head, 32}});
            tensors.push_back({prefix + "self_attn.k_proj.weight", {head, 32}});
            if (l == 0) { tensors.push_back({prefix + "self_attn.v_proj.weight", {head, 32}}); }
            tensors.push_back({prefix + "self_attn.o_proj.weight", {32, 2 * head}});
            tensors.push_back({prefix + "self_attn.q_norm.weight", {head}});
            tensors.push_back({prefix + "self_attn.k_norm.weight", {head}});
            tensors.push_back({prefix + "mlp.gate_proj.weight", {48, 32}});
            tensors.push_back({prefix + "mlp.up_proj.weight", {48, 32}});
            tensors.push_back({prefix + "mlp.down_proj.weight", {32, 48}});
            tensors.push_back({prefix + "layer_scalar", {1}});
        }
        write_checkpoint(folder / "source", folder, {}, tensors);
        return folder;
    }

    // The rules of the model, written down once more for one token at a time and in double precision.
    class naive
    {
        using vec = std::vector<double>;

    public:
        explicit naive(checkpoint const& file)
            : m_file(file)
            , m_embed(get("embed_tokens.weight"))
            , m_norm(get("norm.weight"))
        {
            for (std::size_t l = 0; l != 2; ++l)
            {
                auto const of = [&](char const* leaf) { return get(sentence("layers.", l, ".", leaf)); };
                m_layers[l] = {of("input_layernorm.weight"),
                               of("self_attn.q_proj.weight"),
                               of("self_attn.k_proj.weight"),
                               l == 0 ? of("self_attn.v_proj.weight") : weight{},
                               of("self_attn.o_proj.weight"),
                               of("self_attn.q_norm.weight"),
                               of("self_attn.k_norm.weight"),
                               of("post_attention_layernorm.weight"),
                               of("pre_feedforward_layernorm.weight"),
                               of("mlp.gate_proj.weight"),
                               of("mlp.up_proj.weight"),
                               of("mlp.down_proj.weight"),
                               of("post_feedforward_layernorm.weight"),
                               of("layer_scalar")};
            }
        }

        // Takes a token in; with `want`, returns its logits.
        vec step(token_id token, bool want)
        {
            vec x(m_embed.values + std::size_t(token) * 32, m_embed.values + std::size_t(token + 1) * 32);
            for (auto& v : x) { v *= std::sqrt(32.0); }
            for (std::size_t l = 0; l != 2; ++l)
            {
                auto const& w = m_layers[l];
                std::size_t const head = l == 0 ? 16 : 32;
                auto const y = normed(x, w.input_norm);
                auto const raw = product(w.k, y);
                m_values[l].push_back(normed(l == 0 ? product(w.v, y) : raw, {}));
                m_keys[l].push_back(turned(normed(raw, w.k_norm), l));
                if (l == 1 && !want) { break; }
                auto const q = product(w.q, y);
                vec mixed;
                for (std::size_t h = 0; h != 2; ++h)
                {
                    vec const one(q.begin() + std::ptrdiff_t(h * head),
                                  q.begin() + std::ptrdiff_t((h + 1) * head));
                    auto const m = attend(turned(normed(one, w.q_norm), l), l);
                    mixed.insert(mixed.end(), m.begin(), m.end());
                }
                add(x, normed(product(w.o, mixed), w.after_norm));
                auto const z = normed(x, w.before_norm);
                auto gate = product(w.gate, z);
                auto const up = product(w.up, z);
                for (std::size_t i = 0; i != gate.size(); ++i)
                {
                    auto const g = gate[i];
                    auto const u = std::sqrt(2 / std::numbers::pi) * (g + 0.044715 * g * g * g);
                    gate[i] = 0.5 * g * (1 + std::tanh(u)) * up[i];
                }
                add(x, normed(product(w.down, gate), w.last_norm));
                for (auto& e : x) { e *= w.scalar.values[0]; }
            }
            ++m_position;
            if (!want) { return {}; }
            auto logits = product(m_embed, normed(x, m_norm));
            for (auto& e : logits) { e = 30 * std::tanh(e / 30); }
            return logits;
        }

    private:
        struct weight
        {
            float const* values = nullptr;
            std::size_t rows = 0;
        };

        weight get(std::string const& leaf) const
        {
            auto const* t = m_file.find("model.language_model." + leaf);
            return {reinterpret_cast<float const*>(t->data), t->shape[0]};
        }

        // Looked up once: this runs for each of 262144 tokens.
        struct layer_weights
        {
            weight input_norm, q, k, v, o, q_norm, k_norm, after_norm, before_norm, gate, up, down, last_norm,
                scalar;
        };

        static vec product(weight const& w, vec const& x)
        {
            vec y(w.rows, 0.0);
            for (std::size_t o = 0; o != w.rows; ++o)
            {
                for (std::size_t i = 0; i != x.size(); ++i)
                {
                    y[o] += double(w.values[o * x.size() + i]) * x[i];
                }
            }
            return y;
        }

        static vec normed(vec x, weight const& gain)
        {
            double square = 0;
            for (auto const e : x) { square += e * e; }
            auto const scale = 1 / std::sqrt(square / double(x.size()) + 1e-6);
            for (std::size_t i = 0; i != x.size(); ++i)
            {
                x[i] *= scale * (gain.values ? double(gain.values[i]) : 1.0);
            }
            return x;
        }

        static void add(vec& x, vec const& y)
        {
            for (std::size_t i = 0; i != x.size(); ++i) { x[i] += y[i]; }
        }

        vec turned(vec x, std::size_t layer) const
        {
            auto const half = x.size() / 2;
            for (std::size_t i = 0; i != (layer == 0 ? half : half / 4); ++i)
            {
                auto const theta = layer == 0 ? 10000.0 : 1000000.0;
                auto const power = float(std::pow(theta, double(float(2 * i) / float(x.size()))));
                auto const angle =
                    double(float(m_position) * (1.0f / power));    // formed in float32, as the reference does
                auto const a = x[i], b = x[i + half];
                x[i] = a * std::cos(angle) - b * std::sin(angle);
                x[i + half] = b * std::cos(angle) + a * std::sin(angle);
            }
            return x;
        }

        vec attend(vec const& q, std::size_t layer) const
        {
            auto const& keys = m_keys[layer];
            auto const first = layer == 0 && keys.size() > 16 ? keys.size() - 16 : 0;
            vec scores;
            double most = -1e300, sum = 0;
            for (auto j = first; j != keys.size(); ++j)
            {
                double s = 0;
                for (std::size_t i = 0; i != q.size(); ++i) { s += q[i] * keys[j][i]; }
                scores.push_back(s);
                most = std::max(most, s);
            }
            vec out(q.size(), 0.0);
            for (auto j = first; j != keys.size(); ++j)
            {
                auto const p = std::exp(scores[j - first] - most);
                sum += p;
                for (std::size_t i = 0; i != out.size(); ++i) { out[i] += p * m_values[layer][j][i]; }
            }
            for (auto& e : out) { e /= sum; }
            return out;
        }

        checkpoint const& m_file;
        weight m_embed, m_norm;
        layer_weights m_layers[2];
        std::vector<vec> m_keys[2], m_values[2];
        std::size_t m_position = 0;
    };
}

TEST_CASE("logits at positions up to 262143 are those of a naive decoder")
{
    auto const model = engine<far_model, modality::text, any_format, exact>::load(
        far_checkpoint(), {.context = 262144, .chunk = 4096, .threads = 2});
    naive reference(*model.file());
    auto past = model.make_state();
    auto const token_at = [](std::size_t i) { return token_id((i * 2654435761u >> 7) % 64); };
    std::vector<token_id> tokens(262144);
    for (std::size_t i = 0; i != tokens.size(); ++i) { tokens[i] = token_at(i); }
    for (std::size_t at = 0; at != tokens.size();)
    {
        // the last tokens one by one: also logits in the middle of the far end
        auto const n = tokens.size() - at > 4096 ? std::size_t(4096)
                       : at % 4096 < 4090        ? 4090 - at % 4096
                                                 : 1;
        sequence_step<far_model> const step{&past, std::span(tokens).subspan(at, n), wanted_logits::last};
        std::vector<float> found;
        model.step(std::span(&step, 1),
                   [&](std::size_t, std::span<float> row) { found.assign(row.begin(), row.end()); });
        std::vector<double> expected;
        for (std::size_t i = 0; i != n; ++i) { expected = reference.step(tokens[at + i], i + 1 == n); }
        at += n;
        double worst = 0, largest = 0;
        for (std::size_t i = 0; i != found.size(); ++i)
        {
            worst = std::max(worst, std::abs(found[i] - expected[i]));
            largest = std::max(largest, std::abs(expected[i]));
        }
        CAPTURE(at);
        CHECK(worst <= 1e-5 * largest);
    }
    CHECK(past.size() == 262144);
    sequence_step<far_model> const over{&past, std::span(tokens).first(1), wanted_logits::last};
    CHECK_THROWS_AS(model.step(std::span(&over, 1), [](std::size_t, std::span<float>) {}), capacity_error);
}
