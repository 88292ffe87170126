// Models as people have them: heads, names, options, positions, folders and files that are no model (issue
// 14, lines 2, 4, 10, 11, 12 and 13). Expected logits and tokens: tools/reference/make_loading_cases.py.
#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/model_path.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace
{
    fs::path nano_folder() { return data() / ".." / ".." / "models" / "nano"; }

    std::string read(fs::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        REQUIRE_MESSAGE(file.is_open(), path.string());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    fs::path write(fs::path const& path, std::string const& bytes)
    {
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

    // A folder of its own.
    fs::path new_folder()
    {
        static int number = 0;
        auto const folder = scratch() / ("loading-" + std::to_string(number++));
        fs::create_directories(folder);
        return folder;
    }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

    template <class Error = error, class Action>
    std::string refusal(Action&& action)
    {
        try
        {
            action();
        }
        catch (Error const& e)
        {
            return e.what();
        }
        return {};
    }

    // models/nano in memory.
    struct stored
    {
        std::string dtype;
        shape_type shape;
        std::string bytes;
    };

    struct nano_files
    {
        std::map<std::string, stored> tensors;
        json config;
    };

    std::string const prefix = "model.language_model.";

    nano_files read_nano()
    {
        nano_files out;
        out.config = json::parse(read(nano_folder() / "config.json"));
        auto const all = read(nano_folder() / "model.safetensors");
        std::uint64_t length = 0;
        std::memcpy(&length, all.data(), sizeof length);
        auto const header = json::parse(all.substr(8, length));
        for (auto const& [name, entry] : header.items())
        {
            if (name == "__metadata__") { continue; }
            auto const begin = entry.at("data_offsets").at(0).get<std::size_t>();
            auto const end = entry.at("data_offsets").at(1).get<std::size_t>();
            out.tensors[name] = {entry.at("dtype").get<std::string>(), entry.at("shape").get<shape_type>(),
                                 all.substr(8 + length + begin, end - begin)};
        }
        return out;
    }

    std::string safetensors_of(std::map<std::string, stored> const& tensors)
    {
        json header;
        std::string payload;
        for (auto const& [name, t] : tensors)
        {
            header[name] = {{"dtype", t.dtype},
                            {"shape", t.shape},
                            {"data_offsets", {payload.size(), payload.size() + t.bytes.size()}}};
            payload += t.bytes;
        }
        auto const text = header.dump();
        std::string out;
        for (int byte = 0; byte != 8; ++byte) { out += char(text.size() >> (8 * byte) & 0xffu); }
        return out + text + payload;
    }

    using change = std::function<void(nano_files&)>;

    fs::path write_nano(change const& changed, std::string const& head = {})
    {
        auto files = read_nano();
        if (changed) { changed(files); }
        auto const folder = new_folder();
        for (auto const* name :
             {"generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"})
        {
            fs::copy_file(nano_folder() / name, folder / name);
        }
        write(folder / "config.json", head + files.config.dump());
        write(folder / "model.safetensors", safetensors_of(files.tensors));
        return folder;
    }

    // The changes of make_loading_cases.py.
    void rename_text(nano_files& files, std::string const& to)
    {
        std::map<std::string, stored> renamed;
        for (auto& [name, t] : files.tensors)
        {
            renamed[name.starts_with(prefix) ? to + name.substr(prefix.size()) : name] = std::move(t);
        }
        files.tensors = std::move(renamed);
    }

    void make_text_only(nano_files& files)
    {
        auto text = files.config.at("text_config");
        text["architectures"] = json::array({"Gemma4ForCausalLM"});
        files.config = std::move(text);
    }

    std::string as_f32(std::string const& bf16)
    {
        std::string out;
        for (std::size_t i = 0; i != bf16.size(); i += 2) { out += std::string(2, '\0') + bf16.substr(i, 2); }
        return out;
    }

    stored table_of(nano_files const& files) { return files.tensors.at(prefix + "embed_tokens.weight"); }

    // Row i is row i + 1 of the embedding.
    stored rolled_head(nano_files const& files)
    {
        auto head = table_of(files);
        auto const row = std::ptrdiff_t(head.bytes.size() / head.shape[0]);
        std::rotate(head.bytes.begin(), head.bytes.begin() + row, head.bytes.end());
        return head;
    }

    void set_tied(nano_files& files, json const& above, json const& in_text)
    {
        auto const set = [](json& where, json const& value)
        {
            where.erase("tie_word_embeddings");
            if (!value.is_null()) { where["tie_word_embeddings"] = value; }
        };
        set(files.config, above);
        set(files.config["text_config"], in_text);
    }

    change with_head(std::string name = "lm_head.weight")
    {
        return [name](nano_files& f) { f.tensors[name] = rolled_head(f); };
    }

    change with_prefix(std::string to)
    {
        return [to](nano_files& f) { rename_text(f, to); };
    }

    change text_with_prefix(std::string to)
    {
        return [to](nano_files& f)
        {
            rename_text(f, to);
            make_text_only(f);
        };
    }

    change with_field(std::string key, json value)
    {
        return [key, value](nano_files& f) { f.config["text_config"][key] = value; };
    }

    // What transformers made of it.
    json const& cases()
    {
        static auto const all = json::parse(read(data() / "field" / "loading.json"));
        return all;
    }

    using nano_engine = engine<nano, modality::text, any_format, exact>;

    // As many positions as the model has, at most 8192; or `context`.
    load_options positions(std::size_t context = 0)
    {
        auto options = one_thread();
        options.context = context;
        return options;
    }

    std::vector<float> last_logits(fs::path const& model)
    {
        auto const loaded = nano_engine::load(model, positions());
        auto const tokens = cases().at("tokens").get<std::vector<token_id>>();
        auto const all = all_logits(loaded, std::span(tokens), 64);
        std::vector<float> some;
        for (auto const& id : cases().at("ids"))
        {
            some.push_back(all[all.size() - nano::text.vocab + id.get<std::size_t>()]);
        }
        return some;
    }

    void check_as_transformers(std::string const& name, change const& changed)
    {
        CAPTURE(name);
        auto const& expected = cases().at("logits").at(name);
        REQUIRE_FALSE(expected.is_null());
        CHECK(relative_error(last_logits(write_nano(changed)), expected.get<std::vector<float>>()) < 2e-5);
    }

    std::string nano_refusal(change const& changed)
    {
        auto const folder = write_nano(changed);
        return refusal([&] { nano_engine::load(folder, one_thread()); });
    }

    // models/nano as a GGUF file.
    fs::path write_nano_gguf(fs::path const& path, std::function<void(gguf_writer&)> const& more = {},
                             std::function<void(json&)> const& changed = {})
    {
        auto const files = read_nano();
        auto text = files.config.at("text_config");
        if (changed) { changed(text); }
        gguf_writer w;
        w.text("general.architecture", "gemma4");
        w.text("general.type", "model");
        gguf_detail::write_keys(w, text);
        write_tokenizer_keys(w, json::parse(read(nano_folder() / "tokenizer.json")));
        w.text("tokenizer.chat_template", read(nano_folder() / "chat_template.jinja"));
        for (auto const& [name, t] : files.tensors)
        {
            bool const vector = t.shape.size() == 1;
            w.tensor(gguf_detail::name_of(canonical(name)), t.shape, vector ? 0 : 30,
                     vector ? as_f32(t.bytes) : t.bytes);
        }
        std::string turned;
        for (int i = 0; i != 32; ++i)
        {
            gguf_detail::append(turned, std::bit_cast<std::uint32_t>(i < 8 ? 1.0f : 1e30f), 4);
        }
        w.tensor("rope_freqs.weight", {32}, 0, turned);
        if (more) { more(w); }
        fs::create_directories(path.parent_path());
        w.write(path);
        return path;
    }

    std::string gguf_refusal(std::function<void(gguf_writer&)> const& more)
    {
        auto const file = write_nano_gguf(new_folder() / "nano.gguf", more);
        return refusal([&] { nano_engine::load(file, one_thread()); });
    }

    sampling_options gguf_sampling(std::function<void(gguf_writer&)> const& more)
    {
        auto const file = write_nano_gguf(new_folder() / "nano.gguf", more);
        return nano_engine::load(file, one_thread()).defaults().sampling;
    }

    std::vector<token_id> greedy_tokens(nano_engine const& model)
    {
        session s(model);
        auto const prompt = cases().at("tokens").get<std::vector<token_id>>();
        auto run = s.complete(token_prompt{prompt},
                              {.sampling = model.defaults().sampling, .stop = {.max_tokens = 24}});
        run.rest();
        return {run.tokens().begin(), run.tokens().end()};
    }

    // Enough of a program's list for what is said before anything is loaded.
    std::vector<known_variant> const& known()
    {
        static std::vector<known_variant> const all{{e2b::name, e2b::text, nullptr, nullptr, nullptr},
                                                    {a4b::name, a4b::text, nullptr, nullptr, nullptr},
                                                    {nano::name, nano::text, nullptr, nullptr, nullptr}};
        return all;
    }

    std::string unknown_variant(fs::path const& model)
    {
        return refusal<mismatch_error>([&] { open_any_of(known(), model); });
    }
}

TEST_CASE("line 2: a head of its own is used although tie_word_embeddings is true; an equal copy is tied")
{
    check_as_transformers("head of its own", with_head());
    check_as_transformers("model.lm_head of its own", with_head("model.lm_head.weight"));
    auto const same = [](nano_files& f) { f.tensors["lm_head.weight"] = table_of(f); };
    auto const same_f32 = [](nano_files& f)
    {
        auto head = table_of(f);
        f.tensors["lm_head.weight"] = {"F32", head.shape, as_f32(head.bytes)};
    };
    check_as_transformers("head same", same);
    check_as_transformers("head same in float32", same_f32);
    CHECK(open_model(write_nano(same), nano::text, nano::name).tied);
    CHECK(open_model(write_nano(same_f32), nano::text, nano::name).tied);
    CHECK_FALSE(open_model(write_nano(with_head()), nano::text, nano::name).tied);
    auto const last_bit = [](nano_files& f)
    {
        auto head = table_of(f);
        head.bytes.back() = char(head.bytes.back() ^ 1);
        f.tensors["lm_head.weight"] = head;
    };
    CHECK_FALSE(open_model(write_nano(last_bit), nano::text, nano::name).tied);
    check_as_transformers("head only",
                          [](nano_files& f)
                          {
                              f.tensors["lm_head.weight"] = table_of(f);
                              f.tensors.erase(prefix + "embed_tokens.weight");
                          });
    auto const shorter = [](nano_files& f)
    {
        auto head = table_of(f);
        head.bytes.resize(head.bytes.size() / 2);
        head.shape[0] /= 2;
        f.tensors["lm_head.weight"] = head;
    };
    CHECK(has(nano_refusal(shorter), "tensor lm_head.weight has shape [1024, 160], expected [2048, 160]"));
}

TEST_CASE("line 2: tie_word_embeddings false needs a head, and counts where transformers reads it")
{
    check_as_transformers("untied",
                          [](nano_files& f)
                          {
                              with_head()(f);
                              set_tied(f, false, false);
                          });
    CHECK(cases().at("logits").at("untied without a head").is_null());
    CHECK(has(nano_refusal([](nano_files& f) { set_tied(f, false, false); }),
              "tensor lm_head.weight is missing"));
    check_as_transformers("untied in text_config only", [](nano_files& f) { set_tied(f, nullptr, false); });
    check_as_transformers("untied in text_config only, tied above",
                          [](nano_files& f) { set_tied(f, true, false); });
}

TEST_CASE("line 2: output.weight of a GGUF file is used where it is not the embedding")
{
    auto const files = read_nano();
    auto const expected = [](char const* name)
    { return cases().at("logits").at(name).get<std::vector<float>>(); };
    auto const with_output = [](stored const& head, std::uint32_t type, std::string const& bytes)
    {
        return write_nano_gguf(new_folder() / "nano.gguf",
                               [&](gguf_writer& w) { w.tensor("output.weight", head.shape, type, bytes); });
    };
    auto const own = rolled_head(files);
    auto const same = table_of(files);
    CHECK(relative_error(last_logits(write_nano_gguf(new_folder() / "nano.gguf")), expected("plain")) < 2e-5);
    CHECK(relative_error(last_logits(with_output(own, 30, own.bytes)), expected("head of its own")) < 2e-5);
    auto const copy = with_output(same, 30, same.bytes);
    CHECK(open_model(copy, nano::text, nano::name).tied);
    CHECK(relative_error(last_logits(copy), expected("plain")) < 2e-5);
    CHECK(open_model(with_output(same, 0, as_f32(same.bytes)), nano::text, nano::name).tied);
    CHECK_FALSE(open_model(with_output(own, 0, as_f32(own.bytes)), nano::text, nano::name).tied);
}

TEST_CASE("line 4: general.sampling.penalty_repeat takes effect, over the last penalty_last_n tokens")
{
    auto const greedy = [](std::function<void(gguf_writer&)> const& more)
    {
        auto const file = write_nano_gguf(new_folder() / "nano.gguf", more);
        return greedy_tokens(nano_engine::load(file, one_thread()));
    };
    auto const expected = [](char const* penalty)
    { return cases().at("greedy").at(penalty).get<std::vector<token_id>>(); };
    auto const penalty = [](float value)
    {
        return [value](gguf_writer& w)
        {
            w.f32("general.sampling.temp", 0.0f);
            w.f32("general.sampling.penalty_repeat", value);
        };
    };
    CHECK(greedy(penalty(1e6f)) == expected("1000000.0"));
    CHECK(greedy(penalty(1.25f)) == expected("1.25"));
    CHECK(greedy(penalty(1.0f)) == expected("1.0"));

    CHECK(gguf_sampling(penalty(2.0f)).repetition_window == 64);
    auto const last = [&](std::uint64_t n)
    {
        return gguf_sampling(
            [&](gguf_writer& w)
            {
                w.f32("general.sampling.penalty_repeat", 2.0f);
                w.i32("general.sampling.penalty_last_n", n);
            });
    };
    CHECK(last(5).repetition_window == 5);
    CHECK(last(5).repetition_penalty == 2);
    CHECK(last(std::uint64_t(-1)).repetition_window == 0);
    CHECK(last(std::uint64_t(-1)).repetition_penalty == 2);
    CHECK(last(0).repetition_penalty == 1);
    CHECK_FALSE(last(5).do_sample);
}

TEST_CASE("line 4: every key of general.sampling takes effect, is off, or is an error that names it")
{
    auto const drawn = gguf_sampling(
        [](gguf_writer& w)
        {
            w.i32("general.sampling.top_k", 64);
            w.f32("general.sampling.top_p", 0.95f);
            w.f32("general.sampling.temp", 1.0f);
            w.f32("general.sampling.min_p", 0.05f);
        });
    CHECK(drawn.do_sample);
    CHECK(drawn.top_k == 64);
    CHECK(drawn.top_p == doctest::Approx(0.95));
    CHECK(drawn.min_p == doctest::Approx(0.05));

    auto const off = gguf_sampling(
        [](gguf_writer& w)
        {
            w.i32("general.sampling.top_k", std::uint64_t(-1));
            w.f32("general.sampling.top_p", 1.0f);
            w.f32("general.sampling.min_p", 0.0f);
            w.f32("general.sampling.temp", 1.0f);
            w.f32("general.sampling.penalty_repeat", 1.0f);
            w.i32("general.sampling.penalty_last_n", 64);
            w.f32("general.sampling.xtc_probability", 0.0f);
            w.f32("general.sampling.xtc_threshold", 0.1f);
            w.i32("general.sampling.mirostat", 0);
            w.f32("general.sampling.mirostat_tau", 5.0f);
            w.f32("general.sampling.mirostat_eta", 0.1f);
            w.text("general.sampling.sequence",
                   "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature");
        });
    CHECK(off == sampling_options{.do_sample = true});
    CHECK(gguf_sampling([](gguf_writer& w) { w.f32("general.sampling.temp", -1.0f); }).greedy());

    for (auto const& [key, value] : std::vector<std::pair<std::string, float>>{
             {"xtc_probability", 0.5f}, {"mirostat", 2.0f}, {"dry_multiplier", 0.8f}, {"typ_p", 0.9f}})
    {
        CAPTURE(key);
        CHECK(has(gguf_refusal([&](gguf_writer& w) { w.f32("general.sampling." + key, value); }),
                  "nano.gguf: metadata general.sampling." + key));
    }
    for (auto const& [key, value] : std::vector<std::pair<std::string, float>>{
             {"top_p", -0.5f}, {"min_p", 2.0f}, {"penalty_repeat", 0.0f}})
    {
        CAPTURE(key);
        auto const file = write_nano_gguf(new_folder() / "nano.gguf",
                                          [&](gguf_writer& w) { w.f32("general.sampling." + key, value); });
        CHECK(has(refusal<file_error>([&] { nano_engine::load(file, one_thread()); }), "general.sampling"));
    }
    auto const order = [](std::string const& sequence)
    {
        return [sequence](gguf_writer& w)
        {
            w.f32("general.sampling.temp", 0.5f);
            w.f32("general.sampling.top_p", 0.9f);
            w.text("general.sampling.sequence", sequence);
        };
    };
    CHECK(gguf_sampling(order("temperature;top_k;top_p")).top_p == doctest::Approx(0.9));
    CHECK(gguf_sampling(order("temperature;top_k")).top_p == 1);
    CHECK(has(gguf_refusal(order("top_k;top_p;temperature")), "metadata general.sampling.sequence is "));
}

TEST_CASE("line 4: keys of a GGUF file that change what is computed are off or named")
{
    using writer = std::function<void(gguf_writer&)>;
    for (auto const& [key, write_key] :
         std::vector<std::pair<std::string, writer>>{
             {"rope.scaling.type", [](gguf_writer& w) { w.text("gemma4.rope.scaling.type", "yarn"); }},
             {"rope.scaling.factor", [](gguf_writer& w) { w.f32("gemma4.rope.scaling.factor", 8); }},
             {"rope.mystery", [](gguf_writer& w) { w.f32("gemma4.rope.mystery", 1); }},
             {"attention.mystery", [](gguf_writer& w) { w.text("gemma4.attention.mystery", "x"); }},
             {"attention.scale", [](gguf_writer& w) { w.f32("gemma4.attention.scale", 0.125f); }},
             {"attention.causal", [](gguf_writer& w) { w.boolean("gemma4.attention.causal", false); }},
             {"attention.clamp_kqv", [](gguf_writer& w) { w.f32("gemma4.attention.clamp_kqv", 8); }},
             {"attn_logit_softcapping", [](gguf_writer& w) { w.f32("gemma4.attn_logit_softcapping", 50); }},
             {"logit_scale", [](gguf_writer& w) { w.f32("gemma4.logit_scale", 2); }},
             {"residual_scale", [](gguf_writer& w) { w.f32("gemma4.residual_scale", 0.5f); }},
             {"expert_weights_norm", [](gguf_writer& w) { w.boolean("gemma4.expert_weights_norm", false); }},
             {"expert_weights_scale", [](gguf_writer& w) { w.f32("gemma4.expert_weights_scale", 2.5f); }},
             {"expert_gating_func", [](gguf_writer& w) { w.u32("gemma4.expert_gating_func", 2); }},
         })
    {
        CAPTURE(key);
        CHECK(has(gguf_refusal(write_key), "nano.gguf: metadata gemma4." + key + " is "));
    }
    CHECK(gguf_refusal(
              [](gguf_writer& w)
              {
                  w.text("gemma4.rope.scaling.type", "none");
                  w.f32("gemma4.rope.scaling.factor", 8);
                  w.u32("gemma4.rope.scaling.original_context_length", 4096);
                  w.f32("gemma4.attention.scale", 1);
                  w.boolean("gemma4.attention.causal", true);
                  w.f32("gemma4.attn_logit_softcapping", 0);
                  w.f32("gemma4.logit_scale", 1);
                  w.boolean("gemma4.expert_weights_norm", true);
                  w.u32("gemma4.expert_gating_func", 1);
                  w.text("quantize.imatrix.file", "/x/imatrix.gguf");
                  w.u32("quantize.imatrix.entries_count", 10);
                  w.strings("general.tags", {"a", "b"});
              })
          == "");
}

TEST_CASE("line 4: without generation_config.json config.json says when to stop, as in transformers")
{
    auto const folder = write_nano([](nano_files& f) { f.config["eos_token_id"] = 77; });
    fs::remove(folder / "generation_config.json");
    auto const stops = open_model(folder, nano::text, nano::name).defaults.stop.tokens;
    for (token_id const id : {77, 1, 106})    // and the ends of texts and turns
    {
        CHECK(std::ranges::count(stops, id) == 1);
    }
    write(folder / "generation_config.json", R"({"eos_token_id": [1], "frequency_penalty": 0.5})");
    auto const opened = open_model(folder, nano::text, nano::name);
    CHECK(opened.defaults.stop.tokens == std::vector<token_id>{1});
    REQUIRE(opened.warnings.size() == 1);
    CHECK(has(opened.warnings[0], "generation_config.json: frequency_penalty is 0.5"));
    write(folder / "generation_config.json", R"({"temperature": -1})");
    CHECK(has(refusal<file_error>([&] { open_model(folder, nano::text, nano::name); }),
              "generation_config.json: temperature: expected"));
}

TEST_CASE("line 4: options of config.json that transformers passes over are passed over")
{
    check_as_transformers("attn_logit_softcapping",
                          [](nano_files& f)
                          {
                              auto& text = f.config["text_config"];
                              text["attn_logit_softcapping"] = 50.0;
                              text["query_pre_attn_scalar"] = 7;
                              text["attention_dropout"] = 0.5;
                              text["hidden_act"] = "silu";
                          });
    auto types = read_nano().config.at("text_config").at("layer_types");
    types.back() = "sliding_attention";
    check_as_transformers("last layer sliding", with_field("layer_types", types));
}

TEST_CASE("line 10: names of tensors are those that transformers loads")
{
    for (std::string const to : {"language_model.", "model.model.language_model.",
                                 "model.language_model.model.", "language_model.model.model."})
    {
        check_as_transformers(to, with_prefix(to));
    }
    check_as_transformers("language_model. with a head of its own",
                          [](nano_files& f)
                          {
                              with_head()(f);
                              rename_text(f, "language_model.");
                          });
    for (std::string const to : {"model.", "", "model.model."})
    {
        check_as_transformers("text: " + to, text_with_prefix(to));
    }
    check_as_transformers("text: with a head of its own",
                          [](nano_files& f)
                          {
                              with_head()(f);
                              text_with_prefix("")(f);
                          });
}

TEST_CASE("line 10: names with which transformers leaves weights newly initialised are refused")
{
    for (std::string const to : {"language_model.model.", "", "module.model.language_model.",
                                 "base_model.model.model.language_model."})
    {
        CAPTURE(to);
        CHECK(cases().at("logits").at(to).is_null());
        auto const said = nano_refusal(with_prefix(to));
        CHECK(has(said, "tensor model.language_model.embed_tokens.weight or model.embed_tokens.weight is "
                        "missing; it holds "
                            + to + "embed_tokens.weight"));
    }
    for (std::string const to : {"language_model.", "language_model.model."})
    {
        CAPTURE(to);
        CHECK(cases().at("logits").at("text: " + to).is_null());
        CHECK(has(nano_refusal(text_with_prefix(to)), "embed_tokens.weight is missing; it holds " + to));
    }
}

TEST_CASE("line 11: a configuration that differs in one number names it")
{
    auto const names =
        " describes none of the variants compiled in: e2b, a4b, nano; the nearest is nano, but ";
    auto const softcap = write_nano(with_field("final_logit_softcapping", nullptr));
    CHECK(unknown_variant(softcap)
          == (softcap / "config.json").string() + names
                 + "text_config.final_logit_softcapping is null (no cap), expected 30");
    CHECK(has(unknown_variant(write_nano(with_field("sliding_window", 127))),
              "the nearest is nano, but text_config.sliding_window is 127, expected 128"));
    auto const gguf = write_nano_gguf(new_folder() / "nano.gguf", {},
                                      [](json& text) { text["final_logit_softcapping"] = 50.0; });
    CHECK(unknown_variant(gguf)
          == gguf.string() + names + "metadata gemma4.final_logit_softcapping is 50, expected 30");
    CHECK(has(unknown_variant(write_nano(with_field("hidden_activation", "silu"))),
              "text_config.hidden_activation is \"silu\", only \"gelu_pytorch_tanh\" is supported"));
    CHECK(open_any_of(known(), write_nano({})).variant.name == nano::name);
}

TEST_CASE("line 11: the number of positions of the file is the limit, smaller or larger than the variant's")
{
    check_as_transformers("max_position_embeddings 10", with_field("max_position_embeddings", 20));
    check_as_transformers("max_position_embeddings 8192", with_field("max_position_embeddings", 8192));

    auto const small = write_nano(with_field("max_position_embeddings", 24));
    auto const gguf = write_nano_gguf(new_folder() / "nano.gguf", {},
                                      [](json& text) { text["max_position_embeddings"] = 24; });
    for (auto const& model : {small, gguf})
    {
        CAPTURE(model);
        auto const loaded = nano_engine::load(model, positions());
        CHECK(loaded.max_positions() == 24);
        CHECK(loaded.options().context == 24);
        session s(loaded);
        auto run = s.complete(token_prompt{cases().at("tokens").get<std::vector<token_id>>()}, {});
        run.rest();
        CHECK(run.reason() == stop_reason::context_full);
        CHECK(refusal<argument_error>([&] { nano_engine::load(model, one_thread()); })
              == "context is 512, but nano has 24 positions in this file");
    }
    auto const large =
        nano_engine::load(write_nano(with_field("max_position_embeddings", 8192)), positions(8000));
    CHECK(large.options().context == 8000);
}

TEST_CASE("line 12: files that are no model are said as what they begin with")
{
    auto const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4598044\n";
    auto const page = "<!DOCTYPE html><html><head><title>404</title></head><body></body></html>\n";
    auto const said = [](fs::path const& model)
    { return refusal<file_error>([&] { open_any_of(known(), model); }); };
    auto const folder = new_folder();
    auto const lfs = write(folder / "lfs_pointer.gguf", pointer);
    CHECK(said(lfs) == lfs.string() + " is a git-lfs pointer: fetch the file itself with git lfs pull");
    auto const html = write(folder / "html_page.gguf", page);
    CHECK(has(said(html), "html_page.gguf is an HTML page"));
    CHECK(has(said(write(folder / "empty.gguf", "")), "empty.gguf is empty"));
    CHECK(has(said(write(folder / "pytorch_model.bin", std::string("PK\x03\x04\0\0\0\0", 8))),
              "pytorch_model.bin is a ZIP archive, as PyTorch's .bin, .pt and .pth files are"));
    CHECK(has(said(nano_folder() / "model.safetensors"),
              "model.safetensors is a safetensors file, expected the folder of a checkpoint"));
    CHECK(has(said(nano_folder() / "config.json"), "config.json is a JSON document, expected the folder"));
    CHECK(has(said(folder / "nowhere"), "nowhere cannot be opened: No such file or directory"));

    for (auto const* name : {"config.json", "tokenizer.json", "model.safetensors", "generation_config.json"})
    {
        CAPTURE(name);
        for (auto const& [bytes, what] : std::vector<std::pair<std::string, std::string>>{
                 {pointer, " is a git-lfs pointer: fetch the file itself with git lfs pull"},
                 {page, " is an HTML page, as servers send in place of a file"},
                 {"", " is empty"}})
        {
            auto const broken = write_nano({});
            write(broken / name, bytes);
            CHECK(has(said(broken), (broken / name).string() + what));
        }
    }
    auto const shards = write_nano({});
    fs::rename(shards / "model.safetensors", shards / "model-00001-of-00002.safetensors");
    CHECK(has(said(shards), "holds neither model.safetensors nor model.safetensors.index.json; "
                            "model-00001-of-00002.safetensors is not read without the index"));
}

TEST_CASE("line 12: a folder with one GGUF model, its projector file and what is no model is opened")
{
    auto const folder = new_folder();
    auto const model = write_nano_gguf(folder / "nano-Q4_0.gguf");
    auto const other = [](fs::path const& path, std::string_view architecture, std::string_view type,
                          std::uint64_t width = 160)
    {
        gguf_writer w;
        w.text("general.architecture", architecture);
        w.text("general.type", type);
        w.u32("clip.vision.projection_dim", width);
        w.write(path);
    };
    CHECK(locate_model(folder).path == model);
    CHECK(locate_model(folder).mmproj.empty());
    CHECK(open_tokenizer(folder).size() == 2048);
    CHECK(open_any_of(known(), folder).model.folder == model);

    other(folder / "mmproj-F16.gguf", "clip", "mmproj");
    other(folder / "adapter.gguf", "gemma4", "adapter");
    other(folder / "imatrix.gguf", "gemma4", "imatrix");
    other(folder / "drafter.gguf", "gemma4-assistant", "model");
    CHECK(locate_model(folder).path == model);
    CHECK(locate_model(folder).mmproj == folder / "mmproj-F16.gguf");
    CHECK(open_model(folder, nano::text, nano::name).warnings.empty());

    other(folder / "mmproj-F16.gguf", "clip", "mmproj", 1536);
    auto opened = open_model(folder, nano::text, nano::name);
    REQUIRE(opened.warnings.size() == 1);
    CHECK(has(opened.warnings[0],
              "mmproj-F16.gguf is not used: its clip.vision.projection_dim is 1536, but the "
              "model is 160 wide"));
    other(folder / "mmproj-BF16.gguf", "clip", "mmproj");
    opened = open_model(folder, nano::text, nano::name);
    REQUIRE(opened.warnings.size() == 1);
    CHECK(has(opened.warnings[0], "none of the projector files mmproj-BF16.gguf, mmproj-F16.gguf is used"));

    fs::copy_file(model, folder / "nano-BF16.gguf");
    CHECK(refusal<file_error>([&] { open_any_of(known(), folder); })
          == folder.string()
                 + " holds 2 models: nano-BF16.gguf, nano-Q4_0.gguf; name the file of one of them");

    auto const projector = new_folder();
    other(projector / "mmproj.gguf", "clip", "mmproj");
    CHECK(has(refusal<file_error>([&] { locate_model(projector); }), "holds no model: mmproj.gguf is"));
    auto const fetched = new_folder();
    write(fetched / "model.gguf", "version https://git-lfs.github.com/spec/v1\n");
    CHECK(
        has(refusal<file_error>([&] { open_any_of(known(), fetched); }), "model.gguf is a git-lfs pointer"));
}

TEST_CASE("line 12: a folder with the parts of one split GGUF is opened")
{
    auto const folder = new_folder();
    auto const first = write_gguf(data() / "tiny" / "tiny_e2b", folder / "tiny.gguf", {.parts = 3});
    CHECK(locate_model(folder).path == first);
    auto const opened = open_model(folder, tiny_e2b::text, tiny_e2b::name);
    REQUIRE(opened.gguf);
    CHECK(opened.gguf->parts() == 3);
}

TEST_CASE("line 12: a folder of Hugging Face's cache is opened at the snapshot that refs/main names")
{
    auto const cache = new_folder();
    auto const root = cache / "models--me--nano";
    auto const put = [&](std::string const& hash)
    {
        fs::create_directories(root / "snapshots");
        fs::copy(nano_folder(), root / "snapshots" / hash, fs::copy_options::recursive);
    };
    put("aaaa");
    CHECK(locate_model(root).path == root / "snapshots" / "aaaa");
    CHECK(open_any_of(known(), root).variant.name == nano::name);
    CHECK(open_tokenizer(root).size() == 2048);
    put("bbbb");
    CHECK(has(refusal<file_error>([&] { locate_model(root); }),
              "holds 2 snapshots: aaaa, bbbb; there is no refs/main"));
    write(root / "refs" / "main", "bbbb\n");
    CHECK(locate_model(root).path == root / "snapshots" / "bbbb");
    write(root / "refs" / "main", "cccc");
    CHECK(has(refusal<file_error>([&] { locate_model(root); }), "names snapshot \"cccc\", which is not in"));
    CHECK(has(refusal<file_error>([&] { locate_model(cache); }),
              "name the folder of one of them: models--me--nano"));
}

TEST_CASE("line 13: a byte order mark before JSON is accepted")
{
    std::string const bom = "\xef\xbb\xbf";
    auto const folder = write_nano({}, bom);
    for (auto const* name : {"generation_config.json", "tokenizer.json", "tokenizer_config.json"})
    {
        write(folder / name, bom + read(nano_folder() / name));
    }
    auto const opened = open_model(folder, nano::text, nano::name);
    CHECK(opened.tokens->size() == 2048);
    CHECK(opened.defaults.stop.tokens == std::vector<token_id>{1, 106, 50});

    // and before an index
    auto const files = read_nano();
    json index;
    for (auto const& [name, t] : files.tensors)
    {
        index["weight_map"][name] = "model-00001-of-00001.safetensors";
    }
    fs::rename(folder / "model.safetensors", folder / "model-00001-of-00001.safetensors");
    write(folder / "model.safetensors.index.json", bom + index.dump());
    CHECK(open_model(folder, nano::text, nano::name).tied);
}

TEST_CASE("section 5: the tokens that end a text or a turn are one list, for folders and for GGUF files")
{
    auto const folder = write_nano({});
    fs::remove(folder / "generation_config.json");
    auto from_folder = open_model(folder, nano::text, nano::name).defaults.stop.tokens;
    auto from_gguf =
        open_model(write_nano_gguf(new_folder() / "nano.gguf"), nano::text, nano::name).defaults.stop.tokens;
    std::ranges::sort(from_folder);
    std::ranges::sort(from_gguf);
    CHECK(from_folder == from_gguf);
}

TEST_CASE("fp8: a type or a way to quantise that is not read is named")
{
    auto const quantised = [](nano_files& f)
    {
        auto& t = f.tensors.at(prefix + "layers.0.mlp.gate_proj.weight");
        t.dtype = "F8_E4M3";
        t.bytes.resize(t.bytes.size() / 2);
    };
    CHECK(has(nano_refusal(quantised),
              "layers.0.mlp.gate_proj.weight has dtype F8_E4M3, expected F32, BF16 or F16"));
    CHECK(has(nano_refusal(
                  [&](nano_files& f)
                  {
                      quantised(f);
                      f.config["quantization_config"] = {{"quant_method", "compressed-tensors"},
                                                         {"format", "float-quantized"}};
                  }),
              "quantization_config.format is \"float-quantized\", only"));
}
