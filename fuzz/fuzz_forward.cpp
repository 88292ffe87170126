// Small models whose tensors are of types that the input draws, as GGUF and safetensors files: each is bound
// and runs, exactly and fast.
//
// Byte 0: bit 0 the container, bit 1 the variant (dense; experts), bit 2 whether gate and up of experts are
// two tensors (GGUF), bits 3 and 4 how many tokens the prompt has. Then one byte a tensor: its type. Then
// groups of four bytes that spoil a file: tensor, place (two bytes), value.
//
// A file that nobody spoiled must be read and give logits; a spoiled one may have values that are not
// finite, which is an error of the library and never a logit.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "guards.hpp"
#include "memory_file.hpp"
#include "support/checkpoint_writer.hpp"
#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"

#include <gemma4/api/engine.hpp>
#include <gemma4/io/checkpoint_weights.hpp>
#include <gemma4/io/gguf_weights.hpp>

namespace
{
    using namespace gemma4_test;

    // Blocks of 256 weights fit rows of feed-forward layers.
    constexpr gemma4::text_config common{.vocab = 32,
                                         .hidden = 32,
                                         .layers = 2,
                                         .global_every = 2,
                                         .heads = 2,
                                         .kv_heads = 1,
                                         .global_kv_heads = 1,
                                         .head_dim = 16,
                                         .global_head_dim = 32,
                                         .window = 8,
                                         .ffn = 256,
                                         .max_positions = 64};

    struct dense
    {
        static constexpr char const* name = "dense";
        static constexpr auto text = []
        {
            auto made = common;
            made.layers = 4;
            made.kv_shared_layers = 2;
            made.shared_ffn = 512;
            made.per_layer_input = 128;
            return made;
        }();
    };

    struct mixture
    {
        static constexpr char const* name = "mixture";
        static constexpr auto text = []
        {
            auto made = common;
            made.experts = 3;
            made.active_experts = 2;
            made.expert_ffn = 256;
            made.value_is_key = true;
            return made;
        }();
    };

    template <class M>
    using engine_of = gemma4::engine<M, gemma4::modality::text, gemma4::any_format, gemma4::any_compute>;

    // Notes what a variant demands of a checkpoint, and gives zeros.
    class asked_tensors final : public gemma4::weight_source
    {
    public:
        std::vector<named_shape> all;

        gemma4::stored_weight demand(gemma4::weight_tree, std::string const& name,
                                     std::span<std::size_t const> shape) override
        {
            shape_type const extents(shape.begin(), shape.end());
            auto const size = element_count(extents);
            auto [place, is_new] = m_zeros.try_emplace(name, size);
            if (is_new) { all.push_back({name, extents}); }
            return {reinterpret_cast<std::byte const*>(place->second.data()),
                    size * sizeof(float),
                    gemma4::weight_type_of(gemma4::dtype::f32),
                    {},
                    "zeros",
                    place->first};
        }

        std::vector<gemma4::stored_weight> demand_halves(gemma4::weight_tree tree, std::string const& name,
                                                         std::span<std::size_t const> shape) override
        {
            return {demand(tree, name, shape)};
        }

        bool has(gemma4::weight_tree, std::string const&) const override { return false; }
        std::vector<std::string> unknown(gemma4::expected_leftovers const&) const override { return {}; }
        std::string where() const override { return "zeros"; }

    private:
        std::map<std::string, std::vector<float>> m_zeros;
    };

    gemma4::load_options options(gemma4::compute_mode compute)
    {
        return {.context = 16,
                .chunk = 10,
                .executor = std::make_shared<gemma4::inline_executor>(),
                .compute = compute};
    }

    template <class M>
    std::vector<named_shape> const& tensors_of()
    {
        static auto const all = []
        {
            auto const asked = std::make_shared<asked_tensors>();
            gemma4::opened_checkpoint opened;
            opened.weights = asked;
            engine_of<M>::load(opened, options(gemma4::compute_mode::exact));
            return asked->all;
        }();
        return all;
    }

    constexpr std::array formats{
        gguf_format::f32,   gguf_format::f16,  gguf_format::bf16, gguf_format::q4_0,   gguf_format::q4_1,
        gguf_format::q5_0,  gguf_format::q5_1, gguf_format::q8_0, gguf_format::q2_k,   gguf_format::q3_k,
        gguf_format::q4_k,  gguf_format::q5_k, gguf_format::q6_k, gguf_format::iq4_nl, gguf_format::iq4_xs,
        gguf_format::mxfp4, gguf_format::nvfp4};

    // The type of a tensor: the drawn one where its rows are whole blocks and the container has it.
    gguf_format type_of(shape_type const& shape, std::uint8_t drawn, bool plain)
    {
        auto const type = plain || shape.size() < 2 ? formats[drawn % 3] : formats[drawn % formats.size()];
        return shape.empty() || shape.back() % block_size(type) != 0 ? formats[drawn % 3] : type;
    }

    // The bytes of a tensor in a format, made once.
    std::string const& encoded(std::string const& name, shape_type const& shape, gguf_format format)
    {
        static std::map<std::pair<std::string, gguf_format>, std::string> made;
        auto& bytes = made[{name, format}];
        if (bytes.empty()) { bytes = encode_gguf(make_tensor("model." + name, shape, 1), format); }
        return bytes;
    }

