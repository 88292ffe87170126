// Sound files: WAV of plain samples always; other WAV, FLAC, Ogg, MP3, AIFF and what else libsndfile knows in
// the component gemma4::audio (GEMMA4_HAS_SNDFILE).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/codecs/file_kind.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/audio_limits.hpp>
#include <gemma4/media/wav.hpp>
#include <gemma4/media/waveform.hpp>

#if defined(GEMMA4_HAS_SNDFILE)
#include <sndfile.h>
#endif

namespace gemma4::inline v0
{
#if defined(GEMMA4_HAS_SNDFILE)
    namespace detail
    {
        // The bytes of a file in memory, as libsndfile reads them.
        struct memory_file
        {
            std::span<std::byte const> bytes;
            std::size_t at = 0;

            static sf_count_t size(void* self)
            {
                return sf_count_t(static_cast<memory_file*>(self)->bytes.size());
            }

            static sf_count_t seek(sf_count_t offset, int whence, void* self)
            {
                auto& file = *static_cast<memory_file*>(self);
                auto const end = sf_count_t(file.bytes.size());
                auto const base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? sf_count_t(file.at) : end;
                if (offset < -base || offset > end - base) { return -1; }
                file.at = std::size_t(base + offset);
                return base + offset;
            }

            static sf_count_t read(void* to, sf_count_t count, void* self)
            {
                auto& file = *static_cast<memory_file*>(self);
                auto const n =
                    std::min(file.bytes.size() - file.at, std::size_t(std::max<sf_count_t>(count, 0)));
                if (n != 0) { std::memcpy(to, file.bytes.data() + file.at, n); }
                file.at += n;
                return sf_count_t(n);
            }

            static sf_count_t write(void const*, sf_count_t, void*) { return 0; }
            static sf_count_t tell(void* self) { return sf_count_t(static_cast<memory_file*>(self)->at); }
        };

        inline waveform read_with_sndfile(std::span<std::byte const> bytes, std::string_view name,
                                          audio_limits const& limits)
        {
            memory_file source{bytes};
            SF_VIRTUAL_IO io{memory_file::size, memory_file::seek, memory_file::read, memory_file::write,
                             memory_file::tell};
            SF_INFO info{};
            std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> const file(
                sf_open_virtual(&io, SFM_READ, &info, &source), sf_close);
            if (!file || info.channels <= 0 || info.samplerate <= 0)
            {
                std::string reason = sf_strerror(file.get());
                while (!reason.empty() && (reason.back() == '.' || reason.back() == '\n'))
                {
                    reason.pop_back();
                }
                throw file_error(sentence(name, " cannot be read as a sound file (it begins like format ",
                                          file_kind_of(bytes).format, "): ", reason));
            }
            waveform sound{
                .rate = std::size_t(info.samplerate), .channels = std::size_t(info.channels), .samples = {}};
            // The length a header states may be a lie or unknown: read until there is no more.
            std::vector<float> block(std::size_t(8192) * sound.channels);
            for (;;)
            {
                auto const frames = sf_readf_float(file.get(), block.data(), 8192);
                if (frames <= 0) { break; }
                auto const count = std::size_t(frames) * sound.channels;
                if (count > limits.max_samples - sound.samples.size())
                {
                    throw file_error(
                        sentence(name, " has more samples than the limit of ", limits.max_samples));
                }
                sound.samples.insert(sound.samples.end(), block.begin(),
                                     block.begin() + std::ptrdiff_t(count));
            }
            if (sf_error(file.get()) != SF_ERR_NO_ERROR)
            {
                throw file_error(sentence(name, " is damaged after ", sound.frames(),
                                          " frames: ", sf_strerror(file.get())));
            }
            if (sound.samples.empty()) { throw file_error(sentence(name, " has no samples")); }
            for (std::size_t i = 0; i != sound.samples.size(); ++i)
            {
                if (!std::isfinite(sound.samples[i]))
                {
                    throw file_error(sentence(name, " has a sample ", i, " that is not finite"));
                }
            }
            return sound;
        }
    }
#endif

    // All samples of a sound file in memory, `name` being what errors call it. file_error where it is
    // damaged, of a format that this build cannot read, or above the limits.
#if defined(GEMMA4_HAS_SNDFILE)
    inline namespace with_sndfile
    {
        inline constexpr bool reads_all_sound_files = true;

        // Plain WAV is read here, to the same samples as libsndfile's; the rest of it there.
        inline waveform read_audio(std::span<std::byte const> bytes, std::string_view name,
                                   audio_limits const& limits = {})
        {
            if (file_kind_of(bytes).format != "WAV") { return detail::read_with_sndfile(bytes, name, limits); }
            std::string not_plain;
            try
            {
                return read_wav(bytes, name, limits);
            }
            catch (file_error const& e)
            {
                not_plain = e.what();
            }
            try
            {
                return detail::read_with_sndfile(bytes, name, limits);
            }
            catch (file_error const& e)
            {
                throw file_error(sentence(not_plain, " (libsndfile: ", e.what(), ")"));
            }
        }
#else
    inline namespace without_sndfile
    {
        inline constexpr bool reads_all_sound_files = false;

        inline waveform read_audio(std::span<std::byte const> bytes, std::string_view name,
                                   audio_limits const& limits = {})
        {
            auto const kind = file_kind_of(bytes);
            if (kind.format == "WAV") { return read_wav(bytes, name, limits); }
            throw file_error(
                sentence(name, " is ", kind.known() ? kind.noun : "a file", " of format ", kind.format,
                         ", expected WAV: this build reads no other (the component gemma4::audio with "
                         "libsndfile does)"));
        }
#endif

        inline waveform read_audio(std::filesystem::path const& path, audio_limits const& limits = {})
        {
            return read_audio(read_bytes(path, limits), path.string(), limits);
        }
    }
}
