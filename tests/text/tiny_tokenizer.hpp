// The tiny vocabulary of the test data, and small ones made up by tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>

#include <nlohmann/json.hpp>

#include <gemma4/text/tokenizer.hpp>

namespace text_test
{
    inline std::filesystem::path tiny_path()
    {
        return std::filesystem::path(GEMMA4_TEST_DATA) / "tiny" / "tokenizer.json";
    }

    inline gemma4::tokenizer const& tiny()
    {
        static auto const loaded = gemma4::tokenizer::from_file(tiny_path());
        return loaded;
    }

    // A complete small file: tokens 0 to 255 are the bytes, then a, b, ab, U+2581.
    inline nlohmann::json small_file()
    {
        nlohmann::json vocab;
        for (unsigned byte = 0; byte != 256; ++byte)
        {
            vocab[gemma4::byte_token_name(static_cast<unsigned char>(byte))] = byte;
        }
        int next = 256;
        for (auto const* token : {"a", "b", "ab", "\u2581", "<bos>", "<x>"}) { vocab[token] = next++; }
        auto file = nlohmann::json::parse(R"({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [{"id": 260, "content": "<bos>", "single_word": false, "lstrip": false, "rstrip": false,
                              "normalized": false, "special": true}],
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
            "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false},
            "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [], "special_tokens": {}},
            "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
            "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
                      "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false}
        })");
        file["model"]["vocab"] = vocab;
        file["model"]["merges"] = nlohmann::json::parse(R"([["a", "b"]])");
        return file;
    }

    inline gemma4::tokenizer load(nlohmann::json const& file)
    {
        return gemma4::tokenizer::from_json(file.dump(), "small.json");
    }
}