    // What is left of the input; zeros behind its end.
    class input_bytes
    {
    public:
        explicit input_bytes(std::span<std::uint8_t const> bytes)
            : m_bytes(bytes)
        {}
        bool empty() const { return m_bytes.empty(); }
        std::uint8_t next()
        {
            if (m_bytes.empty()) { return 0; }
            auto const first = m_bytes.front();
            m_bytes = m_bytes.subspan(1);
            return first;
        }

    private:
        std::span<std::uint8_t const> m_bytes;
    };

    struct piece
    {
        named_shape what;
        gguf_format format;
        std::string bytes;
    };

    std::string gguf_bytes(std::vector<piece> const& pieces)
    {
        gguf_writer out;
        out.text("general.architecture", "gemma4");
        for (auto const& p : pieces)
        {
            out.tensor(p.what.name, p.what.shape, std::uint32_t(p.format), p.bytes);
        }
        return out.bytes();
    }

    std::string safetensors_bytes(std::vector<piece> const& pieces)
    {
        auto header = nlohmann::ordered_json::object();
        std::string data;
        for (auto const& p : pieces)
        {
            auto const* const word = p.format == gguf_format::f32   ? "F32"
                                     : p.format == gguf_format::f16 ? "F16"
                                                                    : "BF16";
            header["model." + p.what.name] = {{"dtype", word},
                                              {"shape", p.what.shape},
                                              {"data_offsets", {data.size(), data.size() + p.bytes.size()}}};
            data += p.bytes;
        }
        auto const text = header.dump();
        std::string out;
        writer_detail::append_word(out, text.size(), 8);
        return out + text + data;
    }

    // A folder whose config.json says nothing, for one file of weights after the other.
    std::filesystem::path folder_with(std::string const& weights)
    {
        auto const folder = scratch();
        if (!std::filesystem::exists(folder / "config.json"))
        {
            writer_detail::write_text(folder / "config.json", "{}");
        }
        writer_detail::write_text(folder / "model.safetensors", weights);
        return folder;
    }

    template <class M>
    void run(engine_of<M> const& model, std::size_t tokens)
    {
        auto past = model.make_state();
        std::array<gemma4::token_id, 10> const prompt{3, 31, 0, 7, 30, 2, 2, 19, 5, 11};
        gemma4::sequence_step<M> const step{&past, std::span(prompt).first(tokens),
                                            gemma4::wanted_logits::all};
        std::size_t rows = 0;
        model.step({&step, 1},
                   [&](std::size_t, std::span<float const> logits)
                   {
                       require(logits.size() == M::text.vocab);
                       for (auto const x : logits) { require(std::isfinite(x)); }
                       ++rows;
                   });
        require(rows == tokens);
    }

    template <class M>
    void bind_and_run(input_bytes input, bool as_gguf, bool split, std::size_t tokens)
    {
        std::vector<piece> pieces;
        auto const add = [&](std::string const& name, std::string const& values_of, shape_type const& shape)
        {
            auto const format = type_of(shape, input.next(), !as_gguf);
            pieces.push_back({{name, shape}, format, encoded(values_of, shape, format)});
        };
        for (auto const& t : tensors_of<M>())
        {
            if (!as_gguf)
            {
                add(t.name, t.name, t.shape);
                continue;
            }
            auto const name = gemma4::gguf_name(t.name);
            require(name.has_value());
            if (split && name->ends_with("ffn_gate_up_exps.weight"))
            {
                shape_type const half{t.shape[0], t.shape[1] / 2, t.shape[2]};
                auto const begin = name->substr(0, name->rfind("ffn_"));
                add(begin + "ffn_gate_exps.weight", t.name + ".gate", half);
                add(begin + "ffn_up_exps.weight", t.name + ".up", half);
                continue;
            }
            add(*name, t.name, t.shape);
        }
        bool const spoiled = !input.empty();
        for (std::size_t n = 0; !input.empty() && n != 64; ++n)
        {
            auto& bytes = pieces[input.next() % pieces.size()].bytes;
            auto const low = input.next(), high = input.next();
            bytes[(low + 256u * high) % bytes.size()] = char(input.next());
        }

        auto const check = [&](gemma4::opened_checkpoint const& opened)
        {
            for (auto const compute : {gemma4::compute_mode::exact, gemma4::compute_mode::fast})
            {
                auto const whole = [&] { run<M>(engine_of<M>::load(opened, options(compute)), tokens); };
                if (spoiled) { attempt(whole); }
                else { whole(); }
            }
        };
        gemma4::opened_checkpoint opened;
        if (as_gguf)
        {
            auto const bytes = gguf_bytes(pieces);
            memory_file const memory(std::as_bytes(std::span(bytes)));
            opened.weights = std::make_shared<gemma4::gguf_weights>(
                std::make_shared<gemma4::gguf_file const>(memory.path()));
            check(opened);
            return;
        }
        opened.weights = std::make_shared<gemma4::checkpoint_weights>(
            std::make_shared<gemma4::checkpoint const>(folder_with(safetensors_bytes(pieces))));
        check(opened);
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    input_bytes input(std::span(data, size));
    auto const flags = input.next();
    constexpr std::array<std::size_t, 4> lengths{1, 3, 5, 10};
    auto const tokens = lengths[(flags >> 3) & 3u];
    bool const as_gguf = (flags & 1u) != 0, split = (flags & 4u) != 0;
    if ((flags & 2u) != 0) { bind_and_run<mixture>(input, as_gguf, split, tokens); }
    else { bind_and_run<dense>(input, as_gguf, split, tokens); }
    return 0;
}
