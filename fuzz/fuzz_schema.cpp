// Schemas and regular expressions from anywhere: an error that says why, or a mask that always allows
// something and that takes what it allows; what has been written under a schema's is JSON, and fits it. An
// input that begins with / is a pattern, one with = chooses a schema, because most changes to JSON text only
// make it ill-formed; any other is a schema.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../tests/grammar/checker.hpp"
#include "guards.hpp"

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace
{
    // A token for every byte and a few words.
    gemma4::tokenizer const& tokens()
    {
        static gemma4::tokenizer const all = []
        {
            gemma4::vocabulary words;
            for (unsigned byte = 0; byte != 256; ++byte)
            {
                words.add(gemma4::byte_token_name(static_cast<unsigned char>(byte)));
            }
            for (auto const* const word :
                 {"a", "b", "\"", "{\"", "\":", "\",", "ab", "12", "]}", "},", "tru", "\\u00"})
            {
                words.add(word);
            }
            return gemma4::tokenizer(std::move(words));
        }();
        return all;
    }

    // Small, so that an input takes milliseconds.
    constexpr gemma4::grammar_limits limits{
        .states = 20'000, .steps = std::size_t(1) << 18, .bytes = std::size_t(1) << 22};

    // A schema chosen by bytes.
    class chosen_schema
    {
    public:
        explicit chosen_schema(std::string_view bytes)
            : m_bytes(bytes)
        {}

        std::string document()
        {
            auto const root = schema(0);
            return root.substr(0, root.size() - 1) + (root == "{}" ? "" : ", ")
                   + "\"$defs\": {\"x\": " + schema(1) + ", \"y\": " + schema(1) + "}}";
        }

    private:
        unsigned next(unsigned below)
        {
            if (m_at == m_bytes.size()) { return 0; }
            return static_cast<unsigned char>(m_bytes[m_at++]) % below;
        }

        std::string number() { return std::to_string(int(next(120)) - 40); }

        std::string constant()
        {
            static constexpr std::string_view known[]{"1",    "2",    "1.0",  "-2.5", "\"a\"", "\"ab\"",
                                                      "\"\"", "null", "true", "[1]",  "{}",    "{\"a\": 1}"};
            return std::string(known[next(std::size(known))]);
        }

        std::string list(std::size_t depth)
        {
            std::string out = "[" + schema(depth);
            for (auto n = next(3); n != 0; --n) { out += ", " + schema(depth); }
            return out + "]";
        }

        // Sometimes ", keyword: value".
        template <class Value>
        std::string maybe(std::string_view keyword, Value value)
        {
            return next(3) == 0 ? gemma4::sentence(", \"", keyword, "\": ", value()) : std::string();
        }

        std::string schema(std::size_t depth)
        {
            auto const count = [&] { return std::to_string(next(4)); };
            auto const larger = [&] { return std::to_string(3 + next(9)); };
            auto const any_number = [&] { return number(); };
            auto const deeper = [&] { return schema(depth + 1); };
            std::string out;
            switch (next(depth > 3 ? 7 : 14))
            {
            case 0: break;
            case 1:
                out = R"("type": "string")" + maybe("minLength", count) + maybe("maxLength", larger);
                break;
            case 2:
            case 3:
                out = next(2) != 0 ? R"("type": "integer")" : R"("type": "number")";
                out += maybe("minimum", any_number) + maybe("exclusiveMaximum", any_number);
                out += maybe("exclusiveMinimum", any_number) + maybe("maximum", any_number);
                break;
            case 4: out = R"("type": ["boolean", "null", "string"])"; break;
            case 5: out = R"("const": )" + constant(); break;
            case 6:
                out = R"("enum": [)" + constant() + ", " + constant() + ", " + constant() + "]"
                      + maybe("type", [] { return R"("string")"; }) + maybe("maxLength", count);
                break;
            case 7: out = R"("anyOf": )" + list(depth + 1); break;
            case 8:
            case 9: out = R"("oneOf": )" + list(depth + 1); break;
            case 10: out = next(2) != 0 ? R"("$ref": "#/$defs/x")" : R"("$ref": "#/$defs/y")"; break;
            case 11:
                out = R"("type": "array")" + maybe("items", deeper) + maybe("minItems", count)
                      + maybe("maxItems", larger) + maybe("prefixItems", [&] { return list(depth + 1); })
                      + maybe("uniqueItems", [] { return "true"; });
                break;
            case 12: out = R"("type": "object")" + maybe("additionalProperties", deeper); break;
            default:
                out = R"("type": "object", "properties": {"a": )" + deeper();
                if (next(2) != 0) { out += R"(, "b": )" + deeper(); }
                out += "}" + maybe("required", [] { return R"(["a"])"; })
                       + maybe("additionalProperties", [] { return "false"; });
            }
            if (next(8) == 0) { out += std::string(out.empty() ? "" : ", ") + R"("nullable": true)"; }
            return "{" + out + "}";
        }

        std::string_view m_bytes;
        std::size_t m_at = 0;
    };

    std::vector<gemma4::token_id> allowed(gemma4::grammar_mask& mask)
    {
        std::vector<float> logits(tokens().size(), 1.0f);
        mask.restrict(logits);
        std::vector<gemma4::token_id> out;
        for (std::size_t id = 0; id != logits.size(); ++id)
        {
            if (logits[id] == 1.0f) { out.push_back(gemma4::token_id(id)); }
        }
        return out;
    }

    // The mask forbids what it would not take, but never everything.
    void check_allowed(gemma4::grammar_mask const& mask, std::vector<gemma4::token_id> const& ids)
    {
        require(!ids.empty());
        for (std::size_t id = 0, i = 0; id != tokens().size(); ++id)
        {
            bool const may = i != ids.size() && ids[i] == gemma4::token_id(id);
            require(mask.allows(gemma4::token_id(id)) == may);
            i += may;
        }
    }

    // One text, chosen by the bytes of `choices`, more and more of them what ends things; nothing: it did not
    // come to an end.
    std::optional<std::string> walk(gemma4::grammar_mask mask, std::string_view choices, std::size_t number)
    {
        std::string out;
        auto const write = [&](gemma4::token_id id)
        {
            out += mask.rules().trie().text(id);
            mask.accept(id);
        };
        for (std::size_t i = 0; i != 400; ++i)
        {
            if (mask.must_stop() || (mask.complete() && i > 30)) { return out; }
            if (auto const forced = mask.forced())
            {
                require(!forced->empty());
                for (auto const id : *forced) { write(id); }
                continue;
            }
            auto const ids = allowed(mask);
            require(!ids.empty());
            if (number == 0 && i < 10) { check_allowed(mask, ids); }
            auto chosen = ids[static_cast<unsigned char>(choices[(i + number) % choices.size()])
                              * (7u + number) % ids.size()];
            for (auto const id : ids)
            {
                auto const text = mask.rules().trie().text(id);
                if (i > 30 && (text == "}" || text == "]" || text == "\"")) { chosen = id; }
            }
            write(chosen);
        }
        return std::nullopt;
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (text.empty() || size > 4096) { return 0; }
    static auto const trie = std::make_shared<gemma4::token_trie const>(tokens());
    bool const is_pattern = text.front() == '/';
    bool const is_choice = text.front() == '=';
    attempt(
        [&]
        {
            auto const schema = is_choice ? chosen_schema(text.substr(1)).document() : std::string(text);
            auto const source = is_pattern
                                    ? gemma4::regular_expression_grammar(text.substr(1), limits)
                                    : gemma4::json_schema_grammar(gemma4::read_json_value(schema, "schema"),
                                                                  gemma4::json_space::one, limits);
            auto const rules = std::make_shared<gemma4::token_grammar>(source, trie);
            for (std::size_t number = 0; number != 3; ++number)
            {
                auto const written = walk(gemma4::grammar_mask(rules, {}), text, number);
                if (!written || is_pattern) { continue; }
                if (is_choice)
                {
                    auto const document = gemma4_test::json::parse(schema);
                    require(gemma4_test::valid(document, gemma4_test::json::parse(*written), document));
                    continue;
                }
                bool is_json = true;
                try
                {
                    gemma4::read_json_value(*written, "answer");
                }
                catch (gemma4::error const&)
                {
                    is_json = false;
                }
                require(is_json);
            }
        });
    return 0;
}
