// What api/state_file.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include <gemma4/api/state_file.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/checksum.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::string way_to_compute(compute_mode mode, weight_precision weights)
    {
        if (mode == compute_mode::exact) { return "the exact path"; }
        constexpr char const* names[] = {"weights as stored", "float32 weights", "bfloat16 weights",
                                         "int8 weights", "int4 weights"};
        return sentence("the fast path with ", names[std::size_t(weights)]);
    }

    GEMMA4_CODE std::uint64_t tokenizer_fingerprint(tokenizer const& tokens)
    {
        std::string all;
        for (std::size_t id = 0; id != tokens.size(); ++id)
        {
            all += tokens.piece(token_id(id));
            all += '\0';
        }
        return checksum(std::as_bytes(std::span(all)));
    }

    namespace detail
    {
        GEMMA4_CODE void write_all(sealed_writer& to, std::span<json_value const> values)
        {
            to.number(values.size());
            for (auto const& value : values) { to.text(to_json(value)); }
        }

        GEMMA4_CODE std::vector<json_value> read_all(sealed_reader& from)
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

        GEMMA4_CODE void write_media(sealed_writer& to, std::span<medium const> media,
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

        GEMMA4_CODE std::pair<std::vector<medium>, std::vector<soft_run>>
        read_media(sealed_reader& from, std::size_t width, std::size_t tokens)
        {
            std::vector<std::shared_ptr<soft_tokens const>> rows(from.count(16, "a number of soft tokens"));
            for (auto& one : rows)
            {
                soft_tokens read;
                read.count = from.count(width * sizeof(float), "a number of soft tokens");
                read.width = std::size_t(from.number(width, "a width"));
                if (read.width != width) { from.damaged("soft tokens of another width"); }
                if (read.count == 0) { from.damaged("a medium without soft tokens"); }
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
}
