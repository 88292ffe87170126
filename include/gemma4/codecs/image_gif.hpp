// GIF files to RGB: the first frame of a still image, or all frames of an animation as Pillow composes them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/codecs/image_bytes.hpp>
#include <gemma4/codecs/image_colors.hpp>
#include <gemma4/codecs/image_gif_lzw.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    struct gif_frame
    {
        rgb_image image;
        double seconds = 0;    // how long it is shown; 0 where the file does not say
    };

    // The frames of a GIF file, one after the other, drawn over each other on one canvas in the way of
    // Pillow's GifImagePlugin, so that canvas() equals ImageSequence's frame.convert("RGB"). Every failure is
    // a file_error.
    class gif_reader
    {
    public:
        gif_reader(std::span<std::byte const> bytes, std::string_view name, image_limits const& limits = {})
            : m_reader(bytes, name)
            , m_name(name)
            , m_limits(limits)
        {
            m_reader.take(6);
            m_width = m_reader.number(2);
            m_height = m_reader.number(2);
            auto const flags = m_reader.byte();
            m_background = m_reader.byte();
            m_reader.byte();    // aspect ratio
            if ((flags & 0x80) != 0) { m_global = read_palette(flags); }
            else { m_background = 0; }
        }

        // Draws the next frame; false when there is none.
        bool next()
        {
            auto const frame = find_frame();
            if (!frame) { return false; }
            if (m_frames != 0) { dispose(); }
            draw(*frame);
            ++m_frames;
            return true;
        }

        rgb_image const& canvas() const noexcept { return m_canvas; }
        double seconds() const noexcept { return m_seconds; }

        // After the first frame: the canvas with its transparent pixels white.
        rgb_image first_on_white() const
        {
            auto image = m_canvas;
            for (std::size_t i = 0; i != m_first_transparent.size(); ++i)
            {
                if (m_first_transparent[i]) { put_grey(255, image.pixels.data() + i * 3); }
            }
            return image;
        }

    private:
        struct palette
        {
            std::size_t count = 0;    // of entries given; of a grey ramp 256
            bool is_grey = false;     // entry i is (i, i, i): Pillow does without a palette then
            color_palette colors{};
        };

        struct frame_header
        {
            std::size_t left = 0, top = 0, width = 0, height = 0;
            bool interlaced = false;
            std::optional<std::uint8_t> transparent;
            palette colors;
        };

        static palette grey_ramp()
        {
            palette out{256, true, {}};
            for (std::size_t i = 0; i != 256; ++i)
            {
                auto const v = std::uint8_t(i);
                out.colors[i] = {v, v, v, 255};
            }
            return out;
        }

        palette read_palette(std::uint8_t flags)
        {
            palette out{std::size_t(2) << (flags & 7), true, {}};
            for (std::size_t i = 0; i != out.count; ++i)
            {
                auto const rgb = m_reader.take(3);
                out.colors[i] = {std::uint8_t(rgb[0]), std::uint8_t(rgb[1]), std::uint8_t(rgb[2]), 255};
                for (auto const v : rgb) { out.is_grey = out.is_grey && std::size_t(v) == i; }
            }
            return out.is_grey ? grey_ramp() : out;
        }

        // A sub-block; empty at the terminator and where the file ends.
        std::span<std::byte const> sub_block()
        {
            if (m_reader.left() == 0) { return {}; }
            auto const size = std::size_t(m_reader.byte());
            return m_reader.take(std::min(size, m_reader.left()));
        }

        // Reads on to the next image and its header; nothing at the end of the file. Bytes between blocks are
        // skipped.
        std::optional<frame_header> find_frame()
        {
            if (m_data != 0)
            {
                m_reader.seek(m_data);
                while (!sub_block().empty()) {}
            }
            frame_header frame;
            m_next_seconds = 0;
            while (m_reader.left() != 0)
            {
                auto const mark = m_reader.byte();
                if (mark == ';') { return {}; }
                if (mark == '!') { read_extension(frame); }
                if (mark == ',')
                {
                    read_header(frame);
                    return frame;
                }
            }
            return {};
        }

        void read_extension(frame_header& frame)
        {
            if (m_reader.left() == 0) { return; }
            auto const kind = m_reader.byte();
            auto const block = sub_block();
            if (kind == 249 && block.size() >= 4)
            {
                auto const flags = std::uint8_t(block[0]);
                if ((flags & 1) != 0) { frame.transparent = std::uint8_t(block[3]); }
                m_next_seconds = double((std::size_t(block[1]) | std::size_t(block[2]) << 8) * 10) / 1000;
                // A frame that does not say how it goes away goes like the one before.
                auto const method = std::uint8_t(flags >> 2 & 7);
                if (method != 0) { m_method = method; }
            }
            if (block.empty()) { return; }
            while (!sub_block().empty()) {}
        }

        void read_header(frame_header& frame)
        {
            frame.left = m_reader.number(2);
            frame.top = m_reader.number(2);
            frame.width = m_reader.number(2);
            frame.height = m_reader.number(2);
            auto const flags = m_reader.byte();
            frame.interlaced = (flags & 0x40) != 0;
            frame.colors = (flags & 0x80) != 0 ? read_palette(flags) : m_global;
            // Pillow drops a grey ramp as "no palette", and a first frame without one falls back to the
            // file's.
            if (m_frames == 0 && frame.colors.is_grey) { frame.colors = m_global; }
            m_data = m_reader.position() + 1;    // behind the code size
            check_image_sides(frame.width, frame.height, m_name, m_limits);
            m_width = std::max(m_width, frame.left + frame.width);
            m_height = std::max(m_height, frame.top + frame.height);
            check_image_sides(m_width, m_height, m_name, m_limits);
        }

        void draw(frame_header const& frame)
        {
            auto const indices =
                read_gif_indices(m_reader, frame.width, frame.height, frame.interlaced, m_name);
            bool const is_first = m_frames == 0;
            auto const& colors = frame.colors.colors;
            if (is_first)
            {
                m_indexed = true;
                m_grey = frame.colors.is_grey;
                m_kept_transparent = frame.transparent;
                m_canvas = {m_width, m_height, {}};
                m_canvas.pixels.resize(m_width * m_height * 3);
                fill(colors[frame.transparent.value_or(0)]);
                if (frame.transparent) { m_first_transparent.assign(m_width * m_height, 1); }
            }
            else if (m_grey)
            {
                // A canvas without a palette stays one until a frame with a palette starts afresh.
                if (!frame.colors.is_grey) { fill(colors[0]); }
                m_grey = frame.colors.is_grey;
                m_indexed = true;
            }
            else
            {
                m_indexed = false;
                m_kept_transparent.reset();
            }
            if (!is_first) { grow(frame); }
            remember(frame);

            for (std::size_t y = 0; y != frame.height; ++y)
            {
                auto const at = (frame.top + y) * m_canvas.width + frame.left;
                for (std::size_t x = 0; x != frame.width; ++x)
                {
                    auto const index = indices[y * frame.width + x];
                    bool const transparent = frame.transparent == index;
                    if (is_first && frame.transparent) { m_first_transparent[at + x] = transparent; }
                    if (is_first || !transparent) { put(colors[index], at + x); }
                }
            }
            m_seconds = m_next_seconds;
        }

        void put(rgba_color color, std::size_t at)
        {
            auto* const out = m_canvas.pixels.data() + at * 3;
            out[0] = color.red;
            out[1] = color.green;
            out[2] = color.blue;
        }

        void fill(rgba_color color)
        {
            for (std::size_t i = 0; i != m_canvas.width * m_canvas.height; ++i) { put(color, i); }
        }

        // A frame that sticks out makes the canvas larger; what is new is black, or entry 0 of an opaque
        // frame.
        void grow(frame_header const& frame)
        {
            if (m_canvas.width == m_width && m_canvas.height == m_height) { return; }
            auto const old = std::move(m_canvas);
            m_canvas = {m_width, m_height, std::vector<std::uint8_t>(m_width * m_height * 3)};
            if (!m_indexed && !frame.transparent) { fill(frame.colors.colors[0]); }
            for (std::size_t y = 0; y != old.height; ++y)
            {
                std::copy_n(old.pixels.data() + y * old.width * 3, old.width * 3,
                            m_canvas.pixels.data() + y * m_width * 3);
            }
        }

        // What the frame's place will hold when it has been shown (methods: 2 background, 3 and above as
        // before).
        void remember(frame_header const& frame)
        {
            m_disposed = frame;
            m_restored.clear();
            m_disposal_color.reset();
            auto const color_of = [&](std::size_t index)
            { return frame.colors.colors[m_indexed || index < frame.colors.count ? index : 0]; };
            auto const transparent = m_kept_transparent ? m_kept_transparent : frame.transparent;
            if (m_method == 2) { m_disposal_color = color_of(transparent.value_or(m_background)); }
            else if (m_method > 2 && m_frames == 0)
            {
                if (frame.transparent) { m_disposal_color = color_of(*frame.transparent); }
            }
            else if (m_method > 2)
            {
                m_restored.resize(frame.width * frame.height * 3);
                for (std::size_t y = 0; y != frame.height; ++y)
                {
                    std::copy_n(m_canvas.pixels.data() + ((frame.top + y) * m_canvas.width + frame.left) * 3,
                                frame.width * 3, m_restored.data() + y * frame.width * 3);
                }
            }
        }

        void dispose()
        {
            auto const& f = m_disposed;
            for (std::size_t y = 0; y != f.height; ++y)
            {
                auto const at = (f.top + y) * m_canvas.width + f.left;
                if (!m_restored.empty())
                {
                    std::copy_n(m_restored.data() + y * f.width * 3, f.width * 3,
                                m_canvas.pixels.data() + at * 3);
                }
                else if (m_disposal_color)
                {
                    for (std::size_t x = 0; x != f.width; ++x) { put(*m_disposal_color, at + x); }
                }
            }
        }

        image_byte_reader m_reader;
        std::string_view m_name;
        image_limits m_limits;
        std::size_t m_width = 0, m_height = 0;    // of the canvas, the frame just read included
        std::uint8_t m_background = 0;
        palette m_global = grey_ramp();
        std::size_t m_data = 0;    // position of the sub-blocks of the frame just read; 0 before the first

        rgb_image m_canvas;
        std::size_t m_frames = 0;    // drawn
        double m_seconds = 0, m_next_seconds = 0;
        std::vector<std::uint8_t>
            m_first_transparent;    // (height, width) of the first frame; empty when opaque
        bool m_indexed = true;      // Pillow holds the canvas as indices
        bool m_grey = false;        // and without a palette
        std::optional<std::uint8_t> m_kept_transparent;

        std::uint8_t m_method = 0;
        frame_header m_disposed;
        std::optional<rgba_color> m_disposal_color;
        std::vector<std::uint8_t> m_restored;
    };

    // An RGB image on white of the first frame of a GIF file; file_error names it.
    inline rgb_image decode_gif(std::span<std::byte const> bytes, std::string_view name,
                                image_limits const& limits = {})
    {
        gif_reader reader(bytes, name, limits);
        if (!reader.next()) { throw file_error(sentence(name, " is a GIF file without an image")); }
        return reader.first_on_white();
    }

    // All frames of a GIF file; file_error names it, also when they hold more pixels together than the limit.
    inline std::vector<gif_frame> read_gif(std::span<std::byte const> bytes, std::string_view name,
                                           image_limits const& limits = {})
    {
        gif_reader reader(bytes, name, limits);
        std::vector<gif_frame> frames;
        std::size_t pixels = 0;
        while (reader.next())
        {
            pixels += reader.canvas().width * reader.canvas().height;
            if (pixels > limits.max_pixels)
            {
                throw file_error(sentence(name, " holds more than ", limits.max_pixels,
                                          " pixels, the limit, in its first ", frames.size() + 1, " frames"));
            }
            frames.push_back({reader.canvas(), reader.seconds()});
        }
        if (frames.empty()) { throw file_error(sentence(name, " is a GIF file without an image")); }
        return frames;
    }
}
