// What api/any_model.hpp declares (core/separate.hpp).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <gemma4/api/any_model.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/io/gguf_config.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/packed_file.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The variant that differs(v.text) finds no difference of. mismatch_error, naming the nearest and
        // where it differs: there is none.
        template <class Differs>
        known_variant const& matching_variant(std::span<known_variant const> known, std::string_view what,
                                              Differs&& differs)
        {
            known_variant const* nearest = nullptr;
            config_differences least;
            std::string names;
            for (auto const& v : known)
            {
                auto found = differs(v.text);
                if (found.empty()) { return v; }
                if (!nearest || found.size() < least.size())
                {
                    nearest = &v;
                    least = std::move(found);
                }
                names += sentence(names.empty() ? "" : ", ", v.name);
            }
            if (!nearest) { throw argument_error(sentence(what, " cannot be opened: no variant is listed")); }
            throw mismatch_error(sentence(what, " describes none of the variants compiled in: ", names,
                                          "; the nearest is ", nearest->name, ", but ",
                                          differences_text(least)));
        }
    }

    GEMMA4_CODE opened_variant open_any_of(std::span<known_variant const> known,
                                           std::filesystem::path const& path, open_options const& options)
    {
        auto const location = locate_model(path);
        auto const to = with_projector(options, location);
        auto opened = [&]() -> opened_variant
        {
            auto const& where = location.path;
            if (location.kind == model_kind::gguf)
            {
                auto const file = std::make_shared<gguf_file const>(where, options.access, options.memory);
                auto const& v = detail::matching_variant(known, where.string(),
                                                         [&](text_config const& text)
                                                         { return text_differences(text, *file); });
                return {v, open_gguf(file, v.text, v.name, to)};
            }
            if (location.kind == model_kind::packed)
            {
                auto const file = std::make_shared<packed_file const>(where, options.access, options.memory);
                auto const& v = detail::matching_variant(
                    known, where.string(), [&](text_config const& text) { return file->differences(text); });
                return {v, open_packed(file, v.text, v.name, to)};
            }
            auto const config_path = where / "config.json";
            auto const config = read_json(config_path);
            auto const& v =
                detail::matching_variant(known, config_path.string(),
                                         [&](text_config const& text)
                                         { return text_differences(text, config, config_path.string()); });
            return {v, open_checkpoint(where, v.text, v.name, to)};
        }();
        say_located(opened.model, options, location);
        return opened;
    }

    GEMMA4_CODE std::unique_ptr<any_model>
    load_any_of(std::span<known_variant const> known, std::filesystem::path const& path, load_options options)
    {
        auto opened = open_any_of(known, path, options.opening());
        return opened.variant.load(std::move(opened.model), std::move(options));
    }

    GEMMA4_CODE std::unique_ptr<tool_loop>
    any_session::ask_with_tools(turn said, generation_options const& options, tool_loop_options loop)
    {
        auto first = send(std::move(said), options);
        return std::make_unique<tool_loop>(
            this->options().tools,
            [this, options](std::vector<json_value> more) { return send(std::move(more), options); },
            [this] { return messages(); }, std::move(first), std::move(loop));
    }

    GEMMA4_CODE run_result any_session::ask(std::string_view text, generation_options const& options,
                                            on_piece const& piece)
    {
        return run(send(user_turn(text), options), piece);
    }

    GEMMA4_CODE run_result any_session::complete(std::string_view text, generation_options const& options,
                                                 on_piece const& piece)
    {
        return run(extend(text, options), piece);
    }

    GEMMA4_CODE run_result any_session::complete(std::vector<token_id> prompt,
                                                 generation_options const& options, on_piece const& piece)
    {
        return run(extend(token_prompt{std::move(prompt)}, options), piece);
    }

    GEMMA4_CODE run_result any_session::run(std::unique_ptr<answer_stream> stream, on_piece const& piece)
    {
        return run_events(std::move(stream),
                          [&](answer_event const& event)
                          {
                              auto const* const text = std::get_if<answer_text>(&event);
                              if (text && piece) { piece(text->text); }
                          });
    }

    GEMMA4_CODE run_result any_session::run_events(std::unique_ptr<answer_stream> stream,
                                                   on_event const& each)
    {
        struct under_way
        {
            any_session& self;
            under_way(any_session& s, answer_stream* r)
                : self(s)
            {
                set(r);
            }
            ~under_way() { set(nullptr); }
            void set(answer_stream* r)
            {
                std::scoped_lock const lock(self.m_mutex);
                self.m_run = r;
            }
        } const guard(*this, stream.get());
        while (auto const event = stream->next_event())
        {
            if (each) { each(*event); }
        }
        return {.text = stream->said().content,
                .said = stream->said(),
                .tokens = {stream->tokens().begin(), stream->tokens().end()},
                .choices = {stream->choices().begin(), stream->choices().end()},
                .reason = stream->reason(),
                .used = stream->used()};
    }

    GEMMA4_CODE void any_session::cancel()
    {
        std::scoped_lock const lock(m_mutex);
        if (m_run) { m_run->cancel(); }
    }
}
