// How a conversation of text is written for the model (spec: Gemma 4 prompt formatting; the checkpoint's chat
// template).
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    // What differs between chat templates, as far as text without tools goes.
    struct chat_format
    {
        bool empty_thought =
            false;    // the generation prompt closes an empty thought block (12B, 26B-A4B, 31B)
    };

    // The text of a checkpoint's template: chat_template.jinja, or chat_template in tokenizer_config.json. Empty: the
    // checkpoint is a base model.
    inline std::string read_chat_template(std::filesystem::path const& folder)
    {
        if (auto const path = folder / "chat_template.jinja"; std::filesystem::exists(path))
        {
            std::ifstream file(path, std::ios::binary);
            std::string text(std::istreambuf_iterator<char>(file), {});
            if (!file) { throw file_error(sentence(path.string(), " cannot be read")); }
            return text;
        }
        if (auto const path = folder / "tokenizer_config.json"; std::filesystem::exists(path))
        {
            auto const root = read_json(path);
            if (root.is_object() && root.contains("chat_template") && root["chat_template"].is_string())
            {
                return root["chat_template"].get<std::string>();
            }
        }
        return {};
    }

    // The format of a checkpoint's template; none: a base model.
    inline std::optional<chat_format> read_chat_format(std::filesystem::path const& folder)
    {
        auto const text = read_chat_template(folder);
        if (text.empty()) { return std::nullopt; }
        return chat_format{.empty_thought = text.find(R"('<|channel>thought\n<channel|>')") != text.npos};
    }

    // Writes turns as token ids. Text from users is encoded as plain text: it cannot forge a control token.
    class chat_writer
    {
    public:
        // Throws mismatch_error where the tokenizer lacks a control token.
        chat_writer(tokenizer const& tokens, chat_format format)
            : m_tokens(&tokens)
            , m_format(format)
        {
            m_bos = control("<bos>");
            m_turn = control("<|turn>");
            m_end_turn = control("<turn|>");
        }

        void begin(std::vector<token_id>& out) const { out.push_back(m_bos); }

        // <|turn>ROLE\nTEXT<turn|>\n with the text trimmed as Python's str.strip does.
        void turn(std::string_view role, std::string_view text, std::vector<token_id>& out) const
        {
            out.push_back(m_turn);
            detail::encode_as_text(sentence(role, "\n", python::strip(text)), *m_tokens, out);
            end_turn(out);
        }

        // What a model's turn begins with.
        void model_turn(std::vector<token_id>& out) const
        {
            out.push_back(m_turn);
            m_tokens->encode("model\n", out, special_tokens::as_text);
        }

        // What follows model_turn() when an answer is asked for.
        void generation_prompt(std::vector<token_id>& out) const
        {
            if (!m_format.empty_thought) { return; }
            out.push_back(control("<|channel>"));
            m_tokens->encode("thought\n", out, special_tokens::as_text);
            out.push_back(control("<channel|>"));
        }

        void end_turn(std::vector<token_id>& out) const
        {
            out.push_back(m_end_turn);
            m_tokens->encode("\n", out, special_tokens::as_text);
        }

    private:
        token_id control(std::string_view name) const
        {
            if (auto const id = m_tokens->find(name)) { return *id; }
            throw mismatch_error(
                sentence("tokenizer.json has no token ", name, ", which the chat format needs"));
        }

        tokenizer const* m_tokens;
        chat_format m_format;
        token_id m_bos, m_turn, m_end_turn;
    };
}
