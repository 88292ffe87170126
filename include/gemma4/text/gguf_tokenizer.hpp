// The tokenizer in the metadata of a GGUF file: Gemma 4's byte pairs with merges, or the older one with
// scores.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/io/gguf_metadata.hpp>
#include <gemma4/text/score_merger.hpp>
#include <gemma4/text/tokenizer.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    enum class tokenizer_kind
    {
        byte_pair,
        sentencepiece
    };

    namespace detail
    {
        namespace gguf_token_type
        {
            inline constexpr std::size_t control = 3;
            inline constexpr std::size_t user_defined = 4;
        }

        // Gemma 4's special tokens: special whatever the file calls them.
        inline constexpr std::array<std::string_view, 24> gemma4_special_tokens{"<pad>",
                                                                                "<eos>",
                                                                                "<bos>",
                                                                                "<unk>",
                                                                                "<mask>",
                                                                                "<|tool>",
                                                                                "<tool|>",
                                                                                "<|tool_call>",
                                                                                "<tool_call|>",
                                                                                "<|tool_response>",
                                                                                "<tool_response|>",
                                                                                "<|\"|>",
                                                                                "<|think|>",
                                                                                "<|channel>",
                                                                                "<channel|>",
                                                                                "<|turn>",
                                                                                "<turn|>",
                                                                                "<|image>",
                                                                                "<|audio>",
                                                                                "<|image|>",
                                                                                "<|audio|>",
                                                                                "<image|>",
                                                                                "<audio|>",
                                                                                "<|video|>"};

        // The end of a sentence elsewhere, an HTML tag here: some versions of llama.cpp write it as a control
        // token.
        inline constexpr std::string_view html_tag_marked_control = "</s>";

        inline vocabulary gguf_tokens(gguf_metadata const& metadata)
        {
            constexpr std::string_view key = "tokenizer.ggml.tokens";
            auto const strings = metadata.strings(key);
            vocabulary tokens(strings.size());
            for (std::size_t i = 0; i != strings.size(); ++i)
            {
                if (!tokens.add(strings[i]))
                {
                    throw file_error(sentence(metadata.file(), ": metadata ", key, "[", i, "] is ",
                                              printable(strings[i]), ", which an earlier token is as well"));
                }
            }
            for (unsigned byte = 0; byte != 256; ++byte)
            {
                auto const name = byte_token_name(static_cast<unsigned char>(byte));
                if (!tokens.find(name))
                {
                    throw file_error(sentence(metadata.file(), ": metadata ", key, ": expected a token ",
                                              name, ", found none"));
                }
            }
            // Gemma degenerates without it, whatever tokenizer.ggml.add_bos_token says.
            tokens.adds_bos = true;
            return tokens;
        }

        // tokenizer.ggml.token_type; all normal where it is absent.
        inline std::vector<std::size_t> gguf_token_types(gguf_metadata const& metadata, std::size_t tokens)
        {
            constexpr std::string_view key = "tokenizer.ggml.token_type";
            if (!metadata.find(key)) { return std::vector<std::size_t>(tokens, 1); }
            auto types = metadata.sizes(key);
            if (types.size() != tokens)
            {
                throw file_error(sentence(metadata.file(), ": metadata ", key, " has ", types.size(),
                                          " values, expected ", tokens, ", one for each token"));
            }
            return types;
        }

        inline void read_gguf_merges(gguf_metadata const& metadata, vocabulary& tokens)
        {
            constexpr std::string_view key = "tokenizer.ggml.merges";
            auto const strings = metadata.strings(key);
            std::vector<merge_text> merges;
            merges.reserve(strings.size());
            for (auto const both : strings)
            {
                auto const space = both.find(' ', 1);
                if (space == both.npos)
                {
                    throw file_error(sentence(metadata.file(), ": metadata ", key, "[", merges.size(),
                                              "] is ", printable(both),
                                              ", expected two tokens with a space between them"));
                }
                merges.push_back({both.substr(0, space), both.substr(space + 1)});
            }
            if (auto const good = tokens.add_merges(merges); good != merges.size())
            {
                throw file_error(sentence(metadata.file(), ": metadata ", key, "[", good, "] is ",
                                          printable(strings[good]),
                                          ", but a part or the result of it is no token"));
            }
        }
    }

    // Which tokenizer the file describes. mismatch_error for any that is not Gemma's. Ollama writes "llama"
    // for both: the byte-pair one has merges.
    inline tokenizer_kind tokenizer_kind_of(gguf_metadata const& metadata)
    {
        constexpr std::string_view key = "tokenizer.ggml.model";
        auto const model = metadata.text(key);
        if (model == "gemma4") { return tokenizer_kind::byte_pair; }
        if (model == "llama")
        {
            auto const* merges = metadata.find("tokenizer.ggml.merges");
            return merges && merges->count != 0 ? tokenizer_kind::byte_pair : tokenizer_kind::sentencepiece;
        }
        throw mismatch_error(sentence(metadata.file(), ": metadata ", key, " is ", detail::printable(model),
                                      ", only \"gemma4\" and \"llama\" are supported"));
    }

    // Of a tokenizer_kind::byte_pair file: the same as tokenizer_json::read of the tokenizer.json it was made
    // from. Special are control tokens (type 3), user-defined ones (type 4) and Gemma 4's own by name; never
    // "</s>". file_error: an array is missing, of another length or inconsistent.
    inline vocabulary read_vocabulary(gguf_metadata const& metadata)
    {
        auto tokens = detail::gguf_tokens(metadata);
        auto const types = detail::gguf_token_types(metadata, tokens.size());
        for (std::size_t i = 0; i != tokens.size(); ++i)
        {
            auto const content = tokens[token_id(i)];
            bool const typed = types[i] == detail::gguf_token_type::control
                               || types[i] == detail::gguf_token_type::user_defined;
            bool const named = std::ranges::find(detail::gemma4_special_tokens, content)
                               != detail::gemma4_special_tokens.end();
            if (content.empty() || content == detail::html_tag_marked_control) { continue; }
            if (typed || named) { tokens.added.push_back({.id = token_id(i), .special = true}); }
        }
        detail::read_gguf_merges(metadata, tokens);
        return tokens;
    }

    // Of a tokenizer_kind::sentencepiece file. User-defined tokens are looked for in every text, control
    // tokens only where special tokens are recognised.
    inline tokenizer read_sentencepiece_tokenizer(gguf_metadata const& metadata)
    {
        constexpr std::string_view key = "tokenizer.ggml.scores";
        auto tokens = detail::gguf_tokens(metadata);
        auto const types = detail::gguf_token_types(metadata, tokens.size());
        auto scores = metadata.numbers(key);
        if (scores.size() != tokens.size())
        {
            throw file_error(sentence(metadata.file(), ": metadata ", key, " has ", scores.size(),
                                      " values, expected ", tokens.size(), ", one for each token"));
        }
        for (std::size_t i = 0; i != tokens.size(); ++i)
        {
            bool const control = types[i] == detail::gguf_token_type::control;
            bool const added = control || types[i] == detail::gguf_token_type::user_defined;
            if (!added || tokens[token_id(i)].empty()) { continue; }
            tokens.added.push_back({.id = token_id(i), .special = control});
        }
        return tokenizer(
            std::move(tokens),
            score_merger(std::move(scores), metadata.boolean("tokenizer.ggml.add_space_prefix", true)));
    }

    // The tokenizer of the file, of either kind. Throws as the functions above.
    inline tokenizer read_tokenizer(gguf_metadata const& metadata)
    {
        return tokenizer_kind_of(metadata) == tokenizer_kind::byte_pair
                   ? tokenizer(read_vocabulary(metadata))
                   : read_sentencepiece_tokenizer(metadata);
    }

    // tokenizer.ggml.<role>_token_id, role being bos, eos, unknown, padding or mask. file_error: not an id of
    // the vocabulary.
    inline std::optional<token_id> special_token_id(gguf_metadata const& metadata, std::string_view role)
    {
        auto const key = sentence("tokenizer.ggml.", role, "_token_id");
        if (!metadata.find(key)) { return std::nullopt; }
        auto const* tokens = metadata.find("tokenizer.ggml.tokens");
        auto const count = tokens && tokens->is_array ? tokens->count : 0;
        auto const id = metadata.size(key);
        if (id >= count)
        {
            throw file_error(sentence(metadata.file(), ": metadata ", key, " is ", id,
                                      ", expected less than the ", count, " tokens"));
        }
        return token_id(id);
    }
}
