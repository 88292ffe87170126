// Tiny models as GGUF files: the same logits as a file of the dequantised values, in every format and
// dialect.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/engine.hpp>
#include <gemma4/formats/format_of.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    constexpr token_id ids[] = {2,   300, 17,  1999, 45, 45, 812, 5, 1024, 77,
                                640, 3,   901, 1500, 33, 8,  260, 4, 1201, 19};

    // One way to compute only: the compiler has less to do.
    template <class M>
    using exact_engine = engine<M, modality::text, any_format, exact>;

    template <class M>
    std::filesystem::path file_of(std::string const& tag, gguf_options const& options)
    {
        auto const file = scratch() / (std::string(M::name) + "-" + tag + ".gguf");
        return write_gguf(data() / "tiny" / M::name, file, options);
    }

    template <class M>
    std::vector<float> logits_of(std::filesystem::path const& path)
    {
        auto const model = exact_engine<M>::load(path, one_thread());
        return all_logits(model, std::span(ids), 7);
    }

    bool same_bits(std::vector<float> const& a, std::vector<float> const& b)
    {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    }

    // What the library's formats make of the bytes; their values are compared with those of the gguf package
    // elsewhere.
    void decode(gguf_format format, std::string const& bytes, std::span<float> values)
    {
        dequantise(ggml_type(std::uint32_t(format)), reinterpret_cast<std::byte const*>(bytes.data()),
                   values.size(), values.data());
    }

    template <class M>
    void check_format(gguf_format format)
    {
        CAPTURE(int(format));
        auto const as = [&](std::string_view) { return format; };
        auto const tag = std::to_string(int(format));
        auto const stored = logits_of<M>(file_of<M>(tag, {.format = as}));
        auto const plain = logits_of<M>(file_of<M>(tag + "-plain", {.format = as, .decoded = &decode}));
        CHECK(same_bits(stored, plain));
        for (float const x : stored) { REQUIRE(std::abs(x) <= 30.0f); }
    }

    std::string refusal(auto&& action)
    {
        try
        {
            action();
        }
        catch (error const& e)
        {
            return e.what();
        }
        return {};
    }

    bool holds(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }
}

TEST_CASE_TEMPLATE("gguf model: every dialect of float32 values gives the bits of the checkpoint", M,
                   tiny_e2b, tiny_a4b)
{
    auto const expected = logits_of<M>(tiny_checkpoint(M::name));
    CHECK(same_bits(logits_of<M>(file_of<M>("whole", {})), expected));
    CHECK(same_bits(logits_of<M>(file_of<M>("split", {.parts = 3, .split_experts = true})), expected));
    CHECK(same_bits(logits_of<M>(file_of<M>("ollama", {.ollama = true})), expected));
}

TEST_CASE("gguf model: every format gives the bits of its dequantised values")
{
    using f = gguf_format;
    for (auto const format : {f::f16, f::bf16, f::q4_0, f::q4_1, f::q5_0, f::q5_1, f::q8_0, f::iq4_nl,
                              f::mxfp4, f::q2_k, f::q3_k, f::q4_k, f::q5_k, f::q6_k, f::iq4_xs, f::nvfp4})
    {
        check_format<tiny_e2b>(format);
    }
    check_format<tiny_a4b>(f::q5_0);    // experts
    check_format<tiny_a4b>(f::nvfp4);
}

TEST_CASE("gguf model: a mixture of formats, as in public files")
{
    auto const as = [](std::string_view name)
    {
        return name == "token_embd.weight"                          ? gguf_format::q6_k
               : name.find("attn_output") != std::string_view::npos ? gguf_format::q4_k
               : name.find("ffn_down") != std::string_view::npos    ? gguf_format::q8_0
               : name.find("per_layer_model_proj") != name.npos     ? gguf_format::bf16
                                                                    : gguf_format::q5_0;
    };
    auto const stored = logits_of<tiny_e2b>(file_of<tiny_e2b>("mixed", {.format = as}));
    CHECK(same_bits(
        stored, logits_of<tiny_e2b>(file_of<tiny_e2b>("mixed-plain", {.format = as, .decoded = &decode}))));
}

