// A conversation with a model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/call_masks.hpp>
#include <gemma4/api/generation.hpp>
#include <gemma4/api/medium.hpp>
#include <gemma4/api/session_options.hpp>
#include <gemma4/api/state_file.hpp>
#include <gemma4/api/tool_loop.hpp>
#include <gemma4/chat/chat_request.hpp>
#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/chat/marker.hpp>
#include <gemma4/chat/render.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/io/file_bytes.hpp>

namespace gemma4::inline v0
{
    // What is said to a model at once: messages, and the media of their placeholders in order of appearance
    // (content parts {"type": "image"}, {"type": "audio"}, {"type": "video"}).
    struct turn
    {
        std::vector<json_value> messages;
        std::vector<medium> media{};

        turn() = default;
        turn(std::vector<json_value> m, std::vector<medium> of = {})
            : messages(std::move(m))
            , media(std::move(of))
        {}
        turn(std::initializer_list<json_value> m)
            : messages(m)
        {}
    };

    // Whether one of the messages is a user's.
    GEMMA4_CODE bool has_user_message(std::span<json_value const> messages);

    // A user's message: media first, then text.
    GEMMA4_CODE turn user_turn(std::string_view text, std::vector<medium> media = {});

    // Puts a system text in front of messages, in place of one that is there; empty: takes it away.
    GEMMA4_CODE void set_system_message(std::vector<json_value>& messages, std::string_view text);

    // Owns the messages and the state of one conversation. Its tokens are always those that the chat template
    // gives for its messages; what the state holds of them already is not computed again, also where the
    // template changes what was said before (thoughts of earlier turns): a checkpoint is kept before the
    // answer. One thread at a time; several sessions share an engine. Copying is forking: both go on from the
    // same past, sharing its memory. Not while a generation of it runs.
    template <class Engine>
    class session
    {
        using M = typename Engine::variant;

    public:
        explicit session(Engine engine, std::string system = {})
            : session(std::move(engine), session_options{.system = std::move(system)})
        {}

        session(Engine engine, session_options options)
            : m_engine(std::move(engine))
            , m_options(std::move(options))
            , m_conversation(m_engine.make_state())
        {
            m_calls = calls_of(m_options);
            clear();
        }

        Engine const& model() const noexcept { return m_engine; }
        std::span<token_id const> tokens() const noexcept { return m_conversation.tokens; }
        state<M> const& past() const noexcept { return m_conversation.past; }
        session_options const& options() const noexcept { return m_options; }

        // Other options from here on. What was said stays; where the system text is another one it takes the
        // place of the old one, and the next prompt is run anew from there.
        void set_options(session_options options)
        {
            if (options.system != m_options.system)
            {
                set_system_message(m_conversation.messages, options.system);
            }
            m_calls = calls_of(options);
            m_options = std::move(options);
        }

        // What was said of the tools, one sentence each: calls that cannot be restricted as declared. (Those
        // of loading are the engine's.)
        std::vector<std::string> warnings() const
        {
            return m_calls ? m_calls->warnings() : std::vector<std::string>();
        }

        // What was said so far, as Hugging Face's messages: the system text, the host's messages, and answers
        // {role: assistant, content, reasoning, tool_calls}.
        std::vector<json_value> messages() const { return m_conversation.all_messages(rules()); }

        // Another past. What the state holds of it already is kept.
        void set_messages(turn past)
        {
            m_conversation.messages = std::move(past.messages);
            m_conversation.media = std::move(past.media);
            m_conversation.answering.reset();
        }

        // The checkpoint's own defaults: how to choose, when to stop.
        generation_options defaults() const
        {
            return {.sampling = m_engine.defaults().sampling, .stop = m_engine.defaults().stop};
        }

        // Forgets everything but the system text.
        void clear()
        {
            m_conversation.clear();
            if (m_options.system.empty()) { return; }
            m_conversation.messages.push_back(chat_message("system", m_options.system));
        }

        // The model's answer to one more turn of the user. Throws mismatch_error on a base model, and where
        // the model's chat template is none that can be rendered.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        ask(std::string_view text, generation_options options, Processors... processors)
        {
            return send(user_turn(text), std::move(options), std::move(processors)...);
        }

        auto ask(std::string_view text) { return ask(text, defaults()); }

        // An answer that is a T (grammar/field.hpp says how a type describes itself): the model can write
        // nothing else; it may think first. Throws incomplete_error where the tokens end before the value
        // does. Defined in api/typed_answer.hpp.
        template <class T>
            requires(!logits_processor<T>)
        T ask(turn said, generation_options options);

        template <class T>
            requires(!logits_processor<T>)
        T ask(std::string_view text, std::vector<medium> media = {})
        {
            return ask<T>(user_turn(text, std::move(media)), defaults());
        }

