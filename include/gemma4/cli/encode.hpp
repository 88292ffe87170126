// gemma4 encode
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/media.hpp>
#include <gemma4/cli/out_file.hpp>
#include <gemma4/io/npy.hpp>

namespace gemma4::inline v0::cli
{
    namespace detail
    {
        // A file of rows of one width, written as they come.
        class row_file
        {
        public:
            explicit row_file(std::string path)
                : m_path(std::move(path))
            {}

            void add(std::span<float const> values, std::size_t width)
            {
                if (!m_file) { m_file.emplace(m_path, width); }
                for (std::size_t at = 0; at + width <= values.size(); at += width)
                {
                    m_file->append(values.subspan(at, width));
                }
            }

            // `width` where nothing was added.
            void finish(std::size_t width)
            {
                add({}, width);
                m_file->finish();
            }

        private:
            std::string m_path;
            std::optional<npy_writer> m_file;
        };
    }

    // The rows of one image, sound or video (its frames one after the other) at a stage of encoding.
    inline void encode(encode_command const& o, std::span<known_variant const> known, console const& io)
    {
        auto const& media = o.media;
        if (o.stage == encode_stage::pixels && !media.sounds.empty())
        {
            throw usage_error("encode --stage pixels is for images and videos; of sounds there are features");
        }
        if (o.stage == encode_stage::features && media.sounds.empty())
        {
            throw usage_error("encode --stage features is for sounds; of images and videos there are pixels");
        }
        demand_writable(o.out);
        unfinished_file const interrupted(o.out);
        auto const model = load_model(known, o.model, io);
        detail::row_file file(o.out);
        progress_bar bar(io, "encoding");
        encode_options options;
        options.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
        auto const stage = o.stage == encode_stage::tower ? tower_stage::tower : tower_stage::projected;
        std::size_t width = model->text().hidden;
        auto const add = [&](soft_tokens const& rows)
        {
            width = rows.width;
            file.add(rows.values, rows.width);
        };
        auto const picture = [&](rgb_image const& image, std::size_t budget)
        {
            auto const patches = make_patches(image, budget);
            if (o.stage != encode_stage::pixels) { return add(model->encode(patches, options, stage)); }
            model->demand_eyes();
            width = image_patches::values_per_patch;
            file.add(patches.pixels, width);
        };
        for (auto const& path : media.images)
        {
            picture(read_image(path), media.image_budget.value_or(default_image_budget));
        }
        for (auto const& path : media.sounds)
        {
            auto const features = make_features(read_clip(path));
            if (o.stage != encode_stage::features)
            {
                add(model->encode(features, options, stage));
                continue;
            }
            model->demand_ears();
            width = features.values.size() / std::max<std::size_t>(features.frames, 1);
            file.add(features.values, width);
        }
        for (auto const& path : media.videos)
        {
            for (auto const& frame : read_frames(path).frames)
            {
                picture(frame.image, media.video_budget.value_or(default_video_budget));
            }
        }
        file.finish(width);
    }
}
