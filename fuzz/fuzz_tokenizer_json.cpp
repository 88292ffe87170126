// tokenizer.json from anywhere: a gemma4::error or a tokenizer that works. An input that begins with '{' is a
// file. Any other is the rest of a good file behind 260 entries of its vocabulary, because a mutation of
// nothing would hardly ever invent 256 byte tokens; and it is text for a good tokenizer.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "guards.hpp"

#include <gemma4/core/error.hpp>
#include <gemma4/text/stream_decoder.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace
{
    void try_file(std::string_view json, std::string_view text)
    {
        try
        {
            auto const tokens = gemma4::tokenizer::from_json(json, "fuzz.json");
            for (auto const specials : {gemma4::special_tokens::recognise, gemma4::special_tokens::as_text})
            {
                auto const ids = tokens.encode(text, specials);
                for (bool const skip : {false, true})
                {
                    auto const whole = tokens.decode(ids, skip);
                    gemma4::stream_decoder stream(tokens, skip);
                    std::string pieces;
                    for (auto const id : ids) { pieces += stream.put(id); }
                    pieces += stream.finish();
                    if (!gemma4::is_utf8(whole) || !gemma4::is_utf8(pieces)) { __builtin_trap(); }
                    if (pieces != whole && whole.find("\ufffd") == whole.npos) { __builtin_trap(); }
                }
            }
        }
        catch (gemma4::error const&)
        {}
    }

    // A good file up to its vocabulary's 257th entry: what follows is `rest`.
    std::string good_file_then(std::string_view rest)
    {
        std::string json =
            R"({"added_tokens":[],"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"\u2581"},
"pre_tokenizer":null,"post_processor":null,"decoder":{"type":"Sequence","decoders":[
{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}]},
"model":{"type":"BPE","byte_fallback":true,"vocab":{)";
        for (unsigned byte = 0; byte != 256; ++byte)
        {
            json += gemma4::sentence("\"", gemma4::byte_token_name(static_cast<unsigned char>(byte)),
                                     "\":", byte, ",");
        }
        json += R"("a":256,"b":257,"ab":258,"\u2581":259,"\u2581a":260,)";
        json += rest;
        return json;
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    if (size > longest_text) { return 0; }
    if (input.starts_with('{'))
    {
        try_file(input, "ab <|turn> \xe2\x82 \u00e9");
        return 0;
    }
    try_file(good_file_then(input), "ab  ab \u65e5 aab\n");
    // The same bytes as text, with a good vocabulary.
    static auto const good = good_file_then(R"("<x>":261},"merges":[["a","b"],"\u2581 a"]}})");
    static auto const tokens = gemma4::tokenizer::from_json(good, "good.json");
    auto const ids = tokens.encode(input);
    if (tokens.decode(ids).empty() != input.empty()) { __builtin_trap(); }
    return 0;
}