TEST_CASE("gguf model: the factors of NVFP4 tensors multiply")
{
    auto const as = [](std::string_view name)
    { return name.find("attn_q.weight") != name.npos ? gguf_format::nvfp4 : gguf_format::f32; };
    auto const with_factor = [](float factor)
    {
        return [=](gguf_writer& w)
        {
            for (std::size_t l = 0; l != tiny_a4b::text.layers; ++l)
            {
                std::string bytes(4, '\0');
                std::memcpy(bytes.data(), &factor, 4);
                w.tensor("blk." + std::to_string(l) + ".attn_q.scale", {1}, 0, bytes);
            }
        };
    };
    auto const options = [&](float factor, float decoded) -> gguf_options
    {
        gguf_options o{.format = as};
        if (factor != 0) { o.more = with_factor(factor); }
        if (decoded != 0)
        {
            o.decoded = [=](gguf_format format, std::string const& bytes, std::span<float> values)
            {
                decode(format, bytes, values);
                for (float& x : values) { x *= decoded; }
            };
        }
        return o;
    };
    // queries are normed, so a factor shows only in how their values are rounded: a plain power of two would
    // not
    auto const scaled = logits_of<tiny_a4b>(file_of<tiny_a4b>("factor", options(0.7f, 0)));
    CHECK(same_bits(scaled, logits_of<tiny_a4b>(file_of<tiny_a4b>("factor-plain", options(0, 0.7f)))));
    CHECK_FALSE(same_bits(scaled, logits_of<tiny_a4b>(file_of<tiny_a4b>("no-factor", options(0, 0)))));
}

TEST_CASE("gguf model: tokenizer, stop tokens, sampling and template come from the file")
{
    auto const file =
        file_of<tiny_e2b>("all", {.more = [](gguf_writer& w)
                                  {
                                      w.f32("general.sampling.temp", 0.5f);
                                      w.i32("general.sampling.top_k", 64);
                                      w.f32("general.sampling.top_p", 0.75f);
                                      w.text("tokenizer.chat_template", "{{ bos_token }}<|turn>");
                                  }});
    auto const model = exact_engine<tiny_e2b>::load(file, one_thread());
    auto const& sampling = model.defaults().sampling;
    CHECK(sampling.do_sample);
    CHECK(sampling.temperature == 0.5);
    CHECK(sampling.top_k == 64);
    CHECK(sampling.top_p == 0.75);
    auto const& tokens = model.tokens();
    CHECK(model.defaults().stop.tokens
          == std::vector<token_id>{*tokens.find("<eos>"), *tokens.find("<turn|>"),
                                   *tokens.find("<|tool_response>")});
    CHECK(!model.chat().base);
    CHECK(model.chat().usual.source == "tokenizer.chat_template");
    CHECK(model.folder() == file);
    auto const json = tokenizer::from_file(data() / "tiny" / "tokenizer.json");
    CHECK(tokens.encode("Hello <bos> world\n\n  ab") == json.encode("Hello <bos> world\n\n  ab"));

    auto const base =
        exact_engine<tiny_e2b>::load(file_of<tiny_e2b>("base", {.tokenizer = false}), one_thread());
    CHECK(base.chat().base);
    CHECK(!base.has_tokenizer());
    CHECK(!base.defaults().sampling.do_sample);
    CHECK(holds(refusal([&] { base.tokens(); }), "base.gguf holds no tokenizer, which text needs"));
}

TEST_CASE("gguf model: what does not fit is refused in a sentence")
{
    auto const load = [](std::filesystem::path const& path, load_options options = one_thread())
    { return refusal([&] { exact_engine<tiny_e2b>::load(path, std::move(options)); }); };
    CHECK(holds(
        load(file_of<tiny_a4b>("other", {})),
        "tiny_a4b-other.gguf: metadata gemma4.block_count is 12, but the compiled variant tiny_e2b has 15"));

    auto const unsupported = file_of<tiny_e2b>("iq2", {});
    std::string bytes;
    {
        std::ifstream in(unsupported, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    auto const name = std::string("blk.3.ffn_down.weight");
    auto const at = bytes.find(name) + name.size() + 4 + 2 * 8;    // the rank and two extents lie between
    bytes[at] = 24;    // I8: known, of whole blocks, but no weight format
    std::ofstream(unsupported, std::ios::binary) << bytes;
    CHECK(holds(load(unsupported),
                "tensor blk.3.ffn_down.weight is of type I8, which this library cannot read"));

    auto options = one_thread();
    options.mmproj = file_of<tiny_e2b>("whole", {});
    CHECK(holds(load(file_of<tiny_e2b>("whole", {}), options),
                "general.architecture is \"gemma4\", expected \"clip\""));
    CHECK(holds(load(tiny_checkpoint("tiny_e2b"), options), "goes with a GGUF file only"));

    auto const extra = file_of<tiny_e2b>(
        "extra", {.more = [](gguf_writer& w) { w.tensor("blk.2.mystery", {1}, 0, std::string(4, 'x')); }});
    auto strict = one_thread();
    strict.strict = true;
    CHECK(holds(load(extra, strict), "tensor blk.2.mystery is not one of variant tiny_e2b"));
}
