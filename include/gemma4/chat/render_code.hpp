// What chat/render.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/render.hpp>
#include <gemma4/chat/write_tool.hpp>
#include <gemma4/chat/write_value.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // What stands between thoughts of earlier turns: of every piece up to <channel|>, what is before
        // <|channel>.
        inline std::string without_thoughts(std::string_view text)
        {
            constexpr std::string_view open = "<|channel>", close = "<channel|>";
            std::string out;
            for (;;)
            {
                auto const end = text.find(close);
                auto const piece = text.substr(0, end);
                out += piece.substr(0, piece.find(open));
                if (end == text.npos) { return std::string(python::strip(out)); }
                text.remove_prefix(end + close.size());
            }
        }

        class chat_renderer
        {
        public:
            chat_renderer(template_rules const& rules, chat_request const& request)
                : m_rules(rules)
                , m_request(request)
                , m_messages(request.messages)
            {}

            std::vector<chat_segment> run()
            {
                m_out.fixed("<bos>");
                system_block();
                for (std::size_t i = 0; i != m_messages.size(); ++i)
                {
                    if (jinja::equals(m_messages[i].find("role"), "user"))
                    {
                        m_last_user = std::ptrdiff_t(i);
                    }
                }
                for (std::size_t i = 0; i != m_messages.size(); ++i) { turn(i); }
                if (m_request.options.add_generation_prompt) { generation_prompt(); }
                return m_out.take();
            }

        private:
            enum class block
            {
                other,
                call,
                response
            };

            static bool is_role(json_value const& message, std::string_view role)
            {
                return jinja::equals(message.find("role"), role);
            }

            void system_block()
            {
                auto const& first = m_messages.front();
                bool const has_text = is_role(first, "system") || is_role(first, "developer");
                bool const think = m_request.options.enable_thinking;
                if (!think && m_request.tools.empty() && !has_text) { return; }
                m_out.fixed("<|turn>system\n");
                if (think) { m_out.fixed(m_rules.newline_after_think ? "<|think|>\n" : "<|think|>"); }
                if (has_text)
                {
                    system_text(first.find("content"));
                    m_messages = m_messages.subspan(1);
                }
                for (auto const& tool : m_request.tools) { tool_writer(m_out, m_rules).write(tool); }
                m_out.fixed("<turn|>\n");
            }

            void system_text(json_value const* content)
            {
                if (jinja::is_string(content) || !m_rules.system_parts)
                {
                    m_out.content(python::strip(jinja::printed(content)));
                }
                else if (jinja::is_sequence(content))
                {
                    for (auto const& part : jinja::items(content, "the content of a message"))
                    {
                        m_out.content(python::strip(jinja::printed(part.find("text"))));
                        m_out.fixed(" ");
                    }
                }
            }

            void turn(std::size_t at)
            {
                auto const& message = m_messages[at];
                if (m_rules.folds_tool_messages && is_role(message, "tool")) { return; }
                bool const assistant = is_role(message, "assistant");
                bool const model = assistant || is_role(message, "model");
                auto const* const calls = message.find("tool_calls");

                bool const joined =
                    (m_rules.joining == turn_joining::after_assistant && model && m_after_assistant)
                    || (m_rules.joining == turn_joining::calls_after_response && m_last == block::response
                        && jinja::truthy(calls));
                if (!joined)
                {
                    m_out.fixed("<|turn>");
                    if (assistant) { m_out.fixed("model"); }
                    else { m_out.content(jinja::text(message.find("role"), "the role of a message")); }
                    m_out.fixed("\n");
                }
                m_last = block::other;
                m_after_assistant = assistant;

                thought(message, at);
                if (jinja::truthy(calls))
                {
                    for (auto const& call : jinja::items(calls, "tool_calls")) { write_call(call); }
                    m_last = block::call;
                }
                bool const answered = responses(message, at);
                auto const body = content(message.find("content"), model);
                bool const blank = std::ranges::all_of(body, [](chat_segment const& s)
                                                       { return python::strip(s.text).empty(); });
                m_out.append(body);
                close(message, at, model, answered, blank);
            }

            void thought(json_value const& message, std::size_t at)
            {
                bool const current = std::ptrdiff_t(at) > m_last_user;
                bool const calls = jinja::truthy(message.find("tool_calls"));
                auto const* text = message.find("reasoning");
                if (m_rules.thoughts == history_thoughts::with_calls_unspaced || !jinja::truthy(text))
                {
                    text = message.find("reasoning_content");
                }
                if (!jinja::truthy(text)) { return; }
                switch (m_rules.thoughts)
                {
                case history_thoughts::none: return;
                case history_thoughts::with_calls_unspaced:
                    if (!calls || !current) { return; }
                    m_out.fixed("<|channel>thought\n");
                    m_out.content(jinja::printed(text));
                    m_out.fixed("<channel|>");
                    return;
                case history_thoughts::with_calls:
                    if (!calls || !current) { return; }
                    break;
                case history_thoughts::current_turn:
                    if (!current && !(m_request.options.preserve_thinking && calls)) { return; }
                    break;
                }
                m_out.fixed("<|channel>thought\n");
                m_out.content(jinja::text(text, "the reasoning of a message"));
                m_out.fixed("\n<channel|>");
            }

            void write_call(json_value const& call)
            {
                auto const* const function = jinja::item(&call, "function", "a tool call");
                m_out.fixed("<|tool_call>call:");
                m_out.content(jinja::text(jinja::item(function, "name", "a tool call's function"),
                                          "the name of a call"));
                m_out.fixed("{");
                auto const* const arguments = function->find("arguments");
                if (jinja::is_object(arguments)) { write_members(m_out, arguments, m_rules.null_word); }
                else if (m_rules.string_arguments)
                {
                    if (jinja::is_string(arguments)) { m_out.content(*arguments->as_string()); }
                }
                else if (!arguments || !arguments->is_null())
                {
                    jinja::refuse("the arguments of a call", "an object", arguments);
                }
                m_out.fixed("}<tool_call|>");
            }

            // Whether any was written.
            bool responses(json_value const& message, std::size_t at)
            {
                if (auto const* const own = message.find("tool_responses"); jinja::truthy(own))
                {
                    for (auto const& response : jinja::items(own, "tool_responses"))
                    {
                        auto const* const name = response.find("name");
                        bool const unknown = m_rules.unknown_for_empty_name ? !jinja::truthy(name) : !name;
                        write_response(unknown ? "unknown" : jinja::text(name, "the name of a tool response"),
                                       response.find("response"));
                    }
                    m_last = block::response;
                    return true;
                }
                auto const* const calls = message.find("tool_calls");
                if (!m_rules.folds_tool_messages || !jinja::truthy(calls)) { return false; }
                bool any = false;
                for (auto i = at + 1; i != m_messages.size() && is_role(m_messages[i], "tool");
                     ++i, any = true)
                {
                    tool_message(jinja::items(calls, "tool_calls"), m_messages[i]);
                    m_last = block::response;
                }
                return any;
            }

            void tool_message(std::vector<json_value> const& calls, json_value const& message)
            {
                static json_value const unknown("unknown");
                static json_value const null;
                auto const* name = message.find("name");
                if (m_rules.unknown_for_empty_name && !jinja::truthy(name)) { name = &unknown; }
                for (auto const& call : calls)
                {
                    if (jinja::same(jinja::get(call, "id", "a tool call"), message.find("tool_call_id")))
                    {
                        name = call.find("function")->find("name");
                    }
                }
                auto const& tool = jinja::text(name, "the name of a tool message");
                auto const* const body = message.find("content");
                if (!body || jinja::is_string(body) || !jinja::is_sequence(body))
                {
                    return write_response(tool, body ? body : &null);
                }
                auto const parts = jinja::items(body, "the content of a tool message");
                std::string text;
                for (auto const& part : parts)
                {
                    if (!jinja::equals(jinja::get(part, "type", "a part of a tool message"), "text"))
                    {
                        continue;
                    }
                    text += jinja::text(part.find("text"), "the text of a tool message");
                }
                json_value const joined(text);
                write_response(tool, &joined);
                if (!m_rules.media_of_responses) { return; }
                for (auto const& part : parts) { media(m_out, part.find("type")); }
            }

            void write_response(std::string_view name, json_value const* response)
            {
                m_out.fixed("<|tool_response>response:");
                m_out.content(name);
                m_out.fixed("{");
                if (jinja::is_object(response)) { write_members(m_out, response, m_rules.null_word); }
                else
                {
                    m_out.fixed("value:");
                    write_value(m_out, response, value_keys::bare, m_rules.null_word);
                }
                m_out.fixed("}<tool_response|>");
            }

            // Whether `type` is one of media.
            bool media(segment_writer& out, json_value const* type) const
            {
                auto const is = [&](std::string_view name, std::string_view alias) {
                    return jinja::equals(type, name) || (m_rules.media_aliases && jinja::equals(type, alias));
                };
                auto const placed = [&](std::string_view token)
                {
                    out.fixed(m_rules.image_and_video_margin);
                    out.fixed(token);
                    out.fixed(m_rules.image_and_video_margin);
                };
                if (is("image", "image_url")) { placed("<|image|>"); }
                else if (is("video", "video")) { placed("<|video|>"); }
                else if (is("audio", "input_audio")) { out.fixed("<|audio|>"); }
                else { return false; }
                return true;
            }

            std::vector<chat_segment> content(json_value const* content, bool model)
            {
                segment_writer out;
                auto const write = [&](json_value const* text)
                {
                    if (model)
                    {
                        out.content(without_thoughts(jinja::text(text, "the text of a model's message")));
                    }
                    else { out.content(python::strip(jinja::printed(text))); }
                };
                if (jinja::is_string(content)) { write(content); }
                else if (jinja::is_sequence(content))
                {
                    for (auto const& part : jinja::items(content, "the content of a message"))
                    {
                        if (m_rules.strict_parts && !part.as_object())
                        {
                            jinja::refuse("a part of a message's content", "an object", &part);
                        }
                        auto const* const type = part.find("type");
                        if (jinja::equals(type, "text")) { write(part.find("text")); }
                        else if (media(out, type) && m_rules.media_ends_block) { m_last = block::other; }
                    }
                }
                return out.take();
            }

            void close(json_value const& message, std::size_t at, bool model, bool answered, bool blank)
            {
                if (m_rules.open_response && m_last == block::call && !answered)
                {
                    return m_out.fixed("<|tool_response>");
                }
                if (!m_rules.looks_ahead)
                {
                    if (!answered || jinja::truthy(message.find("content"))) { m_out.fixed("<turn|>\n"); }
                    return;
                }
                auto const next = std::find_if(m_messages.begin() + std::ptrdiff_t(at) + 1, m_messages.end(),
                                               [](json_value const& m) { return !is_role(m, "tool"); });
                bool const last = next == m_messages.end();
                bool const continues = model && !last && is_role(*next, "assistant")
                                       && (answered || !jinja::truthy(message.find("tool_calls")));
                if (!continues && !(answered && blank && last)) { m_out.fixed("<turn|>\n"); }
            }

            void generation_prompt()
            {
                bool const think = m_request.options.enable_thinking;
                bool const opens =
                    m_last == block::other || (m_last == block::call && m_rules.prompt_after_calls);
                if (opens) { m_out.fixed("<|turn>model\n"); }
                if (!think && m_rules.empty_thought && (opens || m_rules.empty_thought_always))
                {
                    m_out.fixed("<|channel>thought\n<channel|>");
                }
                if (think && m_last == block::response && m_rules.thought_after_response)
                {
                    m_out.fixed("<|channel>thought\n");
                }
            }

            template_rules const& m_rules;
            chat_request const& m_request;
            std::span<json_value const> m_messages;
            segment_writer m_out;
            std::ptrdiff_t m_last_user = -1;
            block m_last = block::other;
            bool m_after_assistant = false;
        };
    }

    GEMMA4_CODE std::vector<chat_segment> render_segments(chat_template const& format,
                                                          chat_request const& request)
    {
        return detail::chat_renderer(format.rules, request).run();
    }

    GEMMA4_CODE std::string render(chat_template const& format, chat_request const& request)
    {
        return text_of(render_segments(format, request));
    }

    GEMMA4_CODE bool starts_in_thought(std::span<chat_segment const> prompt) noexcept
    {
        return prompt.size() >= 2 && prompt[prompt.size() - 2].text == "<|channel>"
               && prompt.back().text == "thought\n";
    }
}
