// A conversation in a file: what was said, its tokens, and the keys and values that go on from there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
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
#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/checksum.hpp>
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
    inline std::string way_to_compute(compute_mode mode, weight_precision weights)
    {
        if (mode == compute_mode::exact) { return "the exact path"; }
        constexpr char const* names[] = {"weights as stored", "float32 weights", "bfloat16 weights",
                                         "int8 weights", "int4 weights"};
        return sentence("the fast path with ", names[std::size_t(weights)]);
    }

    inline std::uint64_t tokenizer_fingerprint(tokenizer const& tokens)
    {
        std::string all;
        for (std::size_t id = 0; id != tokens.size(); ++id)
        {
            all += tokens.piece(token_id(id));
            all += '\0';
        }
        return checksum(std::as_bytes(std::span(all)));
    }

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
        inline void write_all(sealed_writer& to, std::span<json_value const> values)
        {
            to.number(values.size());
            for (auto const& value : values) { to.text(to_json(value)); }
        }

        inline std::vector<json_value> read_all(sealed_reader& from)
        {
            std::vector<json_value> values(from.count(8, "a number of messages"));
            for (auto& value : values)
            {
                try
                {
                    value = read_json_value(from.text(), from.file());
                }
                catch (argument_error const& e)
                {
                    from.damaged(e.what());
                }
            }
            return values;
        }
    }

    namespace detail
    {
        // Media of the messages, and the soft tokens in the places of tokens: each block of rows once.
        inline void write_media(sealed_writer& to, std::span<medium const> media,
                                std::span<soft_run const> soft)
        {
            std::vector<soft_tokens const*> rows;
            auto const place = [&](std::shared_ptr<soft_tokens const> const& one)
            {
                auto const at = std::ranges::find(rows, one.get());
                if (at == rows.end()) { rows.push_back(one.get()); }
                return std::uint64_t(std::ranges::find(rows, one.get()) - rows.begin());
            };
            for (auto const& m : media)
            {
                for (auto const& run : m->runs) { (void)place(run); }
            }
            for (auto const& run : soft) { (void)place(run.rows); }

            to.number(rows.size());
            for (auto const* const one : rows)
            {
                to.number(one->count);
                to.number(one->width);
                to.bytes(std::as_bytes(std::span(one->values)));
            }
            to.number(media.size());
            for (auto const& m : media)
            {
                to.number(std::uint64_t(m->item.kind));
                to.number(m->item.seconds.size());
                to.bytes(std::as_bytes(std::span(m->item.seconds)));
                to.number(m->runs.size());
                for (auto const& run : m->runs) { to.number(place(run)); }
            }
            to.number(soft.size());
            for (auto const& run : soft)
            {
                to.number(run.first);
                to.number(run.picture);
                to.number(place(run.rows));
            }
        }

        inline std::pair<std::vector<medium>, std::vector<soft_run>>
        read_media(sealed_reader& from, std::size_t width, std::size_t tokens)
        {
            std::vector<std::shared_ptr<soft_tokens const>> rows(from.count(16, "a number of soft tokens"));
            for (auto& one : rows)
            {
                soft_tokens read;
                read.count = from.count(width * sizeof(float), "a number of soft tokens");
                read.width = std::size_t(from.number(width, "a width"));
                if (read.width != width) { from.damaged("soft tokens of another width"); }
                auto const bytes = from.bytes(read.count * read.width * sizeof(float));
                read.values.resize(read.count * read.width);
                std::memcpy(read.values.data(), bytes.data(), bytes.size());
                one = std::make_shared<soft_tokens const>(std::move(read));
            }
            auto const block = [&]
            {
                auto const at = from.number();
                if (at >= rows.size()) { from.damaged(sentence("there are no soft tokens ", at)); }
                return rows[std::size_t(at)];
            };

            std::vector<medium> media(from.count(24, "a number of media"));
            for (auto& m : media)
            {
                encoded_medium read;
                read.item.kind = media_kind(from.number(2, "a kind of medium"));
                read.item.seconds.resize(from.count(sizeof(double), "a number of frames"));
                auto const seconds = from.bytes(read.item.seconds.size() * sizeof(double));
                if (!seconds.empty())
                {
                    std::memcpy(read.item.seconds.data(), seconds.data(), seconds.size());
                }
                auto const runs = from.count(8, "a number of frames");
                auto const frames = read.item.kind == media_kind::video ? read.item.seconds.size() : 1;
                if (runs != frames) { from.damaged("a medium has another number of frames"); }
                for (std::size_t i = 0; i != runs; ++i)
                {
                    read.runs.push_back(block());
                    read.item.soft_tokens.push_back(read.runs.back()->count);
                }
                m = std::make_shared<encoded_medium const>(std::move(read));
            }

            std::vector<soft_run> soft(from.count(24, "a number of soft tokens"));
            position end = 0;
            for (auto& run : soft)
            {
                run.first = from.number(tokens, "a position");
                run.picture = from.number(1, "picture") != 0;
                run.rows = block();
                run.count = run.rows->count;
                run.fingerprint = checksum(std::as_bytes(std::span(run.rows->values)));
                if (run.first < end || run.count == 0 || run.end() > tokens)
                {
                    from.damaged("soft tokens are out of order");
                }
                end = run.end();
            }
            return {std::move(media), std::move(soft)};
        }
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
