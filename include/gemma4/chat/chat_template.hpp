// The chat templates that Gemma 4 checkpoints were published with: what each does, as data, and how one is
// recognised.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    // When an assistant message continues the model turn before it, without a header of its own.
    enum class turn_joining
    {
        never,
        calls_after_response,
        after_assistant
    };

    // Which thoughts of the history are written.
    enum class history_thoughts
    {
        none,
        with_calls_unspaced,    // as with_calls, but only reasoning_content and no newline after it
        with_calls,             // beside calls after the last user message
        current_turn            // all after the last user message; on request, beside all calls
    };

    // Every difference between the templates. The default is the current one of the small checkpoints.
    struct template_rules
    {
        // system block
        bool newline_after_think = true;
        bool system_parts = true;    // a list of parts is read; else printed as Python prints a list

        // tool declarations
        bool all_property_names = true;     // properties named like description, type, ... are kept
        bool nullable_first = false;        // before enum, properties and items
        bool comma_before_block = false;    // before properties and items always, after them never

        // values and calls
        std::string_view null_word = "null";
        bool string_arguments = false;    // arguments of another kind than object: text as it is, or nothing
        bool folds_tool_messages = true;    // tool messages are responses in the model's turn, not turns
        bool unknown_for_empty_name = true;
        bool media_of_responses = true;

        // turns
        turn_joining joining = turn_joining::after_assistant;
        history_thoughts thoughts = history_thoughts::current_turn;
        bool open_response = true;        // a turn that ends in calls ends in <|tool_response>
        bool looks_ahead = true;          // no <turn|> where the next message continues the turn or will
        bool strict_parts = true;         // a part that is no object is an error
        bool media_aliases = true;        // image_url, input_audio
        bool media_ends_block = false;    // after media the turn counts neither as call nor as response
        std::string_view image_and_video_margin = "";

        // generation prompt
        bool empty_thought = false;            // with thinking off
        bool empty_thought_always = false;     // the same, also after a response
        bool thought_after_response = true;    // with thinking on
        bool prompt_after_calls = false;       // a model turn is opened also after unanswered calls
    };

    struct chat_template
    {
        std::string_view name;
        template_rules rules;
        std::string_view sha256;    // of chat_template.jinja
        std::string_view used_by;
    };

    namespace detail
    {
        constexpr template_rules canonical_rules(bool large)
        {
            template_rules rules;
            rules.empty_thought = large;
            return rules;
        }

        constexpr template_rules april_rules(bool large)
        {
            template_rules rules;
            rules.system_parts = false;
            rules.all_property_names = false;
            rules.null_word = "None";
            rules.string_arguments = true;
            rules.unknown_for_empty_name = false;
            rules.media_of_responses = false;
            rules.thoughts = history_thoughts::with_calls;
            rules.looks_ahead = false;
            rules.strict_parts = false;
            rules.media_aliases = false;
            rules.media_ends_block = true;
            rules.empty_thought = large;
            rules.thought_after_response = false;
            return rules;
        }

        constexpr template_rules interleaved_rules()
        {
            auto rules = april_rules(true);
            rules.nullable_first = true;
            rules.comma_before_block = true;
            rules.folds_tool_messages = false;
            rules.joining = turn_joining::calls_after_response;
            rules.thoughts = history_thoughts::with_calls_unspaced;
            rules.open_response = false;
            rules.empty_thought_always = true;
            rules.prompt_after_calls = true;
            return rules;
        }

        constexpr template_rules launch_rules()
        {
            auto rules = interleaved_rules();
            rules.newline_after_think = false;
            rules.joining = turn_joining::never;
            rules.thoughts = history_thoughts::none;
            rules.image_and_video_margin = "\n\n";
            return rules;
        }
    }

    // The names are those of the project's test data: canonical is Google's of 2026-07-09, april Google's of
    // 2026-04-10, launch the first one.
    inline constexpr std::array<chat_template, 6> known_chat_templates{
        {{"canonical-large", detail::canonical_rules(true),
          "ae53464bf3be25802b3a5b37def7fd89667067d7577049b3b2d74c4d8de4c6d4",
          "Google's for 12B, 26B-A4B and 31B since 2026-07-09"},
         {"canonical-small", detail::canonical_rules(false),
          "0a2c8073c878ab1da004bee933a998606537bbb62016310352c7285c3f01c5b5",
          "Google's for E2B and E4B since 2026-07-09"},
         {"april-large", detail::april_rules(true),
          "85a08664d16d8f3be4416c92427b3ac10df1024ac566cc0b4bc3bab409393f98",
          "Google's for 31B of 2026-04-10"},
         {"april-small", detail::april_rules(false),
          "93a71eb61044635cf7b1594b9b52b560e784505556b779cbf94b1da5d5d92905",
          "Google's for E2B of 2026-04-10"},
         {"launch", detail::launch_rules(),
          "2dfbfc7d538912f4ea11d29d85b4e25d7bc26386e53f57529f1d707c28b5828c",
          "Google's of 2026-04-02, in the first GGUF files"},
         {"llamacpp-interleaved", detail::interleaved_rules(),
          "65f93a25708c952457106a30e185ba7beffddd726121c8d7e3f3e08b23c16c67",
          "llama.cpp's own, with thoughts between calls"}}};

    // nullptr: no known template has this name.
    constexpr chat_template const* find_chat_template(std::string_view name) noexcept
    {
        for (auto const& known : known_chat_templates)
        {
            if (known.name == name) { return &known; }
        }
        return nullptr;
    }

    // The names, with commas between them.
    GEMMA4_CODE std::string chat_template_names();

    // argument_error lists the names.
    GEMMA4_CODE chat_template const& chat_template_named(std::string_view name);

    struct recognised_template
    {
        chat_template const* form = nullptr;    // null: none of the published ones
        std::string
            difference{};    // of another text: what it is, the nearest one, the first line that differs
    };

    // The published template whose file `text` is. SHA-256: no other text has that fingerprint, so equal
    // prints are equal templates. A newline more or less at the end (GGUF, tokenizer_config.json) and CR LF
    // make no difference to Jinja and none here.
    GEMMA4_CODE recognised_template recognise_chat_template(std::string_view text);

    // The current template of the variants with per-layer embeddings (E2B, E4B), or of the others.
    GEMMA4_CODE chat_template const& current_chat_template(bool per_layer_embeddings);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/chat_template_code.hpp>
#endif
