// The numbers of eyes and ears in the metadata of a GGUF file, compared with a compiled variant key by key:
// clip.* in an mmproj file, <architecture>.vision.* and .audio.* in Ollama's one-file models.
//
// Compared where the key is there; pooling, patch positions, chunks and caps are in no GGUF file. The epsilon
// of the audio tower is not compared: files have a wrong one, and llama.cpp does not read it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/io/gguf_metadata.hpp>
#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class gguf_tower_keys
        {
        public:
            // tower: "vision" or "audio"
            gguf_tower_keys(gguf_metadata const& metadata, std::string_view tower, std::string_view variant)
                : m_metadata(&metadata)
                , m_variant(variant)
            {
                auto const architecture = metadata.text("general.architecture");
                m_prefix = sentence(architecture, ".", tower, ".");
                auto const has = sentence("clip.has_", tower, "_encoder");
                if (architecture == "clip" && !metadata.boolean(has, false))
                {
                    throw mismatch_error(sentence(metadata.file(), ": metadata ", has, " is not true, but ",
                                                  variant, " is asked for its ", tower, " tower"));
                }
            }

            void size(std::string_view word, std::size_t compiled) const
            {
                auto const key = m_prefix + std::string(word);
                if (m_metadata->find(key)) { same(key, m_metadata->size(key), compiled); }
            }

            void number(std::string_view word, float compiled) const
            {
                auto const key = m_prefix + std::string(word);
                if (m_metadata->find(key)) { same(key, m_metadata->number(key), compiled); }
            }

            void text(std::string_view word, std::string_view only) const
            {
                auto const key = m_prefix + std::string(word);
                if (m_metadata->find(key)) { same(key, m_metadata->text(key), only); }
            }

        private:
            template <class T>
            void same(std::string_view key, T const& found, T const& compiled) const
            {
                if (found == compiled) { return; }
                throw mismatch_error(sentence(m_metadata->file(), ": metadata ", key, " is ", found,
                                              ", but the compiled variant ", m_variant, " has ", compiled));
            }

            gguf_metadata const* m_metadata;
            std::string_view m_variant;
            std::string m_prefix;
        };
    }

    // `hidden`: of the text model. mismatch_error for the first key that differs.
    inline void check_vision_config(vision_config const& compiled, std::size_t hidden,
                                    std::string_view variant, gguf_metadata const& metadata)
    {
        detail::gguf_tower_keys const keys(metadata, "vision", variant);
        keys.text("projector_type", "gemma4v");
        keys.size("embedding_length", compiled.hidden);
        keys.size("block_count", compiled.layers);
        keys.size("attention.head_count", compiled.heads);
        keys.size("feed_forward_length", compiled.ffn);
        keys.size("patch_size", compiled.patch);
        keys.size("projector.scale_factor", compiled.pooling);
        keys.number("attention.layer_norm_epsilon", compiled.norm_eps);
        keys.size("projection_dim", hidden);
    }

    inline void check_audio_config(audio_config const& compiled, std::string_view variant,
                                   gguf_metadata const& metadata)
    {
        detail::gguf_tower_keys const keys(metadata, "audio", variant);
        keys.text("projector_type", "gemma4a");
        keys.size("embedding_length", compiled.hidden);
        keys.size("block_count", compiled.layers);
        keys.size("attention.head_count", compiled.heads);
        keys.size("num_mel_bins", 128);
        keys.size("conv_kernel_size", compiled.conv_kernel);
    }
}
