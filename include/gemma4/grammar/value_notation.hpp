// How values are written: as JSON, or as Gemma writes the arguments of a call.
//
//            JSON                                      call
// string     "text" with JSON's escapes                <|"|>text<|"|>, raw
// object     {"key": value, "key": value}              {key:value,key:value}, sorted by key
// array      [value, value]                            [value,value]
//
// White space of JSON is fixed (json_space), so that the parts between values are forced and cost no
// sampling.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/code_points.hpp>
#include <gemma4/grammar/decimal.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/literals.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    // Between the parts of a JSON document; nowhere else is there any white space.
    enum class json_space
    {
        one,    // one space after each , and : as Python's json.dumps, and to_json, write it
        none    // no space at all
    };

    class value_notation
    {
    public:
        static value_notation json(grammar& g, json_space space)
        {
            auto const gap = space == json_space::one ? " " : "";
            return value_notation(g, std::string(",") + gap, std::string(":") + gap, std::nullopt);
        }

        // quote: the token <|"|>
        static value_notation call(grammar& g, token_id quote) { return value_notation(g, ",", ":", quote); }

        grammar& target() noexcept { return *m_target; }
        bool is_call() const noexcept { return m_quote.has_value(); }

        grammar::part comma() { return m_target->literal(m_comma); }

        // The members of an object in the order in which they are written.
        std::vector<json_member const*> ordered(json_value const& object) const
        {
            if (is_call()) { return jinja::dictsort(&object, "a value"); }
            std::vector<json_member const*> all;
            for (auto const& member : *object.as_object()) { all.push_back(&member); }
            return all;
        }

        // key and what stands between it and its value. argument_error: a call cannot hold this key, which
        // stands there without quotes.
        grammar::part key(std::string_view name)
        {
            if (is_call())
            {
                bool const fits = !name.empty() && name.find_first_of(":,{}[]\"") == name.npos
                                  && name.front() > ' ' && name.back() > ' ';
                if (!fits)
                {
                    throw argument_error(sentence("a call cannot hold the key \"", beginning_of(name), "\""));
                }
                return m_target->literal(std::string(name) + m_colon);
            }
            std::string quoted;
            append_json_string(quoted, name);
            return m_target->literal(quoted + m_colon);
        }

        grammar::part any_key()
        {
            if (!is_call()) { return m_target->sequence({string(), m_target->literal(m_colon)}); }
            code_point_set const begin({{'a', 'z'}, {'A', 'Z'}, {'_', '_'}});
            code_point_set rest({{'0', '9'}, {'-', '-'}, {'.', '.'}});
            rest |= begin;
            return m_target->sequence({utf8_of(*m_target, begin),
                                       m_target->repeat(utf8_of(*m_target, rest), 0),
                                       m_target->literal(m_colon)});
        }

        // A string whose characters are `content` (made of character() and any_character()).
        grammar::part quoted(grammar::part content)
        {
            auto const quote = m_quote ? m_target->token(*m_quote) : m_target->byte('"');
            return m_target->sequence({quote, content, quote});
        }

        // One character of the set, in its shortest form.
        grammar::part character(code_point_set const& set)
        {
            if (is_call()) { return utf8_of(*m_target, set); }
            auto const special = escaped();
            std::vector<grammar::part> parts{utf8_of(*m_target, set.without(special))};
            for (auto const& range : special.ranges())
            {
                for (auto c = range.first; c <= range.last; ++c)
                {
                    if (!set.contains(c)) { continue; }
                    std::string quoted;
                    append_json_string(quoted, std::string(1, char(c)));
                    parts.push_back(m_target->literal(std::string_view(quoted).substr(1, quoted.size() - 2)));
                }
            }
            return m_target->choice(std::move(parts));
        }

        // One character in any form.
        grammar::part any_character()
        {
            if (is_call()) { return utf8_of(*m_target, code_point_set::all()); }
            auto& g = *m_target;
            auto const hex = [&](std::string_view first_of_pair)
            {
                std::vector<grammar::part> out;
                for (std::size_t i = 0; i != first_of_pair.size(); i += 2)
                {
                    out.push_back(g.bytes(static_cast<unsigned char>(first_of_pair[i]),
                                          static_cast<unsigned char>(first_of_pair[i + 1])));
                }
                return g.choice(std::move(out));
            };
            auto const any = hex("09afAF");
            auto const unit = g.choice({g.sequence({hex("09acefACEF"), any, any, any}),
                                        g.sequence({hex("ddDD"), hex("07"), any, any})});
            auto const pair = g.sequence(
                {hex("ddDD"), hex("89abAB"), any, any, g.literal("\\u"), hex("ddDD"), hex("cfCF"), any, any});
            std::vector<grammar::part> named;
            for (char const c : std::string_view("\"\\/bfnrt")) { named.push_back(g.byte(c)); }
            auto const escape =
                g.choice({g.choice(std::move(named)), g.sequence({g.byte('u'), g.choice({unit, pair})})});
            return g.choice({utf8_of(g, escaped().complement()), g.sequence({g.byte('\\'), escape})});
        }

        grammar::part string()
        {
            return once(m_string, [&]
                        { return is_call() ? raw_string() : quoted(m_target->repeat(any_character(), 0)); });
        }
        // Of min to max characters. Strings of the same length share their rule.
        grammar::part string(std::size_t min, std::size_t max)
        {
            auto const [place, is_new] = m_strings.try_emplace({min, max});
            if (is_new)
            {
                place->second = m_target->add_rule(quoted(m_target->repeat(any_character(), min, max)));
            }
            return m_target->call(place->second);
        }
        grammar::part integer()
        {
            return once(m_integer, [&] { return integer_between(*m_target, {}); });
        }
        grammar::part number()
        {
            return once(m_number, [&] { return number_between(*m_target, {}); });
        }
        grammar::part boolean()
        {
            return m_target->choice({m_target->literal("true"), m_target->literal("false")});
        }
        grammar::part null() { return m_target->literal("null"); }

        // Any value at all.
        grammar::part any()
        {
            if (!m_any)
            {
                m_any = m_target->declare();
                auto const self = m_target->call(*m_any);
                m_target->define(*m_any, m_target->choice({string(), number(), boolean(), null(),
                                                           array(self, 0, grammar::unbounded), map(self)}));
            }
            return m_target->call(*m_any);
        }

        grammar::part array(grammar::part item, std::size_t min, std::size_t max)
        {
            auto& g = *m_target;
            if (max == 0) { return min == 0 ? g.literal("[]") : g.never(); }
            auto const more = g.repeat(g.sequence({comma(), item}), min == 0 ? 0 : min - 1,
                                       max == grammar::unbounded ? max : max - 1);
            auto const filled = g.sequence({item, more});
            return g.sequence({g.byte('['), min == 0 ? g.optional(filled) : filled, g.byte(']')});
        }

        // An object of any keys.
        grammar::part map(grammar::part value)
        {
            auto& g = *m_target;
            auto const pair = g.add_rule(g.sequence({any_key(), value}));
            auto const more = g.repeat(g.sequence({comma(), g.call(pair)}), 0);
            return g.sequence({g.byte('{'), g.optional(g.sequence({g.call(pair), more})), g.byte('}')});
        }

        // Exactly this value.
        grammar::part fixed(json_value const& value)
        {
            auto& g = *m_target;
            if (auto const* const text = value.as_string())
            {
                if (is_call()) { return quoted(g.literal(*text)); }
                std::string out;
                append_json_string(out, *text);
                return g.literal(out);
            }
            if (auto const* const items = value.as_array())
            {
                std::vector<grammar::part> parts{g.byte('[')};
                for (auto const& item : *items)
                {
                    if (&item != items->data()) { parts.push_back(comma()); }
                    parts.push_back(fixed(item));
                }
                parts.push_back(g.byte(']'));
                return g.sequence(std::move(parts));
            }
            if (value.as_object())
            {
                std::vector<grammar::part> parts{g.byte('{')};
                for (auto const* const member : ordered(value))
                {
                    if (parts.size() != 1) { parts.push_back(comma()); }
                    parts.push_back(key(member->name));
                    parts.push_back(fixed(member->value));
                }
                parts.push_back(g.byte('}'));
                return g.sequence(std::move(parts));
            }
            return g.literal(to_json(value));
        }

        // One of these values.
        grammar::part one_of(std::span<json_value const* const> values)
        {
            std::vector<std::string> texts;
            std::vector<std::string_view> strings;
            std::vector<grammar::part> ways;
            for (auto const* const value : values)
            {
                if (value->as_array() || value->as_object()) { ways.push_back(fixed(*value)); }
                else if (is_call() && value->as_string()) { strings.push_back(*value->as_string()); }
                else { texts.push_back(to_json(*value)); }
            }
            if (!strings.empty()) { ways.push_back(quoted(one_of_literals(*m_target, std::move(strings)))); }
            if (!texts.empty()) { ways.push_back(one_of_literals(*m_target, {texts.begin(), texts.end()})); }
            return ways.size() == 1 ? ways.front() : m_target->choice(std::move(ways));
        }

    private:
        value_notation(grammar& g, std::string comma, std::string colon, std::optional<token_id> quote)
            : m_target(&g)
            , m_comma(std::move(comma))
            , m_colon(std::move(colon))
            , m_quote(quote)
        {}

        // What JSON cannot hold in a string as it is.
        static code_point_set escaped() { return code_point_set({{0, 0x1f}, {'"', '"'}, {'\\', '\\'}}); }

        template <class Make>
        grammar::part once(std::optional<grammar::rule>& rule, Make make)
        {
            if (!rule) { rule = m_target->add_rule(make()); }
            return m_target->call(*rule);
        }

        // <|"|>text<|"|>, where text does not spell <|"|> itself. Each rule has the beginning of that
        // spelling behind it, as in the search of Knuth, Morris and Pratt.
        grammar::part raw_string()
        {
            auto& g = *m_target;
            constexpr std::string_view spelled = "<|\"|>";
            std::vector<grammar::rule> behind;
            for (std::size_t i = 0; i != spelled.size(); ++i) { behind.push_back(g.declare()); }
            for (std::size_t i = 0; i != spelled.size(); ++i)
            {
                auto const next = char32_t(spelled[i]);
                code_point_set other =
                    code_point_set::all().without(code_point_set({{next, next}, {'<', '<'}}));
                std::vector<grammar::part> ways{g.token(*m_quote),
                                                g.sequence({utf8_of(g, other), g.call(behind[0])}),
                                                g.sequence({g.byte('<'), g.call(behind[1])})};
                if (i != 0 && i + 1 != spelled.size())
                {
                    ways.push_back(g.sequence({g.byte(spelled[i]), g.call(behind[i + 1])}));
                }
                g.define(behind[i], g.choice(std::move(ways)));
            }
            return g.sequence({g.token(*m_quote), g.call(behind[0])});
        }

        grammar* m_target;
        std::string m_comma;
        std::string m_colon;
        std::optional<token_id> m_quote;
        std::optional<grammar::rule> m_string;
        std::map<std::pair<std::size_t, std::size_t>, grammar::rule> m_strings;    // by length
        std::optional<grammar::rule> m_integer;
        std::optional<grammar::rule> m_number;
        std::optional<grammar::rule> m_any;
    };
}
