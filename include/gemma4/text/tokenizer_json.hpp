// tokenizer.json of Hugging Face `tokenizers`, as Gemma 4 has it -> vocabulary.
//
// The file describes a pipeline; only Gemma's is accepted, and every part of it is checked, because the
// tokenizer below has it built in: normalizer " " -> U+2581, no effective pre-tokenizer, BPE with byte
// fallback, decoder Replace, ByteFallback, Fuse, and a post-processor that adds nothing or one <bos> in
// front. Fields without influence on ids (version, truncation, padding, unk_token, fuse_unk) are skipped.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/byte_order_mark.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/file_kind.hpp>
#include <gemma4/text/json_reader.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    class tokenizer_json
    {
    public:
        // Throws file_error naming file_name, the field, what was expected and what was found.
        static vocabulary read(std::string_view json, std::string_view file_name)
        {
            json = detail::without_bom(json);
            if (auto const first = json.find_first_not_of(" \t\r\n"); first == json.npos || json[first] != '{')
            {
                refuse_other_file(file_name, what_file_is(std::as_bytes(std::span(json))), "tokenizer.json");
            }
            return tokenizer_json(json, file_name).read_all();
        }

        static vocabulary read(std::filesystem::path const& path)
        {
            return read(file_bytes(path).text(), path.string());
        }

    private:
        static constexpr std::string_view space_symbol = "\u2581";

        struct entry
        {
            std::string_view token;
            token_id id;
        };

        struct added_entry
        {
            std::string_view content;
            added_token token;
        };

        tokenizer_json(std::string_view json, std::string_view file_name)
            : m_reader(json, file_name)
            , m_file(file_name)
        {}

        vocabulary read_all()
        {
            std::vector<std::string_view> seen;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key == "added_tokens") { read_added_tokens(); }
                    else if (key == "normalizer") { read_normalizer(); }
                    else if (key == "pre_tokenizer") { read_pre_tokenizer(); }
                    else if (key == "post_processor") { read_post_processor(); }
                    else if (key == "decoder") { read_decoder(); }
                    else if (key == "model") { read_model(); }
                    else { return m_reader.skip(); }
                    once(seen, key);
                });
            m_reader.end_of_file();
            require(seen,
                    {"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"},
                    "");
            place_added_tokens();
            check_byte_tokens();
            return std::move(m_vocabulary);
        }

        void read_added_tokens()
        {
            m_reader.array(
                [&]
                {
                    added_entry one{{}, {-1, false}};
                    bool says_normalized = false;
                    m_reader.object(
                        [&](std::string_view key)
                        {
                            if (key == "id") { one.token.id = m_reader.index(); }
                            else if (key == "content") { one.content = m_reader.string(); }
                            else if (key == "special") { one.token.special = m_reader.boolean(); }
                            else if (key == "normalized")
                            {
                                one.token.normalized = m_reader.boolean();
                                says_normalized = true;
                            }
                            else if (key == "single_word" || key == "lstrip" || key == "rstrip")
                            {
                                read_flag(false);
                            }
                            else { m_reader.skip(); }
                        });
                    if (one.token.id < 0) { m_reader.fail("an id in every added token", "none"); }
                    if (one.content.empty()) { m_reader.fail("content in every added token", "none"); }
                    if (!says_normalized) { one.token.normalized = !one.token.special; }
                    m_added.push_back(one);
                });
        }

        void read_normalizer()
        {
            std::vector<std::string_view> seen;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key == "type") { read_word("Replace"); }
                    else if (key == "pattern") { read_pattern(" "); }
                    else if (key == "content") { read_word(space_symbol); }
                    else { return m_reader.skip(); }
                    once(seen, key);
                });
            require(seen, {"type", "pattern", "content"}, "normalizer.");
        }

        // Split at " ": it runs after the normalizer, when no space is left, and so never splits.
        void read_pre_tokenizer()
        {
            if (m_reader.null()) { return; }
            std::vector<std::string_view> seen;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key == "type") { read_word("Split"); }
                    else if (key == "pattern") { read_pattern(" "); }
                    else if (key == "invert") { read_flag(false); }
                    else { return m_reader.skip(); }
                    once(seen, key);
                });
            require(seen, {"type", "pattern"}, "pre_tokenizer.");
        }

        void read_decoder()
        {
            std::vector<std::string_view> seen;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key == "type") { read_word("Sequence"); }
                    else if (key == "decoders") { read_decoders(); }
                    else { return m_reader.skip(); }
                    once(seen, key);
                });
            require(seen, {"type", "decoders"}, "decoder.");
        }

        void read_decoders()
        {
            static constexpr std::string_view types[] = {"Replace", "ByteFallback", "Fuse"};
            std::size_t count = 0;
            m_reader.array(
                [&]
                {
                    if (count == std::size(types)) { m_reader.fail("three decoders"); }
                    bool typed = false;
                    m_reader.object(
                        [&](std::string_view key)
                        {
                            if (key == "type")
                            {
                                read_word(types[count]);
                                typed = true;
                            }
                            else if (key == "pattern") { read_pattern(space_symbol); }
                            else if (key == "content") { read_word(" "); }
                            else { m_reader.skip(); }
                        });
                    if (!typed) { m_reader.fail("the type of every decoder", "none"); }
                    ++count;
                });
            if (count != std::size(types))
            {
                m_reader.fail("Replace, ByteFallback and Fuse", "fewer decoders");
            }
        }

        // TemplateProcessing whose "single" is A, or <bos> A.
        void read_post_processor()
        {
            if (m_reader.null()) { return; }
            std::vector<std::string_view> seen;
            std::string form;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key == "type") { read_word("TemplateProcessing"); }
                    else if (key == "single")
                    {
                        m_reader.array([&] { read_template_piece(form); });
                    }
                    else { return m_reader.skip(); }
                    once(seen, key);
                });
            require(seen, {"type", "single"}, "post_processor.");
            m_vocabulary.adds_bos = form == "<bos> A";
            if (form != "A" && form != "<bos> A")
            {
                m_reader.fail("a single template of \"A\" or \"<bos> A\"", sentence("\"", form, "\""));
            }
        }

        void read_template_piece(std::string& form)
        {
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key != "SpecialToken" && key != "Sequence")
                    {
                        m_reader.fail("SpecialToken or Sequence", "another key");
                    }
                    m_reader.object(
                        [&](std::string_view field)
                        {
                            if (field != "id") { return m_reader.skip(); }
                            form += form.empty() ? "" : " ";
                            form += m_reader.string();
                        });
                });
        }

        void read_model()
        {
            std::vector<std::string_view> seen;
            auto merges_at = std::string_view::npos;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key == "type") { read_word("BPE"); }
                    else if (key == "byte_fallback") { read_flag(true); }
                    else if (key == "ignore_merges") { read_flag(false); }
                    else if (key == "dropout") { read_null(); }
                    else if (key == "continuing_subword_prefix" || key == "end_of_word_suffix")
                    {
                        read_null_or_empty();
                    }
                    else if (key == "vocab") { read_vocab(); }
                    else if (key == "merges")
                    {
                        merges_at = m_reader.position();
                        if (m_vocabulary.size() != 0) { read_merges(); }
                        else { m_reader.skip(); }
                    }
                    else { return m_reader.skip(); }
                    once(seen, key);
                });
            require(seen, {"type", "byte_fallback", "vocab", "merges"}, "model.");
            if (m_vocabulary.merges.empty())    // they stood before the vocabulary
            {
                m_reader.read_at(merges_at, "merges", [&] { read_merges(); });
            }
        }

        void read_vocab()
        {
            if (m_vocabulary.size() != 0) { m_reader.fail("one vocabulary"); }
            std::vector<entry> entries;
            m_reader.object([&](std::string_view token) { entries.push_back({token, m_reader.index()}); });
            if (entries.empty()) { m_reader.fail("at least one token", "none"); }
            if (!std::ranges::is_sorted(entries, {}, &entry::id))
            {
                std::ranges::stable_sort(entries, {}, &entry::id);
            }
            bool const adds_bos = m_vocabulary.adds_bos;
            m_vocabulary = vocabulary(entries.size());
            m_vocabulary.adds_bos = adds_bos;
            for (std::size_t i = 0; i != entries.size(); ++i)
            {
                if (std::size_t(entries[i].id) != i)
                {
                    m_reader.fail(sentence("ids 0 to ", entries.size() - 1, " once each"),
                                  sentence("id ", entries[i].id, " in place of ", i));
                }
                if (!m_vocabulary.add(entries[i].token))
                {
                    m_reader.fail("every token once", sentence("\"", entries[i].token, "\" twice"));
                }
            }
        }

        // A merge is ["left", "right"], or in older files "left right".
        void read_merges()
        {
            std::vector<merge_text> waiting;
            auto const add_waiting = [&]
            {
                auto const good = m_vocabulary.add_merges(waiting);
                if (good != waiting.size())
                {
                    auto const& [left, right] = waiting[good];
                    m_reader.fail("merges of tokens to tokens",
                                  sentence("merge ", m_vocabulary.merges.size(), ", \"", left, "\" + \"",
                                           right, "\", with a part or result that is not in model.vocab"));
                }
                waiting.clear();
            };
            auto const add = [&](std::string_view left, std::string_view right)
            {
                waiting.push_back({left, right});
                if (waiting.size() == 1024) { add_waiting(); }
            };
            m_reader.array(
                [&]
                {
                    if (m_reader.peek() == json_kind::string)
                    {
                        auto const both = m_reader.string();
                        auto const space = both.find(' ', 1);
                        if (space == both.npos)
                        {
                            m_reader.fail("\"left right\"", sentence("\"", both, "\""));
                        }
                        return add(both.substr(0, space), both.substr(space + 1));
                    }
                    std::string_view part[2];
                    std::size_t count = 0;
                    m_reader.array(
                        [&]
                        {
                            if (count == 2) { m_reader.fail("two strings in a merge", "more"); }
                            part[count++] = m_reader.string();
                        });
                    if (count != 2) { m_reader.fail("two strings in a merge", "less"); }
                    add(part[0], part[1]);
                });
            add_waiting();
        }

        // Added tokens are entries of the vocabulary or follow it.
        void place_added_tokens()
        {
            std::ranges::stable_sort(m_added, {}, [](added_entry const& e) { return e.token.id; });
            for (auto const& [content, token] : m_added)
            {
                auto const known = m_vocabulary.find(content);
                auto const expected = known ? *known : token_id(m_vocabulary.size());
                if (token.id != expected)
                {
                    throw file_error(sentence(m_file, ": added_tokens: expected id ", expected, " for \"",
                                              content, "\", found ", token.id));
                }
                if (!known) { m_vocabulary.add(content); }
                m_vocabulary.added.push_back(token);
            }
            if (m_vocabulary.adds_bos && !m_vocabulary.find("<bos>"))
            {
                throw file_error(
                    sentence(m_file, ": post_processor: expected <bos> in the vocabulary, found none"));
            }
        }

        void check_byte_tokens() const
        {
            for (unsigned byte = 0; byte != 256; ++byte)
            {
                auto const name = byte_token_name(static_cast<unsigned char>(byte));
                if (!m_vocabulary.find(name))
                {
                    throw file_error(sentence(m_file, ": model.vocab: expected a token ", name,
                                              " for byte_fallback, found none"));
                }
            }
        }

        void read_word(std::string_view expected)
        {
            auto const found = m_reader.string();
            if (found != expected)
            {
                m_reader.fail(sentence("\"", expected, "\""), sentence("\"", found, "\""));
            }
        }

        void read_flag(bool expected)
        {
            if (m_reader.boolean() != expected) { m_reader.fail(sentence(expected), sentence(!expected)); }
        }

        void read_null()
        {
            if (!m_reader.null()) { m_reader.fail("null"); }
        }

        void read_null_or_empty()
        {
            if (!m_reader.null()) { read_word(""); }
        }

        // {"String": expected}
        void read_pattern(std::string_view expected)
        {
            std::size_t count = 0;
            m_reader.object(
                [&](std::string_view key)
                {
                    if (key != "String") { m_reader.fail("the key \"String\"", sentence("\"", key, "\"")); }
                    read_word(expected);
                    ++count;
                });
            if (count != 1) { m_reader.fail("one \"String\"", sentence(count)); }
        }

        void once(std::vector<std::string_view>& seen, std::string_view key)
        {
            if (std::ranges::find(seen, key) != seen.end())
            {
                m_reader.fail("every key once", sentence("\"", key, "\" twice"));
            }
            seen.push_back(key);
        }

        void require(std::vector<std::string_view> const& seen, std::initializer_list<std::string_view> names,
                     std::string_view prefix) const
        {
            for (auto const name : names)
            {
                if (std::ranges::find(seen, name) == seen.end())
                {
                    throw file_error(sentence(m_file, ": expected the field ", prefix, name, ", found none"));
                }
            }
        }

        json_reader m_reader;
        std::string_view m_file;
        vocabulary m_vocabulary;
        std::vector<added_entry> m_added;
    };
}
