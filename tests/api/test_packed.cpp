#include <fstream>
#include <set>

#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/pack_model.hpp>
#include <gemma4/io/packed_file.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    template <class M>
    using exact_engine = engine<M, modality::text, any_format, exact>;
    template <class M>
    using fast_engine = engine<M, modality::text, any_format, fast>;

    std::vector<token_id> prompt(std::size_t n)
    {
        std::vector<token_id> ids;
        for (std::size_t i = 0; i != n; ++i) { ids.push_back(token_id(600 + i * 37 % 1300)); }
        return ids;
    }

    template <class M>
    std::filesystem::path packed_as(std::filesystem::path const& from, std::string const& name,
                                    weight_precision weights = weight_precision::stored)
    {
        auto const out = scratch() / (std::string(M::name) + "-" + name + ".g4");
        pack_model<M>(open_model(from, M::text, M::name), out, {.weights = weights, .threads = 2});
        return out;
    }

    std::string bytes_of(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::filesystem::path write(std::string const& name, std::string const& bytes)
    {
        auto const path = scratch() / name;
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

    // What opening and verifying says; empty: nothing is wrong.
    std::string complaint(std::filesystem::path const& path)
    {
        try
        {
            packed_file(path).verify();
            return {};
        }
        catch (file_error const& wrong)
        {
            return wrong.what();
        }
    }
}

TEST_CASE_TEMPLATE("a packed file computes what its source does, bit for bit", M, tiny_e2b, tiny_a4b)
{
    auto const ids = prompt(40);
    for (auto const& [tag, options] :
         {std::pair<std::string, checkpoint_options>{"f32", {.towers = false}},
          std::pair<std::string, checkpoint_options>{"bf16", {.dtype = stored_dtype::bf16, .towers = false}}})
    {
        CAPTURE(tag);
        auto const folder = tiny_checkpoint(M::name, tag, options);
        auto const file = packed_as<M>(folder, tag);
        auto const expected = all_logits(exact_engine<M>::load(folder, one_thread()), ids, 64);
        CHECK(all_logits(exact_engine<M>::load(file, one_thread()), ids, 64) == expected);
        auto const quick = all_logits(fast_engine<M>::load(folder, one_thread()), ids, 64);
        CHECK(all_logits(fast_engine<M>::load(file, one_thread()), ids, 64) == quick);
    }
}

TEST_CASE_TEMPLATE("weights packed in memory and in a file are the same", M, tiny_e2b, tiny_a4b)
{
    auto const ids = prompt(24);
    auto const folder = tiny_checkpoint(M::name);
    for (auto const weights : {weight_precision::int8, weight_precision::int4, weight_precision::bf16})
    {
        CAPTURE(name(weights));
        auto options = one_thread();
        auto const file = packed_as<M>(folder, name(weights), weights);
        auto const of_file = exact_engine<M>::load(file, options);
        options.weights = weights;
        auto const in_memory = fast_engine<M>::load(folder, options);
        // Per-layer embeddings are quantised in the file only, so E2B differs there.
        if (M::text.per_layer_input == 0 || weights == weight_precision::bf16)
        {
            options.weights = weight_precision::stored;
            CHECK(all_logits(fast_engine<M>::load(file, options), ids, 64) == all_logits(in_memory, ids, 64));
        }
        auto const exact_logits = all_logits(of_file, ids, 64);
        auto const unquantised = all_logits(exact_engine<M>::load(folder, one_thread()), ids, 64);
        auto const error = relative_error(exact_logits, unquantised);
        CHECK(error > 0);
        bool const may_route_otherwise = M::text.experts != 0;
        if (weights == weight_precision::bf16 && !may_route_otherwise) { CHECK(error < 0.05); }
    }
}

TEST_CASE_TEMPLATE("a packed file of a GGUF file of five bits computes what its source does", M, tiny_e2b,
                   tiny_a4b)
{
    auto const ids = prompt(24);
    for (auto const& [format, type] :
         {std::pair(gguf_format::q5_0, packed_type::q5), std::pair(gguf_format::q5_1, packed_type::q5s),
          std::pair(gguf_format::q5_k, packed_type::q5k)})
    {
        CAPTURE(name(type));
        auto const source = scratch() / (std::string(M::name) + "-" + name(type) + ".gguf");
        write_gguf(data() / "tiny" / M::name, source,
                   {.format = [format = format](std::string_view) { return format; }});
        auto const file = packed_as<M>(source, name(type));
        auto const expected = all_logits(exact_engine<M>::load(source, one_thread()), ids, 64);
        CHECK(all_logits(exact_engine<M>::load(file, one_thread()), ids, 64) == expected);
        auto const quick = all_logits(fast_engine<M>::load(source, one_thread()), ids, 64);
        CHECK(all_logits(fast_engine<M>::load(file, one_thread()), ids, 64) == quick);
        std::size_t found = 0;
        packed_file const opened(file);
        for (auto const& t : opened.tensors()) { found += is_packed(t.type) && packing_of(t.type) == type; }
        CHECK(found != 0);
    }
}

TEST_CASE("a packed file keeps 16 bits where quantising hurts most, and its texts")
{
    using M = tiny_e2b;
    packed_file const file(packed_as<M>(tiny_checkpoint(M::name), "kept", weight_precision::int4));
    std::set<std::string> kept;
    for (auto const& t : file.tensors())
    {
        if (is_packed(t.type) && packing_of(t.type) == packed_type::bf16) { kept.insert(t.name); }
        if (t.name == "layers.0.mlp.gate_proj.weight") { CHECK(packing_of(t.type) == packed_type::q4); }
        if (t.name == "embed_tokens_per_layer.weight") { CHECK(ggml_type_of(t.type) == ggml_type::q4_0); }
    }
    CHECK(kept.contains("per_layer_model_projection.weight"));
    CHECK(kept.contains("layers.14.per_layer_input_gate.weight"));
    CHECK(kept.contains("layers.14.per_layer_projection.weight"));
    auto const folder = tiny_checkpoint(M::name);
    for (auto const* const text : {"config.json", "tokenizer.json", "generation_config.json"})
    {
        CAPTURE(text);
        REQUIRE(file.text(text).has_value());
        CHECK(*file.text(text) == bytes_of(folder / text));
    }
}

TEST_CASE("a damaged packed file is refused wherever a byte changes")
{
    using M = tiny_e2b;
    auto const good = bytes_of(packed_as<M>(tiny_checkpoint(M::name), "good", weight_precision::int4));
    CHECK(complaint(write("good.g4", good)).empty());
    std::size_t unnoticed = 0;
    for (std::size_t at = 0; at < good.size(); at += good.size() / 400)
    {
        auto bad = good;
        bad[at] = char(bad[at] ^ 0x10);
        unnoticed += complaint(write("bad.g4", bad)).empty();
    }
    CHECK(unnoticed <= 4);    // padding between parts is no part of any
    for (auto const size :
         {std::size_t(0), std::size_t(7), std::size_t(63), good.size() / 2, good.size() - 1})
    {
        CAPTURE(size);
        CHECK(complaint(write("short.g4", good.substr(0, size))) != "");
    }
    auto other = good;
    other[8] = 2;
    CHECK(complaint(write("version.g4", other)).find("packing version 2, this program reads version 1")
          != std::string::npos);
}

TEST_CASE("a packed model of another variant is refused with the field that differs")
{
    auto const file = packed_as<tiny_e2b>(tiny_checkpoint("tiny_e2b"), "other");
    CHECK_THROWS_WITH_AS(exact_engine<tiny_e4b>::load(file, one_thread()),
                         doctest::Contains("hidden is 96, but the compiled variant tiny_e4b has 160"),
                         mismatch_error);
}

TEST_CASE("nothing is left under the name of a file that could not be written whole")
{
    using M = tiny_e2b;
    auto const out = scratch() / "stopped.g4";
    std::stop_source stop;
    pack_options options{.weights = weight_precision::int4, .threads = 1, .stop = stop.get_token()};
    options.progress = [&](std::size_t, std::size_t) { stop.request_stop(); };
    CHECK_THROWS_AS(pack_model<M>(open_model(tiny_checkpoint(M::name), M::text, M::name), out, options),
                    cancelled_error);
    CHECK_FALSE(std::filesystem::exists(out));
    for (auto const& entry : std::filesystem::directory_iterator(scratch()))
    {
        CHECK(entry.path().extension() != ".part");
    }
    CHECK_THROWS_AS(pack_model<M>(open_model(tiny_checkpoint(M::name), M::text, M::name),
                                  scratch() / "no" / "folder.g4", {}),
                    file_error);
}