        // The same about images, sounds and videos that this model has encoded (api/medium.hpp).
        auto ask(std::string_view text, std::vector<medium> media, generation_options options)
        {
            return send(user_turn(text, std::move(media)), std::move(options));
        }

        auto ask(std::string_view text, std::vector<medium> media)
        {
            return ask(text, std::move(media), defaults());
        }

        // The model's answer to more messages: a user's, results of tools (tool_message). None: it goes on
        // from what there is. Throws argument_error where the template refuses the messages, capacity_error
        // where they do not fit; the conversation has not changed then, nor where memory runs out.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>> send(turn said, generation_options options,
                                                                Processors... processors)
        {
            validate(options);
            auto& added = said.messages;
            bool const is_new_turn = has_user_message(added);
            auto all = messages();
            all.insert(all.end(), std::make_move_iterator(added.begin()),
                       std::make_move_iterator(added.end()));
            auto const segments = rendered(all, true);
            auto media = m_conversation.media;
            media.insert(media.end(), said.media.begin(), said.media.end());
            auto prompt = encoded(segments, media);
            auto const answer_at = prompt.tokens.size() - tokens_of_thought(segments);
            std::optional<open_answer> answering(
                open_answer{.parser = answer_id_parser(m_engine.tokens(), starts_in_thought(segments)
                                                                              ? starts_in::thought
                                                                              : starts_in::content)});

            auto& c = m_conversation;
            auto const cached = c.become(std::move(prompt));
            c.pin_at = answer_at;
            c.keep_pins = is_new_turn ? 0 : 1;
            auto const exchange = [&]
            {
                std::swap(c.messages, all);
                std::swap(c.media, media);
                std::swap(c.answering, answering);
            };
            exchange();
            try
            {
                return {m_engine,
                        c,
                        cached,
                        std::move(options),
                        processor_chain<Processors...>(std::move(processors)...),
                        m_options.thinking,
                        m_calls};
            }
            catch (...)
            {
                exchange();    // the tokens are made anew from the messages
                throw;
            }
        }

        // As ask(), and calls of the session's tools are run, and what they give is read by the model, until
        // it answers. The session must outlive the loop and stay where it is.
        tool_loop ask_with_tools(turn said, generation_options options, tool_loop_options loop = {})
        {
            auto const start = [this, options](turn more) -> std::unique_ptr<answer_stream>
            {
                using run = generation<Engine>;
                return std::unique_ptr<run>(new run(send(std::move(more), options)));
            };
            auto first = start(std::move(said));
            return {m_options.tools, start, [this] { return messages(); }, std::move(first), std::move(loop)};
        }

        tool_loop ask_with_tools(std::string_view text, generation_options options,
                                 tool_loop_options loop = {})
        {
            return ask_with_tools(user_turn(text), std::move(options), std::move(loop));
        }

        auto ask_with_tools(std::string_view text) { return ask_with_tools(text, defaults()); }

        // Runs what is fixed before the first question (system text, tools, messages), so that it need not be
        // run then. Nothing where there is nothing.
        void prepare()
        {
            auto all = messages();
            bool const anything = !all.empty() || !m_options.tools.empty() || m_options.thinking;
            if (!anything) { return; }
            // The template wants a message. What comes before a user's is the same for every question.
            auto const count = all.size();
            if (count == 0) { all.push_back(chat_message("user", "")); }
            auto segments = rendered(all, false);
            if (count == 0)
            {
                auto const is_turn = [](chat_segment const& s) { return s.text == "<|turn>"; };
                auto const system = std::ranges::find_if(segments, is_turn);
                segments.erase(std::find_if(system + 1, segments.end(), is_turn), segments.end());
            }
            auto& c = m_conversation;
            c.become(encoded(segments, c.media));
            c.pin_at.reset();
            while (c.waiting() != 0)
            {
                auto const step = c.next_step(m_engine.options().chunk, wanted_logits::none);
                m_engine.step(std::span(&step, 1), [](std::size_t, std::span<float>) {});
            }
        }

        // Writes the conversation to a file, in place of an old one as a whole. Not while a generation of it
        // runs. Throws file_error.
        void save(std::filesystem::path const& path) const
        {
            write_state_file(path, m_engine.stamp(), m_options, messages(), m_conversation);
        }

        // Becomes the conversation of a file, with its options, and goes on as if it had never stopped: the
        // next logits have the same bits. Functions of tools are not in the file: a tool has that of the tool
        // of the same name that this session had, and is the host's otherwise. Throws file_error (no state
        // file, of another version, damaged), mismatch_error (of another model, or another way to compute
        // it), capacity_error (longer than the context); nothing has changed then.
        void load(std::filesystem::path const& path)
        {
            file_bytes const file(path);
            auto saved = read_state<M>(file.bytes(), path.string(), m_engine.stamp(),
                                       m_conversation.past.options(), m_engine.options().memory);
            for (auto& tool : saved.options.tools)
            {
                auto const known = std::ranges::find(m_options.tools, tool.name, &tool_definition::name);
                if (known != m_options.tools.end()) { tool.call = known->call; }
            }
            auto calls = calls_of(saved.options);
            conversation<M> loaded(std::move(saved.past));
            loaded.tokens = std::move(saved.tokens);
            loaded.soft = std::move(saved.soft);
            loaded.messages = std::move(saved.messages);
            loaded.media = std::move(saved.media);
            m_options = std::move(saved.options);
            m_conversation = std::move(loaded);
            m_calls = std::move(calls);
        }

