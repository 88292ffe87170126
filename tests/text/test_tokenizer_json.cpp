#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tiny_tokenizer.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/text/tokenizer_json.hpp>

using namespace gemma4;
using nlohmann::json;
using namespace nlohmann::literals;
using text_test::small_file;

namespace
{
    // The sentence of the error that a changed small file gives; empty if it loads.
    std::string complaint(std::function<void(json&)> const& change)
    {
        auto file = small_file();
        change(file);
        try
        {
            text_test::load(file);
        }
        catch (file_error const& e)
        {
            return e.what();
        }
        return {};
    }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }
}

TEST_CASE("tokenizer_json: the small file loads, also with what other writers leave out or write differently")
{
    CHECK(complaint([](json&) {}) == "");
    CHECK(complaint([](json& f) { f["pre_tokenizer"] = nullptr; }) == "");
    CHECK(complaint([](json& f) { f["post_processor"] = nullptr; }) == "");
    CHECK(complaint([](json& f) { f["model"]["merges"] = R"(["a b"])"_json; }) == "");
    CHECK(complaint([](json& f) { f["model"]["merges"] = json::array(); }) == "");
    CHECK(complaint([](json& f) { f["model"].erase("ignore_merges"); }) == "");
    CHECK(complaint([](json& f) { f["model"]["end_of_word_suffix"] = ""; }) == "");
    CHECK(complaint([](json& f) { f["something_new"] = {{"a", {1, 2.5, nullptr}}}; }) == "");
}

TEST_CASE("tokenizer_json: every missing field is named")
{
    for (auto const* name :
         {"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"})
    {
        CAPTURE(name);
        auto const text = complaint([&](json& f) { f.erase(name); });
        CHECK(has(text, "small.json: expected the field " + std::string(name) + ", found none"));
    }
    for (auto const* name : {"type", "byte_fallback", "vocab", "merges"})
    {
        CAPTURE(name);
        CHECK(has(complaint([&](json& f) { f["model"].erase(name); }), "model." + std::string(name)));
    }
    CHECK(has(complaint([](json& f) { f["normalizer"].erase("content"); }), "normalizer.content"));
    CHECK(has(complaint([](json& f) { f["added_tokens"][0].erase("id"); }), "added_tokens: expected an id"));
    CHECK(has(complaint([](json& f) { f["added_tokens"][0].erase("content"); }),
              "added_tokens: expected content"));
    CHECK(has(complaint([](json& f) { f["model"]["vocab"].erase("<0x7F>"); }),
              "model.vocab: expected ids 0 to 260"));
}

TEST_CASE("tokenizer_json: a pipeline that is not Gemma's is refused, field, expected and found")
{
    using change = std::pair<std::function<void(json&)>, std::string>;
    std::vector<change> const changes = {
        {[](json& f) { f["model"]["type"] = "Unigram"; }, "model.type: expected \"BPE\", found \"Unigram\""},
        {[](json& f) { f["model"]["byte_fallback"] = false; },
         "model.byte_fallback: expected true, found false"},
        {[](json& f) { f["model"]["ignore_merges"] = true; },
         "model.ignore_merges: expected false, found true"},
        {[](json& f) { f["model"]["dropout"] = 0.1; }, "model.dropout: expected null, found 0.1"},
        {[](json& f) { f["model"]["continuing_subword_prefix"] = "##"; }, "expected \"\", found \"##\""},
        {[](json& f) { f["normalizer"] = nullptr; }, "normalizer: expected an object, found null"},
        {[](json& f) { f["normalizer"]["type"] = "NFC"; },
         "normalizer.type: expected \"Replace\", found \"NFC\""},
        {[](json& f) {
             f["normalizer"]["pattern"] = {{"Regex", " "}};
         },
         "expected the key \"String\", found \"Regex\""},
        {[](json& f) { f["normalizer"]["content"] = "_"; }, "normalizer.content: expected"},
        {[](json& f) { f["pre_tokenizer"]["type"] = "ByteLevel"; }, "pre_tokenizer.type"},
        {[](json& f) { f["pre_tokenizer"]["pattern"]["String"] = "a"; }, "pre_tokenizer.pattern.String"},
        {[](json& f) { f["pre_tokenizer"]["invert"] = true; }, "pre_tokenizer.invert: expected false"},
        {[](json& f) { f["decoder"]["decoders"].erase(1); },
         "decoder.decoders.type: expected \"ByteFallback\""},
        {[](json& f) { f["decoder"]["decoders"].erase(2); },
         "decoder.decoders: expected Replace, ByteFallback and Fuse"},
        {[](json& f) {
             f["decoder"]["decoders"].push_back({{"type", "Strip"}});
         },
         "decoder.decoders: expected three"},
        {[](json& f) { f["post_processor"]["single"] = json::array(); },
         "post_processor: expected a single template"},
        {[](json& f) {
             f["post_processor"]["single"].push_back({{"SpecialToken", {{"id", "<eos>"}}}});
         },
         "found \"A <eos>\""},
        {[](json& f) { f["added_tokens"][0]["lstrip"] = true; }, "added_tokens.lstrip: expected false"},
        {[](json& f) { f["added_tokens"][0]["id"] = 3; },
         "added_tokens: expected id 260 for \"<bos>\", found 3"},
        {[](json& f) { f["added_tokens"][0]["id"] = 4294967296; }, "added_tokens.id: expected an integer"},
        {[](json& f) { f["added_tokens"][0]["content"] = "<new>"; },
         "expected id 262 for \"<new>\", found 260"},
        {[](json& f) { f["added_tokens"] = json::object(); },
         "added_tokens: expected an array, found an object"},
        {[](json& f) { f["model"]["vocab"]["a"] = 257; },
         "expected ids 0 to 261 once each, found id 257 in place of 256"},
        {[](json& f) { f["model"]["vocab"]["a"] = 2000000000; }, "in place of 256"},
        {[](json& f) { f["model"]["vocab"]["a"] = -1; }, "model.vocab.a: expected an integer from 0"},
        {[](json& f) { f["model"]["vocab"] = json::object(); }, "model.vocab: expected at least one token"},
        {[](json& f) { f["model"]["merges"] = R"([["b", "a"]])"_json; },
         "model.merges: expected merges of tokens to tokens"},
        {[](json& f) { f["model"]["merges"] = R"([["a", "q"]])"_json; }, "found merge 0, \"a\" + \"q\""},
        {[](json& f) { f["model"]["merges"] = R"([["a"]])"_json; },
         "model.merges: expected two strings in a merge, found less"},
        {[](json& f) { f["model"]["merges"] = R"([["a", "b", "a"]])"_json; },
         "expected two strings in a merge, found more"},
        {[](json& f) { f["model"]["merges"] = R"(["ab"])"_json; },
         "model.merges: expected \"left right\", found \"ab\""},
        {[](json& f) { f["model"]["merges"] = R"([""])"_json; }, "model.merges: expected \"left right\""},
        {[](json& f) { f["model"]["merges"] = R"([1])"_json; }, "model.merges: expected an array, found 1"},
    };
    for (auto const& [apply, part] : changes)
    {
        CAPTURE(part);
        auto const text = complaint(apply);
        CAPTURE(text);
        CHECK(has(text, "small.json: "));
        CHECK(has(text, part));
    }
    CHECK(has(complaint(
                  [](json& f)
                  {
                      f["model"]["vocab"].erase("<0x7F>");
                      f["model"]["vocab"]["other"] = 0x7f;
                  }),
              "expected a token <0x7F> for byte_fallback"));
}

