// Checkpoints of every layout give the same model; those that do not fit are refused in a sentence.
#include <cstring>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/checkpoint.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using M = tiny_e2b;
    using exact_engine = engine<M, modality::text, any_format, exact>;

    std::vector<token_id> const prompt{2, 600, 601, 702, 803, 1004, 1905, 1206, 607, 508};

    std::vector<float> logits_of(std::filesystem::path const& folder, load_options options = one_thread())
    {
        return all_logits(exact_engine::load(folder, std::move(options)), prompt, 4);
    }

    std::vector<float> const& expected()
    {
        static auto const logits = logits_of(tiny_checkpoint(M::name));
        return logits;
    }

    bool same_bits(std::vector<float> const& a, std::vector<float> const& b)
    {
        return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    }

    std::vector<named_shape> tensor_list()
    {
        return read_tensor_list(data() / "tiny" / M::name / "tensors.json");
    }

    // A checkpoint whose tensor list went through `spoil`.
    template <class Spoil>
    std::filesystem::path spoiled(std::string const& tag, Spoil&& spoil)
    {
        auto tensors = tensor_list();
        std::erase_if(tensors,
                      [](named_shape const& t) { return !t.name.starts_with("model.language_model."); });
        spoil(tensors);
        auto const folder = scratch() / ("spoiled-" + tag);
        write_checkpoint(data() / "tiny" / M::name, folder, {.towers = false}, tensors);
        return folder;
    }

    void expect_mismatch(std::filesystem::path const& folder, std::string const& said)
    {
        CHECK_THROWS_WITH_AS(exact_engine::load(folder, one_thread()), doctest::Contains(said.c_str()),
                             mismatch_error);
    }

    std::string const q3 = "model.language_model.layers.3.self_attn.q_proj.weight";
}

TEST_CASE("both layouts of tensor names, shards, towers and leftovers give the same model")
{
    CHECK(same_bits(logits_of(tiny_checkpoint(M::name, "towers", {})), expected()));
    CHECK(same_bits(logits_of(tiny_checkpoint(M::name, "causal", {.layout = checkpoint_layout::causal})),
                    expected()));
    CHECK(
        same_bits(logits_of(tiny_checkpoint(M::name, "shards", {.shards = 3, .towers = false})), expected()));
    CHECK(same_bits(logits_of(tiny_checkpoint(M::name, "leftover", {.towers = false, .leftover_kv = true})),
                    expected()));
    CHECK(same_bits(
        logits_of(tiny_checkpoint(M::name, "tied", {.towers = false, .lm_head = stored_head::tied})),
        expected()));
}

TEST_CASE("a separate lm_head is used")
{
    auto const folder =
        tiny_checkpoint(M::name, "separate", {.towers = false, .lm_head = stored_head::separate});
    auto const own = logits_of(folder);    // tie_word_embeddings is true: the reference does not tie them
    CHECK_FALSE(same_bits(own, expected()));
    nlohmann::json config;
    std::ifstream(folder / "config.json") >> config;
    config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = false;
    std::ofstream(folder / "config.json") << config;
    CHECK(same_bits(logits_of(folder), own));

    // in float64, from the file's own bytes: the logits are softcap(hidden Wᵀ) of that head
    auto const model = exact_engine::load(folder, one_thread());
    auto const* head = model.file()->find("lm_head.weight");
    REQUIRE(head != nullptr);
    auto const* w = reinterpret_cast<float const*>(head->data);
    auto past = model.make_state();
    std::vector<float> hidden, logits;
    auto const keep = [&](layer_point point, std::size_t layer, auto const& rows)
    {
        if (point != layer_point::output || layer + 1 != M::text.layers) { return; }
        hidden.assign(M::text.hidden, 0.0f);
        for (std::size_t i = 0; i != hidden.size(); ++i) { hidden[i] = rows(0, i); }
    };
    sequence_step<M> const step{&past, prompt, wanted_logits::last};
    model.step(
        std::span(&step, 1),
        [&](std::size_t, std::span<float> row) { logits.assign(row.begin(), row.end()); }, {}, keep);
    auto const* gain =
        reinterpret_cast<float const*>(model.file()->find("model.language_model.norm.weight")->data);
    double square = 0;
    for (auto const h : hidden) { square += double(h) * h; }
    auto const scale = 1 / std::sqrt(square / double(hidden.size()) + double(M::text.norm_eps));
    for (std::size_t t = 0; t < logits.size(); t += 97)
    {
        double sum = 0;
        for (std::size_t i = 0; i != hidden.size(); ++i)
        {
            sum += hidden[i] * scale * gain[i] * w[t * hidden.size() + i];
        }
        CHECK(logits[t] == doctest::Approx(30 * std::tanh(sum / 30)).epsilon(1e-5));
    }
}

