// WebP files to RGB with libwebp: lossy and lossless, with alpha, the first frame of an animation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <webp/decode.h>
#include <webp/demux.h>

#include <gemma4/codecs/image_colors.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/codecs/image_orientation.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The content of the first chunk of a kind ("EXIF", "XMP "); empty when there is none.
        inline std::span<std::byte const> webp_chunk(WebPDemuxer const* demuxer, char const* kind)
        {
            WebPChunkIterator chunk{};
            std::span<std::byte const> content;
            if (WebPDemuxGetChunk(demuxer, kind, 1, &chunk) != 0)
            {
                content = std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size));
            }
            WebPDemuxReleaseChunkIterator(&chunk);
            return content;    // lies in the file's bytes
        }
    }

    // An upright RGB image on white of the bytes of a WebP file; file_error names it.
    inline rgb_image decode_webp(std::span<std::byte const> bytes, std::string_view name,
                                 image_limits const& limits = {})
    {
        auto const broken = [name](char const* what)
        { return file_error(sentence(name, " is not a readable WebP file: ", what)); };
        WebPData const data{reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()};

        auto const free_demuxer = [](WebPDemuxer* d) { WebPDemuxDelete(d); };
        std::unique_ptr<WebPDemuxer, decltype(free_demuxer)> const demuxer(WebPDemux(&data), free_demuxer);
        if (!demuxer) { throw broken("its chunks are damaged or cut"); }
        rgb_image image{WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                        WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT),
                        {}};
        check_image_sides(image.width, image.height, name, limits);
        bool const has_alpha = (WebPDemuxGetI(demuxer.get(), WEBP_FF_FORMAT_FLAGS) & ALPHA_FLAG) != 0;

        WebPAnimDecoderOptions options;
        if (WebPAnimDecoderOptionsInit(&options) == 0) { throw broken("libwebp is of another version"); }
        options.color_mode = MODE_RGBA;
        options.use_threads = 0;
        auto const free_decoder = [](WebPAnimDecoder* d) { WebPAnimDecoderDelete(d); };
        std::unique_ptr<WebPAnimDecoder, decltype(free_decoder)> const decoder(
            WebPAnimDecoderNew(&data, &options), free_decoder);
        std::uint8_t* rgba = nullptr;    // (height, width, 4), the decoder's
        int milliseconds = 0;
        if (!decoder || WebPAnimDecoderGetNext(decoder.get(), &rgba, &milliseconds) == 0)
        {
            throw broken("its first frame cannot be decoded");
        }
        image.pixels.resize(image.width * image.height * 3);
        auto* out = image.pixels.data();
        for (auto const* end = out + image.pixels.size(); out != end; out += 3, rgba += 4)
        {
            put_on_white({rgba[0], rgba[1], rgba[2], has_alpha ? rgba[3] : std::uint8_t(255)}, out);
        }

        auto const xmp = detail::webp_chunk(demuxer.get(), "XMP ");
        return upright(std::move(image),
                       image_orientation(detail::webp_chunk(demuxer.get(), "EXIF"),
                                         {reinterpret_cast<char const*>(xmp.data()), xmp.size()}));
    }
}