TEST_CASE("tokenizer_json: order of fields does not matter, doubled fields are refused")
{
    auto const file = small_file();
    auto const& model = file["model"];
    auto const text = [&](std::string const& fields)
    {
        auto rest = file;
        rest.erase("model");
        auto all = rest.dump();
        all.pop_back();
        return all + R"(,"model":{"type":"BPE","byte_fallback":true)" + fields + "}}";
    };
    auto const vocab = ",\"vocab\":" + model["vocab"].dump();
    auto const merges = ",\"merges\":" + model["merges"].dump();
    for (auto const& fields : {vocab + merges, merges + vocab})
    {
        auto const tokens = tokenizer::from_json(text(fields), "x.json");
        CHECK(tokens.encode("ab") == std::vector<token_id>{258});
    }
    for (auto const& fields : {vocab + vocab + merges, merges + merges + vocab, vocab + merges + merges,
                               vocab + merges + ",\"type\":\"BPE\""})
    {
        CHECK_THROWS_AS(tokenizer::from_json(text(fields), "x.json"), file_error);
    }
    CHECK_THROWS_AS(tokenizer::from_json(text(merges + ",\"vocab\":{\"a\":0,\"a\":1}"), "x.json"),
                    file_error);
}

TEST_CASE("tokenizer_json: every truncation of a file is an error, and so is anything after its end")
{
    auto const text = small_file().dump();
    for (std::size_t n = 0; n < text.size(); n += n < 300 || n > text.size() - 300 ? 1 : 7)
    {
        CHECK_THROWS_AS(tokenizer::from_json(std::string_view(text).substr(0, n), "x.json"), file_error);
    }
    CHECK_THROWS_AS(tokenizer::from_json(text + "x", "x.json"), file_error);
    CHECK_NOTHROW(tokenizer::from_json(text + "\n", "x.json"));
}

TEST_CASE("tokenizer_json: files that cannot be read are errors that name them")
{
    auto const folder =
        std::filesystem::temp_directory_path()
        / ("gemma4_text_" + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
    std::filesystem::create_directories(folder);
    auto const check = [&](std::filesystem::path const& path)
    {
        try
        {
            tokenizer::from_file(path);
            FAIL_CHECK("no error");
        }
        catch (file_error const& e)
        {
            CHECK(has(e.what(), path.string()));
        }
    };
    check(folder / "missing.json");
    check(folder);
    std::ofstream(folder / "empty.json").flush();
    check(folder / "empty.json");
    std::ofstream(folder / "bad.json") << "{\"model\": \xff}";
    check(folder / "bad.json");
    std::filesystem::remove_all(folder);
}
