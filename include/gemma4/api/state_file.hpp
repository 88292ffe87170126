// A conversation in a file: what was said, its tokens, and the keys and values that go on from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/compute_policy.hpp>
#include <gemma4/api/conversation.hpp>
#include <gemma4/api/medium.hpp>
#include <gemma4/api/session_options.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/io/saved_state.hpp>
#include <gemma4/io/sealed_file.hpp>
#include <gemma4/io/weight_precision.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::string_view state_file_magic = "g4state\n";
    inline constexpr std::uint64_t state_file_version = 2;

    // What a state can be used with.
    struct state_stamp
    {
        std::string variant;
        std::uint64_t weights = 0;    // weight_fingerprint; 0: random weights
        std::uint64_t tokens = 0;     // tokenizer_fingerprint; 0: none
        std::string compute{};        // way_to_compute

        bool operator==(state_stamp const&) const = default;
    };

    // What the bits of keys, values and logits depend on besides the weights. The exact path takes weights as
    // they are stored, whatever the precision asked for.
    GEMMA4_CODE std::string way_to_compute(compute_mode mode, weight_precision weights);

    GEMMA4_CODE std::uint64_t tokenizer_fingerprint(tokenizer const& tokens);

    template <text_model M>
    struct saved_conversation
    {
        session_options options;    // tools without their functions
        std::vector<json_value> messages;
        std::vector<medium> media;
        std::vector<token_id> tokens;
        std::vector<soft_run> soft;
        state<M> past;
    };

    namespace detail
    {
        GEMMA4_CODE void write_all(sealed_writer& to, std::span<json_value const> values);

        GEMMA4_CODE std::vector<json_value> read_all(sealed_reader& from);

        // Media of the messages, and the soft tokens in the places of tokens: each block of rows once.
        GEMMA4_CODE void write_media(sealed_writer& to, std::span<medium const> media,
                                     std::span<soft_run const> soft);

        GEMMA4_CODE std::pair<std::vector<medium>, std::vector<soft_run>>
        read_media(sealed_reader& from, std::size_t width, std::size_t tokens);
    }

    // Replaces the file as a whole. Throws file_error.
    template <text_model M>
    void write_state_file(std::filesystem::path const& path, state_stamp const& stamp,
                          session_options const& options, std::vector<json_value> const& messages,
                          conversation<M> const& from)
    {
        sealed_writer to(path, state_file_magic, state_file_version);
        to.text(stamp.variant);
        to.number(stamp.weights);
        to.number(stamp.tokens);
        to.text(stamp.compute);
        to.text(options.system);
        to.number(options.mask_calls);
        to.number(options.thinking);
        to.number(options.preserve_thinking);
        to.number(options.in_content == special_tokens::recognise);
        std::vector<json_value> tools;
        for (auto const& tool : options.tools)
        {
            tools.push_back(json_value::object{{"name", tool.name}, {"declaration", tool.declaration}});
        }
        detail::write_all(to, tools);
        detail::write_all(to, messages);
        to.number(from.tokens.size());
        for (auto const id : from.tokens) { to.number(std::uint64_t(id)); }
        detail::write_media(to, from.media, from.soft);
        saved_state<M>::write(from.past, to);
        to.finish();
    }

    // From the bytes of a file; `file` names them in errors. Throws file_error (no state file, of another
    // version, damaged), mismatch_error (of another model, or another way to compute it), capacity_error
    // (longer than the context).
    template <text_model M>
    saved_conversation<M> read_state(std::span<std::byte const> bytes, std::string_view file,
                                     state_stamp const& stamp, state_options const& options,
                                     std::pmr::memory_resource* memory)
    {
        sealed_reader from(bytes, file, state_file_magic, state_file_version);
        auto const demand = [&](std::string_view what, auto const& found, auto const& expected)
        {
            if (found == expected) { return; }
            throw mismatch_error(
                sentence(file, " was saved with ", what, " ", found, ", but this engine has ", expected));
        };
        demand("the model", from.text(), std::string_view(stamp.variant));
        demand("weights of fingerprint", from.number(), stamp.weights);
        demand("a tokenizer of fingerprint", from.number(), stamp.tokens);
        demand("the way to compute:", from.text(), std::string_view(stamp.compute));

        session_options said;
        said.system = from.text();
        said.mask_calls = from.number(1, "mask_calls") != 0;
        said.thinking = from.number(1, "thinking") != 0;
        said.preserve_thinking = from.number(1, "preserve_thinking") != 0;
        said.in_content =
            from.number(1, "in_content") != 0 ? special_tokens::recognise : special_tokens::as_text;
        for (auto& tool : detail::read_all(from))
        {
            auto const* const name = tool.find("name");
            auto const* const declaration = tool.find("declaration");
            if (!name || !name->as_string() || !declaration) { from.damaged("a tool is none"); }
            said.tools.push_back({*name->as_string(), *declaration, {}});
        }
        auto messages = detail::read_all(from);
        std::vector<token_id> tokens(from.count(8, "a number of tokens"));
        for (auto& id : tokens) { id = token_id(from.number(M::text.vocab - 1, "a token")); }
        auto [media, soft] = detail::read_media(from, M::text.hidden, tokens.size());
        auto past = saved_state<M>::read(from, options, memory);
        if (past.size() > tokens.size())
        {
            from.damaged(sentence("it holds ", tokens.size(), " tokens and the keys of ", past.size()));
        }
        from.end();
        return {std::move(said),   std::move(messages), std::move(media),
                std::move(tokens), std::move(soft),     std::move(past)};
    }
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/state_file_code.hpp>
#endif