        // The continuation of raw text; bos is put in front unless it is there. The conversation becomes this
        // text.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        complete(std::string_view text, generation_options options, Processors... processors)
        {
            auto const& tokens = m_engine.tokens();
            auto const bos = tokens.find("<bos>");
            std::vector<token_id> prompt;
            tokens.encode(text, prompt, special_tokens::recognise);
            if (bos && (prompt.empty() || prompt.front() != *bos)) { prompt.insert(prompt.begin(), *bos); }
            return complete(std::move(prompt), std::move(options), std::move(processors)...);
        }

        auto complete(std::string_view text) { return complete(text, defaults()); }

        // The continuation of token ids as they are.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        complete(std::vector<token_id> prompt, generation_options options, Processors... processors)
        {
            return complete(token_prompt{std::move(prompt)}, std::move(options), std::move(processors)...);
        }

        // The same with soft tokens in the places of some.
        template <logits_processor... Processors>
        generation<Engine, processor_chain<Processors...>>
        complete(token_prompt prompt, generation_options options, Processors... processors)
        {
            validate(options);
            check_width(prompt);
            auto const cached = m_conversation.become(std::move(prompt));
            m_conversation.pin_at.reset();
            set_messages(turn());
            return {m_engine, m_conversation, cached, std::move(options),
                    processor_chain<Processors...>(std::move(processors)...)};
        }

    private:
        template_rules const& rules() const
        {
            static constexpr template_rules without_a_template{};
            auto const* const form = m_engine.chat().of(!m_options.tools.empty()).form;
            return form ? form->rules : without_a_template;
        }

        std::vector<chat_segment> rendered(std::vector<json_value> const& all, bool prompt) const
        {
            std::vector<json_value> tools;
            for (auto const& tool : m_options.tools) { tools.push_back(tool.declaration); }
            auto const& form = demand_template(m_engine.chat(), !tools.empty(), m_engine.folder().string());
            auto segments = render_segments(
                form, make_chat_request(with_tool_responses(all, form.rules), std::move(tools),
                                        {.add_generation_prompt = prompt,
                                         .enable_thinking = m_options.thinking,
                                         .preserve_thinking = m_options.preserve_thinking}));
            return segments;
        }

        // Throws argument_error where placeholders and media are not as many, or soft tokens are another
        // model's.
        token_prompt encoded(std::span<chat_segment const> segments, std::span<medium const> media) const
        {
            auto prompt =
                with_media(encode(segments, items_of(media), m_engine.tokens(), m_options.in_content), media);
            check_width(prompt);
            return prompt;
        }

        static void check_width(token_prompt const& prompt)
        {
            for (auto const& run : prompt.soft)
            {
                if (run.rows->width == M::text.hidden) { continue; }
                throw argument_error(sentence("soft tokens are ", run.rows->width, " wide, but ", M::name,
                                              " is ", M::text.hidden, ": another model has encoded them"));
            }
        }

        // Tokens of the thought that the prompt opens at its end, and perhaps closes: the history has none
        // there.
        std::size_t tokens_of_thought(std::vector<chat_segment> const& segments) const
        {
            auto const open =
                std::find_if(segments.rbegin(), segments.rend(),
                             [](chat_segment const& s)
                             { return s.kind == segment_kind::control && s.text != "<channel|>"; });
            if (open == segments.rend() || open->text != "<|channel>") { return 0; }
            return encode(std::span(segments).last(std::size_t(open - segments.rbegin()) + 1),
                          m_engine.tokens())
                .size();
        }

        // Masks of calls, where there are tools and the model has a form for calls; else null.
        std::shared_ptr<call_masks> calls_of(session_options const& options) const
        {
            if (!options.mask_calls || options.tools.empty() || m_engine.chat().base) { return {}; }
            auto const& tokens = m_engine.tokens();
            if (!tokens.find(name_of(marker::open_call))) { return {}; }
            std::vector<json_value> declarations;
            for (auto const& tool : options.tools) { declarations.push_back(tool.declaration); }
            return std::make_shared<call_masks>(
                declarations, tokens, [engine = m_engine] { return trie_of(engine); }, m_engine.options().log,
                options.call_limits);
        }

        Engine m_engine;
        session_options m_options;
        conversation<M> m_conversation;
        std::shared_ptr<call_masks> m_calls;    // forks share it
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/session_code.hpp>
#endif