TEST_CASE("tensors that no layer names are one warning, or an error where strict")
{
    auto const folder = tiny_checkpoint(M::name, "extra",
                                        {.towers = false,
                                         .extra = {{"model.language_model.layers.2.mystery", {3, 4}},
                                                   {"model.language_model.rotary_emb.inv_freq", {16}}}});
    std::vector<std::string> said;
    auto options = one_thread();
    options.log = [&](std::string_view text) { said.emplace_back(text); };
    auto const model = exact_engine::load(folder, options);
    REQUIRE(said.size() == 1);
    CHECK(said[0].find("model.language_model.layers.2.mystery") != said[0].npos);
    CHECK(model.unknown_tensors() == std::vector<std::string>{"model.language_model.layers.2.mystery"});
    options.strict = true;
    CHECK_THROWS_WITH_AS(
        exact_engine::load(folder, options),
        doctest::Contains("tensor model.language_model.layers.2.mystery is not one of variant tiny_e2b"),
        mismatch_error);
}

TEST_CASE("missing and misshapen tensors are named, with both shapes")
{
    expect_mismatch(spoiled("missing", [](auto& tensors)
                            { std::erase_if(tensors, [](named_shape const& t) { return t.name == q3; }); }),
                    "tensor " + q3 + " is missing");
    expect_mismatch(spoiled("shape",
                            [](auto& tensors)
                            {
                                for (auto& t : tensors)
                                {
                                    if (t.name == q3) { t.shape = {96, 256}; }
                                }
                            }),
                    "tensor " + q3 + " has shape [96, 256], expected [256, 96]");
    expect_mismatch(spoiled("rank",
                            [](auto& tensors)
                            {
                                for (auto& t : tensors)
                                {
                                    if (t.name == q3) { t.shape = {24576}; }
                                }
                            }),
                    "tensor " + q3 + " has shape [24576], expected [256, 96]");
    expect_mismatch(spoiled("scalar",
                            [](auto& tensors)
                            {
                                for (auto& t : tensors)
                                {
                                    if (t.name.ends_with("layers.0.layer_scalar")) { t.shape = {2}; }
                                }
                            }),
                    "layers.0.layer_scalar has shape [2], expected [1]");
    expect_mismatch(spoiled("prefix",
                            [](auto& tensors)
                            {
                                for (auto& t : tensors) { t.name = "decoder." + t.name; }
                            }),
                    "model.language_model.embed_tokens.weight or model.embed_tokens.weight is missing");
}

TEST_CASE("a dtype that cannot be used is named")
{
    auto const folder = tiny_checkpoint(M::name, "i8");
    auto const path = folder / "model.safetensors";
    std::string bytes;
    {
        std::ifstream in(path, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    auto const entry = bytes.find('"' + q3 + '"');
    REQUIRE(entry != bytes.npos);
    auto const word = bytes.find("F32", entry);
    std::ofstream(path, std::ios::binary) << bytes.replace(word, 3, "I32");
    expect_mismatch(folder, "tensor " + q3 + " has dtype I32, expected F32, BF16 or F16");
}

TEST_CASE("an engine of one weight format takes that format only")
{
    using bf16_engine = engine<M, modality::text, bf16, exact>;
    auto const folder = tiny_checkpoint(M::name, "bf16", {.dtype = stored_dtype::bf16, .towers = false});
    auto const any = all_logits(exact_engine::load(folder, one_thread()), prompt, 10);
    CHECK(same_bits(all_logits(bf16_engine::load(folder, one_thread()), prompt, 10), any));
    CHECK_THROWS_WITH_AS(
        bf16_engine::load(tiny_checkpoint(M::name), one_thread()),
        doctest::Contains("has type F32, which this engine's weight format does not include"),
        mismatch_error);
}

TEST_CASE("another model's folder is refused by its config")
{
    CHECK_THROWS_AS(engine<tiny_e4b>::load(tiny_checkpoint(M::name), one_thread()), mismatch_error);
    CHECK_THROWS_AS(exact_engine::load(scratch() / "nowhere", one_thread()), file_error);
}

TEST_CASE("loading reports progress and can be cancelled")
{
    auto options = one_thread();
    std::size_t calls = 0, last = 0, all = 0;
    std::stop_source stop;
    options.stop = stop.get_token();
    options.progress = [&](std::size_t done, std::size_t of)
    {
        ++calls;
        last = done;
        all = of;
    };
    auto const model = exact_engine::load(tiny_checkpoint(M::name), options);
    CHECK(calls == all);
    CHECK(last == all);
    options.progress = [&](std::size_t done, std::size_t)
    {
        if (done == 10) { stop.request_stop(); }
    };
    CHECK_THROWS_AS(exact_engine::load(tiny_checkpoint(M::name), options), cancelled_error);
}
